// Joined is how GROUPS groups, blocks that follow each other, put parts together. A group's part is GROUPS shares of EACH floats, and ALL
// more. A kernel that ends with a join is declared CLUSTER, opens what groups receive, and runs the join's body from .. to, a share at a
// time, in which element i of a group's part is of its share or of what is for all.

#ifdef __CUDA_ARCH_FEAT_SM90_ALL
// The groups are a cluster, blocks that run at the same time. Each sends the others their shares, into their shared memory, and takes its
// own. Nothing is read there, so a group ends when it has received all and has no need to wait for the others.
#define CLUSTER(groups) __cluster_dims__(groups, 1, 1)

template <int GROUPS, int EACH, int ALL, int THREADS>
struct Joined {
  // What a group receives begins with a barrier, which counts its bytes; then comes a row from each group: its share, then what is for all.
  static constexpr int HEAD = 16, AT_ALL = (EACH + 3) / 4 * 4, ROW = AT_ALL + (ALL + 3) / 4 * 4;

  int from, to;
  const float* rows;

  static __device__ __forceinline__ unsigned address(const void* p) { return (unsigned)__cvta_generic_to_shared(p); }

  // open makes the barrier ready. The cluster's barrier, whose second half is in the constructor, tells the others so.
  static __device__ __forceinline__ void open(unsigned char* received) {
    if (threadIdx.x == 0) {
      asm volatile("mbarrier.init.shared::cta.b64 [%0], 1;" ::"r"(address(received)) : "memory");
      asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(address(received)), "r"(GROUPS * (EACH + ALL) * 4) : "memory");
      asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
    }
    __syncwarp();
    asm volatile("barrier.cluster.arrive.relaxed.aligned;" ::: "memory");
  }

  __device__ __forceinline__ Joined(const int*, int, float*, const float* part, unsigned char* received)
      : from(blockIdx.x % GROUPS), to(from + 1), rows((const float*)(received + HEAD)) {
    asm volatile("barrier.cluster.wait.acquire.aligned;" ::: "memory");
    __syncthreads();
    send<EACH>(received, 0, [&](int group, int i) { return part[group * EACH + i]; });
    send<ALL>(received, AT_ALL, [&](int, int i) { return part[GROUPS * EACH + i]; });
    unsigned there = 0;
    while (!there) {
      asm volatile(
          "{ .reg .pred p; mbarrier.try_wait.parity.acquire.cluster.shared::cta.b64 p, [%1], 0; selp.u32 %0, 1, 0, p; }"
          : "=r"(there) : "r"(address(received)) : "memory");
    }
  }

  // send stores N floats to each group's row of this one, as many at a time as their places allow.
  template <int N, typename F>
  __device__ __forceinline__ void send(unsigned char* received, int at, F part) {
    constexpr int WIDTH = N % 4 == 0 ? 4 : N % 2 == 0 ? 2 : 1, COUNT = GROUPS * N / WIDTH;
#pragma unroll
    for (int turn = 0; turn < (COUNT + THREADS - 1) / THREADS; turn++) {
      const int n = turn * THREADS + threadIdx.x;
      if (COUNT % THREADS != 0 && n >= COUNT) break;
      const int group = n / (N / WIDTH), i = n % (N / WIDTH) * WIDTH;
      unsigned to, barrier;
      asm("mapa.shared::cluster.u32 %0, %1, %2;" : "=r"(to) : "r"(address(rows + from * ROW + at + i)), "r"(group));
      asm("mapa.shared::cluster.u32 %0, %1, %2;" : "=r"(barrier) : "r"(address(received)), "r"(group));
      if (WIDTH == 4) {
        asm volatile("st.async.weak.shared::cluster.mbarrier::complete_tx::bytes.v4.f32 [%0], {%1, %2, %3, %4}, [%5];" ::"r"(to),
                     "f"(part(group, i)), "f"(part(group, i + 1)), "f"(part(group, i + 2)), "f"(part(group, i + 3)), "r"(barrier) : "memory");
      } else if (WIDTH == 2) {
        asm volatile("st.async.weak.shared::cluster.mbarrier::complete_tx::bytes.v2.f32 [%0], {%1, %2}, [%3];" ::"r"(to),
                     "f"(part(group, i)), "f"(part(group, i + 1)), "r"(barrier) : "memory");
      } else {
        asm volatile("st.async.weak.shared::cluster.mbarrier::complete_tx::bytes.f32 [%0], %1, [%2];" ::"r"(to),
                     "f"(part(group, i)), "r"(barrier) : "memory");
      }
    }
  }

  __device__ __forceinline__ float of_share(int group, int i) const { return rows[group * ROW + i - from * EACH]; }
  __device__ __forceinline__ float of_all(int group, int i) const { return rows[group * ROW + AT_ALL + i - GROUPS * EACH]; }
};
#else
// There may be no clusters, or none of so many groups. Parts go to memory, and the last group to come takes all shares, as others may not even have begun.
#define CLUSTER(groups)

template <int GROUPS, int EACH, int ALL, int THREADS>
struct Joined {
  static constexpr int PART = GROUPS * EACH + ALL;

  int from, to;
  const float* parts;

  static __device__ __forceinline__ void open(unsigned char*) {}

  // Groups are counted behind the symbols in step memory, at a place that is theirs and is left as it was found. What a group stored
  // before a barrier, the lane that counts releases; what it acquires, the group reads behind the next one.
  __device__ __forceinline__ Joined(const int* step, int place, float* all, const float* part, unsigned char*)
      : from(0), parts(all + blockIdx.x / GROUPS * GROUPS * PART) {
    __shared__ bool last;
    __syncthreads();
    for (int i = threadIdx.x; i < PART; i += THREADS) all[blockIdx.x * PART + i] = part[i];
    __syncthreads();
    if (threadIdx.x == 0) {
      int* count = const_cast<int*>(step) + 1024 + place + blockIdx.x / GROUPS;
      int before;
      asm volatile("atom.acq_rel.gpu.global.add.s32 %0, [%1], 1;" : "=r"(before) : "l"(count) : "memory");
      last = before == GROUPS - 1;
      if (last) *count = 0;
    }
    __syncthreads();
    to = last ? GROUPS : 0;
  }

  __device__ __forceinline__ float of_share(int group, int i) const { return parts[group * PART + i]; }
  __device__ __forceinline__ float of_all(int group, int i) const { return parts[group * PART + i]; }
};
#endif
