// Products of floats. A vector of activations in the form of mma's B: each f32 as a sum of 16-bit floats, which lie in columns. Two f16 have 22 bits, three
// bf16 have 24. A vector whose columns are f16 is scaled by a power of two that takes its greatest value to [2^14, 2^15), so nothing
// overflows and what falls below f16 is less than 2^-50 of that value; the second column is 2^11 times too big.
//
// In prepared memory lie
//
//	inverse   of the scale, a float; at 64 the maxima of the warps
//	columns   [unit][column][lane t][half][4], so that a lane's load of 16 bytes serves a unit

namespace gemv {

template <class W, int K, int WARPS>
struct Columns {
  static constexpr int THREADS = WARPS * TEAM, UNITS = K / 32, COUNT = W::BF16 ? 3 : 2;
  static constexpr int HEADER = 256, UNIT = 64 * COUNT;
  static constexpr int SIZE = HEADER + UNITS * UNIT;
  typedef gemv::Own<K, THREADS> Own;

  DEVICE float inverse(const void* prep) { return *(const float*)prep; }
  DEVICE unsigned char* columns(void* prep) { return (unsigned char*)prep + HEADER; }

  DEVICE void prepare(void* prep, Own& x) {
    float scale = 1.0f;
    if constexpr (!W::BF16) scale = scaled(prep, x);
#pragma unroll
    for (int n = 0; n < Own::TURNS; n++) {
#pragma unroll
      for (int j = 0; j < 4; j++) x.v[n][j] *= scale;
      if (Own::has(4 * n)) split(columns(prep) + Own::unit(n) * UNIT + Own::quarter() * 16 + Own::half() * 8, x.v[n]);
    }
  }

  // scaled finds the scale of all, and leaves its inverse.
  DEVICE float scaled(void* prep, const Own& x) {
    float* maxima = (float*)prep + 16;
    float most = 0.0f;
#pragma unroll
    for (int n = 0; n < Own::TURNS; n++) {
#pragma unroll
      for (int j = 0; j < 4; j++) most = fmaxf(most, fabsf(x.v[n][j]));
    }
    // Floats that are not negative are in order as integers.
    const unsigned bits = __reduce_max_sync(0xffffffffu, __float_as_uint(most));
    if (threadIdx.x % TEAM == 0) maxima[threadIdx.x / TEAM] = __uint_as_float(bits);
    __syncthreads();
    most = maxima[0];
#pragma unroll
    for (int i = 1; i < WARPS; i++) most = fmaxf(most, maxima[i]);
    const int exponent = min(127 + 14 + 127 - (int)(__float_as_uint(most) >> 23), 253);
    if (threadIdx.x == 0) *(float*)prep = __uint_as_float((unsigned)(254 - exponent) << 23);
    return __uint_as_float((unsigned)exponent << 23);
  }

  // split writes four elements in each column, and leaves v what is missing.
  DEVICE void split(unsigned char* to, float (&v)[4]) {
#pragma unroll
    for (int c = 0; c < COUNT; c++) {
      const unsigned first = round(v[0], v[1]), last = round(v[2], v[3]);
      *(uint2*)(to + 64 * c) = make_uint2(first, last);
    }
  }

  // round makes a pair of 16-bit floats, and leaves what they miss.
  DEVICE unsigned round(float& a, float& b) {
    unsigned pair;
    if constexpr (W::BF16) {
      asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(pair) : "f"(b), "f"(a));
      a -= __uint_as_float(pair << 16), b -= __uint_as_float(pair & 0xffff0000u);
    } else {
      asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(pair) : "f"(b), "f"(a));
      a = (a - float_of_f16((f16)pair)) * 2048.0f, b = (b - float_of_f16((f16)(pair >> 16))) * 2048.0f;
    }
    return pair;
  }

  // total adds the columns of rows g and g+8 in lanes 4g; the others get nothing of use.
  DEVICE Pair total(const float (&c)[4]) {
    if constexpr (W::BF16) {
      return {c[0] + (c[1] + __shfl_down_sync(0xffffffffu, c[0], 1)), c[2] + (c[3] + __shfl_down_sync(0xffffffffu, c[2], 1))};
    } else {
      return {fmaf(c[1], 0x1p-11f, c[0]), fmaf(c[3], 0x1p-11f, c[2])};
    }
  }
};

// FloatSums is what a lane adds up of a group of 16 rows.
template <class W, int K, int WARPS>
struct FloatSums {
  typedef Columns<W, K, WARPS> X;
  float c[4][4];  // independent ones

  __device__ __forceinline__ FloatSums() {
#pragma unroll
    for (int i = 0; i < 16; i++) c[i / 4][i % 4] = 0.0f;
  }

  // add adds the products of N units, of which the first meets unit at of the vector.
  template <int N>
  __device__ __forceinline__ void add(const unsigned char* unit, void* prep, int at, int lane) {
    const unsigned char* columns = X::columns(prep) + min(lane / 4, X::COUNT - 1) * 64 + lane % 4 * 16 + at * X::UNIT;
    unsigned w[N][W::WORDS];
    uint4 x[N];
#pragma unroll
    for (int u = 0; u < N; u++) W::load(w[u], unit + u * W::UNIT, lane), x[u] = *(const uint4*)(columns + u * X::UNIT);
    loaded();
#pragma unroll
    for (int u = 0; u < N; u++) {
#pragma unroll
      for (int s = 0; s < 2; s++) {
        unsigned a[4];
        W::half(a, w[u], s);
        mma<W::BF16>(c[u % 2 * 2 + s], a, s ? x[u].z : x[u].x, s ? x[u].w : x[u].y);
      }
    }
  }

  __device__ __forceinline__ Pair total(const void* prep, int) {
#pragma unroll
    for (int i = 0; i < 4; i++) c[0][i] += c[1][i] + (c[2][i] + c[3][i]);
    const float inverse = W::BF16 ? 1.0f : X::inverse(prep);
    const Pair p = X::total(c[0]);
    return {p.upper * inverse, p.lower * inverse};
  }
};

}  // namespace gemv
