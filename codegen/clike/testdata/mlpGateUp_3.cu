extern "C" __global__ void __launch_bounds__(256) mlpGateUp_3(const int* step, const float* x, const unsigned char* __restrict__ wgate, const unsigned char* __restrict__ wup, float* act) {
  const int thread = threadIdx.x, lane = thread & 31, team = thread >> 5, group_index = blockIdx.x;
  extern __shared__ __align__(128) unsigned char memory[];
  const int block = group_index;
  float* const acc = (float*)(memory + 0);
  const int row = block * 32;
  wait_for_inputs();
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
  launch_dependents();
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
  for (int r = thread; r < 32; r += 256) {
    const int n = row + r;
    act[n] = acc[r] / (1.0f + expf(0.0f - acc[r])) * acc[32 + r];
  }
}
