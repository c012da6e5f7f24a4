// A vector of activations in the form of mma's B: each f32 as a sum of 16-bit floats, which lie in columns. Two f16 have 22 bits, three
// bf16 have 24. A vector whose columns are f16 is scaled by a power of two that takes its greatest value to [2^14, 2^15), so nothing
// overflows and what falls below f16 is less than 2^-50 of that value; the second column is 2^11 times too big.
//
// In prepared memory lie
//
//	inverse   of the scale, a float; at 64 the maxima of the warps
//	sums      for weights of codes, a unit each: what mma's C begins with to subtract ZERO from the codes, {z, 0, z, 0} for the whole
//	          unit or each half, or with OFFSETS the sum of the unit
//	columns   [unit][column][lane t][half][4], so that a lane's load of 16 bytes serves a unit

namespace gemv {

template <class W, int K, int WARPS>
struct Columns {
  static constexpr int THREADS = WARPS * TEAM, UNITS = K / 32, COUNT = W::BF16 ? 3 : 2;
  static constexpr int SUM = !W::CODES ? 0 : W::OFFSETS ? 4 : W::HALVES ? 32 : 16;
  static constexpr int HEADER = 256, SUMS = (UNITS * SUM + 15) / 16 * 16, UNIT = 64 * COUNT;
  static constexpr int SIZE = HEADER + SUMS + UNITS * UNIT;

  DEVICE float inverse(const void* prep) { return *(const float*)prep; }
  DEVICE const float* sums(const void* prep, int unit) { return (const float*)((const unsigned char*)prep + HEADER + unit * SUM); }
  DEVICE const unsigned char* columns(const void* prep, int unit) {
    return (const unsigned char*)prep + HEADER + SUMS + unit * UNIT;
  }

  DEVICE void prepare(void* prep, const float* x) {
    const int thread = threadIdx.x;
    const bool aligned = ((unsigned long long)x & 15) == 0;
    float scale = 1.0f;
    if constexpr (!W::BF16) scale = scaled(prep, x, aligned);
    // A thread takes 8 elements of a unit; the four of a unit are neighbors, and a warp goes on together.
    for (int i = thread; i - thread % TEAM < K / 8; i += THREADS) {
      const bool mine = i < K / 8;
      const int unit = mine ? i / 4 : 0, t = i % 4;
      float v[8];
      four(v, x + 32 * unit + 4 * t, aligned);
      four(v + 4, x + 32 * unit + 16 + 4 * t, aligned);
#pragma unroll
      for (int j = 0; j < 8; j++) v[j] *= scale;
      if constexpr (W::CODES) {
        const float first = quad(v[0] + v[1] + v[2] + v[3]), second = quad(v[4] + v[5] + v[6] + v[7]);
        if (mine && t == 0) sum((float*)sums(prep, unit), first, second);
      }
      if (mine) split((uint4*)(columns(prep, unit) + 16 * t), v);
    }
  }

  // scaled finds the scale, and leaves its inverse.
  DEVICE float scaled(void* prep, const float* x, bool aligned) {
    const int thread = threadIdx.x;
    float* maxima = (float*)prep + 16;
    float most = 0.0f;
    for (int i = thread; i < K / 4; i += THREADS) {
      float v[4];
      four(v, x + 4 * i, aligned);
      most = fmaxf(fmaxf(fmaxf(fabsf(v[0]), fabsf(v[1])), fmaxf(fabsf(v[2]), fabsf(v[3]))), most);
    }
    // Floats that are not negative are in order as integers.
    const unsigned bits = __reduce_max_sync(0xffffffffu, __float_as_uint(most));
    if (thread % TEAM == 0) maxima[thread / TEAM] = __uint_as_float(bits);
    __syncthreads();
    most = maxima[0];
#pragma unroll
    for (int i = 1; i < WARPS; i++) most = fmaxf(most, maxima[i]);
    const int exponent = min(127 + 14 + 127 - (int)(__float_as_uint(most) >> 23), 253);
    if (thread == 0) *(float*)prep = __uint_as_float((unsigned)(254 - exponent) << 23);
    return __uint_as_float((unsigned)exponent << 23);
  }

  DEVICE void four(float* v, const float* x, bool aligned) {
    if (aligned) {
      const float4 f = *(const float4*)x;
      v[0] = f.x, v[1] = f.y, v[2] = f.z, v[3] = f.w;
    } else {
      for (int j = 0; j < 4; j++) v[j] = x[j];
    }
  }

  DEVICE float quad(float v) {
    v += __shfl_xor_sync(0xffffffffu, v, 1);
    return v + __shfl_xor_sync(0xffffffffu, v, 2);
  }

  DEVICE void sum(float* to, float first, float second) {
    const float z = -W::ZERO * 0x1p-24f;
    if constexpr (W::OFFSETS) {
      *to = first + second;
    } else if constexpr (W::HALVES) {
      ((float4*)to)[0] = make_float4(z * first, 0.0f, z * first, 0.0f);
      ((float4*)to)[1] = make_float4(z * second, 0.0f, z * second, 0.0f);
    } else {
      *(float4*)to = make_float4(z * (first + second), 0.0f, z * (first + second), 0.0f);
    }
  }

  // split writes eight elements in each column, and leaves v what is missing.
  DEVICE void split(uint4* to, float (&v)[8]) {
#pragma unroll
    for (int j = 0; j < 8; j++) v[j] *= j % 4 < 2 ? 1.0f : W::LAST;
#pragma unroll
    for (int c = 0; c < COUNT; c++) {
      uint4 q;
      q.x = round(v[0], v[1]), q.y = round(v[2], v[3]), q.z = round(v[4], v[5]), q.w = round(v[6], v[7]);
      to[4 * c] = q;
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

  // total adds the columns of row g and row g+8 in lanes 4g; the others get nothing of use.
  DEVICE Pair total(const float (&c)[4]) {
    if constexpr (W::BF16) {
      return {c[0] + (c[1] + __shfl_down_sync(0xffffffffu, c[0], 1)), c[2] + (c[3] + __shfl_down_sync(0xffffffffu, c[2], 1))};
    } else {
      return {fmaf(c[1], 0x1p-11f, c[0]), fmaf(c[3], 0x1p-11f, c[2])};
    }
  }
};

}  // namespace gemv
