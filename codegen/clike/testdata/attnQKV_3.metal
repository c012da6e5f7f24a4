kernel void attnQKV_3(MAYBE_UNUSED device const int* step [[buffer(0)]], device const half* x [[buffer(1)]], device const uchar* wq [[buffer(2)]], device const float* rotations [[buffer(3)]], device float* qRope [[buffer(4)]], device const uchar* wk [[buffer(5)]], device half* kCache [[buffer(6)]], device const uchar* wv [[buffer(7)]], device half* vCache [[buffer(8)]], uint thread_index [[thread_index_in_threadgroup]], uint group_position [[threadgroup_position_in_grid]]) {
  MAYBE_UNUSED const int self = int(thread_index), lane = self & 31, team = self >> 5, group_index = int(group_position);
  MAYBE_UNUSED const Place place = {self, lane, team};
  alignas(16) threadgroup uchar memory[22784];
  const int S = step[0];
  const int P = step[1];
  const int block = group_index / 1;
  threadgroup float* const acc = (threadgroup float*)(memory + 0);
  if (block < 2) {
    const int row = block * 64;
    const int count = min(64, 96 - row);
    const int cols = S;
    gemm::Tile<weights::Blocks<weights::Q32<4, false>>, weights::Floats<true>, half, 64, 32, 32>::run(acc + 0, 65, wq + size_t(row * 96 >> 5) * 18, 96, x, 96, count, cols, 96, nullptr, memory + 16640, place);
    group_barrier();
    for (int i = self; i < count * cols; i += 256) {
      const int c = i / count;
      const int r = i % count;
      const int tok = c;
      const int n = row + r;
      const int kvHead = (n >> 5) / 3;
      const int group2 = (n >> 5) % 3;
      const int dim = n & 31;
      qRope[((tok + kvHead) * 3 + group2) * 32 + dim] = dim < 20 ? acc[r * 65 + c] * rotations[(tok * 10 + dim % 10) * 2] + acc[(r - dim + (dim + 10) % 20) * 65 + c] * (dim < 10 ? 0.0f - rotations[(tok * 10 + dim % 10) * 2 + 1] : rotations[(tok * 10 + dim % 10) * 2 + 1]) : acc[r * 65 + c];
    }
  } else {
    const int block2 = block - 2;
    if (block2 < 1) {
      const int cols2 = S;
      group_barrier();
      gemm::Tile<weights::Blocks<weights::Q32<4, false>>, weights::Floats<true>, half, 32, 32, 32>::run(acc + 0, 65, wk, 96, x, 96, 32, cols2, 96, nullptr, memory + 16640, place);
      group_barrier();
      for (int i2 = self; i2 < 32 * cols2; i2 += 256) {
        const int c2 = i2 >> 5;
        const int r2 = i2 & 31;
        const int tok2 = c2;
        const int n2 = r2;
        const int dim2 = n2;
        kCache[(P + tok2) * 32 + dim2] = to_f16(dim2 < 20 ? acc[r2 * 65 + c2] * rotations[(tok2 * 10 + dim2 % 10) * 2] + acc[(r2 - dim2 + (dim2 + 10) % 20) * 65 + c2] * (dim2 < 10 ? 0.0f - rotations[(tok2 * 10 + dim2 % 10) * 2 + 1] : rotations[(tok2 * 10 + dim2 % 10) * 2 + 1]) : acc[r2 * 65 + c2]);
      }
    } else {
      const int cols3 = S;
      group_barrier();
      gemm::Tile<weights::Blocks<weights::Q32<4, false>>, weights::Floats<true>, half, 32, 32, 32>::run(acc + 0, 65, wv, 96, x, 96, 32, cols3, 96, nullptr, memory + 16640, place);
      group_barrier();
      for (int i3 = self; i3 < 32 * cols3; i3 += 256) {
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
