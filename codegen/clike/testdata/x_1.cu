extern "C" __global__ void __launch_bounds__(256) x_1(const int* step, const int* tokens, const unsigned char* __restrict__ embed, float* x) {
  const int thread = threadIdx.x, lane = thread & 31, team = thread >> 5, group_index = blockIdx.x;
  wait_for_inputs();
  for (int embd = thread; embd < 96; embd += 256) {
    x[embd] = q4_0_at(embed, tokens[0] * 96 + embd);
  }
  launch_dependents();
}
