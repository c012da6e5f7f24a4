kernel void mlpGateUp_4(MAYBE_UNUSED device const int* step [[buffer(0)]], device const half* x [[buffer(1)]], device const uchar* wgate [[buffer(2)]], device const uchar* wup [[buffer(3)]], device half* f16 [[buffer(4)]], uint thread_index [[thread_index_in_threadgroup]], uint group_position [[threadgroup_position_in_grid]]) {
  MAYBE_UNUSED const int self = int(thread_index), lane = self & 31, team = self >> 5, group_index = int(group_position);
  MAYBE_UNUSED const Place place = {self, lane, team};
  alignas(16) threadgroup uchar memory[23040];
  const int S = step[0];
  const int block = group_index / 1;
  threadgroup float* const acc = (threadgroup float*)(memory + 0);
  const int row = block * 64;
  const int count = min(64, 160 - row);
  const int cols = S;
  gemm::Tile<weights::Blocks<weights::Q32<4, false>>, weights::Floats<true>, half, 64, 32, 32>::run(acc + 0, 33, wgate + size_t(row * 96 >> 5) * 18, 96, x, 96, count, cols, 96, nullptr, memory + 16896, place);
  group_barrier();
  gemm::Tile<weights::Blocks<weights::Q32<4, false>>, weights::Floats<true>, half, 64, 32, 32>::run(acc + 2112, 33, wup + size_t(row * 96 >> 5) * 18, 96, x, 96, count, cols, 96, nullptr, memory + 16896, place);
  group_barrier();
  for (int i = self; i < count * cols; i += 256) {
    const int c = i / count;
    const int r = i % count;
    const int tok = c;
    const int n = row + r;
    f16[tok * 160 + n] = to_f16(acc[r * 33 + c] / (1.0f + expf(0.0f - acc[r * 33 + c])) * acc[2112 + (r * 33 + c)]);
  }
}
