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

// The likeliest tokens, best first and the lowest id first among equals, for a host that draws among them: two kernels. llorch_bound
// finds a logit that at least BEST others reach or exceed, and few more do: the BEST-th largest of the warps' maxima. It also sums up
// the exponentials of all logits. llorch_best gathers the logits that reach the bound, and sorts them.
//
// best is words: blocks that have arrived, logits gathered, the bound; from 8 on the Sums of all, from 16 on those of the blocks, from
// 256 on the warps' maxima, from 2048 on the keys that are gathered.

#define BEST 256
#define BEST_BLOCKS 32  // of 1024 threads: there are as many warps as a block has threads
#define BEST_ROOM 4096  // keys

struct Sums {
  float max;
  int bad;     // a logit is NaN or +inf
  double sum;  // of exp(logit - max)
};

struct Found {
  int count;  // of tokens; -1: logits are no numbers, -2: there is no room for all that reach the bound
  float max;
  double sum;
  int token[BEST];
  float logit[BEST];
};

// order_of is above 0, and ordered as floats are.
__device__ __forceinline__ unsigned order_of(float v) {
  const unsigned bits = __float_as_uint(v + 0.0f);  // -0 becomes 0
  return bits ^ (bits >> 31 ? 0xffffffffu : 0x80000000u);
}
__device__ __forceinline__ float of_order(unsigned o) { return __uint_as_float(o ^ (o >> 31 ? 0x80000000u : 0xffffffffu)); }

__device__ __forceinline__ Sums sums_of_team(Sums s) {
  for (int d = 16; d > 0; d >>= 1) {
    const Sums o = {__shfl_xor_sync(0xffffffffu, s.max, d), __shfl_xor_sync(0xffffffffu, s.bad, d), __shfl_xor_sync(0xffffffffu, s.sum, d)};
    const float max = fmaxf(s.max, o.max);
    const double sum = max == -INFINITE ? 0.0 : s.sum * exp((double)s.max - max) + o.sum * exp((double)o.max - max);
    s = {max, s.bad | o.bad, sum};
  }
  return s;
}

__device__ __forceinline__ bool last_block(int* count) {
  __shared__ bool last;
  __syncthreads();
  if (threadIdx.x == 0) {
    __threadfence();
    last = atomicAdd(count, 1) == gridDim.x - 1;
    if (last) *count = 0;
    __threadfence();
  }
  __syncthreads();
  return last;
}

extern "C" __global__ void __launch_bounds__(1024) llorch_bound(const int* pick, int* best, const float* logits) {
  __shared__ Sums shared[32];
  launch_dependents();
  wait_for_inputs();
  const int vocab = pick[0], lane = threadIdx.x & 31, team = threadIdx.x >> 5;
  Sums* sums = (Sums*)(best + 16);
  unsigned* maxima = (unsigned*)best + 256;
  Sums s = {-INFINITE, 0, 0.0};
  for (int i = blockIdx.x * 1024 + threadIdx.x; i < vocab; i += BEST_BLOCKS * 1024) {
    const float v = logits[i];
    if (v < INFINITE) s.max = fmaxf(s.max, v);
    else s.bad = 1;
  }
  for (int i = blockIdx.x * 1024 + threadIdx.x; i < vocab && s.max > -INFINITE; i += BEST_BLOCKS * 1024) s.sum += exp((double)logits[i] - s.max);
  s = sums_of_team(s);
  if (lane == 0) {
    shared[team] = s;
    maxima[blockIdx.x * 32 + team] = order_of(s.max);
  }
  __syncthreads();
  if (team == 0) {
    s = sums_of_team(shared[lane]);
    if (lane == 0) sums[blockIdx.x] = s;
  }
  if (!last_block(best)) return;
  if (team == 0) {
    s = sums_of_team(sums[lane]);
    if (lane == 0) *(Sums*)(best + 8) = s;
  }
  const unsigned mine = maxima[threadIdx.x];
  unsigned bound = 0;
  for (int bit = 31; bit >= 0; bit--) {  // the largest bound that BEST maxima reach
    const unsigned next = bound | 1u << bit;
    if (__syncthreads_count(mine >= next) >= BEST) bound = next;
  }
  if (threadIdx.x == 0) best[2] = (int)bound;
}

extern "C" __global__ void __launch_bounds__(1024) llorch_best(const int* pick, int* best, const float* logits, Found* found) {
  __shared__ unsigned long long keys[BEST_ROOM];
  launch_dependents();
  wait_for_inputs();
  const int vocab = pick[0];
  const unsigned bound = (unsigned)best[2];
  unsigned long long* gathered = (unsigned long long*)(best + 2048);
  for (int i = blockIdx.x * 1024 + threadIdx.x; i < vocab; i += BEST_BLOCKS * 1024) {
    const float v = logits[i];
    const unsigned order = order_of(v);
    if (v > -INFINITE && order >= bound) {
      const int at = atomicAdd(best + 1, 1);
      if (at < BEST_ROOM) gathered[at] = (unsigned long long)order << 32 | (0xffffffffu - (unsigned)i);
    }
  }
  if (!last_block(best)) return;
  const int n = *(volatile int*)(best + 1);
  const Sums sums = *(const Sums*)(best + 8);
  __syncthreads();
  if (threadIdx.x == 0) {
    best[1] = 0;
    found->count = sums.bad || sums.max == -INFINITE ? -1 : n > BEST_ROOM ? -2 : min(n, BEST);
    found->max = sums.max;
    found->sum = sums.sum;
  }
  if (n > BEST_ROOM) return;
  int size = BEST;
  while (size < n) size *= 2;
  for (int i = threadIdx.x; i < size; i += 1024) keys[i] = i < n ? ((volatile unsigned long long*)gathered)[i] : 0;
  __syncthreads();
  for (int run = 2; run <= size; run *= 2) {
    for (int d = run / 2; d > 0; d /= 2) {
      for (int i = threadIdx.x; i < size; i += 1024) {
        const unsigned long long a = keys[i], b = keys[i ^ d];
        if ((i & d) == 0 && (a < b) == ((i & run) == 0)) {
          keys[i] = b;
          keys[i ^ d] = a;
        }
      }
      __syncthreads();
    }
  }
  if (threadIdx.x >= min(n, BEST)) return;
  found->token[threadIdx.x] = (int)(0xffffffffu - (unsigned)keys[threadIdx.x]);
  found->logit[threadIdx.x] = of_order((unsigned)(keys[threadIdx.x] >> 32));
}
