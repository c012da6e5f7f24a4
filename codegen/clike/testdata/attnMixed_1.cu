extern "C" __global__ void CLUSTER(16) __launch_bounds__(256) attnMixed_1(const int* step, float* parts, const float* q, f16* kCache, f16* vCache, float* mixed) {
  const int thread = threadIdx.x, lane = thread & 31, team = thread >> 5, group_index = blockIdx.x;
  extern __shared__ __align__(128) unsigned char memory[];
  const int P = step[1];
  const int part = group_index;
  float* const s = (float*)(memory + 0);
  float* const p = (float*)(memory + 1024);
  float* const acc = (float*)(memory + 1792);
  Joined<16, 6, 6, 256>::open(memory + 6400);
  for (int c = thread; c < 3; c += 256) {
    acc[96 + c] = -3.4e+38f;
    acc[99 + c] = 0.0f;
  }
  group_barrier();
  for (int i = thread; i < 96; i += 256) {
    acc[i] = 0.0f;
  }
  const int per = P + 16 >> 4;
  const int lo = part * per;
  const int hi = min(P + 1, lo + per);
  for (int j = lo; j < hi; j += 64) {
    const int rows = hi - j;
    bring_near<256>(kCache + j * 32, 64, rows, 64);
    bring_near<256>(vCache + j * 32, 64, rows, 64);
  }
  wait_for_inputs();
  for (int j = lo; j < hi; j += 64) {
    const int rows = hi - j;
    group_barrier();
    single::Scores<32, 8, 8, 256>::run(s + 0, 4, kCache + j * 32, 32, q, 32, rows, 3, 32, nullptr, memory + 2304);
    group_barrier();
    for (int c2 = team; c2 < 3; c2 += 8) {
      team_barrier();
      float top = (-INFINITE);
      for (int i2 = lane; i2 < rows; i2 += TEAM) top = fmaxf(top, s[i2 * 4 + c2] * 0.17677669f + (j + i2 <= P ? 0.0f : (-INFINITE)));
      top = max_team(top);
      team_barrier();
      const float most = fmaxf(acc[96 + c2], top);
      team_barrier();
      const float scale = expf(acc[96 + c2] - most);
      team_barrier();
      for (int r = lane; r < rows; r += TEAM) {
        p[c2 * 64 + r] = expf(s[r * 4 + c2] * 0.17677669f + (j + r <= P ? 0.0f : (-INFINITE)) - most);
      }
      team_barrier();
      float total = 0.0f;
      for (int i3 = lane; i3 < rows; i3 += TEAM) total += p[c2 * 64 + i3];
      total = sum_team(total);
      team_barrier();
      if (lane == 0) acc[99 + c2] = acc[99 + c2] * scale + total;
      team_barrier();
      if (lane == 0) acc[96 + c2] = most;
      team_barrier();
      for (int i4 = lane; i4 < 32; i4 += TEAM) {
        acc[c2 * 32 + i4] = acc[c2 * 32 + i4] * scale;
      }
    }
    group_barrier();
    single::Mixed<32, 256>::run(acc + 0, 32, vCache + j * 32, 32, p, 64, rows, 3, 32, nullptr, memory + 2304);
  }
  launch_dependents();
  const Joined<16, 6, 6, 256> joined(step, 0, parts, acc, memory + 6400);
  for (int share = joined.from; share < joined.to; share++) {
    const int from = share * 6;
    for (int i5 = thread; i5 < 6; i5 += 256) {
      const int at = from + i5;
      const int c3 = at >> 5;
      float most2 = (-INFINITE);
      #pragma unroll
      for (int i6 = 0; i6 < 16; i6 += 1) most2 = fmaxf(most2, joined.of_all(i6, 96 + c3));
      float total2 = 0.0f;
      #pragma unroll
      for (int i7 = 0; i7 < 16; i7 += 1) total2 += joined.of_all(i7, 99 + c3) * expf(joined.of_all(i7, 96 + c3) - most2);
      float total3 = 0.0f;
      #pragma unroll
      for (int i8 = 0; i8 < 16; i8 += 1) total3 += joined.of_share(i8, at) * expf(joined.of_all(i8, 96 + c3) - most2);
      mixed[c3 * 32 + (at & 31)] = total3 / total2;
    }
  }
}
