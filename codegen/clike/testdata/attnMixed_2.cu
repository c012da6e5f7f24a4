extern "C" __global__ void __launch_bounds__(256) attnMixed_2(const int* step, const float* q, f16* kCache, f16* vCache, float* mixed) {
  const int thread = threadIdx.x, lane = thread & 31, team = thread >> 5, group_index = blockIdx.x;
  extern __shared__ __align__(128) unsigned char memory[];
  const int S = step[0];
  const int P = step[1];
  const int tile = group_index;
  float* const m = (float*)(memory + 0);
  float* const l = (float*)(memory + 256);
  float* const acc = (float*)(memory + 512);
  float* const qs = (float*)(memory + 8576);
  const int t = tile * 21;
  const int cols = min(21, S - t) * 3;
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
  const int end = min(S + P, P + (min(t + 21, S) - 1) + 1);
  flash::Attend<32, 32, 32, 32, 4, 8> attended;
  group_barrier();
  attended.run(acc, m, l, qs, 32, cols, 0, end, [&](int j) { return kCache + j * 32; }, [&](int j) { return vCache + j * 32; },
    [&](int c2, int j, int i3, float product) {
      const int q2 = t + c2 / 3;
      const int group2 = c2 % 3;
      return product * 0.17677669f + (j + i3 <= P + q2 ? 0.0f : (-INFINITE));
    }, memory + 16640);
  launch_dependents();
  group_barrier();
  for (int i6 = thread; i6 < cols * 32; i6 += 256) {
    const int c3 = i6 >> 5;
    mixed[((t + c3 / 3) * 3 + c3 % 3) * 32 + (i6 & 31)] = acc[i6] / l[c3];
  }
}
