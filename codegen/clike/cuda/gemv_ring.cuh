// A warp's ring of stages in shared memory, through which it streams a run of weights: STAGES copies of BYTES are under way or
// waiting at any time. On sm_90 a lane has the bulk copy engine fill a stage, which completes a barrier; before that, all lanes copy.

namespace gemv {

DEVICE unsigned shared_address(const void* p) { return (unsigned)__cvta_generic_to_shared(p); }

template <int STAGES, int BYTES>
struct Ring {
  static_assert(BYTES % 16 == 0, "copies are of 16 bytes");
  static constexpr int SIZE = STAGES * (BYTES + 8);  // of stages and barriers

  unsigned char *stages, *barriers;  // in shared memory
  const unsigned char* source;       // of the first stage
  int count;                         // of stages that the warp will consume

  // begin copies the first FIRST stages, rest those that the ring has room for besides.
  template <int FIRST>
  __device__ __forceinline__ void begin(int lane) const {
#if __CUDA_ARCH__ >= 900
    if (lane == 0) {
#pragma unroll
      for (int i = 0; i < STAGES; i++) asm volatile("mbarrier.init.shared::cta.b64 [%0], 1;" ::"r"(shared_address(barriers + 8 * i)) : "memory");
      asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
    }
    __syncwarp();
#endif
#pragma unroll
    for (int i = 0; i < FIRST; i++) copy(i, i, lane);
  }
  template <int FIRST>
  __device__ __forceinline__ void rest(int lane) const {
#pragma unroll
    for (int i = FIRST; i < STAGES; i++) copy(i, i, lane);
  }

  // await waits until stage i of the run is there, and tells where.
  __device__ __forceinline__ const unsigned char* await(int i) const {
    const int at = i % STAGES;
#if __CUDA_ARCH__ >= 900
    const unsigned parity = i / STAGES & 1;
    unsigned there;
    do {
      asm volatile("{ .reg .pred p; mbarrier.try_wait.parity.shared::cta.b64 p, [%1], %2; selp.u32 %0, 1, 0, p; }"
                   : "=r"(there) : "r"(shared_address(barriers + 8 * at)), "r"(parity) : "memory");
    } while (!there);
#else
    asm volatile("cp.async.wait_group %0;" ::"n"(STAGES - 1) : "memory");
    __syncwarp();
#endif
    return stages + at * BYTES;
  }

  // release lets stage i be overwritten, by the one that comes STAGES later.
  __device__ __forceinline__ void release(int i, int lane) const {
    __syncwarp();
    copy(i + STAGES, i % STAGES, lane);
  }

  // end is when all is consumed; the memory may become another ring.
  __device__ __forceinline__ void end(int lane) const {
#if __CUDA_ARCH__ >= 900
    __syncwarp();
    if (lane == 0) {
#pragma unroll
      for (int i = 0; i < STAGES; i++) asm volatile("mbarrier.inval.shared::cta.b64 [%0];" ::"r"(shared_address(barriers + 8 * i)) : "memory");
    }
#endif
  }

  __device__ __forceinline__ void copy(int i, int at, int lane) const {
#if __CUDA_ARCH__ >= 900
    if (i < count && lane == 0) {
      asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(shared_address(barriers + 8 * at)), "r"(BYTES) : "memory");
      asm volatile("cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1], %2, [%3];"
                   ::"r"(shared_address(stages + at * BYTES)), "l"(source + (long long)i * BYTES), "r"(BYTES), "r"(shared_address(barriers + 8 * at)) : "memory");
    }
#else
    if (i < count) {
      for (int b = 16 * lane; b < BYTES; b += 16 * TEAM)
        asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(shared_address(stages + at * BYTES + b)), "l"(source + (long long)i * BYTES + b) : "memory");
    }
    asm volatile("cp.async.commit_group;" ::: "memory");  // also of nothing: stages are told by the number of groups since
#endif
  }
};

}  // namespace gemv
