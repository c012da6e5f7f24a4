extern "C" __global__ void CLUSTER(16) __launch_bounds__(256) attnMixed_1(const int* step, float* parts, const float* q, f16* kCache, f16* vCache, float* mixed) {
  const int thread = threadIdx.x, lane = thread & 31, team = thread >> 5, group_index = blockIdx.x;
  extern __shared__ __align__(128) unsigned char memory[];
  const int P = step[1];
  const int part = group_index;
  float* const acc = (float*)(memory + 0);
  Joined<16, 6, 6, 256>::open(memory + 3968);
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
  token::Attend<32, 32, 32, 32, 3, 8> attended;
  attended.begin(lo, min(hi, P), [&](int j) { return kCache + j * 32; }, [&](int j) { return vCache + j * 32; });
  wait_for_inputs();
  group_barrier();
  attended.run(acc, acc + 96, acc + 99, q, 32, 3, lo, hi, [&](int j) { return kCache + j * 32; }, [&](int j) { return vCache + j * 32; },
    [&](int c2, int j, int i2, float product) {
      return product * 0.17677669f + (j + i2 <= P ? 0.0f : (-INFINITE));
    }, memory + 512);
  launch_dependents();
  const Joined<16, 6, 6, 256> joined(step, 0, parts, acc, memory + 3968);
  for (int share = joined.from; share < joined.to; share++) {
    const int from_ = share * 6;
    for (int i5 = thread; i5 < 6; i5 += 256) {
      const int at = from_ + i5;
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
