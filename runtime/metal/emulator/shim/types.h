// <metal_stdlib> for clang in C++-for-OpenCL mode (-x clcpp -cl-std=clc++2021): a subset of the Metal Shading Language's library that
// grows by need. The files are compiled as one, in the order of clang.go's list, before the source. runner implements msl_*.
//
// nodebug: what happens within a function of the library is put down to the line that calls it.
#pragma OPENCL EXTENSION cl_khr_fp16 : enable

#define __METAL__ 1
#define __METAL_VERSION__ 310
#define __HAVE_BFLOAT__ 1
#define METAL_FUNC inline __attribute__((always_inline))
#define MSL_FUNC inline __attribute__((always_inline, nodebug))
#define MSL_CALL inline __attribute__((noinline, nodebug))  // waits for other lanes: a call costs nothing, and a copy much

// ---- address spaces: OpenCL has the same ones under other names. `kernel` is its keyword too.
#define device __global
#define constant __constant
#define threadgroup __local
#define thread __private

// ---- attributes: real annotations, so that a typo or a wrong position is an error
#define buffer(n) clang::annotate("msl.buffer", n)
#define max_total_threads_per_threadgroup(n) clang::annotate("msl.maxthreads", n)
#define thread_position_in_grid clang::annotate("msl.tpig")
#define thread_position_in_threadgroup clang::annotate("msl.tpitg")
#define thread_index_in_threadgroup clang::annotate("msl.tiitg")
#define thread_index_in_simdgroup clang::annotate("msl.tiisg")
#define threadgroup_position_in_grid clang::annotate("msl.tgpig")
#define threadgroups_per_grid clang::annotate("msl.tgpg")
#define threads_per_threadgroup clang::annotate("msl.tptg")
#define threads_per_grid clang::annotate("msl.tpg")
#define threads_per_simdgroup clang::annotate("msl.tpsg")
#define simdgroup_index_in_threadgroup clang::annotate("msl.sgitg")
#define simdgroups_per_threadgroup clang::annotate("msl.sgptg")

// ---- types
typedef unsigned char uchar;
typedef unsigned short ushort;
typedef unsigned int uint;
typedef unsigned long ulong;
typedef signed char int8_t;
typedef unsigned char uint8_t;
typedef short int16_t;
typedef unsigned short uint16_t;
typedef int int32_t;
typedef unsigned int uint32_t;
typedef long int64_t;
typedef unsigned long uint64_t;
typedef unsigned long size_t;
typedef long ptrdiff_t;
typedef __bf16 bfloat;

#define MSL_VECTOR_TYPES(T)                                                        \
  typedef T T##2 __attribute__((ext_vector_type(2)));                              \
  typedef T T##3 __attribute__((ext_vector_type(3)));                              \
  typedef T T##4 __attribute__((ext_vector_type(4)));                              \
  typedef T packed_##T##2 __attribute__((ext_vector_type(2), aligned(sizeof(T)))); \
  typedef T packed_##T##4 __attribute__((ext_vector_type(4), aligned(sizeof(T))));
MSL_VECTOR_TYPES(char)
MSL_VECTOR_TYPES(uchar)
MSL_VECTOR_TYPES(short)
MSL_VECTOR_TYPES(ushort)
MSL_VECTOR_TYPES(int)
MSL_VECTOR_TYPES(uint)
MSL_VECTOR_TYPES(long)
MSL_VECTOR_TYPES(ulong)
MSL_VECTOR_TYPES(half)
MSL_VECTOR_TYPES(float)
MSL_VECTOR_TYPES(bfloat)

// ---- constants
#define INFINITY __builtin_inff()
#define NAN __builtin_nanf("")
#define HUGE_VALF __builtin_inff()
#define FLT_MAX __FLT_MAX__
#define M_PI_F 3.14159265358979323846f
#define M_1_PI_F 0.31830988618379067154f
#define M_2_SQRTPI_F 1.12837916709551257390f
#define M_SQRT1_2_F 0.70710678118654752440f
#define M_SQRT2_F 1.41421356237309504880f
#define M_LN2_F 0.693147180559945309f
#define M_LOG2E_F 1.44269504088896340736f

// ---- what the runner implements; line is the caller's, for messages and to tell call sites apart
extern "C" {
void msl_tg_barrier(uint flags, int line);
void msl_sg_barrier(uint flags, int line);
void msl_sg_meet(int line);
// Publishes size bytes of this lane, waits for the simdgroup, returns 32 slots of size bytes.
const thread void *msl_simd_xchg(const thread void *v, uint size, thread uint *active, int line);
// 8 floats: two of each of a, b, c, and of a*b+c, which it fills in.
void msl_simd_multiply(thread float *m, int line);
uint msl_lane();
void msl_inactive_lane(int line);  // does not return
}
