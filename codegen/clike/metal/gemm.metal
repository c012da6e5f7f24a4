// Dot with many columns, by simdgroup matrices of T with sums of f32. The group takes ROWS rows and COLS columns at a time, DEPTH
// elements after each other: all threads expand a run of eight of weights and of x into group memory, each 8 by 8 of them side by side,
// with zeros past the edges, and fetch the next runs from the device before they multiply these.

namespace gemm {

inline void put(threadgroup half* p, weights::Eight v) {
  ((threadgroup half4*)p)[0] = half4(v.a);
  ((threadgroup half4*)p)[1] = half4(v.b);
}
inline void put(threadgroup bfloat* p, weights::Eight v) {
  ((threadgroup bfloat4*)p)[0] = bfloat4(v.a);
  ((threadgroup bfloat4*)p)[1] = bfloat4(v.b);
}
inline void put(threadgroup float* p, weights::Eight v) {
  ((threadgroup float4*)p)[0] = v.a;
  ((threadgroup float4*)p)[1] = v.b;
}

// Side is one of the two factors: LINES lines of DEPTH elements, loaded by Source.
template <class Source, class T, int LINES, int DEPTH>
struct Side {
  static constexpr constant int RUNS = DEPTH / 8, TASKS = LINES * RUNS, EACH = (TASKS + 255) / 256;

  template <class P>
  static void fetch(thread weights::Eight* v, P p, int stride, int lines, int at, int k, int self) {
#pragma unroll
    for (int i = 0; i < EACH; i++) {
      const int task = self + 256 * i, line = task / RUNS, from = at + task % RUNS * 8;
      if (task < TASKS) v[i] = Source::run(Source::row(p, line < lines ? line : 0, stride), from, line < lines ? k - from : 0);
    }
  }
  static void store(threadgroup T* to, const thread weights::Eight* v, int self) {
#pragma unroll
    for (int i = 0; i < EACH; i++) {
      const int task = self + 256 * i, line = task / RUNS;
      if (task < TASKS) put(to + (line / 8 * RUNS + task % RUNS) * 64 + line % 8 * 8, v[i]);
    }
  }
};

// Tile has W and X load weights and activations.
template <class W, class X, class T, int ROWS, int COLS, int DEPTH>
struct Tile {
  // Of the teams so many stand along the rows and columns, and each has so many matrices of sums.
  static constexpr constant int BESIDE = COLS > 8 ? 2 : 1, ABOVE = ROWS / 8 < 8 / BESIDE ? ROWS / 8 : 8 / BESIDE;
  static constexpr constant int HIGH = ROWS / 8 / ABOVE, WIDE = COLS / 8 / BESIDE, RUNS = DEPTH / 8;

  template <class PW, class PX>
  static void run(threadgroup float* acc, int accStride, PW w, int wStride, PX x, int xStride, int rows, int cols, int k,
                  threadgroup uchar*, threadgroup uchar* prep, Place place) {
    for (int row = 0; row < rows; row += ROWS) {
      for (int col = 0; col < cols; col += COLS) {
        if (row + col > 0) threadgroup_barrier(mem_flags::mem_threadgroup);
        tile(acc + row * accStride + col, accStride, W::row(w, row, wStride), wStride, X::row(x, col, xStride), xStride, rows - row,
             cols - col, k, prep, place);
      }
    }
  }

  template <class PW, class PX>
  static void tile(threadgroup float* acc, int accStride, PW w, int wStride, PX x, int xStride, int rows, int cols, int k,
                   threadgroup uchar* prep, Place place) {
    threadgroup T* const ws = (threadgroup T*)prep;
    threadgroup T* const xs = ws + ROWS * DEPTH;
    const int self = place.team * 32 + place.lane, above = place.team % ABOVE * HIGH, beside = place.team / ABOVE * WIDE;
    const int high = min(HIGH, (rows + 7) / 8 - above), wide = min(min(WIDE, COLS / 8 - beside), (cols + 7) / 8 - beside);

    simdgroup_matrix<float, 8, 8> sums[HIGH * WIDE];
#pragma unroll
    for (int i = 0; i < HIGH * WIDE; i++) sums[i] = make_filled_simdgroup_matrix<float, 8, 8>(0.0f);

    typedef Side<W, T, ROWS, DEPTH> Rows;
    typedef Side<X, T, COLS, DEPTH> Cols;
    weights::Eight wv[Rows::EACH], xv[Cols::EACH];
    Rows::fetch(wv, w, wStride, rows, 0, k, self);
    Cols::fetch(xv, x, xStride, cols, 0, k, self);
    for (int at = 0; at < k; at += DEPTH) {
      if (at > 0) threadgroup_barrier(mem_flags::mem_threadgroup);
      Rows::store(ws, wv, self);
      Cols::store(xs, xv, self);
      threadgroup_barrier(mem_flags::mem_threadgroup);
      if (at + DEPTH < k) {
        Rows::fetch(wv, w, wStride, rows, at + DEPTH, k, self);
        Cols::fetch(xv, x, xStride, cols, at + DEPTH, k, self);
      }
      if (high > 0 && wide > 0) multiply(sums, ws + above * RUNS * 64, xs + beside * RUNS * 64, high, wide);
    }

    // Matrices that the edges cut pass through group memory.
    const bool cut = rows < ROWS || cols < COLS;
    if (cut) threadgroup_barrier(mem_flags::mem_threadgroup);
    threadgroup uchar* const memory = prep + place.team * matrices::SCRATCH;
#pragma unroll
    for (int i = 0; i < HIGH; i++) {
#pragma unroll
      for (int j = 0; j < WIDE; j++) {
        if (i >= high || j >= wide) continue;
        const int r = (above + i) * 8, c = (beside + j) * 8;
        matrices::store<false>(sums[i * WIDE + j], acc + r * accStride + c, accStride, rows - r, cols - c, memory, place.lane);
      }
    }
  }

  static void multiply(thread simdgroup_matrix<float, 8, 8>* sums, threadgroup const T* ws, threadgroup const T* xs, int high,
                       int wide) {
#pragma unroll
    for (int run = 0; run < RUNS; run++) {
      simdgroup_matrix<T, 8, 8> a, b[WIDE];
#pragma unroll
      for (int j = 0; j < WIDE; j++) {
        if (j < wide) simdgroup_load(b[j], xs + (j * RUNS + run) * 64, 8ul, ulong2(0), true);
      }
#pragma unroll
      for (int i = 0; i < HIGH; i++) {
        if (i >= high) continue;
        simdgroup_load(a, ws + (i * RUNS + run) * 64, 8ul);
#pragma unroll
        for (int j = 0; j < WIDE; j++) {
          if (j < wide) simdgroup_multiply_accumulate(sums[i * WIDE + j], a, b[j], sums[i * WIDE + j]);
        }
      }
    }
  }
};

}  // namespace gemm
