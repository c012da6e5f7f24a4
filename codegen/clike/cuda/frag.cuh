// Weights in the order of the registers of mma.m16n8k16: sixteen rows of a unit of 32 elements, of which lane 4g+t of a warp has
// elements 4t to 4t+3 of both halves, of rows g and g+8. Package quant has the layout.
//
// A type of fragments has
//
//	ELEMS, BYTES, HEADER, UNIT  elements a row of a block, the bytes of a block, of its header and of each unit behind that
//	WORDS                       registers for what a lane has of a unit
//	load(w, unit, lane)         loads them
//
// and, for what mma multiplies with, floats have half(a, w, s), the registers of half s of the unit, and codes have bytes(a, w), those
// of both halves: the codes in the upper bits of bytes, less ZERO if it is not 0.

#define DEVICE static __device__ __forceinline__

namespace gemv {

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

// and_xor is one instruction, which (a & b) ^ c is not where two of them are constants.
DEVICE unsigned and_xor(unsigned a, unsigned b, unsigned c) {
  unsigned d;
  asm("lop3.b32 %0, %1, %2, %3, 0x6a;" : "=r"(d) : "r"(a), "r"(b), "r"(c));
  return d;
}

// Codes are integers of 4, 5, 6 or 8 bits with scales. With OFFSETS they are bytes without a sign, else those less ZERO.
template <int BITS, int ZERO, bool OFFSETS_, bool NESTED_, bool HALVES_>
struct Codes {
  static constexpr bool BF16 = false, CODES = true, OFFSETS = OFFSETS_, NESTED = NESTED_, HALVES = HALVES_;
  static constexpr int ELEMS = NESTED ? 256 : 32, FACTORS = OFFSETS ? 64 : 32;
  static constexpr int HEADER = NESTED ? FACTORS : 0, SCALES = NESTED ? 32 : FACTORS;
  static constexpr int LOW = BITS == 8 ? 512 : 256, HIGH = BITS == 8 ? 0 : 64 * (BITS - 4);
  static constexpr int UNIT = SCALES + LOW + HIGH, BYTES = HEADER + ELEMS / 32 * UNIT;
  static constexpr int WORDS = BITS == 8 ? 4 : BITS == 4 ? 2 : 3;
  static constexpr float ONE = 1.0f / (1 << (8 - BITS));  // what bytes are to be multiplied with
  static_assert(ZERO == (OFFSETS ? 0 : 1 << (BITS - 1)), "the sign bit of a byte less ZERO is the code's first, inverted");

  DEVICE void load(unsigned (&w)[WORDS], const unsigned char* unit, int lane) {
    if constexpr (BITS == 8) {
      const uint4 v = *(const uint4*)(unit + SCALES + 16 * lane);
      w[0] = v.x, w[1] = v.y, w[2] = v.z, w[3] = v.w;
    } else {
      const uint2 v = *(const uint2*)(unit + SCALES + 8 * lane);
      w[0] = v.x, w[1] = v.y;
    }
    if constexpr (BITS == 5) w[2] = *(const unsigned short*)(unit + SCALES + LOW + 2 * lane);
    if constexpr (BITS == 6) w[2] = *(const unsigned*)(unit + SCALES + LOW + 4 * lane);
  }

  static constexpr unsigned SIGN = OFFSETS ? 0 : 0x80808080;

  // bytes makes register 2s+r, row g+8r of half s: elements 4t to 4t+3 of it.
  DEVICE void bytes(unsigned (&a)[4], const unsigned (&w)[WORDS]) {
    if constexpr (BITS == 8) {
#pragma unroll
      for (int i = 0; i < 4; i++) a[i] = w[i] ^ SIGN;
    } else {
#pragma unroll
      for (int s = 0; s < 2; s++) {
        // Of the four codes of a row, the first two lie in the low nibbles of bytes r and r+2, the others in the high ones.
        constexpr unsigned nibbles = 0x0f0f0f0fu << (8 - BITS), sign = BITS == 4 ? SIGN : 0;  // others have theirs above
        const unsigned first = and_xor(w[s] << (8 - BITS), nibbles, sign), last = and_xor(w[s] >> (BITS - 4), nibbles, sign);
        a[2 * s] = __byte_perm(first, last, 0x6420), a[2 * s + 1] = __byte_perm(first, last, 0x7531);
      }
      if constexpr (BITS > 4) add_high(a, w[2]);
    }
  }

  // add_high adds the bits above the low four. Even elements have theirs in the low half of the word, odd ones in the high half (of
  // five bits, in its first byte and its second); a second pair of elements has them two fields on.
  DEVICE void add_high(unsigned (&a)[4], unsigned high) {
    constexpr int FIELD = BITS - 4;
    constexpr unsigned mask = (FIELD == 1 ? 0x80808080u : 0xc0c0c0c0u);
#pragma unroll
    for (int s = 0; s < 2; s++) {
      const unsigned pairs = FIELD == 1 ? __byte_perm(high, high >> 2, 0x5410) : __byte_perm(high, high >> 4, s ? 0x7531 : 0x6420);
#pragma unroll
      for (int r = 0; r < 2; r++) {
        const int to = 8 - FIELD - (FIELD == 1 ? 4 * s + r : 2 * r);
        a[2 * s + r] |= and_xor(pairs << to, mask, SIGN);
      }
    }
  }
};

// loaded keeps the assembler from loading a unit at a time, which saves registers and waits for each.
DEVICE void loaded() { __syncwarp(); }

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

// mma_bytes multiplies 16 rows of 32 bytes with 32 digits of 8 columns.
template <bool SIGNED>
DEVICE void mma_bytes(int (&d)[4], const unsigned (&a)[4], unsigned b0, unsigned b1) {
  if constexpr (SIGNED) {
    asm("mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%10,%10,%10,%10};"
        : "=r"(d[0]), "=r"(d[1]), "=r"(d[2]), "=r"(d[3]) : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1), "r"(0));
  } else {
    asm("mma.sync.aligned.m16n8k32.row.col.s32.u8.s8.s32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%10,%10,%10,%10};"
        : "=r"(d[0]), "=r"(d[1]), "=r"(d[2]), "=r"(d[3]) : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1), "r"(0));
  }
}

// mma_half is mma_bytes of a half of them, signed.
DEVICE void mma_half(int (&d)[4], unsigned a0, unsigned a1, unsigned b) {
  asm("mma.sync.aligned.m16n8k16.row.col.s32.s8.s8.s32 {%0,%1,%2,%3}, {%4,%5}, {%6}, {%7,%7,%7,%7};"
      : "=r"(d[0]), "=r"(d[1]), "=r"(d[2]), "=r"(d[3]) : "r"(a0), "r"(a1), "r"(b), "r"(0));
}

}  // namespace gemv
