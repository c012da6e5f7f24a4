// Products of integer codes. A vector of activations in the form of mma's B: each f32 as an integer of 22 bits times a power of two
// that the 32 elements of a unit share. The integer has three digits of 8 bits, -128 to 127, which lie in columns of their own: the
// inner products of codes with digits are exact integers, and as exact as f32 when they are put together.
//
// In prepared memory lie
//
//	factors  [unit]: the power of two; with OFFSETS then [unit]: the sum of the elements
//	digits   [unit][column][lane t][half][4], of a byte each, so that a lane's load of 8 bytes serves a unit

namespace gemv {

template <class W, int K, int WARPS>
struct Digits {
  static constexpr int THREADS = WARPS * TEAM, UNITS = K / 32, COUNT = 3;
  static constexpr int FACTORS = (4 * UNITS * (W::OFFSETS ? 2 : 1) + 15) / 16 * 16, UNIT = 32 * COUNT;
  static constexpr int SIZE = FACTORS + UNITS * UNIT;
  typedef gemv::Own<K, THREADS> Own;

  DEVICE float* factors(void* prep) { return (float*)prep; }
  DEVICE unsigned char* digits(void* prep) { return (unsigned char*)prep + FACTORS; }

  DEVICE void prepare(void* prep, const Own& x) {
#pragma unroll
    for (int n = 0; n < Own::TURNS; n++) {
      // Floats that are not negative are in order as integers, and what is no number is above all.
      unsigned most = 0;
      float sum = 0.0f;
#pragma unroll
      for (int j = 0; j < 4; j++) most = max(most, __float_as_uint(fabsf(x.v[n][j]))), sum += x.v[n][j];
      most = max(most, __shfl_xor_sync(0xffffffffu, most, 1));
      most = max(most, __shfl_xor_sync(0xffffffffu, most, 2));
      most = max(most, __shfl_xor_sync(0xffffffffu, most, 4));
      if constexpr (W::OFFSETS) {
        sum += __shfl_xor_sync(0xffffffffu, sum, 1);
        sum += __shfl_xor_sync(0xffffffffu, sum, 2);
        sum += __shfl_xor_sync(0xffffffffu, sum, 4);
      }
      // The greatest comes to lie in [2^21, 2^22).
      const int exponent = min(127 + 21 + 127 - (int)(most >> 23), 253);
      const float scale = __uint_as_float((unsigned)exponent << 23);
      if (!Own::has(4 * n)) continue;
      const int unit = Own::unit(n);
      if (threadIdx.x % 8 == 0) {
        factors(prep)[unit] = most < 0x7f800000u ? __uint_as_float((unsigned)(254 - exponent) << 23) : NOT_A_NUMBER;
        if constexpr (W::OFFSETS) factors(prep)[UNITS + unit] = sum;
      }
      split(digits(prep) + unit * UNIT + Own::quarter() * 8 + Own::half() * 4, x.v[n], scale);
    }
  }

  // split writes the digits of four elements.
  DEVICE void split(unsigned char* to, const float (&v)[4], float scale) {
    int q[4];
#pragma unroll
    for (int j = 0; j < 4; j++) q[j] = __float2int_rn(v[j] * scale);
#pragma unroll
    for (int c = 0; c < COUNT; c++) {
      *(unsigned*)(to + 32 * c) = lowest(q[0], q[1], q[2], q[3]);
#pragma unroll
      for (int j = 0; j < 4; j++) q[j] = (q[j] + 128) >> 8;  // less the digit, which is signed
    }
  }
  DEVICE unsigned lowest(int a, int b, int c, int d) {
    return __byte_perm(__byte_perm(a, b, 0x0040), __byte_perm(c, d, 0x0040), 0x5410);
  }
};

// CodeSums is what a lane adds up of a group of 16 rows: of two digits, of rows g and g+8, and what offsets give.
template <class W, int K, int WARPS>
struct CodeSums {
  typedef Digits<W, K, WARPS> X;
  Pair sum, offset;

  __device__ __forceinline__ CodeSums() : sum{0.0f, 0.0f}, offset{0.0f, 0.0f} {}

  // Operands are those of N units.
  template <int N>
  struct Operands {
    unsigned w[N][W::WORDS];
    uint2 x[N];
    float factor[N];

    __device__ __forceinline__ Operands(const unsigned char* unit, void* prep, int at, int lane) {
      const unsigned char* digits = X::digits(prep) + min(lane / 4, X::COUNT - 1) * 32 + lane % 4 * 8 + at * X::UNIT;
#pragma unroll
      for (int u = 0; u < N; u++) {
        W::load(w[u], unit + u * W::UNIT, lane);
        x[u] = *(const uint2*)(digits + u * X::UNIT);
        factor[u] = X::factors(prep)[at + u];
      }
    }
  };

  // joined puts two digits' sums together: 29 bits at most. Lanes 4g have the first two, lanes 4g+1 the third.
  static __device__ __forceinline__ Pair joined(const int (&c)[4], float factor, int lane) {
    const int second = lane % 4 == 0 ? 256 : 0;
    return {factor * (float)(c[0] + second * c[1]), factor * (float)(c[2] + second * c[3])};
  }

  static __device__ __forceinline__ void fma(Pair& to, Pair by, Pair v) {
    to.upper = fmaf(by.upper, v.upper, to.upper), to.lower = fmaf(by.lower, v.lower, to.lower);
  }

  // add adds the products of N units, of which the first meets unit at of the vector.
  template <int N>
  __device__ __forceinline__ void add(const unsigned char* unit, void* prep, int at, int lane) {
    const Operands<N> o(unit, prep, at, lane);
    Pair d[N], m[N];
#pragma unroll
    for (int u = 0; u < N; u++) {
      d[u] = pair_f16(unit + u * W::UNIT, lane / 4);
      if constexpr (W::OFFSETS) m[u] = pair_f16(unit + u * W::UNIT + 32, lane / 4);
    }
    loaded();
#pragma unroll
    for (int u = 0; u < N; u++) {
      unsigned a[4];
      int c[4];
      W::bytes(a, o.w[u]);
      mma_bytes<!W::OFFSETS>(c, a, o.x[u].x, o.x[u].y);
      fma(sum, d[u], joined(c, o.factor[u], lane));
      if constexpr (W::OFFSETS) {
        const float x = X::factors(prep)[X::UNITS + at + u];
        fma(offset, m[u], {x, x});
      }
    }
  }

  // add_block adds those of a block of 8 units with a header.
  __device__ __forceinline__ void add_block(const unsigned char* block, void* prep, int at, int lane) {
    const int g = lane / 4;
    Pair scaled = {0.0f, 0.0f}, moved = {0.0f, 0.0f};
#pragma unroll 1
    for (int u = 0; u < 8; u += 4) {
      const unsigned char* unit = block + W::HEADER + u * W::UNIT;
      const Operands<4> o(unit, prep, at + u, lane);
      Pair s[4], t[4];
#pragma unroll
      for (int i = 0; i < 4; i++) s[i] = pair_bytes<W::HALVES>(unit + i * W::UNIT, g), t[i] = pair_bytes<W::HALVES>(unit + i * W::UNIT + 16, g);
      loaded();
#pragma unroll
      for (int i = 0; i < 4; i++) {
        unsigned a[4];
        int c[4];
        W::bytes(a, o.w[i]);
        if constexpr (W::HALVES) {
          mma_half(c, a[0], a[1], o.x[i].x);
          fma(scaled, s[i], joined(c, o.factor[i], lane));
          mma_half(c, a[2], a[3], o.x[i].y);
          fma(scaled, t[i], joined(c, o.factor[i], lane));
        } else {
          mma_bytes<!W::OFFSETS>(c, a, o.x[i].x, o.x[i].y);
          fma(scaled, s[i], joined(c, o.factor[i], lane));
        }
        if constexpr (W::OFFSETS) {
          const float x = X::factors(prep)[X::UNITS + at + u + i];
          fma(moved, t[i], {x, x});
        }
      }
    }
    fma(sum, pair_f16(block, g), scaled);
    if constexpr (W::OFFSETS) {
      const Pair m = pair_f16(block + 32, g);
      fma(offset, {-m.upper, -m.lower}, moved);
    }
  }

  // total is of rows g and g+8 in lanes 4g; the others get nothing of use.
  __device__ __forceinline__ Pair total(const void*, int) const {
    const float upper = fmaf(65536.0f, __shfl_down_sync(0xffffffffu, sum.upper, 1), sum.upper);
    const float lower = fmaf(65536.0f, __shfl_down_sync(0xffffffffu, sum.lower, 1), sum.lower);
    return {fmaf(W::ONE, upper, offset.upper), fmaf(W::ONE, lower, offset.lower)};
  }
};

}  // namespace gemv
