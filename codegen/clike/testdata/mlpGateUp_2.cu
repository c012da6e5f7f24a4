extern "C" __global__ void __launch_bounds__(384, 1) mlpGateUp_2(const int* step, const f16* x, const unsigned char* __restrict__ wgate, const unsigned char* __restrict__ wup, f16* f16_) {
  const int thread = threadIdx.x, lane = thread & 31, team = thread >> 5, group_index = blockIdx.x;
  extern __shared__ __align__(128) unsigned char memory[];
  const int S = step[0];
  const int tile = group_index % 1;
  const int block = group_index / 1;
  float* const acc = (float*)(memory + 0);
  const int row = block * 128;
  const int count = min(128, 160 - row);
  const int cols = S;
  wait_for_inputs();
  gemm::Tile<gemm::Blocks<4, 8, false, false, false>, false, 96, 32, 0, 2>::pair(acc + 0, acc + 8320, 65, wgate + size_t(row * 96 >> 9) * 288, wup + size_t(row * 96 >> 9) * 288, 96, x, 96, count, cols, 96, nullptr, memory + 0);
  launch_dependents();
  group_barrier();
  for (int i = thread; i < count * cols; i += 384) {
    const int c = i / count;
    const int r = i % count;
    const int tok = c;
    const int n = row + r;
    f16_[tok * 160 + n] = to_f16(acc[r * 65 + c] / (1.0f + expf(0.0f - acc[r * 65 + c])) * acc[8320 + (r * 65 + c)]);
  }
}
