// Products of weights in fragments with many columns of f16 or bf16: 16 rows a warp, all columns, by tensor cores. A stage is 64
// elements of K. A warp loads the weights of its rows straight into registers; x goes through registers to group memory.

namespace gemm {

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

// Tile multiplies W, at most 16 WARPS rows of K elements, with at most COLS columns.
template <class W, bool BRAIN, int K, int COLS, int WARPS>
struct Tile {
  static const int UNITS = K / 32, STAGES = (UNITS + 1) / 2;
  static const int SLOTS = 4, STAGE = COLS * 128;        // stages of x in group memory, and their bytes
  static const int BYTES = SLOTS * STAGE + 1024;         // of prep: stages begin at multiples of 1024
  static const int GROUP = UNITS / W::UNITS * W::BLOCK;  // bytes of 16 rows of weights
  static const int SHARES = COLS / 8 / WARPS;            // a lane's columns of x

  W raw[W::AHEAD][2];
  unsigned a[2][2][2][4];  // expanded: by stage, unit and step
  unsigned b[2][SHARES][8];
  float d[COLS / 2];  // as mma.m16n8k16 has them, eight columns after eight

  const unsigned char* w;
  const unsigned short* x;
  unsigned slots;
  int cols, lane, warp;

  __device__ __forceinline__ void load_weights(int stage, int slot) {
#pragma unroll
    for (int u = 0; u < 2; u++) {
      const int unit = 2 * stage + u;
      if (unit < UNITS) raw[slot % W::AHEAD][u].load(w + unit / W::UNITS * W::BLOCK, unit % W::UNITS, lane);
    }
  }

  // A lane takes step lane % 4 of its columns' stages. has tells whether there is one.
  __device__ __forceinline__ bool has(int stage) const {
    return stage < STAGES && (UNITS % 2 == 0 || stage < STAGES - 1 || lane % 4 < 2);
  }
  __device__ __forceinline__ int column(int i) const { return (i * WARPS + warp) * 8 + lane / 4; }

  __device__ __forceinline__ void load_x(int stage, int slot) {
    if (!has(stage)) return;
#pragma unroll
    for (int i = 0; i < SHARES; i++) {
      if (column(i) >= cols) continue;
      const uint4* from = (const uint4*)(x + column(i) * K + stage * 64 + lane % 4 * 16);
      const uint4 v[2] = {from[0], from[1]};
      unsigned* to = b[slot % 2][i];
      to[0] = v[0].x, to[1] = v[0].y, to[2] = v[0].z, to[3] = v[0].w, to[4] = v[1].x, to[5] = v[1].y, to[6] = v[1].z, to[7] = v[1].w;
    }
  }

  // store_x puts a stage into group memory. A column is 128 bytes there, of which step k has pieces 2k and 2k+1 of 16 bytes: the
  // first has the even pairs of the step's elements, the second the odd ones, so that lane t of four finds elements 4t to 4t+3
  // where mma takes its own. Pieces change places by column, against bank conflicts (the 128-byte swizzle of wgmma).
  __device__ __forceinline__ void store_x(int stage, int slot) {
    if (!has(stage)) return;
#pragma unroll
    for (int i = 0; i < SHARES; i++) {
      const unsigned* v = b[slot % 2][i];
      const unsigned to = slots + slot % SLOTS * STAGE + column(i) * 128, piece = lane % 4 * 2, by = lane / 4;
      asm volatile("st.shared.v4.u32 [%0], {%1, %2, %3, %4};" ::"r"(to + (piece ^ by) * 16), "r"(v[0]), "r"(v[2]), "r"(v[4]), "r"(v[6]) : "memory");
      asm volatile("st.shared.v4.u32 [%0], {%1, %2, %3, %4};" ::"r"(to + ((piece + 1) ^ by) * 16), "r"(v[1]), "r"(v[3]), "r"(v[5]), "r"(v[7]) : "memory");
    }
  }

#ifdef __CUDA_ARCH_FEAT_SM90_ALL
  __device__ __forceinline__ void multiply(int stage, int slot) {
    wgmma_begin();
#pragma unroll
    for (int k = 0; k < 4; k++)
      if (2 * stage + k / 2 < UNITS) wgmma<BRAIN>(d, a[slot % 2][k / 2][k % 2], describe(slots + slot * STAGE + 32 * k));
    wgmma_commit();
  }
  __device__ __forceinline__ void publish_x() { asm volatile("fence.proxy.async.shared::cta;" ::: "memory"); }
  template <int PENDING>
  __device__ __forceinline__ void wait() { wgmma_wait<PENDING>(); }
#else
  __device__ __forceinline__ void multiply(int stage, int slot) {
    const int row = lane / 16 * 8 + lane % 8;
#pragma unroll
    for (int k = 0; k < 4; k++) {
      if (2 * stage + k / 2 >= UNITS) break;
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
  }
  __device__ __forceinline__ void publish_x() {}
  template <int PENDING>
  __device__ __forceinline__ void wait() {}
#endif

  // step multiplies a stage while it stores the next one's x and loads later ones. The stage before may be still in work when it
  // begins; what was before that is done in all warps, once they have met.
  __device__ __forceinline__ void step(int stage, int slot) {
    raw[slot % W::AHEAD][0].expand(a[slot % 2][0]);
    if (2 * stage + 1 < UNITS) raw[slot % W::AHEAD][1].expand(a[slot % 2][1]);
    if (stage + W::AHEAD < STAGES) load_weights(stage + W::AHEAD, slot);
    __syncthreads();
    multiply(stage, slot);
    store_x(stage + 1, slot + 1);
    load_x(stage + 3, slot + 3);
    publish_x();
    wait<1>();
  }

  __device__ __forceinline__ void store(float* acc, int accStride, int rows) const {
    const int row = warp * 16 + lane / 4, col = lane % 4 * 2;
#pragma unroll
    for (int i = 0; i < COLS / 2; i++) {
      const int r = row + i % 4 / 2 * 8, c = i / 4 * 8 + col + i % 2;
      if (r < rows && c < cols) acc[r * accStride + c] = d[i];
    }
  }

  static __device__ __forceinline__ void run(float* acc, int accStride, const unsigned char* w, int, const unsigned short* x, int,
                                             int rows, int cols, int, void*, void* prep) {
    Tile t;
    t.lane = threadIdx.x % 32, t.warp = threadIdx.x / 32;
    t.w = w + (long long)min(t.warp, (rows - 1) / 16) * GROUP;  // a warp without rows repeats others' work
    t.x = x, t.cols = cols;
    t.slots = ((unsigned)__cvta_generic_to_shared(prep) + 1023) & ~1023u;
#pragma unroll
    for (int i = 0; i < COLS / 2; i++) t.d[i] = 0.0f;
    t.load_x(0, 0);
    t.load_x(1, 1);
#pragma unroll
    for (int s = 0; s < W::AHEAD; s++)
      if (s < STAGES) t.load_weights(s, s);
    t.store_x(0, 0);
    t.load_x(2, 2);
    t.publish_x();
    for (int stage = 0; stage < STAGES; stage += SLOTS) {
#pragma unroll
      for (int s = 0; s < SLOTS; s++)
        if (STAGES % SLOTS == 0 || stage + s < STAGES) t.step(stage + s, s);
    }
    t.template wait<0>();
    t.store(acc, accStride, rows);
  }
};

}  // namespace gemm
