extern "C" __global__ void __launch_bounds__(256) mlpGateUp_1(const int* step, const float* x, const float* normW, const unsigned char* __restrict__ wgate, const unsigned char* __restrict__ wup, float* act) {
  const int thread = threadIdx.x, lane = thread & 31, team = thread >> 5, group_index = blockIdx.x;
  extern __shared__ __align__(128) unsigned char memory[];
  const int block = group_index;
  float* const acc = (float*)(memory + 0);
  const int row = block * 16;
  gemv::Gemv<gemv::Codes<4, 8, false, false, false>, 96, 8, 1, 1, 1, 1>::fetch(memory + 512, wgate + size_t(row * 96 >> 9) * 288, 16);
  wait_for_inputs();
  gemv::Own<96, 256> x_own;
  x_own.load(x);
  gemv::Own<96, 256> normW_own;
  normW_own.load(normW);
  gemv::Gemv<gemv::Codes<4, 8, false, false, false>, 96, 8, 1, 1, 1, 1>::rest(memory + 512, wgate + size_t(row * 96 >> 9) * 288, 16);
  gemv::Gemv<gemv::Codes<4, 8, false, false, false>, 96, 8, 1, 1, 1, 1>::fetch(memory + 3456, wup + size_t(row * 96 >> 9) * 288, 16);
  gemv::Gemv<gemv::Codes<4, 8, false, false, false>, 96, 8, 1, 1, 1, 1>::rest(memory + 3456, wup + size_t(row * 96 >> 9) * 288, 16);
  gemv::Own<96, 256> xn_own = {};
  float total_own = 0.0f;
  #pragma unroll
  for (int turn = 0; turn < 4; turn++) {
    if (!xn_own.has(turn)) continue;
    total_own += x_own[turn] * x_own[turn];
    xn_own[turn] = x_own[turn] * normW_own[turn];
  }
  leave_sum(total_own, memory + 6400);
  gemv::Gemv<gemv::Codes<4, 8, false, false, false>, 96, 8, 1, 1, 1, 1>::prepare(memory + 128, xn_own);
  group_barrier();
  gemv::Gemv<gemv::Codes<4, 8, false, false, false>, 96, 8, 1, 1, 1, 1>::run(acc + 0, 1, wgate + size_t(row * 96 >> 9) * 288, 96, nullptr, 96, 16, 1, 96, memory + 512, memory + 128);
  gemv::Gemv<gemv::Codes<4, 8, false, false, false>, 96, 8, 1, 1, 1, 1>::run(acc + 16, 1, wup + size_t(row * 96 >> 9) * 288, 96, nullptr, 96, 16, 1, 96, memory + 3456, memory + 128);
  const float total = sum_left<256>(memory + 6400);
  launch_dependents();
  const float factor = rsqrtf(total / 96.0f + 1e-05f);
  group_barrier();
  for (int r = thread; r < 16; r += 256) {
    const int n = row + r;
    act[n] = acc[r] * factor / (1.0f + expf(0.0f - acc[r] * factor)) * (acc[16 + r] * factor);
  }
}
