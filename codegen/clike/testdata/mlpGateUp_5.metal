kernel void mlpGateUp_5(MAYBE_UNUSED device const int* step [[buffer(0)]], device const float* x [[buffer(1)]], device const float* normW [[buffer(2)]], device const uchar* wgate [[buffer(3)]], device const uchar* wup [[buffer(4)]], device float* act [[buffer(5)]], uint thread_index [[thread_index_in_threadgroup]], uint group_position [[threadgroup_position_in_grid]]) {
  MAYBE_UNUSED const int self = int(thread_index), lane = self & 31, team = self >> 5, group_index = int(group_position);
  MAYBE_UNUSED const Place place = {self, lane, team};
  alignas(16) threadgroup uchar memory[640];
  const int block = group_index;
  threadgroup float* const acc = (threadgroup float*)(memory + 128);
  threadgroup float* const xn = (threadgroup float*)(memory + 256);
  const int row = block * 16;
  float total = 0.0f;
  for (int i = self; i < 96; i += 256) total += x[i] * x[i];
  total = sum_group<256>(total, memory, place);
  for (int i2 = self; i2 < 96; i2 += 256) {
    xn[i2] = x[i2] * rsqrtf(total / 96.0f + 1e-05f) * normW[i2];
  }
  group_barrier();
  for (int at_acc = team; at_acc < 16; at_acc += 8) {
    const int row_acc = at_acc;
    team_barrier();
    float sum_acc = 0.0f;
    #pragma unroll
    for (int turn = 0, k_acc = lane; turn < 3; turn++, k_acc += TEAM) sum_acc += q4_0frag_at(wgate, (row * 96 + row_acc * 96 + k_acc) / 96, (row * 96 + row_acc * 96 + k_acc) % 96, 96) * xn[k_acc];
    sum_acc = sum_team(sum_acc);
    team_barrier();
    if (lane == 0) acc[row_acc] = sum_acc;
  }
  group_barrier();
  for (int at_acc = team; at_acc < 16; at_acc += 8) {
    const int row_acc = at_acc;
    team_barrier();
    float sum_acc = 0.0f;
    #pragma unroll
    for (int turn = 0, k_acc = lane; turn < 3; turn++, k_acc += TEAM) sum_acc += q4_0frag_at(wup, (row * 96 + row_acc * 96 + k_acc) / 96, (row * 96 + row_acc * 96 + k_acc) % 96, 96) * xn[k_acc];
    sum_acc = sum_team(sum_acc);
    team_barrier();
    if (lane == 0) acc[16 + row_acc] = sum_acc;
  }
  group_barrier();
  for (int r = self; r < 16; r += 256) {
    const int n = row + r;
    act[n] = acc[r] / (1.0f + expf(0.0f - acc[r])) * acc[16 + r];
  }
}
