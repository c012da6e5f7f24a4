// Weights in the order of the registers of mma.m16n8k16: sixteen rows of a unit of 32 elements, of which lane 4g+t of a warp has
// elements 4t to 4t+3 of both halves, of rows g and g+8. Package quant has the layout.
//
// A type of fragments has
//
//	ELEMS, BYTES, HEADER, UNIT  elements a row of a block, the bytes of a block, of its header and of each unit behind that
//	WORDS                       registers for what a lane has of a unit
//	load(w, unit, lane)         loads them
//	half(a, w, s)               makes the registers of half s of the unit: 16-bit floats, or as such the codes less ZERO

#define DEVICE static __device__ __forceinline__

namespace gemv {

DEVICE unsigned add2(unsigned a, unsigned b) {
  unsigned d;
  asm("add.rn.f16x2 %0, %1, %2;" : "=r"(d) : "r"(a), "r"(b));
  return d;
}
DEVICE unsigned fma2(unsigned a, unsigned b, unsigned c) {
  unsigned d;
  asm("fma.rn.f16x2 %0, %1, %2, %3;" : "=r"(d) : "r"(a), "r"(b), "r"(c));
  return d;
}

// Floats are single elements of 16 bits.
template <bool BF16_>
struct Floats {
  static constexpr bool BF16 = BF16_, CODES = false, OFFSETS = false, NESTED = false;
  static constexpr int ELEMS = 32, HEADER = 0, UNIT = 1024, BYTES = 1024, WORDS = 8;

  DEVICE void load(unsigned (&w)[WORDS], const unsigned char* unit, int lane) {
#pragma unroll
    for (int s = 0; s < 2; s++) {
      const uint4 v = *(const uint4*)(unit + 512 * s + 16 * lane);
      w[4 * s] = v.x, w[4 * s + 1] = v.y, w[4 * s + 2] = v.z, w[4 * s + 3] = v.w;
    }
  }
  DEVICE void half(unsigned (&a)[4], const unsigned (&w)[WORDS], int s) {
#pragma unroll
    for (int i = 0; i < 4; i++) a[i] = w[4 * s + i];
  }
};

// Codes are integers of 4, 5, 6 or 8 bits with scales.
template <int BITS, int ZERO, bool OFFSETS_, bool NESTED_, bool HALVES_>
struct Codes {
  static constexpr bool BF16 = false, CODES = true, OFFSETS = OFFSETS_, NESTED = NESTED_, HALVES = HALVES_;
  static constexpr int ELEMS = NESTED ? 256 : 32, FACTORS = OFFSETS ? 64 : 32;
  static constexpr int HEADER = NESTED ? FACTORS : 0, SCALES = NESTED ? 32 : FACTORS;
  static constexpr int LOW = BITS == 8 ? 512 : 256, HIGH = BITS == 8 ? 0 : 64 * (BITS - 4);
  static constexpr int UNIT = SCALES + LOW + HIGH, BYTES = HEADER + ELEMS / 32 * UNIT;
  static constexpr int WORDS = BITS == 8 ? 4 : BITS == 4 ? 2 : 3;

  DEVICE void load(unsigned (&w)[WORDS], const unsigned char* unit, int lane) {
    if constexpr (BITS == 8) {
      const uint4 v = *(const uint4*)(unit + SCALES + 16 * lane);
      w[0] = v.x, w[1] = v.y, w[2] = v.z, w[3] = v.w;
    } else {
      const uint2 v = *(const uint2*)(unit + SCALES + 8 * lane);
      w[0] = v.x, w[1] = v.y;
    }
    if constexpr (BITS == 5) w[2] = __byte_perm(*(const unsigned short*)(unit + SCALES + LOW + 2 * lane), 0, 0x4140);
    if constexpr (BITS == 6) w[2] = *(const unsigned*)(unit + SCALES + LOW + 4 * lane);
  }

  // The low bits of 0x6400 are the integer above 1024 that this f16 is.
  static constexpr unsigned MAGIC = 0x64006400;

  DEVICE void half(unsigned (&a)[4], const unsigned (&w)[WORDS], int s) {
    constexpr unsigned less = 0xe400e400 + 0x00010001 * ZERO;  // -(1024 + ZERO), twice
    if constexpr (BITS == 8) {
#pragma unroll
      for (int r = 0; r < 2; r++) {
        a[r] = add2(__byte_perm(w[2 * s + r], MAGIC >> 8, 0x4140), less);
        a[2 + r] = add2(__byte_perm(w[2 * s + r], MAGIC >> 8, 0x4342), less);
      }
    } else {
      constexpr unsigned less64 = 0xd400d400 + 0x00100010 * ZERO, sixteenth = 0x2c002c00;
      // Pair p of row g+8r. The second pairs are sixteen times too big.
#pragma unroll
      for (int i = 0; i < 4; i++) {
        const int p = i / 2, r = i % 2;
        unsigned v = (r == 0 ? w[s] : w[s] >> 8) & 0x000f000f << (4 * p) | MAGIC;
        if constexpr (BITS > 4) {
          const int from = (BITS - 4) * (4 * s + 2 * p + r), to = 4 + 4 * p;
          const unsigned high = from < to ? w[2] << (to - from) : w[2] >> (from - to);
          v |= high & (BITS == 5 ? 0x00100010u : 0x00300030u) << (4 * p);
        }
        a[i] = p == 0 ? add2(v, less) : fma2(v, sixteenth, less64);
      }
    }
  }
};

// Pair is the factors of a lane's rows g and g+8.
struct Pair {
  float upper, lower;
};

// pair_f16 reads two f16, pair_bytes two bytes, which are signed if they are halves' scales.
DEVICE Pair pair_f16(const unsigned char* factors, int g) {
  const unsigned v = *(const unsigned*)(factors + 4 * g);
  return {float_of_f16((f16)v), float_of_f16((f16)(v >> 16))};
}
template <bool SIGNED>
DEVICE Pair pair_bytes(const unsigned char* scales, int g) {
  const unsigned v = *(const unsigned short*)(scales + 2 * g);
  if (SIGNED) return {(float)(signed char)v, (float)(signed char)(v >> 8)};
  return {(float)(v & 255), (float)(v >> 8)};
}

// mma adds to d the product of 16 rows of 16 weights with 16 activations of 8 columns. d of lane 4g+t is of row g, columns 2t and 2t+1,
// then of row g+8.
template <bool BF16>
DEVICE void mma(float (&d)[4], const unsigned (&a)[4], unsigned b0, unsigned b1) {
  if constexpr (BF16) {
    asm("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3]) : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
  } else {
    asm("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3]) : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
  }
}

}  // namespace gemv
