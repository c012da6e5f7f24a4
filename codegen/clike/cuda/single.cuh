// Attention of one token: a few columns of f32 with up to 64 keys or values of f16. What takes time is the way of the loads, so all
// of a thread's are under way at once. Arithmetic is in f32.

namespace single {

struct Eight {
  float v[8];
};

// eight elements of f16 from 16 bytes.
__device__ __forceinline__ Eight widen(uint4 w) {
  const unsigned u[4] = {w.x, w.y, w.z, w.w};
  Eight e;
#pragma unroll
  for (int i = 0; i < 4; i++) {
    e.v[2 * i] = float_of_f16(u[i] & 0xffff);
    e.v[2 * i + 1] = float_of_f16(u[i] >> 16);
  }
  return e;
}

// Scores are inner products of K elements. LANES threads share a key, each with eight of its elements; the columns' sums are halved
// among them while they are added up, so that each is left with one column. The columns pass through group memory: their elements are
// more than a thread loads at once.
template <int K, int LANES, int COLS, int THREADS>
struct Scores {
  static const int KEYS = THREADS / LANES;  // at once
  static const int PASSES = (64 + KEYS - 1) / KEYS;
  static_assert(LANES >= COLS && COLS == 8, "a lane for each column");

  static __device__ __forceinline__ void run(float* acc, int accStride, const unsigned short* w, int wStride, const float* x, int xStride,
                                             int rows, int cols, int, void*, void* prep) {
    float* const columns = (float*)prep;
    const int part = threadIdx.x % LANES, key = threadIdx.x / LANES;
    const bool holds = part < K / 8;
    uint4 raw[PASSES];
#pragma unroll
    for (int i = 0; i < PASSES; i++) {
      raw[i] = make_uint4(0, 0, 0, 0);
      if (holds && key + i * KEYS < rows) raw[i] = *(const uint4*)(w + (key + i * KEYS) * wStride + part * 8);
    }
#pragma unroll 1
    for (int i = threadIdx.x; i < cols * (K / 4); i += THREADS)
      ((float4*)columns)[i] = *(const float4*)(x + i / (K / 4) * xStride + i % (K / 4) * 4);
    __syncthreads();
    for (int c0 = 0; c0 < cols; c0 += COLS) {
      float sums[PASSES][COLS];
#pragma unroll
      for (int c = 0; c < COLS; c++) {
        Eight q;
#pragma unroll
        for (int i = 0; i < 8; i++) q.v[i] = 0.0f;
        if (holds && c0 + c < cols) {
          const float4* from = (const float4*)(columns + (c0 + c) * K + part * 8);
          const float4 a = from[0], b = from[1];
          q = {a.x, a.y, a.z, a.w, b.x, b.y, b.z, b.w};
        }
#pragma unroll
        for (int i = 0; i < PASSES; i++) {
          const Eight k = widen(raw[i]);
          float s = 0.0f;
#pragma unroll
          for (int j = 0; j < 8; j++) s += k.v[j] * q.v[j];
          sums[i][c] = s;
        }
      }
#pragma unroll
      for (int i = 0; i < PASSES; i++) {
        const float s = share(sums[i], part);
        const int r = key + i * KEYS, c = c0 + part % COLS;
        if (part < COLS && r < rows && c < cols) acc[r * accStride + c] = s;
      }
    }
  }

  // share leaves the whole sum of column part % 8.
  static __device__ __forceinline__ float share(float (&s)[COLS], int part) {
#pragma unroll
    for (int n = COLS / 2; n > 0; n /= 2) {
      const bool upper = part & n;
#pragma unroll
      for (int c = 0; c < n; c++) {
        const float give = upper ? s[c] : s[c + n], keep = upper ? s[c + n] : s[c];
        s[c] = keep + __shfl_xor_sync(0xffffffffu, give, n);
      }
    }
#pragma unroll
    for (int n = COLS; n < LANES; n *= 2) s[0] += __shfl_xor_sync(0xffffffffu, s[0], n);
    return s[0];
  }
};

// Mixed adds weighted sums of values. They pass through group memory, where each thread finds two elements of a row for its
// column.
template <int K, int THREADS>
struct Mixed {
  static const int PARTS = K / 8, TURNS = (64 * PARTS + THREADS - 1) / THREADS;

  static __device__ __forceinline__ void run(float* acc, int, const unsigned short* w, int wStride, const float* x, int xStride, int rows,
                                             int cols, int, void*, void* prep) {
    uint4* values = (uint4*)prep;
    uint4 raw[TURNS];
#pragma unroll
    for (int n = 0; n < TURNS; n++) {
      const int i = n * THREADS + threadIdx.x;
      if (i < rows * PARTS) raw[n] = *(const uint4*)(w + i / PARTS * wStride + i % PARTS * 8);
    }
#pragma unroll
    for (int n = 0; n < TURNS; n++) {
      const int i = n * THREADS + threadIdx.x;
      if (i < rows * PARTS) values[i] = raw[n];
    }
    __syncthreads();
    const unsigned* pairs = (const unsigned*)prep;
    for (int i = threadIdx.x; i < cols * (K / 2); i += THREADS) {
      const int c = i / (K / 2), k = i % (K / 2);
      const float* p = x + c * xStride;
      float a = 0.0f, b = 0.0f;
#pragma unroll 8
      for (int r = 0; r < rows; r++) {
        const unsigned v = pairs[r * (K / 2) + k];
        a += p[r] * float_of_f16(v & 0xffff);
        b += p[r] * float_of_f16(v >> 16);
      }
      acc[c * K + 2 * k] += a;
      acc[c * K + 2 * k + 1] += b;
    }
  }
};

}  // namespace single
