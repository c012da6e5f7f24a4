// Products with keys and values of a cache, which have few rows at a time. x is f32, and so are products of it.

namespace attend {

// Dot has HIGH teams along the rows, 8 for each, and the others along the columns, 8 WIDE for each. The matrices of sums are columns by
// rows, as f32 comes first where the types of two factors differ. T is the type of keys.
template <class T, int HIGH, int WIDE>
struct Dot {
  template <class W, class X>
  static void run(threadgroup float* acc, int accStride, W w, int wStride, X x, int xStride, int rows, int cols, int k,
                  threadgroup uchar*, threadgroup uchar* prep, Place place) {
    threadgroup uchar* const memory = prep + place.team * matrices::SCRATCH;
    const int step = 8 / HIGH * 8 * WIDE;
    for (int row = place.team % HIGH * 8; row < rows; row += 8 * HIGH) {
      for (int col = place.team / HIGH * 8 * WIDE; col < cols; col += step) {
        const int wide = (cols - col + 7) / 8;
        simdgroup_matrix<float, 8, 8> sums[WIDE], a;
        simdgroup_matrix<T, 8, 8> b;
#pragma unroll
        for (int j = 0; j < WIDE; j++) sums[j] = make_filled_simdgroup_matrix<float, 8, 8>(0.0f);
        for (int i = 0; i < k; i += 8) {
          matrices::load<true>(b, w + row * wStride + i, wStride, rows - row, k - i, memory, place.lane);
#pragma unroll
          for (int j = 0; j < WIDE; j++) {
            if (j >= wide) continue;
            const int c = col + 8 * j;
            matrices::load<false>(a, x + c * xStride + i, xStride, cols - c, k - i, memory, place.lane);
            simdgroup_multiply_accumulate(sums[j], a, b, sums[j]);
          }
        }
#pragma unroll
        for (int j = 0; j < WIDE; j++) {
          if (j >= wide) continue;
          const int c = col + 8 * j;
          matrices::store<true>(sums[j], acc + row * accStride + c, accStride, rows - row, cols - c, memory, place.lane);
        }
      }
    }
  }
};

// Mix has each team take 8 elements of all rows in turn, and 8 WIDE columns at a time. T is the type of values.
template <class T, int WIDE>
struct Mix {
  template <class W, class X>
  static void run(threadgroup float* acc, int accStride, W w, int wStride, X x, int xStride, int rows, int cols, int k,
                  threadgroup uchar*, threadgroup uchar* prep, Place place) {
    threadgroup uchar* const memory = prep + place.team * matrices::SCRATCH;
    for (int i = place.team * 8; i < k; i += 64) {
      for (int col = 0; col < cols; col += 8 * WIDE) {
        const int wide = (cols - col + 7) / 8;
        simdgroup_matrix<float, 8, 8> sums[WIDE], a;
        simdgroup_matrix<T, 8, 8> b;
#pragma unroll
        for (int j = 0; j < WIDE; j++) {
          const int c = col + 8 * j;
          sums[j] = make_filled_simdgroup_matrix<float, 8, 8>(0.0f);
          if (j < wide) matrices::load<false>(sums[j], acc + c * accStride + i, accStride, cols - c, k - i, memory, place.lane);
        }
        for (int row = 0; row < rows; row += 8) {
          matrices::load<false>(b, w + row * wStride + i, wStride, rows - row, k - i, memory, place.lane);
#pragma unroll
          for (int j = 0; j < WIDE; j++) {
            if (j >= wide) continue;
            const int c = col + 8 * j;
            matrices::load<false>(a, x + c * xStride + row, xStride, cols - c, rows - row, memory, place.lane);
            simdgroup_multiply_accumulate(sums[j], a, b, sums[j]);
          }
        }
#pragma unroll
        for (int j = 0; j < WIDE; j++) {
          const int c = col + 8 * j;
          if (j < wide) matrices::store<false>(sums[j], acc + c * accStride + i, accStride, cols - c, k - i, memory, place.lane);
        }
      }
    }
  }
};

}  // namespace attend
