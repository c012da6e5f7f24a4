// Gemv multiplies up to 16 * GROUPS rows of fragments with a vector. What bounds it is the memory that weights come from, so each warp
// has a ring of STAGES, each of BLOCKS blocks, that is full before the vector is known. The blocks of all the rows are one run of memory,
// of which each warp takes a share; sums of rows that fall to several warps meet in shared memory. The order of additions is fixed.

namespace gemv {

template <class W, int K, int WARPS, int GROUPS, int STAGES, int BLOCKS>
struct Gemv {
  static_assert(K % (W::ELEMS * BLOCKS) == 0, "stages are whole");
  typedef Columns<W, K, WARPS> X;
  typedef Ring<STAGES, BLOCKS * W::BYTES> R;

  static constexpr int SHARE = K / (W::ELEMS * BLOCKS);    // stages of a group of 16 rows
  static constexpr int UNITS = BLOCKS * (W::ELEMS / 32);   // of a stage
  static constexpr int PARTS = WARPS * R::SIZE;            // where sums meet, behind all rings
  static constexpr int RING = PARTS + WARPS * GROUPS * 64, PREP = X::SIZE;
  static constexpr bool RESIDENT = (GROUPS * SHARE + WARPS - 1) / WARPS <= STAGES;  // nothing is copied later than by fetch

  DEVICE int first(int warp, int rows) { return (int)((rows + 15) / 16 * SHARE * warp) / WARPS; }

  DEVICE R warp_ring(void* ring, const unsigned char* w, int rows) {
    const int warp = threadIdx.x / TEAM, at = first(warp, rows);
    unsigned char *stages = (unsigned char*)ring, *barriers = stages + WARPS * STAGES * BLOCKS * W::BYTES;
    return {stages + warp * STAGES * BLOCKS * W::BYTES, barriers + warp * STAGES * 8,
            w + (long long)at * BLOCKS * W::BYTES, first(warp + 1, rows) - at};
  }

  DEVICE void fetch(void* ring, const unsigned char* w, int rows) { warp_ring(ring, w, rows).begin(threadIdx.x % TEAM); }

  DEVICE void prepare(void* prep, const float* x, int, int) { X::prepare(prep, x); }

  DEVICE void run(float* acc, int accStride, const unsigned char* w, int, const float*, int, int rows, int, int, void* ring, void* prep) {
    const int warp = threadIdx.x / TEAM, lane = threadIdx.x % TEAM;
    const R r = warp_ring(ring, w, rows);
    const int begin = first(warp, rows), end = first(warp + 1, rows);
    float* parts = (float*)((unsigned char*)ring + PARTS);
    const float inverse = W::BF16 ? 1.0f : X::inverse(prep);
    for (int at = begin; at < end;) {
      const int group = at / SHARE, stop = min(end, (group + 1) * SHARE);
      float sum[2][4] = {};
      for (; at < stop; at++) {
        stage(sum, r.await(at - begin), prep, (at - group * SHARE) * UNITS, lane);
        if (!RESIDENT) r.release(at - begin, lane);
      }
      if (!W::CODES) {
#pragma unroll
        for (int i = 0; i < 4; i++) sum[0][i] += sum[1][i];
      }
      const Pair p = X::total(sum[0]);
      if (lane % 4 == 0) {
        float* part = parts + (group * WARPS + warp) * 16 + lane / 4;
        const float codes = W::CODES ? 0x1p24f : 1.0f;
        part[0] = p.upper * codes * inverse, part[8] = p.lower * codes * inverse;
      }
    }
    r.end(lane);
    __syncthreads();
    for (int i = threadIdx.x; i < rows; i += WARPS * TEAM) {
      const int group = i / 16;
      float v = 0.0f;
#pragma unroll
      for (int j = 0; j < WARPS; j++) {
        const int from = max(first(j, rows), group * SHARE), to = min(first(j + 1, rows), (group + 1) * SHARE);
        if (from < to) v += parts[(group * WARPS + j) * 16 + i % 16];
      }
      acc[i * accStride] = v;
    }
  }

  // stage adds the products of a stage's blocks, whose first unit meets unit at of the vector.
  DEVICE void stage(float (&sum)[2][4], const unsigned char* block, const void* prep, int at, int lane) {
    const unsigned char* columns = X::columns(prep, at) + min(lane / 4, X::COUNT - 1) * 64 + lane % 4 * 16;
    const float* sums = X::sums(prep, at);
    if constexpr (!W::CODES) {
#pragma unroll
      for (int u = 0; u < UNITS; u++) floats(sum, block + u * W::UNIT, columns + u * X::UNIT, lane);
    } else if constexpr (W::NESTED) {
      for (int b = 0; b < BLOCKS; b++) {
        nested(sum[0], block + b * W::BYTES, columns + 8 * b * X::UNIT, sums + 8 * b * (X::SUM / 4), lane);
      }
    } else {
      constexpr int UNROLL = UNITS <= 8 ? UNITS : 4;
#pragma unroll UNROLL
      for (int u = 0; u < UNITS; u++) simple(sum[0], block + u * W::UNIT, columns + u * X::UNIT, sums + u * (X::SUM / 4), lane);
    }
  }

  DEVICE void floats(float (&sum)[2][4], const unsigned char* unit, const unsigned char* columns, int lane) {
    unsigned w[W::WORDS];
    W::load(w, unit, lane);
    const uint4 x = *(const uint4*)columns;
#pragma unroll
    for (int s = 0; s < 2; s++) {
      unsigned a[4];
      W::step(a, w, s);
      mma<W::BF16>(sum[s], a, s ? x.z : x.x, s ? x.w : x.y, sum[s]);
    }
  }

  // products is the sums of a unit's codes with the vector, less zero; those of each half, if halves have scales.
  DEVICE void products(float (&c)[2][4], const unsigned char* unit, const unsigned char* columns, const float* sums, int lane) {
    unsigned w[W::WORDS], a[4];
    W::load(w, unit, lane);
    const uint4 x = *(const uint4*)columns;
    float z[4] = {};
    if (!W::OFFSETS) zero(z, sums);
    W::step(a, w, 0);
    mma<false>(c[0], a, x.x, x.y, z);
    W::step(a, w, 1);
    if constexpr (W::HALVES) {
      zero(z, sums + 4);
      mma<false>(c[1], a, x.z, x.w, z);
    } else {
      mma<false>(c[0], a, x.z, x.w, c[0]);
    }
  }

  DEVICE void zero(float (&z)[4], const float* sums) {
    const float4 v = *(const float4*)sums;
    z[0] = v.x, z[1] = v.y, z[2] = v.z, z[3] = v.w;
  }

  DEVICE void add(float (&sum)[4], Pair scale, const float (&c)[4]) {
    sum[0] = fmaf(scale.upper, c[0], sum[0]), sum[1] = fmaf(scale.upper, c[1], sum[1]);
    sum[2] = fmaf(scale.lower, c[2], sum[2]), sum[3] = fmaf(scale.lower, c[3], sum[3]);
  }

  DEVICE void simple(float (&sum)[4], const unsigned char* unit, const unsigned char* columns, const float* sums, int lane) {
    float c[2][4];
    products(c, unit, columns, sums, lane);
    if constexpr (W::OFFSETS) {
      const Pair m = pair_f16(unit + 32, lane / 4);
      const float x = *sums * 0x1p-24f;  // as the codes are
      sum[0] = fmaf(m.upper, x, sum[0]), sum[2] = fmaf(m.lower, x, sum[2]);
    }
    add(sum, pair_f16(unit, lane / 4), c[0]);
  }

  DEVICE void nested(float (&sum)[4], const unsigned char* block, const unsigned char* columns, const float* sums, int lane) {
    const int g = lane / 4;
    float scaled[4] = {};
    Pair offsets = {0.0f, 0.0f};
#pragma unroll 4
    for (int u = 0; u < 8; u++) {
      const unsigned char* unit = block + W::HEADER + u * W::UNIT;
      float c[2][4];
      products(c, unit, columns + u * X::UNIT, sums + u * (X::SUM / 4), lane);
      add(scaled, pair_bytes<W::HALVES>(unit, g), c[0]);
      if constexpr (W::HALVES) add(scaled, pair_bytes<true>(unit + 16, g), c[1]);
      if constexpr (W::OFFSETS) {
        const Pair t = pair_bytes<false>(unit + 16, g);
        offsets.upper = fmaf(t.upper, sums[u], offsets.upper), offsets.lower = fmaf(t.lower, sums[u], offsets.lower);
      }
    }
    add(sum, pair_f16(block, g), scaled);
    if constexpr (W::OFFSETS) {
      const Pair m = pair_f16(block + 32, g);
      sum[0] = fmaf(-0x1p-24f * m.upper, offsets.upper, sum[0]), sum[2] = fmaf(-0x1p-24f * m.lower, offsets.lower, sum[2]);
    }
  }
};

}  // namespace gemv
