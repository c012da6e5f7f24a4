extern "C" __global__ void __launch_bounds__(256) attnNorm_1(const int* step, const float* x, const float* normW, f16* f16_) {
  const int thread = threadIdx.x, lane = thread & 31, team = thread >> 5, group_index = blockIdx.x;
  extern __shared__ __align__(128) unsigned char memory[];
  const int S = step[0];
  const int q = group_index;
  wait_for_inputs();
  float total = 0.0f;
  for (int i = thread; i < 96; i += 256) total += x[q * 96 + i] * x[q * 96 + i];
  total = sum_group<256>(total, memory);
  launch_dependents();
  for (int embd = thread; embd < 96; embd += 256) {
    f16_[q * 96 + embd] = to_f16(x[q * 96 + embd] * rsqrtf(total / 96.0f + 1e-05f) * normW[embd]);
  }
}
