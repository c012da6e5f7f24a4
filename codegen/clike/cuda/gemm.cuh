// Products of weights in fragments with many columns of f16 or bf16, by tensor cores: through a ring of group memory (gemm_ring.cuh), or as
// here, where most warps load the weights of 16 rows each straight into registers. PRODUCERS warps more bring x to group memory, a stage of
// 64 elements of K each in turn: fences for what others then read would make them wait for their loads of weights.

namespace gemm {

__device__ __forceinline__ void store128(unsigned to, unsigned a, unsigned b, unsigned c, unsigned d) {
  asm volatile("st.shared.v4.u32 [%0], {%1, %2, %3, %4};" ::"r"(to), "r"(a), "r"(b), "r"(c), "r"(d) : "memory");
}

// mma adds to d, 16 rows and 8 columns, the products of a step of 16 elements.
template <bool BRAIN>
__device__ __forceinline__ void mma(float* d, const unsigned (&a)[4], unsigned b0, unsigned b1) {
  if constexpr (BRAIN) {
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
                 : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
  } else {
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
                 : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
  }
}

// Direct multiplies W, at most 16 WARPS rows of K elements, with at most COLS columns: a multiple of 8, for mma.sync of 16.
template <class W, bool BRAIN, int K, int COLS>
struct Direct {
  static const int WARPS = 8, PRODUCERS = 4, SLOTS = 4;
  static const int UNITS = K / 32, STAGES = (UNITS + 1) / 2;
  static const int STAGE = (COLS + 15) / 16 * 2048;       // bytes of x
  static const int BYTES = SLOTS * STAGE + 128;           // slots, and barriers behind them
  static const int GROUP = UNITS / W::UNITS * W::BLOCK;   // bytes of 16 rows of weights
  static const int AHEAD = W::AHEAD;                      // stages of weights that are loaded before they are used

  W raw[AHEAD][2];
  unsigned a[2][2][2][4];  // expanded: by stage, unit and step
  float d[COLS / 2];       // as mma.m16n8k16 has them, eight columns after eight
  const unsigned char* w;
  unsigned slots;
  int lane;

  static __device__ __forceinline__ unsigned full(unsigned slots, int slot) { return slots + SLOTS * STAGE + 16 * slot; }
  static __device__ __forceinline__ unsigned empty(unsigned slots, int slot) { return full(slots, slot) + 8; }

  // produce brings every PRODUCERSth stage. A lane loads step lane % 4 of every eighth column. A column is 128 bytes of group
  // memory, of which step k has pieces 2k and 2k+1 of 16 bytes: the first has the even pairs of the step's elements, the second the
  // odd ones, so that lane t of four finds elements 4t to 4t+3 where mma takes its own. Pieces change places by column, against
  // bank conflicts (the 128-byte swizzle of wgmma).
  static __device__ __forceinline__ void produce(unsigned slots, const unsigned short* x, int cols, int first) {
    const int lane = threadIdx.x % 32, step = lane % 4, column = lane / 4;
#pragma unroll 1
    for (int stage = first; stage < STAGES; stage += PRODUCERS) {
      const int slot = stage % SLOTS;
      const bool has = UNITS % 2 == 0 || stage < STAGES - 1 || step < 2;
#pragma unroll
      for (int c = 0; c < COLS; c += 64) {
        uint4 v[8][2];
#pragma unroll
        for (int i = 0; i < 8; i++) {
          const int at = c + 8 * i + column;
          if (!has || c + 8 * i >= COLS || at >= cols) continue;
          const uint4* from = (const uint4*)(x + at * K + stage * 64 + step * 16);
          v[i][0] = from[0], v[i][1] = from[1];
        }
        if (c == 0 && stage >= SLOTS) barrier_wait(empty(slots, slot), (stage / SLOTS - 1) & 1);
#pragma unroll
        for (int i = 0; i < 8; i++) {
          if (!has || c + 8 * i >= COLS) continue;
          const unsigned to = slots + slot * STAGE + (c + 8 * i + column) * 128;
          const uint4 &p = v[i][0], &q = v[i][1];
          store128(to + ((2 * step) ^ column) * 16, p.x, p.z, q.x, q.z);
          store128(to + ((2 * step + 1) ^ column) * 16, p.y, p.w, q.y, q.w);
        }
      }
#ifdef __CUDA_ARCH_FEAT_SM90_ALL
      asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
#endif
      __syncwarp();
      if (lane == 0) barrier_arrive(full(slots, slot));
    }
  }

  __device__ __forceinline__ void load_weights(int stage, int slot) {
#pragma unroll
    for (int u = 0; u < 2; u++) {
      const int unit = 2 * stage + u;
      if (unit < UNITS) raw[slot % AHEAD][u].load(w + unit / W::UNITS * W::BLOCK, unit % W::UNITS, lane);
    }
  }

#ifdef __CUDA_ARCH_FEAT_SM90_ALL
  template <int COUNT>
  __device__ __forceinline__ void multiply(int slot) {
    wgmma_begin();
#pragma unroll
    for (int k = 0; k < 2 * COUNT; k++)
      Wgmma<BRAIN, COLS>::add(d, a[slot % 2][k / 2][k % 2], describe(slots + slot * STAGE + 32 * k));
    wgmma_commit();
    wgmma_wait<1>();
  }
#else
  template <int COUNT>
  __device__ __forceinline__ void multiply(int slot) {
    const int row = lane / 16 * 8 + lane % 8;
#pragma unroll
    for (int k = 0; k < 2 * COUNT; k++) {
#pragma unroll
      for (int c = 0; c < COLS; c += 16) {
        unsigned r[4];
        asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                     : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
                     : "r"(slots + slot * STAGE + (c + row) * 128 + ((2 * k + lane / 8 % 2) ^ (lane % 8)) * 16));
        mma<BRAIN>(d + c / 2, a[slot % 2][k / 2][k % 2], r[0], r[1]);
        mma<BRAIN>(d + c / 2 + 4, a[slot % 2][k / 2][k % 2], r[2], r[3]);
      }
    }
    __syncwarp();
  }
#endif

  // step begins to multiply a stage of COUNT units; when it ends, the stage before is done.
  template <int COUNT>
  __device__ __forceinline__ void step(int stage, int slot) {
    raw[slot % AHEAD][0].expand(a[slot % 2][0]);
    if constexpr (COUNT > 1) raw[slot % AHEAD][1].expand(a[slot % 2][1]);
    if (stage + AHEAD < STAGES) load_weights(stage + AHEAD, slot);
    barrier_wait(full(slots, slot), stage / SLOTS & 1);
    multiply<COUNT>(slot);
    if (lane == 0 && stage > 0) barrier_arrive(empty(slots, (slot + SLOTS - 1) % SLOTS));
  }

  __device__ __forceinline__ void consume() {
#pragma unroll
    for (int i = 0; i < COLS / 2; i++) d[i] = 0.0f;
#pragma unroll
    for (int s = 0; s < AHEAD; s++)
      if (s < STAGES) load_weights(s, s);
    constexpr int WHOLE = UNITS / 2, TURNS = WHOLE / SLOTS * SLOTS;  // stages of two units, and those of them that go round all slots
#pragma unroll 1
    for (int stage = 0; stage < TURNS; stage += SLOTS) {
#pragma unroll
      for (int s = 0; s < SLOTS; s++) step<2>(stage + s, s);
    }
#pragma unroll
    for (int s = 0; s < WHOLE - TURNS; s++) settle(), step<2>(TURNS + s, s);
    if constexpr (UNITS % 2 == 1) settle(), step<1>(WHOLE, WHOLE % SLOTS);
    settle();
  }

  // settle waits for all that is being multiplied: outside of a loop the compiler has every wgmma wait if what it reads is made meanwhile.
  static __device__ __forceinline__ void settle() {
#ifdef __CUDA_ARCH_FEAT_SM90_ALL
    wgmma_wait<0>();
#endif
  }

  __device__ __forceinline__ void store(float* acc, int accStride, int row, int rows, int cols) const {
#pragma unroll
    for (int i = 0; i < COLS / 2; i++) {
      const int r = row + lane / 4 + i % 4 / 2 * 8, c = i / 4 * 8 + lane % 4 * 2 + i % 2;
      if (r < rows && c < cols) acc[r * accStride + c] = d[i];
    }
  }

  // run leaves results in acc, which may lie over the slots.
  static __device__ __forceinline__ void run(float* acc, int accStride, const unsigned char* w, const unsigned short* x, int rows, int cols,
                                             unsigned slots) {
    const int warp = threadIdx.x / 32;
    if (threadIdx.x < SLOTS) {
      barrier_init(full(slots, threadIdx.x), 1);
      barrier_init(empty(slots, threadIdx.x), WARPS);
    }
    __syncthreads();
    if (warp < WARPS) {
      Direct t;
      t.slots = slots, t.lane = threadIdx.x % 32;
      t.w = w + (long long)min(warp, (rows - 1) / 16) * GROUP;  // a warp without rows repeats others' work
      t.consume();
      asm volatile("bar.sync 1, %0;" ::"n"(32 * WARPS) : "memory");  // all have read the slots
      t.store(acc, accStride, warp * 16, rows, cols);
    } else {
      produce(slots, x, cols, warp - WARPS);
    }
  }
};

// Tile multiplies MEMBERS matrices W, of which a group has up to 128 rows of K elements, with at most COLS columns, a multiple of 8. There
// are 384 threads. With SLOTS, wgmma has a ring. Results may lie over prep, the first matrix's in its first FIRST bytes.
template <class W, bool BRAIN, int K, int COLS, int SLOTS, int MEMBERS>
struct Tile {
#ifdef __CUDA_ARCH_FEAT_SM90_ALL
  static const bool WGMMA = true;
#else
  static const bool WGMMA = false;
#endif
  typedef Shape<W, K, COLS, SLOTS, MEMBERS> S;
  typedef Direct<W, BRAIN, K, WGMMA ? COLS : (COLS + 15) / 16 * 16> D;
  static const int FIRST = MEMBERS > 1 ? 512 * (COLS + 64) : 0, GROUP = S::GROUP;
  static const int BYTES = 1024 + (S::RING > FIRST + D::BYTES ? S::RING : FIRST + D::BYTES);  // of prep: stages begin at a multiple of 1024

  static __device__ __forceinline__ void all(float* const (&acc)[MEMBERS], int accStride, const unsigned char* const (&w)[MEMBERS],
                                             const unsigned short* x, int rows, int cols, void* prep) {
    const unsigned base = ((unsigned)__cvta_generic_to_shared(prep) + 1023) & ~1023u;
    static_assert(FIRST % 1024 == 0, "");
    if constexpr (WGMMA && SLOTS > 0) {
      Ring<W, BRAIN, K, COLS, SLOTS, MEMBERS>::run(acc, accStride, w, x, rows, cols, base);
    } else {
#pragma unroll 1
      for (int m = 0; m < MEMBERS; m++) {
        if (m > 0) __syncthreads();
        D::run(acc[m], accStride, w[m], x, rows, cols, base + FIRST);
      }
    }
  }

  static __device__ __forceinline__ void run(float* acc, int accStride, const unsigned char* w, int, const unsigned short* x, int, int rows,
                                             int cols, int, void*, void* prep) {
    float* const accs[] = {acc};
    const unsigned char* const ws[] = {w};
    all(accs, accStride, ws, x, rows, cols, prep);
  }
  static __device__ __forceinline__ void pair(float* acc, float* acc2, int accStride, const unsigned char* w, const unsigned char* w2, int,
                                              const unsigned short* x, int, int rows, int cols, int, void*, void* prep) {
    float* const accs[] = {acc, acc2};
    const unsigned char* const ws[] = {w, w2};
    all(accs, accStride, ws, x, rows, cols, prep);
  }
};

}  // namespace gemm
