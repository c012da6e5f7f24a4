kernel void attnNorm_1(MAYBE_UNUSED device const int* step [[buffer(0)]], device const float* x [[buffer(1)]], device const float* normW [[buffer(2)]], device half* f16 [[buffer(3)]], uint thread_index [[thread_index_in_threadgroup]], uint group_position [[threadgroup_position_in_grid]]) {
  MAYBE_UNUSED const int self = int(thread_index), lane = self & 31, team = self >> 5, group_index = int(group_position);
  MAYBE_UNUSED const Place place = {self, lane, team};
  alignas(16) threadgroup uchar memory[128];
  const int q = group_index;
  float total = 0.0f;
  for (int i = self; i < 96; i += 256) total += x[q * 96 + i] * x[q * 96 + i];
  total = sum_group<256>(total, memory, place);
  for (int embd = self; embd < 96; embd += 256) {
    f16[q * 96 + embd] = to_f16(x[q * 96 + embd] * rsqrtf(total / 96.0f + 1e-05f) * normW[embd]);
  }
}
