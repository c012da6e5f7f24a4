extern "C" __global__ void __launch_bounds__(384, 1) attnQKV_2(const int* step, const f16* x, const unsigned char* __restrict__ wq, const float* rotations, float* qRope, const unsigned char* __restrict__ wk, f16* kCache, const unsigned char* __restrict__ wv, f16* vCache) {
  const int thread = threadIdx.x, lane = thread & 31, team = thread >> 5, group_index = blockIdx.x;
  extern __shared__ __align__(128) unsigned char memory[];
  const int S = step[0];
  const int P = step[1];
  const int tile = group_index % 1;
  const int block = group_index / 1;
  float* const acc = (float*)(memory + 0);
  if (block < 1) {
    const int cols = S;
    wait_for_inputs();
    gemm::Tile<gemm::Blocks<4, 8, false, false, false>, false, 96, 32, 0, 1>::run(acc + 0, 65, wq, 96, x, 96, 96, cols, 96, nullptr, memory + 0);
    launch_dependents();
    group_barrier();
    for (int i = thread; i < 96 * cols; i += 384) {
      const int c = i / 96;
      const int r = i % 96;
      const int tok = c;
      const int n = r;
      const int group2 = n >> 5;
      const int dim = n & 31;
      qRope[(tok * 3 + group2) * 32 + dim] = dim < 20 ? acc[r * 65 + c] * rotations[(tok * 10 + dim % 10) * 2] + acc[(r - dim + (dim + 10) % 20) * 65 + c] * (dim < 10 ? 0.0f - rotations[(tok * 10 + dim % 10) * 2 + 1] : rotations[(tok * 10 + dim % 10) * 2 + 1]) : acc[r * 65 + c];
    }
  } else {
    const int block2 = block - 1;
    if (block2 < 1) {
      const int cols2 = S;
      wait_for_inputs();
      gemm::Tile<gemm::Blocks<4, 8, false, false, false>, false, 96, 32, 0, 1>::run(acc + 0, 65, wk, 96, x, 96, 32, cols2, 96, nullptr, memory + 0);
      launch_dependents();
      group_barrier();
      for (int i2 = thread; i2 < 32 * cols2; i2 += 384) {
        const int c2 = i2 >> 5;
        const int r2 = i2 & 31;
        const int tok2 = c2;
        const int n2 = r2;
        const int dim2 = n2;
        kCache[(P + tok2) * 32 + dim2] = to_f16(dim2 < 20 ? acc[r2 * 65 + c2] * rotations[(tok2 * 10 + dim2 % 10) * 2] + acc[(r2 - dim2 + (dim2 + 10) % 20) * 65 + c2] * (dim2 < 10 ? 0.0f - rotations[(tok2 * 10 + dim2 % 10) * 2 + 1] : rotations[(tok2 * 10 + dim2 % 10) * 2 + 1]) : acc[r2 * 65 + c2]);
      }
    } else {
      const int cols3 = S;
      wait_for_inputs();
      gemm::Tile<gemm::Blocks<4, 8, false, false, false>, false, 96, 32, 0, 1>::run(acc + 0, 65, wv, 96, x, 96, 32, cols3, 96, nullptr, memory + 0);
      launch_dependents();
      group_barrier();
      for (int i3 = thread; i3 < 32 * cols3; i3 += 384) {
        const int c3 = i3 >> 5;
        const int r3 = i3 & 31;
        const int tok3 = c3;
        const int n3 = r3;
        const int dim3 = n3;
        vCache[(P + tok3) * 32 + dim3] = to_f16(acc[r3 * 65 + c3]);
      }
    }
  }
}
