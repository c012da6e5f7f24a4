// The runtime's kernel that chooses the likeliest token, the lowest id among equals. Each block looks at a part of the logits; the
// last to arrive puts the parts together, leaves the token for the next step and for the host, and moves on the past.
//
// pick is five words and the blocks' candidates: the vocabulary, the index of the past among the symbols, the sequence number of
// the last token, the blocks that have arrived, one to spare. The host reads ring, in its own memory: a sequence number above a
// token, which is -1 when logits are no numbers.

struct Candidate {
  float value;
  int id;  // -1: a logit is NaN or +inf
};

__device__ __forceinline__ Candidate better(Candidate a, Candidate b) {
  if (a.id < 0 || b.id < 0) return a.id < 0 ? a : b;
  return b.value > a.value || (b.value == a.value && b.id < a.id) ? b : a;
}

__device__ __forceinline__ Candidate best_of_group(Candidate c, Candidate* shared) {
  for (int d = 16; d > 0; d >>= 1) {
    Candidate o = {__shfl_xor_sync(0xffffffffu, c.value, d), __shfl_xor_sync(0xffffffffu, c.id, d)};
    c = better(c, o);
  }
  if ((threadIdx.x & 31) == 0) shared[threadIdx.x >> 5] = c;
  __syncthreads();
  c = shared[0];
  for (int i = 1; i < 8; i++) c = better(c, shared[i]);
  return c;
}

extern "C" __global__ void __launch_bounds__(256) llorch_pick(int* step, int* pick, const float* logits, int* token, volatile unsigned long long* ring) {
  __shared__ Candidate shared[8];
  __shared__ bool last;
  launch_dependents();
  wait_for_inputs();
  const int vocab = pick[0];
  volatile Candidate* parts = (volatile Candidate*)(pick + 8);
  Candidate c = {-INFINITE, 0x7fffffff};
  for (int i = blockIdx.x * 256 + threadIdx.x; i < vocab; i += gridDim.x * 256) {
    const float v = logits[i];
    const Candidate o = {v, v < INFINITE ? i : -1};
    c = better(c, o);
  }
  c = best_of_group(c, shared);
  if (threadIdx.x == 0) {
    parts[blockIdx.x].value = c.value;
    parts[blockIdx.x].id = c.id;
    __threadfence();
    last = atomicAdd(pick + 3, 1) == gridDim.x - 1;
    __threadfence();
  }
  __syncthreads();
  if (!last) return;
  Candidate p = {-INFINITE, 0x7fffffff};
  if (threadIdx.x < gridDim.x) {
    p.value = parts[threadIdx.x].value;
    p.id = parts[threadIdx.x].id;
  }
  c = best_of_group(p, shared);
  if (threadIdx.x != 0) return;
  if (c.value == -INFINITE) c.id = -1;
  pick[3] = 0;
  const int seq = ++pick[2];
  step[pick[1]] += 1;
  token[0] = c.id < 0 ? 0 : c.id;
  ring[seq & 63] = (unsigned long long)(unsigned)seq << 32 | (unsigned)c.id;
}
