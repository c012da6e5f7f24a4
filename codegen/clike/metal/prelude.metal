// What emitted kernels are written in terms of. A group is a threadgroup, a team a simdgroup.
#include <metal_stdlib>
using namespace metal;

#define TEAM 32
#define INFINITE as_type<float>(0x7f800000u)
#define NOT_A_NUMBER as_type<float>(0x7fc00000u)

// Barriers are macros, so that each is at a line of its own.
#define group_barrier() threadgroup_barrier(mem_flags::mem_device | mem_flags::mem_threadgroup)
#define team_barrier() simdgroup_barrier(mem_flags::mem_device | mem_flags::mem_threadgroup)

// Kernels and small functions need not use all that they are given.
#define MAYBE_UNUSED __attribute__((unused))

// Place is who calls a function: the thread within the group, the lane within the team, the team within the group.
struct Place {
  int self, lane, team;
};

// Functions of floats, of the precision that Metal documents for them whatever the compiler is told of fast math.
inline float fminf(float a, float b) { return precise::fmin(a, b); }
inline float fmaxf(float a, float b) { return precise::fmax(a, b); }
inline float expf(float x) { return precise::exp(x); }
inline float logf(float x) { return precise::log(x); }
inline float sinf(float x) { return precise::sin(x); }
inline float cosf(float x) { return precise::cos(x); }
inline float tanhf(float x) { return precise::tanh(x); }
inline float sqrtf(float x) { return precise::sqrt(x); }
inline float rsqrtf(float x) { return precise::rsqrt(x); }

// Conversions round to nearest, ties to even.
inline half to_f16(float f) { return half(f); }
inline bfloat to_bf16(float f) { return bfloat(f); }
inline float load_f16(device const half* p) { return float(*p); }
inline float load_bf16(device const bfloat* p) { return float(*p); }

// Little-endian words of weights, by byte offset.
inline int word8(device const uchar* w, int at) { return int(w[at]); }
inline int word16(device const uchar* w, int at) { return int(*(device const ushort*)(w + at)); }
inline int word32(device const uchar* w, int at) { return *(device const int*)(w + at); }
inline int signed16(int v) { return int(short(v)); }
inline float float_of_bits(int v) { return as_type<float>(v); }

// Sums and maxima over the lanes of a team, and over a group, which has scratch for a float of each team; every lane gets the result.
inline float sum_team(float v) { return simd_sum(v); }
inline float max_team(float v) { return simd_max(v); }
template <int THREADS>
float sum_group(float v, threadgroup uchar* memory, Place place) {
  threadgroup float* const scratch = (threadgroup float*)memory;
  v = simd_sum(v);
  if (place.lane == 0) scratch[place.team] = v;
  group_barrier();
  v = 0.0f;
  for (int i = 0; i < THREADS / TEAM; i++) v += scratch[i];
  group_barrier();
  return v;
}
template <int THREADS>
float max_group(float v, threadgroup uchar* memory, Place place) {
  threadgroup float* const scratch = (threadgroup float*)memory;
  v = simd_max(v);
  if (place.lane == 0) scratch[place.team] = v;
  group_barrier();
  v = scratch[0];
  for (int i = 1; i < THREADS / TEAM; i++) v = fmaxf(v, scratch[i]);
  group_barrier();
  return v;
}
