extern "C" __global__ void __launch_bounds__(256) mlpGateUp_5(const int* step, const float* x, const float* normW, const unsigned char* __restrict__ wgate, const unsigned char* __restrict__ wup, float* act) {
  const int thread = threadIdx.x, lane = thread & 31, team = thread >> 5, group_index = blockIdx.x;
  extern __shared__ __align__(128) unsigned char memory[];
  const int block = group_index;
  float* const acc = (float*)(memory + 128);
  float* const xn = (float*)(memory + 256);
  const int row = block * 16;
  gemv::Gemv<gemv::Codes<4, 8, false, false, false>, 96, 8, 1, 1, 1, 1>::fetch(memory + 1024, wgate + size_t(row * 96 >> 9) * 288, 16);
  wait_for_inputs();
  float total = 0.0f;
  for (int i = thread; i < 96; i += 256) total += x[i] * x[i];
  total = sum_group<256>(total, memory);
  for (int i2 = thread; i2 < 96; i2 += 256) {
    xn[i2] = x[i2] * rsqrtf(total / 96.0f + 1e-05f) * normW[i2];
  }
  group_barrier();
  gemv::Gemv<gemv::Codes<4, 8, false, false, false>, 96, 8, 1, 1, 1, 1>::prepare(memory + 640, xn, 96, 1, [&] { gemv::Gemv<gemv::Codes<4, 8, false, false, false>, 96, 8, 1, 1, 1, 1>::rest(memory + 1024, wgate + size_t(row * 96 >> 9) * 288, 16); gemv::Gemv<gemv::Codes<4, 8, false, false, false>, 96, 8, 1, 1, 1, 1>::fetch(memory + 3968, wup + size_t(row * 96 >> 9) * 288, 16); gemv::Gemv<gemv::Codes<4, 8, false, false, false>, 96, 8, 1, 1, 1, 1>::rest(memory + 3968, wup + size_t(row * 96 >> 9) * 288, 16); });
  group_barrier();
  gemv::Gemv<gemv::Codes<4, 8, false, false, false>, 96, 8, 1, 1, 1, 1>::run(acc + 0, 1, wgate + size_t(row * 96 >> 9) * 288, 96, xn, 96, 16, 1, 96, memory + 1024, memory + 640);
  gemv::Gemv<gemv::Codes<4, 8, false, false, false>, 96, 8, 1, 1, 1, 1>::run(acc + 16, 1, wup + size_t(row * 96 >> 9) * 288, 96, xn, 96, 16, 1, 96, memory + 3968, memory + 640);
  launch_dependents();
  group_barrier();
  for (int r = thread; r < 16; r += 256) {
    const int n = row + r;
    act[n] = acc[r] / (1.0f + expf(0.0f - acc[r])) * acc[16 + r];
  }
}
