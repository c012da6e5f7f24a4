// Dot with one column. A team takes ROWS rows at a time, so that it reads x once for all of them; its lanes divide the row in pieces
// that lie side by side. Past the last row it reads the last again, and drops the result.

namespace gemv {

static constexpr constant int TEAMS = 8;

// finish sums what lanes have of each row.
template <int ROWS>
inline void finish(threadgroup float* acc, int accStride, const thread float* sum, int row, int rows, Place place) {
#pragma unroll
  for (int r = 0; r < ROWS; r++) {
    const float v = simd_sum(sum[r]);
    if (place.lane == 0 && row + r < rows) acc[(row + r) * accStride] = v;
  }
}

// Blocks is of rows of a block format. x begins at a multiple of eight elements.
template <class F, int ROWS>
struct Blocks {
  template <class X>
  static void run(threadgroup float* acc, int accStride, device const uchar* w, int wStride, X x, int, int rows, int, int k,
                  threadgroup uchar*, threadgroup uchar*, Place place) {
    const int pieces = F::ELEMS / 16, of = F::DISTANCE / 8;
    for (int row = place.team * ROWS; row < rows; row += TEAMS * ROWS) {
      device const uchar* from[ROWS];
      float sum[ROWS];
#pragma unroll
      for (int r = 0; r < ROWS; r++) {
        from[r] = weights::Blocks<F>::row(w, min(row + r, rows - 1), wStride);
        sum[r] = 0.0f;
      }
      for (int i = place.lane; i < k / 16; i += TEAM) {
        const int block = i / pieces, piece = i % pieces;
        X at = x + (block * F::ELEMS + piece / of * (2 * F::DISTANCE) + piece % of * 8);
        const weights::Eight x0 = weights::eight(at), x1 = weights::eight(at + F::DISTANCE);
        float2 sums = float2(0.0f);
        if (F::SUMS) sums = float2(dot(x0.a + x0.b, float4(1.0f)), dot(x1.a + x1.b, float4(1.0f)));
#pragma unroll
        for (int r = 0; r < ROWS; r++) {
          device const uchar* const b = from[r] + block * F::BYTES;
          const uint2 q0 = F::codes(b, piece, 0), q1 = F::codes(b, piece, 1);
          const float2 f0 = F::factors(b, piece, 0), f1 = F::factors(b, piece, 1);
          const float d0 = dot(x0.a, weights::values<F::ZERO>(q0.x)) + dot(x0.b, weights::values<F::ZERO>(q0.y));
          const float d1 = dot(x1.a, weights::values<F::ZERO>(q1.x)) + dot(x1.b, weights::values<F::ZERO>(q1.y));
          sum[r] += f0.x * d0 + f1.x * d1;
          if (F::SUMS) sum[r] += f0.y * sums.x + f1.y * sums.y;
        }
      }
      finish<ROWS>(acc, accStride, sum, row, rows, place);
    }
  }
};

// Floats is of rows of single elements; V divides K and both strides.
template <int V, int ROWS>
struct Floats {
  template <class W, class X>
  static void run(threadgroup float* acc, int accStride, W w, int wStride, X x, int, int rows, int, int k, threadgroup uchar*,
                  threadgroup uchar*, Place place) {
    for (int row = place.team * ROWS; row < rows; row += TEAMS * ROWS) {
      W from[ROWS];
      float sum[ROWS];
#pragma unroll
      for (int r = 0; r < ROWS; r++) {
        from[r] = w + size_t(min(row + r, rows - 1)) * size_t(wStride);
        sum[r] = 0.0f;
      }
#pragma unroll(2)
      for (int i = place.lane * V; i < k; i += TEAM * V) {
        const weights::Vector<V> v = weights::Vector<V>::at(x + i);
#pragma unroll
        for (int r = 0; r < ROWS; r++) sum[r] += weights::Vector<V>::times(weights::Vector<V>::at(from[r] + i), v);
      }
      finish<ROWS>(acc, accStride, sum, row, rows, place);
    }
  }
};

}  // namespace gemv
