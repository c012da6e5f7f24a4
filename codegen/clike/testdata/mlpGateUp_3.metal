kernel void mlpGateUp_3(MAYBE_UNUSED device const int* step [[buffer(0)]], device const float* x [[buffer(1)]], device const uchar* wgate [[buffer(2)]], device const uchar* wup [[buffer(3)]], device float* act [[buffer(4)]], uint thread_index [[thread_index_in_threadgroup]], uint group_position [[threadgroup_position_in_grid]]) {
  MAYBE_UNUSED const int self = int(thread_index), lane = self & 31, team = self >> 5, group_index = int(group_position);
  MAYBE_UNUSED const Place place = {self, lane, team};
  alignas(16) threadgroup uchar memory[256];
  const int block = group_index;
  threadgroup float* const acc = (threadgroup float*)(memory + 0);
  const int row = block * 32;
  gemv::Blocks<weights::Q32<4, false>, 4>::run(acc + 0, 1, wgate + size_t(row * 96 >> 5) * 18, 96, x, 96, 32, 1, 96, nullptr, memory + 256, place);
  gemv::Blocks<weights::Q32<4, false>, 4>::run(acc + 32, 1, wup + size_t(row * 96 >> 5) * 18, 96, x, 96, 32, 1, 96, nullptr, memory + 256, place);
  group_barrier();
  for (int r = self; r < 32; r += 256) {
    const int n = row + r;
    act[n] = acc[r] / (1.0f + expf(0.0f - acc[r])) * acc[32 + r];
  }
}
