extern "C" __global__ void __launch_bounds__(256) attnMixed_1(const int* step, float* parts, const float* q, f16* kCache, f16* vCache, float* mixed) {
  const int thread = threadIdx.x, lane = thread & 31, team = thread >> 5, group_index = blockIdx.x;
  extern __shared__ __align__(128) unsigned char memory[];
  const int P = step[1];
  const int part = group_index;
  float* const m = (float*)(memory + 0);
  float* const l = (float*)(memory + 128);
  float* const acc = (float*)(memory + 256);
  for (int c = thread; c < 3; c += 256) {
    m[c] = -3.4e+38f;
    l[c] = 0.0f;
  }
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
  attended.run(acc, m, l, q, 32, 3, lo, hi, [&](int j) { return kCache + j * 32; }, [&](int j) { return vCache + j * 32; },
    [&](int c2, int j, int i2, float product) {
      return product * 0.17677669f + (j + i2 <= P ? 0.0f : (-INFINITE));
    }, memory + 640);
  launch_dependents();
  group_barrier();
  for (int i5 = thread; i5 < 96; i5 += 256) {
    const int c3 = i5 >> 5;
    parts[(part * 3 + c3) * 34 + (i5 & 31)] = acc[i5];
  }
  group_barrier();
  for (int c4 = thread; c4 < 3; c4 += 256) {
    parts[(part * 3 + c4) * 34 + 32] = m[c4];
    parts[(part * 3 + c4) * 34 + 33] = l[c4];
  }
  const bool last = arrive(step, 0, 16);
  if (last) {
    group_barrier();
    for (int i6 = thread; i6 < 96; i6 += 256) {
      const int c5 = i6 >> 5;
      float most2 = (-INFINITE);
      #pragma unroll
      for (int i7 = 0; i7 < 16; i7 += 1) most2 = fmaxf(most2, parts[(i7 * 3 + c5) * 34 + 32]);
      float total2 = 0.0f;
      #pragma unroll
      for (int i8 = 0; i8 < 16; i8 += 1) total2 += parts[(i8 * 3 + c5) * 34 + 33] * expf(parts[(i8 * 3 + c5) * 34 + 32] - most2);
      float total3 = 0.0f;
      #pragma unroll
      for (int i9 = 0; i9 < 16; i9 += 1) total3 += parts[(i9 * 3 + c5) * 34 + (i6 & 31)] * expf(parts[(i9 * 3 + c5) * 34 + 32] - most2);
      mixed[c5 * 32 + (i6 & 31)] = total3 / total2;
    }
  }
}
