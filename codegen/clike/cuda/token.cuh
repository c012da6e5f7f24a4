// Attention of one token's columns, at most 16 of them, over a loop of keys of f16. What takes time is the way of the loads, so a warp has
// eight keys of each block of 64 in registers, those of earlier steps before the kernel's inputs are there, and warps put their results
// together once, at the end. Products are as in flash.

namespace token {

using flash::halves;
using flash::max_quad;
using flash::power;
using flash::sum_quad;

// load takes BYTES that other multiprocessors may write while the kernel waits: not through this one's own cache.
template <int BYTES>
__device__ __forceinline__ uint4 load(const f16* p, bool any) {
  uint4 v = make_uint4(0, 0, 0, 0);
  if (any && BYTES == 8) asm volatile("ld.global.cg.v2.u32 {%0, %1}, [%2];" : "=r"(v.x), "=r"(v.y) : "l"(p) : "memory");
  if (any && BYTES == 16) asm volatile("ld.global.cg.v4.u32 {%0, %1, %2, %3}, [%4];" : "=r"(v.x), "=r"(v.y), "=r"(v.z), "=r"(v.w) : "l"(p) : "memory");
  return v;
}
__device__ __forceinline__ void or_into(uint4& v, uint4 w) { v.x |= w.x, v.y |= w.y, v.z |= w.z, v.w |= w.w; }
__device__ __forceinline__ unsigned word(const uint4& v, int i) { return i == 0 ? v.x : i == 1 ? v.y : i == 2 ? v.z : v.w; }

__device__ __forceinline__ void mma8(float (&d)[4], unsigned a0, unsigned a1, unsigned b) {
  asm("mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5}, {%6}, {%0, %1, %2, %3};"
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3]) : "r"(a0), "r"(a1), "r"(b));
}

// Attend: K and V are the lengths of keys and values, whose rows are KEYS and VALUES elements apart. Lane 4g+t has of 32 elements of
// key g 8t to 8t+7, and of 8 OWN elements of values 2t and 2t+1 its own from OWN g on.
template <int K, int V, int KEYS, int VALUES, int COLS, int WARPS>
struct Attend {
  static constexpr int OWN = V % 64 == 0 ? 8 : 4, CHUNKS = V / (8 * OWN);
  static constexpr int BLOCK = 8 * WARPS, THREADS = 32 * WARPS, HALVES = COLS > 8 ? 2 : 1;
  static constexpr int PART = COLS * (V + 4);  // floats of a warp: values, behind which lie maximum and sum; rows begin at 16 bytes
  static constexpr int BYTES = 4 * WARPS * PART;
  static_assert(K % 32 == 0 && V % 32 == 0 && COLS <= 16, "whole loads");

  struct Rows {
    uint4 k[K / 32], v[2][CHUNKS];
  };
  Rows rows;
  int until;
  float o[CHUNKS][OWN][4], most[2], sum[2];

  // begin loads what is known before the kernel's inputs are there: keys from lo on and below end.
  template <class KEY, class VALUE>
  __device__ __forceinline__ void begin(int lo, int end, KEY keys, VALUE values) {
    until = end;
    take(rows, 0, end - lo, keys(lo), values(lo));
  }

  // take loads the warp's rows of a block, those from first on and below end.
  static __device__ __forceinline__ void take(Rows& r, int first, int end, const f16* keys, const f16* values) {
    const int lane = threadIdx.x % 32, g = lane / 4, t = lane % 4, base = threadIdx.x / 32 * 8;
    const int key = base + g;
#pragma unroll
    for (int i = 0; i < K / 32; i++) r.k[i] = load<16>(keys + key * KEYS + 32 * i + 8 * t, key >= first && key < end);
#pragma unroll
    for (int n = 0; n < 2; n++) {
      const int value = base + 2 * t + n;
#pragma unroll
      for (int i = 0; i < CHUNKS; i++) r.v[n][i] = load<2 * OWN>(values + value * VALUES + 8 * OWN * i + OWN * g, value >= first && value < end);
    }
  }

  template <class KEY, class VALUE, class SCORE>
  __device__ __forceinline__ void run(float* acc, float* mosts, float* sums, const float* q, int qStride, int cols, int lo, int hi, KEY keys,
                                      VALUE values, SCORE score, unsigned char* memory) {
    const int warp = threadIdx.x / 32;
    float x[K / 32][HALVES][8];
    queries(x, q, qStride, cols);
    Rows late;
    take(late, max(until - lo, 0), hi - lo, keys(lo), values(lo));
    join(rows, late);
#pragma unroll
    for (int i = 0; i < CHUNKS; i++) {
#pragma unroll
      for (int e = 0; e < OWN; e++) o[i][e][0] = o[i][e][1] = o[i][e][2] = o[i][e][3] = 0.0f;
    }
    most[0] = most[1] = -3.4e38f, sum[0] = sum[1] = 0.0f;
    for (int j = lo; j < hi; j += BLOCK) {
      Rows next;
      if (j + BLOCK < hi) take(next, 0, hi - j - BLOCK, keys(j + BLOCK), values(j + BLOCK));
      if (j + 8 * warp < hi) block(x, cols, j, hi - j, score);
      if (j + BLOCK < hi) rows = next;
    }
    const int active = min(WARPS, (hi - lo + 7) / 8);  // warps that had keys
    float* const parts = (float*)memory;
    if (warp < active) put(parts + warp * PART, cols);
    __syncthreads();
    if (active > 0) whole(acc, mosts, sums, parts, cols, active);
    __syncthreads();
  }

  static __device__ __forceinline__ void join(Rows& to, const Rows& from) {
#pragma unroll
    for (int i = 0; i < K / 32; i++) or_into(to.k[i], from.k[i]);
#pragma unroll
    for (int i = 0; i < CHUNKS; i++) or_into(to.v[0][i], from.v[0][i]), or_into(to.v[1][i], from.v[1][i]);
  }

  // queries loads the lane's elements of its columns, g and g+8.
  static __device__ __forceinline__ void queries(float (&x)[K / 32][HALVES][8], const float* q, int stride, int cols) {
    const int lane = threadIdx.x % 32, g = lane / 4, t = lane % 4;
#pragma unroll
    for (int i = 0; i < K / 32; i++) {
#pragma unroll
      for (int h = 0; h < HALVES; h++) {
        const float4* from = (const float4*)(q + (g + 8 * h) * stride + 32 * i + 8 * t);
        float4 a = make_float4(0.0f, 0.0f, 0.0f, 0.0f), b = a;
        if (g + 8 * h < cols) a = from[0], b = from[1];
        float(&v)[8] = x[i][h];
        v[0] = a.x, v[1] = a.y, v[2] = a.z, v[3] = a.w, v[4] = b.x, v[5] = b.y, v[6] = b.z, v[7] = b.w;
      }
    }
  }

  // block goes over the warp's eight keys of the block at j.
  template <class SCORE>
  __device__ __forceinline__ void block(const float (&x)[K / 32][HALVES][8], int cols, int j, int end, SCORE score) {
    const int lane = threadIdx.x % 32, g = lane / 4, t = lane % 4, first = threadIdx.x / 32 * 8;
    float s[4] = {0.0f, 0.0f, 0.0f, 0.0f};
#pragma unroll
    for (int i = 0; i < K / 32; i++) {
#pragma unroll
      for (int h = 0; h < 2; h++) {  // of the lane's eight elements, four
        unsigned high[4] = {0, 0, 0, 0}, low[4] = {0, 0, 0, 0};
#pragma unroll
        for (int c = 0; c < HALVES; c++) {
#pragma unroll
          for (int p = 0; p < 2; p++) {
            float a = x[i][c][4 * h + 2 * p], b = x[i][c][4 * h + 2 * p + 1];
            high[2 * p + c] = halves(a, b), low[2 * p + c] = halves(a, b);
          }
        }
        flash::mma(s, high, word(rows.k[i], 2 * h), word(rows.k[i], 2 * h + 1));
        flash::mma(s, low, word(rows.k[i], 2 * h), word(rows.k[i], 2 * h + 1));
      }
    }
#pragma unroll
    for (int i = 0; i < 2 * HALVES; i++) {
      const int r = first + 2 * t + i % 2;
      s[i] = r < end ? score(min(g + 8 * (i / 2), cols - 1), j, min(r, end - 1), s[i]) : -INFINITE;
    }
    unsigned high[2] = {0, 0}, low[2] = {0, 0};
#pragma unroll
    for (int c = 0; c < HALVES; c++) {
      const float now = fmaxf(most[c], max_quad(fmaxf(s[2 * c], s[2 * c + 1]))), scale = power(most[c] - now);
      most[c] = now;
      float a = power(s[2 * c] - now), b = power(s[2 * c + 1] - now);
      sum[c] = sum[c] * scale + (a + b);
      high[c] = halves(a, b), low[c] = halves(a, b);
#pragma unroll
      for (int i = 0; i < CHUNKS; i++) {
#pragma unroll
        for (int e = 0; e < OWN; e++) o[i][e][2 * c] *= scale, o[i][e][2 * c + 1] *= scale;
      }
    }
#pragma unroll
    for (int i = 0; i < CHUNKS; i++) {
#pragma unroll
      for (int e = 0; e < OWN; e++) {
        const unsigned b = __byte_perm(word(rows.v[0][i], e / 2), word(rows.v[1][i], e / 2), e % 2 ? 0x7632 : 0x5410);
        mma8(o[i][e], high[0], high[1], b), mma8(o[i][e], low[0], low[1], b);
      }
    }
  }

  // put stores the warp's results: of every 8 OWN elements the lane has 2 OWN of its columns.
  __device__ __forceinline__ void put(float* part, int cols) const {
    const int lane = threadIdx.x % 32, g = lane / 4, t = lane % 4;
#pragma unroll
    for (int c = 0; c < HALVES; c++) {
      const float total = sum_quad(sum[c]);
      if (g + 8 * c >= cols) continue;
      float* to = part + (g + 8 * c) * (V + 4);
#pragma unroll
      for (int i = 0; i < CHUNKS; i++) {
#pragma unroll
        for (int n = 0; n < 2; n++) {
#pragma unroll
          for (int e = 0; e < OWN; e += 4)
            *(float4*)(to + 8 * OWN * i + OWN * (2 * t + n) + e) =
                make_float4(o[i][e][2 * c + n], o[i][e + 1][2 * c + n], o[i][e + 2][2 * c + n], o[i][e + 3][2 * c + n]);
        }
      }
      if (t == 0) to[V] = most[c], to[V + 1] = total;
    }
  }

  // whole puts the warps' results together, with the state before the loop.
  static __device__ __forceinline__ void whole(float* acc, float* mosts, float* sums, const float* parts, int cols, int active) {
    constexpr int TURNS = (COLS * V + THREADS - 1) / THREADS;
    float value[TURNS], now[TURNS], total[TURNS];
#pragma unroll
    for (int n = 0; n < TURNS; n++) {
      const int i = n * THREADS + threadIdx.x, c = i / V;
      if (c >= cols) continue;
      now[n] = mosts[c];
#pragma unroll
      for (int w = 0; w < WARPS; w++) {
        if (w < active) now[n] = fmaxf(now[n], parts[w * PART + c * (V + 4) + V]);
      }
      const float before = power(mosts[c] - now[n]);
      value[n] = acc[i] * before, total[n] = sums[c] * before;
#pragma unroll
      for (int w = 0; w < WARPS; w++) {
        const float* part = parts + w * PART + c * (V + 4);
        if (w < active) {
          const float scale = power(part[V] - now[n]);
          value[n] += part[i % V] * scale, total[n] += part[V + 1] * scale;
        }
      }
    }
    __syncthreads();
#pragma unroll
    for (int n = 0; n < TURNS; n++) {
      const int i = n * THREADS + threadIdx.x, c = i / V;
      if (c >= cols) continue;
      acc[i] = value[n];
      if (i % V == 0) mosts[c] = now[n], sums[c] = total[n];
    }
  }
};

}  // namespace token
