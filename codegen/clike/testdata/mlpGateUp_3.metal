kernel void mlpGateUp_3(MAYBE_UNUSED device const int* step [[buffer(0)]], device const float* x [[buffer(1)]], device const uchar* wgate [[buffer(2)]], device const uchar* wup [[buffer(3)]], device float* act [[buffer(4)]], uint thread_index [[thread_index_in_threadgroup]], uint group_position [[threadgroup_position_in_grid]]) {
  MAYBE_UNUSED const int self = int(thread_index), lane = self & 31, team = self >> 5, group_index = int(group_position);
  MAYBE_UNUSED const Place place = {self, lane, team};
  alignas(16) threadgroup uchar memory[256];
  const int block = group_index;
  threadgroup float* const acc = (threadgroup float*)(memory + 0);
  const int row = block * 32;
  for (int at_acc = team; at_acc < 32; at_acc += 8) {
    const int row_acc = at_acc;
    team_barrier();
    float sum_acc = 0.0f;
    #pragma unroll
    for (int turn = 0, k_acc = lane; turn < 3; turn++, k_acc += TEAM) sum_acc += q4_0_at(wgate, row * 96 + row_acc * 96 + k_acc) * x[k_acc];
    sum_acc = sum_team(sum_acc);
    team_barrier();
    if (lane == 0) acc[row_acc] = sum_acc;
  }
  group_barrier();
  for (int at_acc = team; at_acc < 32; at_acc += 8) {
    const int row_acc = at_acc;
    team_barrier();
    float sum_acc = 0.0f;
    #pragma unroll
    for (int turn = 0, k_acc = lane; turn < 3; turn++, k_acc += TEAM) sum_acc += q4_0_at(wup, row * 96 + row_acc * 96 + k_acc) * x[k_acc];
    sum_acc = sum_team(sum_acc);
    team_barrier();
    if (lane == 0) acc[32 + row_acc] = sum_acc;
  }
  group_barrier();
  for (int r = self; r < 32; r += 256) {
    const int n = row + r;
    act[n] = acc[r] / (1.0f + expf(0.0f - acc[r])) * acc[32 + r];
  }
}
