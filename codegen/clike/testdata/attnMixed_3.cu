extern "C" __global__ void __launch_bounds__(256) attnMixed_3(const int* step, const float* q, f16* kCache, f16* vCache, f16* f16_) {
  const int thread = threadIdx.x, lane = thread & 31, team = thread >> 5, group_index = blockIdx.x;
  extern __shared__ __align__(128) unsigned char memory[];
  const int S = step[0];
  const int P = step[1];
  const int tile = group_index;
  float* const s = (float*)(memory + 0);
  float* const p = (float*)(memory + 3968);
  float* const m = (float*)(memory + 7808);
  float* const l = (float*)(memory + 7936);
  float* const acc = (float*)(memory + 8064);
  float* const qs = (float*)(memory + 11904);
  const int t = tile * 10;
  const int cols = min(10, S - t) * 3;
  for (int c = thread; c < cols; c += 256) {
    m[c] = -3.4e+38f;
    l[c] = 0.0f;
  }
  for (int i = thread; i < cols * 32; i += 256) {
    acc[i] = 0.0f;
  }
  wait_for_inputs();
  for (int i2 = thread; i2 < cols * 32; i2 += 256) {
    qs[i2] = q[((t + (i2 >> 5) / 3) * 3 + (i2 >> 5) % 3) * 32 + (i2 & 31)];
  }
  const int end = min(S + P, P + (min(t + 10, S) - 1) + 1);
  group_barrier();
  for (int j = 0; j < end; j += 32) {
    const int rows = min(32, end - j);
    attend::Dot<false, 32, 32, 2, 30, 8, true>::run(s + 0, 31, kCache + j * 32, 32, qs, 32, rows, cols, 32, nullptr, memory + 15744);
    group_barrier();
    for (int c2 = team; c2 < cols; c2 += 8) {
      const int q2 = t + c2 / 3;
      const int group2 = c2 % 3;
      team_barrier();
      float top = (-INFINITE);
      for (int i3 = lane; i3 < rows; i3 += TEAM) top = fmaxf(top, s[i3 * 31 + c2] * 0.17677669f + (j + i3 <= P + q2 ? 0.0f : (-INFINITE)));
      top = max_team(top);
      team_barrier();
      const float most = fmaxf(m[c2], top);
      team_barrier();
      const float scale = expf(m[c2] - most);
      team_barrier();
      for (int r = lane; r < rows; r += TEAM) {
        p[c2 * 32 + r] = expf(s[r * 31 + c2] * 0.17677669f + (j + r <= P + q2 ? 0.0f : (-INFINITE)) - most);
      }
      team_barrier();
      float total = 0.0f;
      for (int i4 = lane; i4 < rows; i4 += TEAM) total += p[c2 * 32 + i4];
      total = sum_team(total);
      team_barrier();
      if (lane == 0) l[c2] = l[c2] * scale + total;
      team_barrier();
      if (lane == 0) m[c2] = most;
      team_barrier();
      for (int i5 = lane; i5 < 32; i5 += TEAM) {
        acc[c2 * 32 + i5] = acc[c2 * 32 + i5] * scale;
      }
    }
    group_barrier();
    attend::Mix<false, 32, 32, 2, 30, 8, true, true>::run(acc + 0, 32, vCache + j * 32, 32, p, 32, rows, cols, 32, nullptr, memory + 15744);
  }
  launch_dependents();
  group_barrier();
  for (int i6 = thread; i6 < cols * 32; i6 += 256) {
    const int c3 = i6 >> 5;
    f16_[(t + c3 / 3) * 96 + (c3 % 3 * 32 + (i6 & 31))] = to_f16(acc[i6] / l[c3]);
  }
}
