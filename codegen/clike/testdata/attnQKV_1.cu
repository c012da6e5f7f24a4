extern "C" __global__ void __launch_bounds__(256) attnQKV_1(const int* step, const float* x, const float* normW, const unsigned char* __restrict__ wq, const float* rotations, float* qRope, const unsigned char* __restrict__ wk, f16* kCache, const unsigned char* __restrict__ wv, f16* vCache) {
  const int thread = threadIdx.x, lane = thread & 31, team = thread >> 5, group_index = blockIdx.x;
  extern __shared__ __align__(128) unsigned char memory[];
  const int P = step[1];
  const int block = group_index;
  float* const acc = (float*)(memory + 0);
  if (block < 3) {
    const int row = block * 32;
    gemv::Gemv<gemv::Codes<4, 8, false, false, false>, 96, 8, 2, 1, 1, 1>::fetch(memory + 512, wq + size_t(row * 96 >> 9) * 288, 32);
    wait_for_inputs();
    gemv::Own<96, 256> x_own;
    x_own.load(x);
    gemv::Own<96, 256> normW_own;
    normW_own.load(normW);
    gemv::Gemv<gemv::Codes<4, 8, false, false, false>, 96, 8, 2, 1, 1, 1>::rest(memory + 512, wq + size_t(row * 96 >> 9) * 288, 32);
    gemv::Own<96, 256> xn_own = {};
    float total_own = 0.0f;
    #pragma unroll
    for (int turn = 0; turn < 4; turn++) {
      if (!xn_own.has(turn)) continue;
      total_own += x_own[turn] * x_own[turn];
      xn_own[turn] = x_own[turn] * normW_own[turn];
    }
    leave_sum(total_own, memory + 3968);
    gemv::Gemv<gemv::Codes<4, 8, false, false, false>, 96, 8, 2, 1, 1, 1>::prepare(memory + 128, xn_own);
    group_barrier();
    gemv::Gemv<gemv::Codes<4, 8, false, false, false>, 96, 8, 2, 1, 1, 1>::run(acc + 0, 1, wq + size_t(row * 96 >> 9) * 288, 96, nullptr, 96, 32, 1, 96, memory + 512, memory + 128);
    const float total = sum_left<256>(memory + 3968);
    launch_dependents();
    const float factor = rsqrtf(total / 96.0f + 1e-05f);
    group_barrier();
    for (int r = thread; r < 32; r += 256) {
      const int n = row + r;
      const int group2 = n >> 5;
      const int dim = n & 31;
      qRope[group2 * 32 + dim] = dim < 20 ? acc[r] * factor * rotations[dim % 10 * 2] + acc[r - dim + (dim + 10) % 20] * factor * (dim < 10 ? 0.0f - rotations[dim % 10 * 2 + 1] : rotations[dim % 10 * 2 + 1]) : acc[r] * factor;
    }
  } else {
    const int block2 = block - 3;
    if (block2 < 1) {
      gemv::Gemv<gemv::Codes<4, 8, false, false, false>, 96, 8, 2, 1, 1, 1>::fetch(memory + 512, wk, 32);
      wait_for_inputs();
      gemv::Own<96, 256> x_own;
      x_own.load(x);
      gemv::Own<96, 256> normW_own;
      normW_own.load(normW);
      gemv::Gemv<gemv::Codes<4, 8, false, false, false>, 96, 8, 2, 1, 1, 1>::rest(memory + 512, wk, 32);
      gemv::Own<96, 256> xn_own = {};
      float total2_own = 0.0f;
      #pragma unroll
      for (int turn = 0; turn < 4; turn++) {
        if (!xn_own.has(turn)) continue;
        total2_own += x_own[turn] * x_own[turn];
        xn_own[turn] = x_own[turn] * normW_own[turn];
      }
      leave_sum(total2_own, memory + 3968);
      gemv::Gemv<gemv::Codes<4, 8, false, false, false>, 96, 8, 2, 1, 1, 1>::prepare(memory + 128, xn_own);
      group_barrier();
      gemv::Gemv<gemv::Codes<4, 8, false, false, false>, 96, 8, 2, 1, 1, 1>::run(acc + 0, 1, wk, 96, nullptr, 96, 32, 1, 96, memory + 512, memory + 128);
      const float total2 = sum_left<256>(memory + 3968);
      launch_dependents();
      const float factor2 = rsqrtf(total2 / 96.0f + 1e-05f);
      group_barrier();
      for (int r2 = thread; r2 < 32; r2 += 256) {
        const int n2 = r2;
        const int dim2 = n2;
        kCache[P * 32 + dim2] = to_f16(dim2 < 20 ? acc[r2] * factor2 * rotations[dim2 % 10 * 2] + acc[r2 - dim2 + (dim2 + 10) % 20] * factor2 * (dim2 < 10 ? 0.0f - rotations[dim2 % 10 * 2 + 1] : rotations[dim2 % 10 * 2 + 1]) : acc[r2] * factor2);
      }
    } else {
      gemv::Gemv<gemv::Codes<4, 8, false, false, false>, 96, 8, 2, 1, 1, 1>::fetch(memory + 512, wv, 32);
      wait_for_inputs();
      gemv::Own<96, 256> x_own;
      x_own.load(x);
      gemv::Own<96, 256> normW_own;
      normW_own.load(normW);
      gemv::Gemv<gemv::Codes<4, 8, false, false, false>, 96, 8, 2, 1, 1, 1>::rest(memory + 512, wv, 32);
      gemv::Own<96, 256> xn_own = {};
      float total3_own = 0.0f;
      #pragma unroll
      for (int turn = 0; turn < 4; turn++) {
        if (!xn_own.has(turn)) continue;
        total3_own += x_own[turn] * x_own[turn];
        xn_own[turn] = x_own[turn] * normW_own[turn];
      }
      leave_sum(total3_own, memory + 3968);
      gemv::Gemv<gemv::Codes<4, 8, false, false, false>, 96, 8, 2, 1, 1, 1>::prepare(memory + 128, xn_own);
      group_barrier();
      gemv::Gemv<gemv::Codes<4, 8, false, false, false>, 96, 8, 2, 1, 1, 1>::run(acc + 0, 1, wv, 96, nullptr, 96, 32, 1, 96, memory + 512, memory + 128);
      const float total3 = sum_left<256>(memory + 3968);
      launch_dependents();
      const float factor3 = rsqrtf(total3 / 96.0f + 1e-05f);
      group_barrier();
      for (int r3 = thread; r3 < 32; r3 += 256) {
        const int n3 = r3;
        const int dim3 = n3;
        vCache[P * 32 + dim3] = to_f16(acc[r3] * factor3);
      }
    }
  }
}
