extern "C" __global__ void __launch_bounds__(256) attnQKV_1(const int* step, const float* x, const float* normW, const unsigned char* __restrict__ wq, const float* rotations, float* qRope, const unsigned char* __restrict__ wk, f16* kCache, const unsigned char* __restrict__ wv, f16* vCache) {
  const int thread = threadIdx.x, lane = thread & 31, team = thread >> 5, group_index = blockIdx.x;
  extern __shared__ __align__(128) unsigned char memory[];
  const int P = step[1];
  const int block = group_index;
  float* const acc = (float*)(memory + 128);
  float* const xn = (float*)(memory + 256);
  if (block < 3) {
    const int row = block * 32;
    gemv::Gemv<gemv::Codes<4, 8, false, false, false>, 96, 8, 2, 1, 1, 1>::fetch(memory + 1024, wq + size_t(row * 96 >> 9) * 288, 32);
    wait_for_inputs();
    float total = 0.0f;
    for (int i = thread; i < 96; i += 256) total += x[i] * x[i];
    total = sum_group<256>(total, memory);
    for (int i2 = thread; i2 < 96; i2 += 256) {
      xn[i2] = x[i2] * rsqrtf(total / 96.0f + 1e-05f) * normW[i2];
    }
    group_barrier();
    gemv::Gemv<gemv::Codes<4, 8, false, false, false>, 96, 8, 2, 1, 1, 1>::prepare(memory + 640, xn, 96, 1, [&] { gemv::Gemv<gemv::Codes<4, 8, false, false, false>, 96, 8, 2, 1, 1, 1>::rest(memory + 1024, wq + size_t(row * 96 >> 9) * 288, 32); });
    group_barrier();
    gemv::Gemv<gemv::Codes<4, 8, false, false, false>, 96, 8, 2, 1, 1, 1>::run(acc + 0, 1, wq + size_t(row * 96 >> 9) * 288, 96, xn, 96, 32, 1, 96, memory + 1024, memory + 640);
    launch_dependents();
    group_barrier();
    for (int r = thread; r < 32; r += 256) {
      const int n = row + r;
      const int group2 = n >> 5;
      const int dim = n & 31;
      qRope[group2 * 32 + dim] = dim < 20 ? acc[r] * rotations[dim % 10 * 2] + acc[r - dim + (dim + 10) % 20] * (dim < 10 ? 0.0f - rotations[dim % 10 * 2 + 1] : rotations[dim % 10 * 2 + 1]) : acc[r];
    }
  } else {
    const int block2 = block - 3;
    if (block2 < 1) {
      gemv::Gemv<gemv::Codes<4, 8, false, false, false>, 96, 8, 2, 1, 1, 1>::fetch(memory + 1024, wk, 32);
      wait_for_inputs();
      float total2 = 0.0f;
      for (int i3 = thread; i3 < 96; i3 += 256) total2 += x[i3] * x[i3];
      total2 = sum_group<256>(total2, memory);
      for (int i4 = thread; i4 < 96; i4 += 256) {
        xn[i4] = x[i4] * rsqrtf(total2 / 96.0f + 1e-05f) * normW[i4];
      }
      group_barrier();
      gemv::Gemv<gemv::Codes<4, 8, false, false, false>, 96, 8, 2, 1, 1, 1>::prepare(memory + 640, xn, 96, 1, [&] { gemv::Gemv<gemv::Codes<4, 8, false, false, false>, 96, 8, 2, 1, 1, 1>::rest(memory + 1024, wk, 32); });
      group_barrier();
      gemv::Gemv<gemv::Codes<4, 8, false, false, false>, 96, 8, 2, 1, 1, 1>::run(acc + 0, 1, wk, 96, xn, 96, 32, 1, 96, memory + 1024, memory + 640);
      launch_dependents();
      group_barrier();
      for (int r2 = thread; r2 < 32; r2 += 256) {
        const int n2 = r2;
        const int dim2 = n2;
        kCache[P * 32 + dim2] = to_f16(dim2 < 20 ? acc[r2] * rotations[dim2 % 10 * 2] + acc[r2 - dim2 + (dim2 + 10) % 20] * (dim2 < 10 ? 0.0f - rotations[dim2 % 10 * 2 + 1] : rotations[dim2 % 10 * 2 + 1]) : acc[r2]);
      }
    } else {
      gemv::Gemv<gemv::Codes<4, 8, false, false, false>, 96, 8, 2, 1, 1, 1>::fetch(memory + 1024, wv, 32);
      wait_for_inputs();
      float total3 = 0.0f;
      for (int i5 = thread; i5 < 96; i5 += 256) total3 += x[i5] * x[i5];
      total3 = sum_group<256>(total3, memory);
      for (int i6 = thread; i6 < 96; i6 += 256) {
        xn[i6] = x[i6] * rsqrtf(total3 / 96.0f + 1e-05f) * normW[i6];
      }
      group_barrier();
      gemv::Gemv<gemv::Codes<4, 8, false, false, false>, 96, 8, 2, 1, 1, 1>::prepare(memory + 640, xn, 96, 1, [&] { gemv::Gemv<gemv::Codes<4, 8, false, false, false>, 96, 8, 2, 1, 1, 1>::rest(memory + 1024, wv, 32); });
      group_barrier();
      gemv::Gemv<gemv::Codes<4, 8, false, false, false>, 96, 8, 2, 1, 1, 1>::run(acc + 0, 1, wv, 96, xn, 96, 32, 1, 96, memory + 1024, memory + 640);
      launch_dependents();
      group_barrier();
      for (int r3 = thread; r3 < 32; r3 += 256) {
        const int n3 = r3;
        const int dim3 = n3;
        vCache[P * 32 + dim3] = to_f16(acc[r3]);
      }
    }
  }
}
