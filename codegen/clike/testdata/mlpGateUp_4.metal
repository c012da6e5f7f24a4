kernel void mlpGateUp_4(MAYBE_UNUSED device const int* step [[buffer(0)]], device const half* x [[buffer(1)]], device const uchar* wgate [[buffer(2)]], device const uchar* wup [[buffer(3)]], device half* f16 [[buffer(4)]], uint thread_index [[thread_index_in_threadgroup]], uint group_position [[threadgroup_position_in_grid]]) {
  MAYBE_UNUSED const int self = int(thread_index), lane = self & 31, team = self >> 5, group_index = int(group_position);
  MAYBE_UNUSED const Place place = {self, lane, team};
  alignas(16) threadgroup uchar memory[16896];
  const int S = step[0];
  const int block = group_index / 1;
  threadgroup float* const acc = (threadgroup float*)(memory + 0);
  const int row = block * 64;
  const int count = min(64, 160 - row);
  const int cols = S;
  for (int at_acc = team; at_acc < count * cols; at_acc += 8) {
    const int row_acc = at_acc / cols;
    const int col_acc = at_acc % cols;
    team_barrier();
    float sum_acc = 0.0f;
    #pragma unroll
    for (int turn = 0, k_acc = lane; turn < 3; turn++, k_acc += TEAM) sum_acc += q4_0_at(wgate, row * 96 + row_acc * 96 + k_acc) * load_f16(x + (col_acc * 96 + k_acc));
    sum_acc = sum_team(sum_acc);
    team_barrier();
    if (lane == 0) acc[row_acc * 33 + col_acc] = sum_acc;
  }
  group_barrier();
  for (int at_acc = team; at_acc < count * cols; at_acc += 8) {
    const int row_acc = at_acc / cols;
    const int col_acc = at_acc % cols;
    team_barrier();
    float sum_acc = 0.0f;
    #pragma unroll
    for (int turn = 0, k_acc = lane; turn < 3; turn++, k_acc += TEAM) sum_acc += q4_0_at(wup, row * 96 + row_acc * 96 + k_acc) * load_f16(x + (col_acc * 96 + k_acc));
    sum_acc = sum_team(sum_acc);
    team_barrier();
    if (lane == 0) acc[2112 + row_acc * 33 + col_acc] = sum_acc;
  }
  group_barrier();
  for (int i = self; i < count * cols; i += 256) {
    const int c = i / count;
    const int r = i % count;
    const int tok = c;
    const int n = row + r;
    f16[tok * 160 + n] = to_f16(acc[r * 33 + c] / (1.0f + expf(0.0f - acc[r * 33 + c])) * acc[2112 + (r * 33 + c)]);
  }
}
