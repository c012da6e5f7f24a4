// Scores of a token, of which there are as many columns as heads that share keys.

namespace attend {

// Few is Dot with a few columns: eight lanes share a row, of which each holds N times V elements, all of whose loads begin at once.
template <int V, int N>
struct Few {
  template <class W, class X>
  static void run(threadgroup float* acc, int accStride, W w, int wStride, X x, int xStride, int rows, int cols, int k,
                  threadgroup uchar*, threadgroup uchar*, Place place) {
    typedef weights::Vector<V> Vec;
    const int part = place.lane % 8;
    for (int first = place.team * 4; first < rows; first += 32) {
      const int row = first + place.lane / 8;
      W from = w + min(row, rows - 1) * wStride;
      Vec v[N];
#pragma unroll
      for (int i = 0; i < N; i++) {
        const int at = (8 * i + part) * V;
        v[i] = Vec::zero();
        if (at < k) v[i] = Vec::at(from + at);
      }
      for (int col = 0; col < cols; col++) {
        float sum = 0.0f;
#pragma unroll
        for (int i = 0; i < N; i++) {
          const int at = (8 * i + part) * V;
          if (at < k) sum += Vec::times(v[i], Vec::at(x + col * xStride + at));
        }
        sum += simd_shuffle_xor(sum, ushort(4));
        sum += simd_shuffle_xor(sum, ushort(2));
        sum += simd_shuffle_xor(sum, ushort(1));
        if (part == 0 && row < rows) acc[row * accStride + col] = sum;
      }
    }
  }
};

}  // namespace attend
