// Products by wgmma through a ring. Stages of 64 elements of K are brought to a ring of slots in group memory: the weights as fragments, by bulk copies
// of one warp; x by copies of 16 bytes of three other warps, a stage each in turn, in the natural order of k. Two warpgroups multiply,
// each of whose warps has 16 rows of every member: of one matrix, or of two that are multiplied with the same x.

namespace gemm {

// Barriers of group memory: the phases of each take turns, and to wait is for one to end.
__device__ __forceinline__ void barrier_init(unsigned barrier, int count) {
  asm volatile("mbarrier.init.shared.b64 [%0], %1;" ::"r"(barrier), "r"(count) : "memory");
}
__device__ __forceinline__ void barrier_arrive(unsigned barrier) {
  asm volatile("{ .reg .b64 state; mbarrier.arrive.shared.b64 state, [%0]; }" ::"r"(barrier) : "memory");
}
__device__ __forceinline__ void barrier_wait(unsigned barrier, int phase) {
#if __CUDA_ARCH__ >= 900
#define LLORCH_WAIT "mbarrier.try_wait.parity.shared.b64"
#else
#define LLORCH_WAIT "mbarrier.test_wait.parity.shared.b64"
#endif
  asm volatile("{ .reg .pred done; again: " LLORCH_WAIT " done, [%0], %1; @!done bra again; }" ::"r"(barrier), "r"(phase) : "memory");
#undef LLORCH_WAIT
}

// Shape is what Go computes too (gemm.go).
template <class W, int K, int COLS, int SLOTS, int MEMBERS>
struct Shape {
  static const int WARPS = 8, PANELS = WARPS * MEMBERS;     // of 16 rows
  static const int UNITS = K / 32, STAGES = (UNITS + 1) / 2;
  static const int GROUP = UNITS / W::UNITS * W::BLOCK;     // bytes of a panel
  static const int PANEL = W::HEADER + 2 * W::UNIT;         // those of a stage
  static const int XSTAGE = COLS * 128, WSTAGE = PANELS * PANEL;
  static const int RING = 1024 + SLOTS * (XSTAGE + WSTAGE);  // barriers come first; slots of x begin at multiples of 1024
};

template <class W, bool BRAIN, int K, int COLS, int SLOTS, int MEMBERS>
struct Ring;

#ifdef __CUDA_ARCH_FEAT_SM90_ALL

template <class W, bool BRAIN, int K, int COLS, int SLOTS, int MEMBERS>
struct Ring : Shape<W, K, COLS, SLOTS, MEMBERS> {
  typedef Shape<W, K, COLS, SLOTS, MEMBERS> S;
  static const int XWARPS = 3, THREADS = 32 * (S::WARPS + XWARPS + 1);
  static const int DEEP = MEMBERS == 1 ? 2 : 1;  // units whose products are begun together
  // Registers a thread: at entry, and where those that multiply need more, after a change.
  static const int ENTRY = 65536 / THREADS / 8 * 8, LEAST = 24, MOST = 240;
  static const bool MORE = MEMBERS * COLS / 2 + 16 * MEMBERS * DEEP + 28 > ENTRY;
  // A warp of x that is two turns of the ring ahead would take the phase before for the one it waits for.
  static_assert(SLOTS >= XWARPS, "");
  static_assert(2 * MOST + LEAST <= 3 * ENTRY, "");

  float d[MEMBERS][COLS / 2];  // as mma.m16n8k16 has them, eight columns after eight
  unsigned a[2][MEMBERS][DEEP][2][4];
  unsigned base;
  int lane, warp;

  static __device__ __forceinline__ unsigned full(unsigned base, int slot) { return base + 16 * slot; }
  static __device__ __forceinline__ unsigned empty(unsigned base, int slot) { return base + 16 * slot + 8; }
  static __device__ __forceinline__ unsigned xslot(unsigned base, int slot) { return base + 1024 + slot * S::XSTAGE; }
  static __device__ __forceinline__ unsigned wslot(unsigned base, int slot) { return base + 1024 + SLOTS * S::XSTAGE + slot * S::WSTAGE; }

  static __device__ __forceinline__ void copy(unsigned to, const unsigned char* from, int bytes, unsigned barrier) {
    asm volatile("cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1], %2, [%3];"
                 ::"r"(to), "l"(from), "r"(bytes), "r"(barrier) : "memory");
  }

  // bring_weights has a lane for each panel. Of nested blocks, a stage has their header, too.
  static __device__ __forceinline__ void bring_weights(unsigned base, const unsigned char* panel) {
    const int lane = threadIdx.x % 32;
    int slot = 0, turn = 0;
#pragma unroll 1
    for (int stage = 0; stage < S::STAGES; stage++) {
      const int bytes = S::UNITS % 2 == 0 || stage < S::STAGES - 1 ? 2 * W::UNIT : W::UNIT;
      if (turn > 0) barrier_wait(empty(base, slot), (turn - 1) & 1);
      if (lane == 0) {
        asm volatile("{ .reg .b64 state; mbarrier.arrive.expect_tx.shared.b64 state, [%0], %1; }"
                     ::"r"(full(base, slot)), "r"(S::PANELS * (W::HEADER + bytes)) : "memory");
      }
      __syncwarp();
      if (lane < S::PANELS) {
        const unsigned to = wslot(base, slot) + lane * S::PANEL;
        const unsigned char* block = panel + 2 * stage / W::UNITS * W::BLOCK;
        if (W::HEADER > 0) copy(to, block, W::HEADER, full(base, slot));
        copy(to + W::HEADER, block + W::HEADER + 2 * stage % W::UNITS * W::UNIT, bytes, full(base, slot));
      }
      if (++slot == SLOTS) slot = 0, turn++;
    }
  }

  // bring_x brings every XWARPSth stage. A column has 128 bytes of a slot, whose pieces change places as wgmma's swizzle has it. What is
  // beside the columns stays as it is: it becomes columns that nobody stores.
  static __device__ __forceinline__ void bring_x(unsigned base, const unsigned short* x, int cols, int first) {
    const int lane = threadIdx.x % 32, piece = lane % 8, column = lane / 8;
#pragma unroll 1
    for (int stage = first; stage < S::STAGES; stage += XWARPS) {
      const int slot = stage % SLOTS;
      if (stage >= SLOTS) barrier_wait(empty(base, slot), (stage / SLOTS - 1) & 1);
      const unsigned to = xslot(base, slot);
      const unsigned short* from = x + stage * 64 + piece * 8 + column * K;
      const int end = S::UNITS % 2 == 0 || stage < S::STAGES - 1 || piece < 4 ? cols : 0;
#pragma unroll 4
      for (int c = 0; c < COLS; c += 4) {
        if (c + column < end) {
          asm volatile("cp.async.cg.shared.global [%0], [%1], 16;"
                       ::"r"(to + (c + column) * 128 + (piece ^ ((c + column) & 7)) * 16), "l"(from + c * K) : "memory");
        }
      }
      asm volatile("cp.async.mbarrier.arrive.noinc.shared.b64 [%0];" ::"r"(full(base, slot)) : "memory");
    }
    asm volatile("cp.async.wait_all;" ::: "memory");
  }

  // multiply begins the products of UNITS units of a slot, and ends when those before them are done.
  template <int BUFFER, int UNITS>
  __device__ __forceinline__ void multiply(int slot, int first) {
    const unsigned w = wslot(base, slot) + warp * S::PANEL;
#pragma unroll
    for (int m = 0; m < MEMBERS; m++)
#pragma unroll
      for (int u = 0; u < UNITS; u++) {
        const unsigned panel = w + m * S::WARPS * S::PANEL;
        natural((const W*)nullptr, a[BUFFER][m][u], panel, panel + W::HEADER + (first + u) * W::UNIT, lane);
      }
    wgmma_begin();
#pragma unroll
    for (int u = 0; u < UNITS; u++)
#pragma unroll
      for (int k = 0; k < 2; k++) {
        const unsigned long long b = describe(xslot(base, slot) + 64 * (first + u) + 32 * k);
#pragma unroll
        for (int m = 0; m < MEMBERS; m++) Wgmma<BRAIN, COLS>::add(d[m], a[BUFFER][m][u][k], b);
      }
    wgmma_commit();
    wgmma_wait<1>();
  }

  __device__ __forceinline__ void await(int slot, int phase) const {
    barrier_wait(full(base, slot), phase);
    asm volatile("fence.proxy.async.shared::cta;" ::: "memory");  // x was not copied by the proxy that wgmma reads through
  }
  __device__ __forceinline__ void release(int slot, bool any) const {
    if (lane == 0 && any) barrier_arrive(empty(base, slot));
  }

  // step multiplies a stage. Its slot is free once the next one has begun.
  template <int BUFFER, int UNITS>
  __device__ __forceinline__ void step(int& slot, int& phase, int& before, bool any) {
    await(slot, phase);
    if constexpr (DEEP == 2 || UNITS == 1) {
      multiply<BUFFER, UNITS>(slot, 0);
      release(before, any);
    } else {
      multiply<0, 1>(slot, 0);
      release(before, any);
      multiply<1, 1>(slot, 1);
    }
    before = slot;
    if (++slot == SLOTS) slot = 0, phase ^= 1;
  }

  __device__ __forceinline__ void consume() {
#pragma unroll
    for (int m = 0; m < MEMBERS; m++)
#pragma unroll
      for (int i = 0; i < COLS / 2; i++) d[m][i] = 0.0f;
    constexpr int WHOLE = S::UNITS / 2, PAIRS = WHOLE / 2 * 2;  // stages of two units, and those of them in pairs
    int slot = 0, phase = 0, before = 0;
#pragma unroll 1
    for (int stage = 0; stage < PAIRS; stage += 2) {
      step<0, 2>(slot, phase, before, stage > 0);
      step<1, 2>(slot, phase, before, true);
    }
    if constexpr (WHOLE > PAIRS) {
      wgmma_wait<0>();  // else the compiler has every wgmma wait, also in the loop
      step<0, 2>(slot, phase, before, PAIRS > 0);
    }
    if constexpr (S::UNITS % 2 == 1) {
      wgmma_wait<0>();
      step<0, 1>(slot, phase, before, WHOLE > 0);
    }
    wgmma_wait<0>();
  }

  __device__ __forceinline__ void store(int m, float* acc, int accStride, int rows, int cols) const {
#pragma unroll
    for (int i = 0; i < COLS / 2; i++) {
      const int r = warp * 16 + lane / 4 + i % 4 / 2 * 8, c = i / 4 * 8 + lane % 4 * 2 + i % 2;
      if (r < rows && c < cols) acc[r * accStride + c] = d[m][i];
    }
  }

  // run leaves the products with w[m] in acc[m], which may lie over the ring. A panel without rows repeats the last one that has some.
  static __device__ __forceinline__ void run(float* const (&acc)[MEMBERS], int accStride, const unsigned char* const (&w)[MEMBERS],
                                             const unsigned short* x, int rows, int cols, unsigned base) {
    const int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
    if (threadIdx.x < SLOTS) {
      barrier_init(full(base, threadIdx.x), 33);  // the warp of weights, and the lanes of one of x
      barrier_init(empty(base, threadIdx.x), S::WARPS);
    }
    asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
    asm volatile("fence.proxy.async.shared::cta;" ::: "memory");  // bulk copies follow what others did with this memory
    __syncthreads();
    if (warp < S::WARPS) {
      if (MORE) take_registers<MOST>();
      Ring r;
      r.base = base, r.lane = lane, r.warp = warp;
      r.consume();
      asm volatile("bar.sync 1, %0;" ::"n"(32 * S::WARPS) : "memory");  // all have read what acc may lie over
#pragma unroll
      for (int m = 0; m < MEMBERS; m++) r.store(m, acc[m], accStride, rows, cols);
      if (MORE) give_registers<ENTRY>();
    } else {
      if (MORE) give_registers<LEAST>();
      if (warp == S::WARPS + XWARPS) {
        const unsigned char* of = MEMBERS > 1 && lane >= S::WARPS ? w[MEMBERS - 1] : w[0];
        bring_weights(base, of + (long long)min(lane % S::WARPS, (rows - 1) / 16) * S::GROUP);
      } else {
        bring_x(base, x, cols, warp - S::WARPS);
      }
      __syncwarp();
      if (MORE) {
        asm volatile("bar.sync 2, %0;" ::"n"(THREADS - 32 * S::WARPS) : "memory");  // a warpgroup changes registers together
        take_registers<ENTRY>();
      }
    }
  }
};

#endif

}  // namespace gemm
