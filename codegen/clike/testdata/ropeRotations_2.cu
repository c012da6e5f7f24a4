extern "C" __global__ void __launch_bounds__(256) ropeRotations_2(const int* step, const float* frequencies, float* rotations) {
  const int thread = threadIdx.x, lane = thread & 31, team = thread >> 5, group_index = blockIdx.x;
  const int S = step[0];
  const int P = step[1];
  const int pair = group_index % 10;
  const int q = group_index / 10;
  wait_for_inputs();
  for (int part = thread; part < 2; part += 256) {
    rotations[(q * 10 + pair) * 2 + part] = part == 0 ? cosf(float(P + q) * frequencies[pair]) : sinf(float(P + q) * frequencies[pair]);
  }
  launch_dependents();
}
