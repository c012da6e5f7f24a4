// What emitted kernels are written in terms of. A group is a block, a team a warp. No header is included, so NVRTC needs none.

#define TEAM 32
#define INFINITE __int_as_float(0x7f800000)
#define NOT_A_NUMBER __int_as_float(0x7fc00000)

typedef unsigned short f16;   // bits
typedef unsigned short bf16;  // bits

__device__ __forceinline__ void group_barrier() { __syncthreads(); }
__device__ __forceinline__ void team_barrier() { __syncwarp(); }

// Programmatic dependent launch: the next kernel may start; what the kernels before have written is there.
__device__ __forceinline__ void launch_dependents() {
#if __CUDA_ARCH__ >= 900
  asm volatile("griddepcontrol.launch_dependents;" ::: "memory");
#endif
}
__device__ __forceinline__ void wait_for_inputs() {
#if __CUDA_ARCH__ >= 900
  asm volatile("griddepcontrol.wait;" ::: "memory");
#endif
}

// bring_near asks for rows of some bytes to be in the L2 cache soon.
template <int THREADS>
__device__ __forceinline__ void bring_near(const void* p, int stride, int rows, int bytes) {
  const int lines = (bytes + 127) / 128;
  for (int i = threadIdx.x; i < rows * lines; i += THREADS) {
    asm volatile("prefetch.global.L2 [%0];" ::"l"((const char*)p + (long long)(i / lines) * stride + i % lines * 128));
  }
}

// load_now loads where it stands.
__device__ __forceinline__ float load_now(const float* p) {
  float v;
  asm volatile("ld.global.f32 %0, [%1];" : "=f"(v) : "l"(p) : "memory");
  return v;
}

__device__ __forceinline__ float float_of_f16(f16 h) {
  float f;
  asm("cvt.f32.f16 %0, %1;" : "=f"(f) : "h"(h));
  return f;
}
__device__ __forceinline__ float float_of_bf16(bf16 h) { return __uint_as_float((unsigned)h << 16); }
__device__ __forceinline__ f16 to_f16(float f) {
  f16 h;
  asm("cvt.rn.f16.f32 %0, %1;" : "=h"(h) : "f"(f));
  return h;
}
__device__ __forceinline__ bf16 to_bf16(float f) {
  bf16 h;
  asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(h) : "f"(f));
  return h;
}
__device__ __forceinline__ float load_f16(const f16* p) { return float_of_f16(*p); }
__device__ __forceinline__ float load_bf16(const bf16* p) { return float_of_bf16(*p); }

// Little-endian words of weights, by byte offset.
__device__ __forceinline__ int word8(const unsigned char* w, int at) { return w[at]; }
__device__ __forceinline__ int word16(const unsigned char* w, int at) { return *(const unsigned short*)(w + at); }
__device__ __forceinline__ int word32(const unsigned char* w, int at) { return *(const int*)(w + at); }
__device__ __forceinline__ int signed16(int v) { return (short)v; }
__device__ __forceinline__ float float_of_bits(int v) { return __int_as_float(v); }

// Sums and maxima over the lanes of a team, and over a group; every lane gets the result.
__device__ __forceinline__ float sum_team(float v) {
#pragma unroll
  for (int d = 16; d > 0; d >>= 1) v += __shfl_xor_sync(0xffffffffu, v, d);
  return v;
}
__device__ __forceinline__ float max_team(float v) {
#pragma unroll
  for (int d = 16; d > 0; d >>= 1) v = fmaxf(v, __shfl_xor_sync(0xffffffffu, v, d));
  return v;
}
template <int THREADS>
__device__ __forceinline__ float sum_group(float v, unsigned char* memory) {
  float* const scratch = (float*)memory;
  v = sum_team(v);
  if ((threadIdx.x & 31) == 0) scratch[threadIdx.x >> 5] = v;
  __syncthreads();
  v = 0.0f;
#pragma unroll
  for (int i = 0; i < THREADS / TEAM; i++) v += scratch[i];
  __syncthreads();
  return v;
}
// A sum over the group in two steps, so that a barrier that is there for other things serves it: each team leaves its part.
__device__ __forceinline__ void leave_sum(float v, unsigned char* memory) {
  v = sum_team(v);
  if ((threadIdx.x & 31) == 0) ((float*)memory)[threadIdx.x >> 5] = v;
}
template <int THREADS>
__device__ __forceinline__ float sum_left(const unsigned char* memory) {
  float v = 0.0f;
#pragma unroll
  for (int i = 0; i < THREADS / TEAM; i++) v += ((const float*)memory)[i];
  return v;
}
template <int THREADS>
__device__ __forceinline__ float max_group(float v, unsigned char* memory) {
  float* const scratch = (float*)memory;
  v = max_team(v);
  if ((threadIdx.x & 31) == 0) scratch[threadIdx.x >> 5] = v;
  __syncthreads();
  v = scratch[0];
#pragma unroll
  for (int i = 1; i < THREADS / TEAM; i++) v = fmaxf(v, scratch[i]);
  __syncthreads();
  return v;
}
