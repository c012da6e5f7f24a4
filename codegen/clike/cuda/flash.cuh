// Attention of many columns over a loop of keys of f16, by tensor cores, scores and weights in registers (Dao 2023, "FlashAttention-2").
// A warp has 16 columns and a share of each block of 64 keys; warps of the same columns put their results together at the end. Queries
// and weights are split into two f16, so that products are about as exact as those of f32.

namespace flash {

__device__ __forceinline__ unsigned shared(const void* p) { return (unsigned)__cvta_generic_to_shared(p); }

// halves is two numbers as f16, of which the first is in the low half; what they miss is left.
__device__ __forceinline__ unsigned halves(float& a, float& b) {
  unsigned pair;
  asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(pair) : "f"(b), "f"(a));
  a -= float_of_f16((f16)pair), b -= float_of_f16((f16)(pair >> 16));
  return pair;
}

// load takes four matrices of 8 by 8 elements, one from the rows that each eight lanes point to; turned takes their transposes.
__device__ __forceinline__ void load(unsigned (&r)[4], unsigned row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3]) : "r"(row) : "memory");
}
__device__ __forceinline__ void turned(unsigned (&r)[4], unsigned row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3]) : "r"(row) : "memory");
}

__device__ __forceinline__ void mma(float (&d)[4], const unsigned (&a)[4], unsigned b0, unsigned b1) {
  asm("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3]) : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

// power is e^x. Its error grows with |x|, as the value falls: against 1 it stays below 1e-7.
__device__ __forceinline__ float power(float x) {
  float y;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x * 1.44269504f));
  return y;
}

// Over the four lanes that have a column.
__device__ __forceinline__ float max_quad(float v) {
  v = fmaxf(v, __shfl_xor_sync(0xffffffffu, v, 1));
  return fmaxf(v, __shfl_xor_sync(0xffffffffu, v, 2));
}
__device__ __forceinline__ float sum_quad(float v) {
  v += __shfl_xor_sync(0xffffffffu, v, 1);
  return v + __shfl_xor_sync(0xffffffffu, v, 2);
}

// Attend has at most 16 TILES columns. K and V are the lengths of keys and values, whose rows are KEYS and VALUES elements apart.
template <int K, int V, int KEYS, int VALUES, int TILES, int WARPS>
struct Attend {
  static constexpr int SHARES = TILES > 2 ? WARPS / TILES : WARPS / TILES > 4 ? 4 : WARPS / TILES;  // of a block's keys
  static constexpr int BLOCK = 64, OWN = BLOCK / SHARES, THREADS = 32 * WARPS;
  static constexpr int QROW = 2 * K + 16, KROW = QROW, VROW = 2 * V + 16;  // bytes; eight rows lie in different banks
  static constexpr int QUERIES = 16 * TILES * QROW, STAGE = BLOCK * (KROW + VROW);
  static constexpr int PART = 16 * TILES * (V + 2) * 4;  // of a share, at the end
  static constexpr int BYTES = 2 * QUERIES + (2 * STAGE > (SHARES - 1) * PART ? 2 * STAGE : (SHARES - 1) * PART);
  static_assert(K % 16 == 0 && V % 16 == 0 && OWN % 16 == 0 && TILES * SHARES <= WARPS, "whole steps of mma");

  float o[V / 8][4], most[2], sum[2];

  template <class KEY, class VALUE, class SCORE>
  __device__ __forceinline__ void run(float* acc, float* mosts, float* sums, const float* q, int qStride, int cols, int lo, int hi, KEY keys,
                                      VALUE values, SCORE score, unsigned char* memory) {
    const int warp = threadIdx.x / 32, lane = threadIdx.x % 32, g = lane / 4, t = lane % 4;
    const int tile = warp % TILES, share = warp / TILES, column = 16 * tile + g;
    const bool works = share < SHARES && 16 * tile < cols;
    unsigned char* stages = memory + 2 * QUERIES;
    if (lo < hi) copy(stages, keys(lo), values(lo), min(BLOCK, hi - lo));
    split(memory, q, qStride, cols);
    start(acc, mosts, sums, column, t, cols, share);
    for (int j = lo, at = 0; j < hi; j += BLOCK, at ^= 1) {
      asm volatile("cp.async.wait_group 0;" ::: "memory");
      __syncthreads();
      if (j + BLOCK < hi) copy(stages + (at ^ 1) * STAGE, keys(j + BLOCK), values(j + BLOCK), min(BLOCK, hi - j - BLOCK));
      const int first = OWN * share;
      if (works && j + first < hi) {
        const int rows = hi - j, last = cols - 1;
        block(memory, stages + at * STAGE, tile, first, rows, lane,
              [&](int i, int r, float s) { return score(min(column + 8 * i, last), j, min(r, rows - 1), s); });
      }
    }
    __syncthreads();
    join(acc, mosts, sums, column, t, cols, share, works, stages);
  }

  // copy begins to bring a block of keys and values; what is beyond its rows becomes zeros.
  static __device__ __forceinline__ void copy(unsigned char* stage, const f16* keys, const f16* values, int rows) {
    constexpr int KPIECES = K / 8, VPIECES = V / 8;
#pragma unroll
    for (int n = 0; n < (BLOCK * KPIECES + THREADS - 1) / THREADS; n++) {
      const int i = n * THREADS + threadIdx.x, r = i / KPIECES, p = i % KPIECES;
      if (BLOCK * KPIECES % THREADS == 0 || r < BLOCK) piece(stage + r * KROW + 16 * p, keys + (r < rows ? r * KEYS : 0) + 8 * p, r < rows);
    }
#pragma unroll
    for (int n = 0; n < (BLOCK * VPIECES + THREADS - 1) / THREADS; n++) {
      const int i = n * THREADS + threadIdx.x, r = i / VPIECES, p = i % VPIECES;
      if (BLOCK * VPIECES % THREADS == 0 || r < BLOCK)
        piece(stage + BLOCK * KROW + r * VROW + 16 * p, values + (r < rows ? r * VALUES : 0) + 8 * p, r < rows);
    }
    asm volatile("cp.async.commit_group;" ::: "memory");
  }
  static __device__ __forceinline__ void piece(unsigned char* to, const f16* from, bool any) {
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(shared(to)), "l"(from), "r"(any ? 16 : 0) : "memory");
  }

  // split puts the queries into group memory, and behind them what f16 misses of them.
  static __device__ __forceinline__ void split(unsigned char* memory, const float* q, int stride, int cols) {
    for (int i = threadIdx.x; i < 16 * TILES * (K / 2); i += THREADS) {
      const int c = i / (K / 2), k = i % (K / 2) * 2;
      float a = 0.0f, b = 0.0f;
      if (c < cols) a = q[c * stride + k], b = q[c * stride + k + 1];
      *(unsigned*)(memory + c * QROW + 2 * k) = halves(a, b);
      *(unsigned*)(memory + QUERIES + c * QROW + 2 * k) = halves(a, b);
    }
  }

  // start takes up the state before the loop, in the first share.
  __device__ __forceinline__ void start(const float* acc, const float* mosts, const float* sums, int column, int t, int cols, int share) {
#pragma unroll
    for (int i = 0; i < 2; i++) {
      const int c = column + 8 * i;
      const bool has = share == 0 && c < cols;
      most[i] = has ? mosts[c] : -3.4e38f;
      sum[i] = has && t == 0 ? sums[c] : 0.0f;
#pragma unroll
      for (int n = 0; n < V / 8; n++) {
        o[n][2 * i] = has ? acc[c * V + 8 * n + 2 * t] : 0.0f;
        o[n][2 * i + 1] = has ? acc[c * V + 8 * n + 2 * t + 1] : 0.0f;
      }
    }
  }

  // block goes over the warp's keys of a block, from first on.
  template <class SCORE>
  __device__ __forceinline__ void block(const unsigned char* queries, const unsigned char* stage, int tile, int first, int rows, int lane,
                                        SCORE score) {
    constexpr int TURNS = OWN / 8;
    const int t = lane % 4;
    float s[TURNS][4];
#pragma unroll
    for (int n = 0; n < TURNS; n++) s[n][0] = s[n][1] = s[n][2] = s[n][3] = 0.0f;
    const unsigned a0 = shared(queries) + (16 * tile + lane % 16) * QROW + lane / 16 * 16;
    const unsigned b0 = shared(stage) + (first + lane / 16 * 8 + lane % 8) * KROW + lane / 8 % 2 * 16;
#pragma unroll
    for (int k = 0; k < K / 16; k++) {
      unsigned high[4], low[4];
      load(high, a0 + 32 * k), load(low, a0 + QUERIES + 32 * k);
#pragma unroll
      for (int n = 0; n < TURNS; n += 2) {
        unsigned b[4];
        load(b, b0 + 8 * n * KROW + 32 * k);
        mma(s[n], high, b[0], b[1]), mma(s[n + 1], high, b[2], b[3]);
        mma(s[n], low, b[0], b[1]), mma(s[n + 1], low, b[2], b[3]);
      }
    }
    float top[2] = {-INFINITE, -INFINITE};
#pragma unroll
    for (int n = 0; n < TURNS; n++) {
#pragma unroll
      for (int i = 0; i < 4; i++) {
        const int r = first + 8 * n + 2 * t + i % 2;
        s[n][i] = r < rows ? score(i / 2, r, s[n][i]) : -INFINITE;
        top[i / 2] = fmaxf(top[i / 2], s[n][i]);
      }
    }
#pragma unroll
    for (int i = 0; i < 2; i++) {
      const float now = fmaxf(most[i], max_quad(top[i])), scale = power(most[i] - now);
      most[i] = now, sum[i] *= scale;
#pragma unroll
      for (int n = 0; n < V / 8; n++) o[n][2 * i] *= scale, o[n][2 * i + 1] *= scale;
    }
#pragma unroll
    for (int n = 0; n < TURNS; n++) {
#pragma unroll
      for (int i = 0; i < 4; i++) sum[i / 2] += s[n][i] = power(s[n][i] - most[i / 2]);
    }
    const unsigned v0 = shared(stage) + BLOCK * KROW + (first + lane / 8 % 2 * 8 + lane % 8) * VROW + lane / 16 * 16;
#pragma unroll
    for (int n = 0; n < TURNS; n += 2) {
      unsigned high[4], low[4];
#pragma unroll
      for (int i = 0; i < 4; i++) {
        float &x = s[n + i / 2][i % 2 * 2], &y = s[n + i / 2][i % 2 * 2 + 1];
        high[i] = halves(x, y), low[i] = halves(x, y);
      }
#pragma unroll
      for (int e = 0; e < V / 8; e += 2) {
        unsigned b[4];
        turned(b, v0 + 8 * n * VROW + 16 * e);
        mma(o[e], high, b[0], b[1]), mma(o[e + 1], high, b[2], b[3]);
        mma(o[e], low, b[0], b[1]), mma(o[e + 1], low, b[2], b[3]);
      }
    }
  }

  // join puts together what the shares have of a column.
  __device__ __forceinline__ void join(float* acc, float* mosts, float* sums, int column, int t, int cols, int share, bool works,
                                       unsigned char* memory) {
    float* const parts = (float*)memory;  // [share][column]: values, maximum, sum
    sum[0] = sum_quad(sum[0]), sum[1] = sum_quad(sum[1]);
    if (SHARES > 1) {
      if (works && share > 0) put(parts + (share - 1) * (PART / 4), V + 2, column, t, cols);
      __syncthreads();
      if (works && share == 0) {
#pragma unroll
        for (int n = 0; n < SHARES - 1; n++) add(parts + n * (PART / 4), column, t, cols);
      }
    }
    if (works && share == 0) {
      put(acc, V, column, t, cols);
#pragma unroll
      for (int i = 0; i < 2; i++) {
        if (t == 0 && column + 8 * i < cols) mosts[column + 8 * i] = most[i], sums[column + 8 * i] = sum[i];
      }
    }
    __syncthreads();
  }

  // put stores the warp's columns; rows that are longer get maximum and sum as well.
  __device__ __forceinline__ void put(float* to, int row, int column, int t, int cols) const {
#pragma unroll
    for (int i = 0; i < 2; i++) {
      const int c = column + 8 * i;
      if (c >= cols) continue;
#pragma unroll
      for (int n = 0; n < V / 8; n++) *(float2*)(to + c * row + 8 * n + 2 * t) = make_float2(o[n][2 * i], o[n][2 * i + 1]);
      if (row > V && t == 0) *(float2*)(to + c * row + V) = make_float2(most[i], sum[i]);
    }
  }

  // add takes in a part of another share.
  __device__ __forceinline__ void add(const float* part, int column, int t, int cols) {
#pragma unroll
    for (int i = 0; i < 2; i++) {
      const int c = column + 8 * i;
      if (c >= cols) continue;
      const float* from = part + c * (V + 2);
      const float now = fmaxf(most[i], from[V]), mine = power(most[i] - now), other = power(from[V] - now);
      most[i] = now, sum[i] = sum[i] * mine + from[V + 1] * other;
#pragma unroll
      for (int n = 0; n < V / 8; n++) {
        o[n][2 * i] = o[n][2 * i] * mine + from[8 * n + 2 * t] * other;
        o[n][2 * i + 1] = o[n][2 * i + 1] * mine + from[8 * n + 2 * t + 1] * other;
      }
    }
  }
};

}  // namespace flash
