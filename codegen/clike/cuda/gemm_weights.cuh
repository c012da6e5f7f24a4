// Fragments of weights (ir/quant/fragment.go) as the registers of mma instructions: pairs of f16 or bf16, scales and offsets applied.

namespace gemm {

// Loads of weights, which keep their place among other volatile statements.
__device__ __forceinline__ unsigned load32(const unsigned char* p) {
  unsigned v;
  asm volatile("ld.global.nc.u32 %0, [%1];" : "=r"(v) : "l"(p));
  return v;
}
__device__ __forceinline__ unsigned load16(const unsigned char* p) {
  unsigned short v;
  asm volatile("ld.global.nc.u16 %0, [%1];" : "=h"(v) : "l"(p));
  return v;
}
__device__ __forceinline__ void load64(unsigned* to, const unsigned char* p) {
  asm volatile("ld.global.nc.v2.u32 {%0, %1}, [%2];" : "=r"(to[0]), "=r"(to[1]) : "l"(p));
}
__device__ __forceinline__ void load128(unsigned* to, const unsigned char* p) {
  asm volatile("ld.global.nc.v4.u32 {%0, %1, %2, %3}, [%4];" : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3]) : "l"(p));
}

// Arithmetic on pairs of f16.
__device__ __forceinline__ unsigned mul2(unsigned a, unsigned b) {
  unsigned d;
  asm("mul.rn.f16x2 %0, %1, %2;" : "=r"(d) : "r"(a), "r"(b));
  return d;
}
__device__ __forceinline__ unsigned add2(unsigned a, unsigned b) {
  unsigned d;
  asm("add.rn.f16x2 %0, %1, %2;" : "=r"(d) : "r"(a), "r"(b));
  return d;
}
__device__ __forceinline__ unsigned fma2(unsigned a, unsigned b, unsigned c) {
  unsigned d;
  asm("fma.rn.f16x2 %0, %1, %2, %3;" : "=r"(d) : "r"(a), "r"(b), "r"(c));
  return d;
}
__device__ __forceinline__ unsigned twice(float f) {
  unsigned d;
  asm("cvt.rn.f16x2.f32 %0, %1, %1;" : "=r"(d) : "f"(f));
  return d;
}

// pair has f16 numbers that are exact in both halves: an integer of up to 11 bits, times a power of two.
__device__ constexpr unsigned pair(unsigned bits) { return bits << 16 | bits; }
__device__ constexpr unsigned minus_below_2048(int n) { return pair(0xe400 + n - 1024); }      // -n, from 1024 on
__device__ constexpr unsigned minus_below_128(int n) { return pair(0xd400 + 16 * (n - 64)); }  // -n, from 64 on

// Singles are weights of 16 bits: a lane's registers as they are.
struct Singles {
  static const int HEADER = 0, UNIT = 1024, UNITS = 1, BLOCK = 1024;
  static const int AHEAD = 2;  // stages that are loaded before they are used
  unsigned r[8];

  __device__ __forceinline__ void load(const unsigned char* block, int, int lane) {
    load128(r, block + 16 * lane);
    load128(r + 4, block + 512 + 16 * lane);
  }
  __device__ __forceinline__ void expand(unsigned (&a)[2][4]) const {
#pragma unroll
    for (int i = 0; i < 8; i++) a[i / 4][i % 4] = r[i];
  }
};

// Blocks are weights of a block format: its codes' bits, the code of zero (where there are no offsets), and whether scales are
// nested and halves of a unit have their own. An object is what a lane holds of a unit, of rows g and g + 8.
template <int BITS, int ZERO, bool OFFSETS, bool NESTED, bool HALVES>
struct Blocks {
  static const int FACTORS = OFFSETS ? 64 : 32;
  static const int HEADER = NESTED ? FACTORS : 0;
  static const int SCALES = NESTED ? 32 : FACTORS;
  static const int LOW = BITS == 8 ? 512 : 256;
  static const int UNIT = SCALES + LOW + (BITS == 8 ? 0 : 64 * (BITS - 4));
  static const int UNITS = NESTED ? 8 : 1;  // in a block
  static const int BLOCK = HEADER + UNITS * UNIT;
  static const int AHEAD = 4;

  unsigned low[BITS == 8 ? 4 : 2], high;
  unsigned d, m;  // factors, a pair of f16
  unsigned s, t;  // nested: a pair of bytes each

  __device__ __forceinline__ void load(const unsigned char* block, int unit, int lane) {
    const unsigned char* u = block + HEADER + unit * UNIT;
    const unsigned char* factors = (NESTED ? block : u) + lane / 4 * 4;
    d = load32(factors);
    if (OFFSETS) m = load32(factors + 32);
    if (NESTED) {
      s = load16(u + lane / 4 * 2);
      t = load16(u + 16 + lane / 4 * 2);
    }
    if constexpr (BITS == 8) load128(low, u + SCALES + 16 * lane);
    else load64(low, u + SCALES + 8 * lane);
    if (BITS == 5) high = load16(u + SCALES + LOW + 2 * lane);
    if (BITS == 6) high = load32(u + SCALES + LOW + 4 * lane);
  }

  // scale is that of row g + 8r in step k, twice.
  __device__ __forceinline__ unsigned scale(int k, int r) const {
    if (!NESTED) return __byte_perm(d, 0, r ? 0x3232 : 0x1010);
    const int byte = (HALVES && k ? t : s) >> (8 * r) & 0xff;
    return twice(float_of_f16(d >> (16 * r)) * (float)(HALVES ? (signed char)byte : byte));
  }
  __device__ __forceinline__ unsigned offset(int r) const {
    if (!NESTED) return __byte_perm(m, 0, r ? 0x3232 : 0x1010);
    return twice(-float_of_f16(m >> (16 * r)) * (float)(t >> (8 * r) & 0xff));
  }

  // above are the bits above the low four of register i = 2p + r of step k, at those bits' place.
  __device__ __forceinline__ unsigned above(int k, int i) const {
    const int to = i < 2 ? 4 : 8, from = (BITS - 4) * (4 * k + i);
    const unsigned h = BITS == 5 ? __byte_perm(high, 0, 0x4140) : high;
    const unsigned mask = pair((BITS == 5 ? 1u : 3u) << to);
    return (to > from ? h << (to > from ? to - from : 0) : h >> (from > to ? from - to : 0)) & mask;
  }

  // code is register 2p + r of step k without its factors: the codes are put in the low bits of 1024, which f16 have.
  __device__ __forceinline__ unsigned code(int k, int p, int r) const {
    if constexpr (BITS == 8) {
      return add2(__byte_perm(low[2 * k + r], 0x64646464, p ? 0x4342 : 0x4140), minus_below_2048(1024 + ZERO));
    } else {
      unsigned c = (low[k] >> (8 * r) & (p ? 0x00f000f0 : 0x000f000f)) | pair(0x6400);
      if (BITS > 4) c |= above(k, 2 * p + r);
      return p ? fma2(c, pair(0x2c00), minus_below_128(64 + ZERO)) : add2(c, minus_below_2048(1024 + ZERO));  // 2c00: 1/16
    }
  }

  __device__ __forceinline__ void expand(unsigned (&a)[2][4]) const {
#pragma unroll
    for (int r = 0; r < 2; r++) {
#pragma unroll
      for (int k = 0; k < 2; k++) {
        const unsigned by = scale(k, r);
#pragma unroll
        for (int p = 0; p < 2; p++) a[k][2 * p + r] = OFFSETS ? fma2(code(k, p, r), by, offset(r)) : mul2(code(k, p, r), by);
      }
    }
  }
};

}  // namespace gemm
