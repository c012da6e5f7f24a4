// Fragments of weights that lie in group memory, as wgmma takes them when columns are in the natural order of k. Of a step's 16 elements
// a fragment has 4t to 4t+3 with lane t of four (gemm_weights.cuh); here lane t wants 2t, 2t+1, 2t+8 and 2t+9: of what lanes t/2 and
// 2+t/2 would have, the first pair or, if t is odd, the second.

#ifdef __CUDA_ARCH_FEAT_SM90_ALL
namespace gemm {

__device__ __forceinline__ unsigned shared32(unsigned at) {
  unsigned v;
  asm volatile("ld.shared.u32 %0, [%1];" : "=r"(v) : "r"(at) : "memory");
  return v;
}
__device__ __forceinline__ unsigned shared16(unsigned at) {
  unsigned short v;
  asm volatile("ld.shared.u16 %0, [%1];" : "=h"(v) : "r"(at) : "memory");
  return v;
}
__device__ __forceinline__ void shared64(unsigned* to, unsigned at) {
  asm volatile("ld.shared.v2.u32 {%0, %1}, [%2];" : "=r"(to[0]), "=r"(to[1]) : "r"(at) : "memory");
}
__device__ __forceinline__ void shared128(unsigned* to, unsigned at) {
  asm volatile("ld.shared.v4.u32 {%0, %1, %2, %3}, [%4];" : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3]) : "r"(at) : "memory");
}

// natural makes the registers of a unit, which lies at an address behind its block's header. Rows take their halves in turns, against
// bank conflicts.
__device__ __forceinline__ void natural(const Singles*, unsigned (&a)[2][4], unsigned, unsigned unit, int lane) {
  const bool turned = lane & 8;
#pragma unroll
  for (int k = 0; k < 2; k++) {
    const unsigned from = unit + 512 * k + lane / 4 * 64 + lane % 4 * 8;
    unsigned first[2], second[2];
    shared64(first, from + (turned ? 32 : 0));
    shared64(second, from + (turned ? 0 : 32));
#pragma unroll
    for (int r = 0; r < 2; r++) {
      a[k][r] = turned ? second[r] : first[r];
      a[k][2 + r] = turned ? first[r] : second[r];
    }
  }
}

template <int BITS, int ZERO, bool OFFSETS, bool NESTED, bool HALVES>
__device__ __forceinline__ void natural(const Blocks<BITS, ZERO, OFFSETS, NESTED, HALVES>*, unsigned (&a)[2][4], unsigned header, unsigned unit,
                                        int lane) {
  typedef Blocks<BITS, ZERO, OFFSETS, NESTED, HALVES> W;
  W w;
  const unsigned factors = (NESTED ? header : unit) + lane / 4 * 4;
  w.d = shared32(factors);
  if (OFFSETS) w.m = shared32(factors + 32);
  if (NESTED) {
    w.s = shared16(unit + lane / 4 * 2);
    w.t = shared16(unit + 16 + lane / 4 * 2);
  }
  const int odd = lane % 2;
#pragma unroll
  for (int h = 0; h < 2; h++) {
    const int of = lane / 4 * 4 + 2 * h + lane % 4 / 2;
    const unsigned codes = unit + W::SCALES;
    unsigned low[4], high = 0;
    if constexpr (BITS == 8) shared128(low, codes + 16 * of);
    else shared64(low, codes + 8 * of);
    if (BITS == 5) high = __byte_perm(shared16(codes + W::LOW + 2 * of), 0, 0x4140);
    if (BITS == 6) high = shared32(codes + W::LOW + 4 * of);
    high >>= 2 * (BITS - 4) * odd;
#pragma unroll
    for (int k = 0; k < 2; k++)
#pragma unroll
      for (int r = 0; r < 2; r++) {
        unsigned code;  // in the low bits of 1024
        if constexpr (BITS == 8) {
          code = __byte_perm(low[2 * k + r], 0x64646464, odd ? 0x4342 : 0x4140);
        } else {
          code = (low[k] >> (4 * odd + 8 * r) & pair(0xf)) | pair(0x6400);
          if (BITS > 4) code |= (high >> ((BITS - 4) * (4 * k + r)) & pair(BITS == 5 ? 1 : 3)) << 4;
        }
        code = add2(code, minus_below_2048(1024 + ZERO));
        a[k][2 * h + r] = OFFSETS ? fma2(code, w.scale(k, r), w.offset(r)) : mul2(code, w.scale(k, r));
      }
  }
}

}  // namespace gemm
#endif
