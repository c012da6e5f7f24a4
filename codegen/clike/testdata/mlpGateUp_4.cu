extern "C" __global__ void __launch_bounds__(256) mlpGateUp_4(const int* step, const f16* x, const unsigned char* __restrict__ wgate, const unsigned char* __restrict__ wup, f16* f16_) {
  const int thread = threadIdx.x, lane = thread & 31, team = thread >> 5, group_index = blockIdx.x;
  extern __shared__ __align__(128) unsigned char memory[];
  const int S = step[0];
  const int tile = group_index % 1;
  const int block = group_index / 1;
  float* const acc = (float*)(memory + 0);
  const int row = block * 64;
  const int count = min(64, 160 - row);
  const int cols = S;
  wait_for_inputs();
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
  launch_dependents();
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
  for (int i = thread; i < count * cols; i += 256) {
    const int c = i / count;
    const int r = i % count;
    const int tok = c;
    const int n = row + r;
    f16_[tok * 160 + n] = to_f16(acc[r * 33 + c] / (1.0f + expf(0.0f - acc[r * 33 + c])) * acc[2112 + (r * 33 + c)]);
  }
}
