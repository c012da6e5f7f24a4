kernel void attnQKV_1(MAYBE_UNUSED device const int* step [[buffer(0)]], device const float* x [[buffer(1)]], device const float* normW [[buffer(2)]], device const uchar* wq [[buffer(3)]], device const float* rotations [[buffer(4)]], device float* qRope [[buffer(5)]], device const uchar* wk [[buffer(6)]], device half* kCache [[buffer(7)]], device const uchar* wv [[buffer(8)]], device half* vCache [[buffer(9)]], uint thread_index [[thread_index_in_threadgroup]], uint group_position [[threadgroup_position_in_grid]]) {
  MAYBE_UNUSED const int self = int(thread_index), lane = self & 31, team = self >> 5, group_index = int(group_position);
  MAYBE_UNUSED const Place place = {self, lane, team};
  alignas(16) threadgroup uchar memory[640];
  const int P = step[1];
  const int block = group_index;
  threadgroup float* const acc = (threadgroup float*)(memory + 128);
  threadgroup float* const xn = (threadgroup float*)(memory + 256);
  if (block < 3) {
    const int row = block * 32;
    float total = 0.0f;
    for (int i = self; i < 96; i += 256) total += x[i] * x[i];
    total = sum_group<256>(total, memory, place);
    for (int i2 = self; i2 < 96; i2 += 256) {
      xn[i2] = x[i2] * normW[i2];
    }
    group_barrier();
    for (int at_acc = team; at_acc < 32; at_acc += 8) {
      const int row_acc = at_acc;
      team_barrier();
      float sum_acc = 0.0f;
      #pragma unroll
      for (int turn = 0, k_acc = lane; turn < 3; turn++, k_acc += TEAM) sum_acc += q4_0frag_at(wq, (row * 96 + row_acc * 96 + k_acc) / 96, (row * 96 + row_acc * 96 + k_acc) % 96, 96) * xn[k_acc];
      sum_acc = sum_team(sum_acc);
      team_barrier();
      if (lane == 0) acc[row_acc] = sum_acc;
    }
    const float factor = rsqrtf(total / 96.0f + 1e-05f);
    group_barrier();
    for (int r = self; r < 32; r += 256) {
      const int n = row + r;
      const int group2 = n >> 5;
      const int dim = n & 31;
      qRope[group2 * 32 + dim] = dim < 20 ? acc[r] * factor * rotations[dim % 10 * 2] + acc[r - dim + (dim + 10) % 20] * factor * (dim < 10 ? 0.0f - rotations[dim % 10 * 2 + 1] : rotations[dim % 10 * 2 + 1]) : acc[r] * factor;
    }
  } else {
    const int block2 = block - 3;
    if (block2 < 1) {
      float total2 = 0.0f;
      for (int i3 = self; i3 < 96; i3 += 256) total2 += x[i3] * x[i3];
      total2 = sum_group<256>(total2, memory, place);
      for (int i4 = self; i4 < 96; i4 += 256) {
        xn[i4] = x[i4] * normW[i4];
      }
      group_barrier();
      for (int at_acc = team; at_acc < 32; at_acc += 8) {
        const int row_acc = at_acc;
        team_barrier();
        float sum_acc = 0.0f;
        #pragma unroll
        for (int turn = 0, k_acc = lane; turn < 3; turn++, k_acc += TEAM) sum_acc += q4_0frag_at(wk, (row_acc * 96 + k_acc) / 96, (row_acc * 96 + k_acc) % 96, 96) * xn[k_acc];
        sum_acc = sum_team(sum_acc);
        team_barrier();
        if (lane == 0) acc[row_acc] = sum_acc;
      }
      const float factor2 = rsqrtf(total2 / 96.0f + 1e-05f);
      group_barrier();
      for (int r2 = self; r2 < 32; r2 += 256) {
        const int n2 = r2;
        const int dim2 = n2;
        kCache[P * 32 + dim2] = to_f16(dim2 < 20 ? acc[r2] * factor2 * rotations[dim2 % 10 * 2] + acc[r2 - dim2 + (dim2 + 10) % 20] * factor2 * (dim2 < 10 ? 0.0f - rotations[dim2 % 10 * 2 + 1] : rotations[dim2 % 10 * 2 + 1]) : acc[r2] * factor2);
      }
    } else {
      float total3 = 0.0f;
      for (int i5 = self; i5 < 96; i5 += 256) total3 += x[i5] * x[i5];
      total3 = sum_group<256>(total3, memory, place);
      for (int i6 = self; i6 < 96; i6 += 256) {
        xn[i6] = x[i6] * normW[i6];
      }
      group_barrier();
      for (int at_acc = team; at_acc < 32; at_acc += 8) {
        const int row_acc = at_acc;
        team_barrier();
        float sum_acc = 0.0f;
        #pragma unroll
        for (int turn = 0, k_acc = lane; turn < 3; turn++, k_acc += TEAM) sum_acc += q4_0frag_at(wv, (row_acc * 96 + k_acc) / 96, (row_acc * 96 + k_acc) % 96, 96) * xn[k_acc];
        sum_acc = sum_team(sum_acc);
        team_barrier();
        if (lane == 0) acc[row_acc] = sum_acc;
      }
      const float factor3 = rsqrtf(total3 / 96.0f + 1e-05f);
      group_barrier();
      for (int r3 = self; r3 < 32; r3 += 256) {
        const int n3 = r3;
        const int dim3 = n3;
        vCache[P * 32 + dim3] = to_f16(acc[r3] * factor3);
      }
    }
  }
}
