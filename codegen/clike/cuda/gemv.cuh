// Gemv multiplies up to 16 * GROUPS rows of fragments with a vector. What bounds it is the memory that weights come from, so each warp
// has a ring of STAGES, each of BLOCKS blocks, that is full before the vector is known. The blocks of all the rows are one run of memory,
// of which each warp takes a share; sums of rows that fall to several warps meet in shared memory. The order of additions is fixed.

namespace gemv {

template <class W, int K, int WARPS, int GROUPS, int STAGES, int BLOCKS>
struct Gemv {
  static_assert(K % (W::ELEMS * BLOCKS) == 0, "stages are whole");
  typedef Columns<W, K, WARPS> X;
  typedef Ring<STAGES, BLOCKS * W::BYTES> R;

  static constexpr int SHARE = K / (W::ELEMS * BLOCKS);  // stages of a group of 16 rows
  static constexpr int UNITS = BLOCKS * (W::ELEMS / 32);  // of a stage
  static constexpr int BATCH = 4;                         // units at a time, so that a warp need not wait for each
  static constexpr int SUMS = W::CODES ? 1 : 4;           // independent ones
  static constexpr int PARTS = WARPS * R::SIZE;           // where sums meet, behind all rings
  static constexpr int RING = PARTS + WARPS * GROUPS * 64, PREP = X::SIZE;
  static constexpr bool RESIDENT = (GROUPS * SHARE + WARPS - 1) / WARPS <= STAGES;  // nothing is copied later than by fetch

  // first is the first stage of a warp's share.
  DEVICE int first(int warp, int rows) { return (rows + 15) / 16 * SHARE * warp / WARPS; }

  DEVICE R warp_ring(void* ring, const unsigned char* w, int rows) {
    const int warp = threadIdx.x / TEAM, at = first(warp, rows);
    unsigned char *stages = (unsigned char*)ring, *barriers = stages + WARPS * STAGES * BLOCKS * W::BYTES;
    return {stages + warp * STAGES * BLOCKS * W::BYTES, barriers + warp * STAGES * 8, w + (long long)at * BLOCKS * W::BYTES,
            first(warp + 1, rows) - at};
  }

  DEVICE void fetch(void* ring, const unsigned char* w, int rows) { warp_ring(ring, w, rows).begin(threadIdx.x % TEAM); }

  DEVICE void prepare(void* prep, const float* x, int, int) { X::prepare(prep, x); }

  DEVICE void run(float* acc, int accStride, const unsigned char* w, int, const float*, int, int rows, int, int, void* ring, void* prep) {
    const int warp = threadIdx.x / TEAM, lane = threadIdx.x % TEAM;
    const R r = warp_ring(ring, w, rows);
    const int begin = first(warp, rows), end = first(warp + 1, rows);
    float* parts = (float*)((unsigned char*)ring + PARTS);
    const float inverse = W::BF16 ? 1.0f : X::inverse(prep);
    const unsigned char* columns = X::columns(prep) + min(lane / 4, X::COUNT - 1) * 64 + lane % 4 * 16;
    for (int at = begin; at < end;) {
      const int group = at / SHARE, stop = min(end, (group + 1) * SHARE);
      float sum[SUMS][4] = {};
      for (; at < stop; at++) {
        const int unit = (at - group * SHARE) * UNITS;
        stage(sum, r.await(at - begin), columns + unit * X::UNIT, X::sums(prep) + unit, lane);
        if (!RESIDENT) r.release(at - begin, lane);
      }
#pragma unroll
      for (int i = 1; i < SUMS; i++) {
#pragma unroll
        for (int j = 0; j < 4; j++) sum[0][j] += sum[i][j];
      }
      const Pair p = X::total(sum[0]);
      if (lane % 4 == 0) {
        float* part = parts + (group * WARPS + warp) * 16 + lane / 4;
        part[0] = p.upper * inverse, part[8] = p.lower * inverse;
      }
    }
    r.end(lane);
    __syncthreads();
    for (int i = threadIdx.x; i < rows; i += WARPS * TEAM) acc[i * accStride] = total(parts, i, rows);
  }

  // total adds what the warps have of a row.
  DEVICE float total(const float* parts, int row, int rows) {
    const int group = row / 16;
    float v = 0.0f;
#pragma unroll
    for (int i = 0; i < WARPS; i++) {
      const int from = max(first(i, rows), group * SHARE), to = min(first(i + 1, rows), (group + 1) * SHARE);
      if (from < to) v += parts[(group * WARPS + i) * 16 + row % 16];
    }
    return v;
  }

  // stage adds the products of a stage's blocks with the columns from there on.
  DEVICE void stage(float (&sum)[SUMS][4], const unsigned char* block, const unsigned char* columns, const float* sums, int lane) {
    if constexpr (W::NESTED) {
#pragma unroll 1
      for (int b = 0; b < BLOCKS; b++) nested(sum[0], block + b * W::BYTES, columns + 8 * b * X::UNIT, sums + 8 * b, lane);
    } else {
      constexpr int LAST = UNITS % BATCH, WHOLE = UNITS - LAST;
#pragma unroll 2
      for (int u = 0; u < WHOLE; u += BATCH) batch<BATCH>(sum, block + u * W::UNIT, columns + u * X::UNIT, sums + u, lane);
      if constexpr (LAST > 0) batch<LAST>(sum, block + WHOLE * W::UNIT, columns + WHOLE * X::UNIT, sums + WHOLE, lane);
    }
  }

  // Operands are those of N units.
  template <int N>
  struct Operands {
    unsigned w[N][W::WORDS];
    uint4 x[N];

    __device__ __forceinline__ Operands(const unsigned char* unit, const unsigned char* columns, int lane) {
#pragma unroll
      for (int u = 0; u < N; u++) W::load(w[u], unit + u * W::UNIT, lane), x[u] = *(const uint4*)(columns + u * X::UNIT);
    }

    // multiply adds the products of half s of unit u.
    __device__ __forceinline__ void multiply(float (&c)[4], int u, int s) const {
      unsigned a[4];
      W::half(a, w[u], s);
      mma<W::BF16>(c, a, s ? x[u].z : x[u].x, s ? x[u].w : x[u].y);
    }
  };

  // loaded keeps the assembler from loading a unit at a time, which saves registers and waits for each.
  DEVICE void loaded() { __syncwarp(); }

  DEVICE void add(float (&sum)[4], Pair scale, const float (&c)[4]) {
    sum[0] = fmaf(scale.upper, c[0], sum[0]), sum[1] = fmaf(scale.upper, c[1], sum[1]);
    sum[2] = fmaf(scale.lower, c[2], sum[2]), sum[3] = fmaf(scale.lower, c[3], sum[3]);
  }

  // batch is of units that are blocks.
  template <int N>
  DEVICE void batch(float (&sum)[SUMS][4], const unsigned char* unit, const unsigned char* columns, const float* sums, int lane) {
    const Operands<N> o(unit, columns, lane);
    if constexpr (!W::CODES) {
      loaded();
#pragma unroll
      for (int u = 0; u < N; u++) o.multiply(sum[u % 2 * 2], u, 0), o.multiply(sum[u % 2 * 2 + 1], u, 1);
    } else {
      Pair d[N], m[N];
      float c[N][4] = {};
#pragma unroll
      for (int u = 0; u < N; u++) {
        d[u] = pair_f16(unit + u * W::UNIT, lane / 4);
        if constexpr (W::OFFSETS) m[u] = pair_f16(unit + u * W::UNIT + 32, lane / 4);
      }
      loaded();
#pragma unroll
      for (int s = 0; s < 2; s++) {
#pragma unroll
        for (int u = 0; u < N; u++) o.multiply(c[u], u, s);
      }
#pragma unroll
      for (int u = 0; u < N; u++) {
        if constexpr (W::OFFSETS) sum[0][0] = fmaf(m[u].upper, sums[u], sum[0][0]), sum[0][2] = fmaf(m[u].lower, sums[u], sum[0][2]);
        add(sum[0], d[u], c[u]);
      }
    }
  }

  // nested is a block of 8 units with a header.
  DEVICE void nested(float (&sum)[4], const unsigned char* block, const unsigned char* columns, const float* sums, int lane) {
    const int g = lane / 4;
    float scaled[4] = {};
    Pair offsets = {0.0f, 0.0f};
#pragma unroll 1
    for (int u = 0; u < 8; u += BATCH) {
      const unsigned char* unit = block + W::HEADER + u * W::UNIT;
      const Operands<BATCH> o(unit, columns + u * X::UNIT, lane);
      Pair s[BATCH], t[BATCH];
      float c[BATCH][2][4] = {};
#pragma unroll
      for (int i = 0; i < BATCH; i++) s[i] = pair_bytes<W::HALVES>(unit + i * W::UNIT, g), t[i] = pair_bytes<W::HALVES>(unit + i * W::UNIT + 16, g);
      loaded();
#pragma unroll
      for (int h = 0; h < 2; h++) {
#pragma unroll
        for (int i = 0; i < BATCH; i++) o.multiply(c[i][W::HALVES ? h : 0], i, h);
      }
#pragma unroll
      for (int i = 0; i < BATCH; i++) {
        add(scaled, s[i], c[i][0]);
        if constexpr (W::HALVES) add(scaled, t[i], c[i][1]);
        if constexpr (W::OFFSETS) {
          offsets.upper = fmaf(t[i].upper, sums[u + i], offsets.upper), offsets.lower = fmaf(t[i].lower, sums[u + i], offsets.lower);
        }
      }
    }
    add(sum, pair_f16(block, g), scaled);
    if constexpr (W::OFFSETS) {
      const Pair m = pair_f16(block + 32, g);
      sum[0] = fmaf(-m.upper, offsets.upper, sum[0]), sum[2] = fmaf(-m.lower, offsets.lower, sum[2]);
    }
  }
};

}  // namespace gemv
