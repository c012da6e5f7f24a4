// Attention's products of keys and values, f16 or bf16 as the cache has them, with f32 queries and probabilities, by tensor cores
// and about as exact as f32: each number of x is split in parts of 16 bits, whose products are added up.

namespace attend {

// split takes apart two numbers: f16 and what it leaves, or three bf16. x0 is in the low halves.
template <bool BRAIN>
struct Split {
  static const int PARTS = BRAIN ? 3 : 2;
  unsigned part[PARTS];

  __device__ __forceinline__ Split(float x0, float x1) {
#pragma unroll
    for (int i = 0; i < PARTS; i++) {
      if constexpr (BRAIN) {
        asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(part[i]) : "f"(x1), "f"(x0));
        x0 -= float_of_bf16(part[i]), x1 -= float_of_bf16(part[i] >> 16);
      } else {
        asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(part[i]) : "f"(x1), "f"(x0));
        x0 -= float_of_f16(part[i]), x1 -= float_of_f16(part[i] >> 16);
      }
    }
  }
};

template <bool BRAIN>
__device__ __forceinline__ void mma(float (&d)[4], unsigned a0, unsigned a1, unsigned a2, unsigned a3, unsigned b0, unsigned b1) {
  if constexpr (BRAIN) {
    asm("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
        : "r"(a0), "r"(a1), "r"(a2), "r"(a3), "r"(b0), "r"(b1));
  } else {
    asm("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
        : "r"(a0), "r"(a1), "r"(a2), "r"(a3), "r"(b0), "r"(b1));
  }
}

// load_x takes N floats, those below n; the others are zeros. VECTOR: all may be read, and are aligned to 16 bytes.
template <int N, bool VECTOR>
__device__ __forceinline__ void load_x(float (&v)[N], const float* x, int n) {
#pragma unroll
  for (int i = 0; i < N; i += 4) {
    if constexpr (VECTOR) {
      const float4 f = n > i ? *(const float4*)(x + i) : make_float4(0.0f, 0.0f, 0.0f, 0.0f);
      v[i] = f.x, v[i + 1] = n > i + 1 ? f.y : 0.0f, v[i + 2] = n > i + 2 ? f.z : 0.0f, v[i + 3] = n > i + 3 ? f.w : 0.0f;
    } else {
#pragma unroll
      for (int j = i; j < i + 4; j++) v[j] = n > j ? x[j] : 0.0f;
    }
  }
}

// load_w takes 2N elements, those below n, an even number; the others are zeros. VECTOR: all or none, at one load.
template <int N, bool VECTOR>
__device__ __forceinline__ void load_w(unsigned (&v)[N], const unsigned short* w, int n) {
  if constexpr (VECTOR && N == 4) {
    const uint4 u = n > 0 ? *(const uint4*)w : make_uint4(0, 0, 0, 0);
    v[0] = u.x, v[1] = u.y, v[2] = u.z, v[3] = u.w;
  } else if constexpr (VECTOR && N == 2) {
    const uint2 u = n > 0 ? *(const uint2*)w : make_uint2(0, 0);
    v[0] = u.x, v[1] = u.y;
  } else {
#pragma unroll
    for (int i = 0; i < N; i++) v[i] = n > 2 * i ? *(const unsigned*)(w + 2 * i) : 0;
  }
}

// Dot: acc[r][c] is the product of row r of w and column c of x, for at most 16 TILES rows and COLS columns. Both lie along K. A
// warp has 16 rows, all of whose loads begin at once, and every so many eighth of the columns. In 32 elements, lane t of four
// takes 8t to 8t+7 for its own in two steps of mma.
template <bool BRAIN, int K, int STRIDE, int TILES, int COLS, int WARPS, bool VECTOR>
struct Dot {
  static const int CHUNKS = (K + 31) / 32, SHARES = WARPS / TILES;

  static __device__ __forceinline__ void run(float* acc, int accStride, const unsigned short* w, int, const float* x, int xStride,
                                             int rows, int cols, int, void*, void*) {
    const int lane = threadIdx.x % 32, g = lane / 4, t = lane % 4, warp = threadIdx.x / 32;
    const int row = warp % TILES * 16 + g;
    if (row - g >= rows || warp / TILES * 8 >= cols || warp >= TILES * SHARES) return;
    unsigned a[CHUNKS][2][4];
#pragma unroll
    for (int s = 0; s < CHUNKS; s++) {
      const int k = 32 * s + 8 * t;
#pragma unroll
      for (int h = 0; h < 2; h++) load_w<4, VECTOR>(a[s][h], w + (row + 8 * h) * STRIDE + k, row + 8 * h < rows ? K - k : 0);
    }
#pragma unroll
    for (int c = warp / TILES * 8; c < COLS; c += 8 * SHARES) {
      if (c >= cols) break;
      float d[4] = {};
#pragma unroll
      for (int s = 0; s < CHUNKS; s++) {
        const int k = 32 * s + 8 * t;
        float v[8];
        load_x<8, VECTOR>(v, x + (c + g) * xStride + k, c + g < cols ? K - k : 0);
#pragma unroll
        for (int i = 0; i < 4; i += 2) {
          const Split<BRAIN> b0(v[2 * i], v[2 * i + 1]), b1(v[2 * i + 2], v[2 * i + 3]);
#pragma unroll
          for (int p = 0; p < Split<BRAIN>::PARTS; p++)
            mma<BRAIN>(d, a[s][0][i], a[s][1][i], a[s][0][i + 1], a[s][1][i + 1], b0.part[p], b1.part[p]);
        }
      }
#pragma unroll
      for (int i = 0; i < 4; i++) {
        const int r = row + i / 2 * 8, at = c + 2 * t + i % 2;
        if (r < rows && at < cols) acc[r * accStride + at] = d[i];
      }
    }
  }
};

// Mix: acc[c][k] grows by the sum of x[c][r] w[r][k], for at most 16 STEPS rows and COLS columns. A warp has 16 columns and 32
// elements, all of whose loads begin at once. In 16 rows lane t takes 4t to 4t+3 for its own, and of the elements lane g 4g to
// 4g+3: those four it multiplies one after the other, so that mma's results are eight in a row.
template <bool BRAIN, int K, int STRIDE, int STEPS, int COLS, int WARPS, bool VECTOR, bool VECTOR_X>
struct Mix {
  static const int TILES = (COLS + 15) / 16, TASKS = TILES * ((K + 31) / 32);

  static __device__ __forceinline__ void run(float* acc, int accStride, const unsigned short* w, int, const float* x, int xStride,
                                             int rows, int cols, int, void*, void*) {
    const int lane = threadIdx.x % 32, g = lane / 4, t = lane % 4;
#pragma unroll 1
    for (int task = threadIdx.x / 32; task < TASKS; task += WARPS) {
      const int col = task % TILES * 16 + g, from = task / TILES * 32, k = from + 4 * g;
      if (col - g >= cols) continue;
      unsigned v[STEPS][4][2];
#pragma unroll
      for (int s = 0; s < STEPS; s++) {
#pragma unroll
        for (int i = 0; i < 4; i++) {
          const int r = 16 * s + 4 * t + i;
          load_w<2, VECTOR>(v[s][i], w + r * STRIDE + k, r < rows ? K - k : 0);
        }
      }
      float d[4][4] = {};
#pragma unroll
      for (int s = 0; s < STEPS; s++) {
        if (16 * s >= rows) break;
        const int r = 16 * s + 4 * t;
        float upper[4], lower[4];
        load_x<4, VECTOR_X>(upper, x + col * xStride + r, col < cols ? rows - r : 0);
        load_x<4, VECTOR_X>(lower, x + (col + 8) * xStride + r, col + 8 < cols ? rows - r : 0);
        const Split<BRAIN> a0(upper[0], upper[1]), a1(lower[0], lower[1]), a2(upper[2], upper[3]), a3(lower[2], lower[3]);
#pragma unroll
        for (int j = 0; j < 4; j++) {
          const unsigned half = j % 2 ? 0x7632 : 0x5410;
          const unsigned b0 = __byte_perm(v[s][0][j / 2], v[s][1][j / 2], half), b1 = __byte_perm(v[s][2][j / 2], v[s][3][j / 2], half);
#pragma unroll
          for (int p = 0; p < Split<BRAIN>::PARTS; p++) mma<BRAIN>(d[j], a0.part[p], a1.part[p], a2.part[p], a3.part[p], b0, b1);
        }
      }
#pragma unroll
      for (int i = 0; i < 4; i++) {
        const int c = col + i / 2 * 8, at = from + 8 * t + i % 2 * 4;
        if (c < cols) add(acc + c * accStride + at, d[0][i], d[1][i], d[2][i], d[3][i], K - at);
      }
    }
  }

  static __device__ __forceinline__ void add(float* acc, float a, float b, float c, float d, int n) {
    if constexpr (VECTOR) {
      if (n <= 0) return;
      float4 v = *(float4*)acc;
      v.x += a, v.y += b, v.z += c, v.w += d;
      *(float4*)acc = v;
    } else {
      if (n > 0) acc[0] += a;
      if (n > 1) acc[1] += b;
      if (n > 2) acc[2] += c;
      if (n > 3) acc[3] += d;
    }
  }
};

}  // namespace attend
