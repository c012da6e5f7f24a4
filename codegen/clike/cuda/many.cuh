// Attention of many tokens: up to 64 columns of f32 with up to 64 keys or values of f16, on tensor cores. What is f32 enters as two
// f16, of which the second is 2^11 times too big: together they have 22 bits. Rows in group memory are 16 bytes longer than they
// are, so that those of a matrix of eight begin in different banks.

namespace many {

__device__ __forceinline__ unsigned at(const void* p) { return (unsigned)__cvta_generic_to_shared(p); }

__device__ __forceinline__ void load4(unsigned (&r)[4], const f16* p) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3]) : "r"(at(p)));
}
__device__ __forceinline__ void load2_transposed(unsigned (&r)[2], const f16* p) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x2.trans.shared.b16 {%0, %1}, [%2];" : "=r"(r[0]), "=r"(r[1]) : "r"(at(p)));
}
__device__ __forceinline__ void mma(float (&d)[4], const unsigned (&a)[4], unsigned b0, unsigned b1) {
  asm("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3]) : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

// split makes a pair of f16 of two floats, and another of what it misses.
__device__ __forceinline__ void split(unsigned& high, unsigned& low, float a, float b) {
  asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(high) : "f"(b), "f"(a));
  const float x = (a - float_of_f16(high & 0xffff)) * 2048.0f, y = (b - float_of_f16(high >> 16)) * 2048.0f;
  asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(low) : "f"(y), "f"(x));
}

// place copies rows of K elements, and zeros behind them up to 64.
template <int K, int THREADS>
__device__ __forceinline__ void place(f16* to, const f16* w, int wStride, int rows) {
#pragma unroll 4
  for (int i = threadIdx.x; i < 64 * (K / 8); i += THREADS) {
    const int r = i / (K / 8), part = i % (K / 8) * 8;
    uint4 v = make_uint4(0, 0, 0, 0);
    if (r < rows) v = *(const uint4*)(w + r * wStride + part);
    *(uint4*)(to + r * (K + 8) + part) = v;
  }
}

// Scores are the inner products of K elements of keys, 16 a warp, and columns, half of them.
template <int K, int THREADS>
struct Scores {
  static_assert(THREADS == 256, "eight warps");
  static const int LD = K + 8;

  static __device__ __forceinline__ void run(float* acc, int accStride, const f16* w, int wStride, const float* x, int xStride, int rows,
                                             int cols, int, void*, void* prep) {
    f16 *keys = (f16*)prep, *high = keys + 64 * LD, *low = high + 64 * LD;
    place<K, THREADS>(keys, w, wStride, rows);
    for (int i = threadIdx.x; i < 64 * (K / 2); i += THREADS) {
      const int c = i / (K / 2), k = i % (K / 2) * 2;
      unsigned h = 0, l = 0;
      if (c < cols) split(h, l, x[c * xStride + k] * 0.0625f, x[c * xStride + k + 1] * 0.0625f);  // whatever f32 is not huge fits
      *(unsigned*)(high + c * LD + k) = h;
      *(unsigned*)(low + c * LD + k) = l;
    }
    __syncthreads();
    const int lane = threadIdx.x % 32, m = threadIdx.x / 32 % 4 * 16, n = threadIdx.x / 128 * 32;
    float h[4][4] = {}, l[4][4] = {};
#pragma unroll
    for (int k = 0; k < K; k += 16) {
      unsigned a[4], b[4];
      load4(a, keys + (m + lane % 16) * LD + k + lane / 16 * 8);
      const int to = (n + lane / 16 * 8 + lane % 8) * LD + k + lane / 8 % 2 * 8;
#pragma unroll
      for (int j = 0; j < 4; j += 2) {
        load4(b, high + to + j * 8 * LD);
        mma(h[j], a, b[0], b[1]), mma(h[j + 1], a, b[2], b[3]);
        load4(b, low + to + j * 8 * LD);
        mma(l[j], a, b[0], b[1]), mma(l[j + 1], a, b[2], b[3]);
      }
    }
#pragma unroll
    for (int j = 0; j < 4; j++) {
#pragma unroll
      for (int i = 0; i < 4; i++) {
        const int r = m + lane / 4 + i / 2 * 8, c = n + j * 8 + lane % 4 * 2 + i % 2;
        if (r < rows && c < cols) acc[r * accStride + c] = 16.0f * fmaf(l[j][i], 0x1p-11f, h[j][i]);
      }
    }
  }
};

// Mixed adds sums of values with weights between 0 and 1: 16 columns a warp, half of a value's K elements.
template <int K, int THREADS>
struct Mixed {
  static_assert(THREADS == 256, "eight warps");
  static const int LD = K + 8, WD = 64 + 8, TILES = K / 16;

  static __device__ __forceinline__ void run(float* acc, int, const f16* w, int wStride, const float* x, int xStride, int rows, int cols, int,
                                             void*, void* prep) {
    f16 *values = (f16*)prep, *high = values + 64 * LD, *low = high + 64 * WD;
    place<K, THREADS>(values, w, wStride, rows);
    for (int i = threadIdx.x; i < 64 * 32; i += THREADS) {
      const int c = i / 32, r = i % 32 * 2;
      unsigned h = 0, l = 0;
      if (c < cols && r < rows) split(h, l, x[c * xStride + r], r + 1 < rows ? x[c * xStride + r + 1] : 0.0f);
      *(unsigned*)(high + c * WD + r) = h;
      *(unsigned*)(low + c * WD + r) = l;
    }
    __syncthreads();
    const int lane = threadIdx.x % 32, m = threadIdx.x / 32 % 4 * 16, n = threadIdx.x / 128 * (K / 2);
    float h[TILES][4] = {}, l[TILES][4] = {};
#pragma unroll
    for (int r = 0; r < 64; r += 16) {
      unsigned a[4], b[4], v[2];
      load4(a, high + (m + lane % 16) * WD + r + lane / 16 * 8);
      load4(b, low + (m + lane % 16) * WD + r + lane / 16 * 8);
#pragma unroll
      for (int j = 0; j < TILES; j++) {
        load2_transposed(v, values + (r + lane % 16) * LD + n + j * 8);
        mma(h[j], a, v[0], v[1]);
        mma(l[j], b, v[0], v[1]);
      }
    }
#pragma unroll
    for (int j = 0; j < TILES; j++) {
#pragma unroll
      for (int i = 0; i < 4; i++) {
        const int c = m + lane / 4 + i / 2 * 8, k = n + j * 8 + lane % 4 * 2 + i % 2;
        if (c < cols) acc[c * K + k] += fmaf(l[j][i], 0x1p-11f, h[j][i]);
      }
    }
  }
};

}  // namespace many
