// Gemv multiplies up to 16 * GROUPS rows of fragments with a vector. What bounds it is the memory that weights come from, so each warp
// has a ring of STAGES, each of BLOCKS blocks, of which FIRST begin to fill before the vector is there. It is asked for before the
// others, as the memory serves in order. The blocks of all the rows are one run of memory,
// of which each warp takes a share; sums of rows that fall to several warps meet in shared memory. The order of additions is fixed.

namespace gemv {

template <bool FIRST, class A, class B>
struct Choose {
  typedef A Type;
};
template <class A, class B>
struct Choose<false, A, B> {
  typedef B Type;
};

template <class W, int K, int WARPS, int GROUPS, int STAGES, int BLOCKS, int FIRST>
struct Gemv {
  static_assert(K % (W::ELEMS * BLOCKS) == 0, "stages are whole");
  typedef typename Choose<W::CODES, CodeSums<W, K, WARPS>, FloatSums<W, K, WARPS>>::Type Sums;
  typedef typename Sums::X X;
  typedef Ring<STAGES, BLOCKS * W::BYTES> R;

  static constexpr int SHARE = K / (W::ELEMS * BLOCKS);  // stages of a group of 16 rows
  static constexpr int UNITS = BLOCKS * (W::ELEMS / 32);  // of a stage
  static constexpr int BATCH = 4;                         // units at a time, so that a warp need not wait for each
  static constexpr int PARTS = WARPS * R::SIZE;           // where sums meet, behind all rings
  static constexpr int RING = PARTS + WARPS * GROUPS * 64, PREP = X::SIZE;
  static constexpr bool RESIDENT = (GROUPS * SHARE + WARPS - 1) / WARPS <= STAGES;  // nothing is copied later than by fetch

  // first is the first stage of a warp's share.
  DEVICE int first(int warp, int rows) { return (rows + 15) / 16 * SHARE * warp / WARPS; }

  DEVICE R warp_ring(void* ring, const unsigned char* w, int rows) {
    const int warp = __shfl_sync(0xffffffffu, threadIdx.x / TEAM, 0), at = first(warp, rows);  // known to be one for all lanes
    unsigned char *stages = (unsigned char*)ring, *barriers = stages + WARPS * STAGES * BLOCKS * W::BYTES;
    return {stages + warp * STAGES * BLOCKS * W::BYTES, barriers + warp * STAGES * 8, w + (long long)at * BLOCKS * W::BYTES,
            first(warp + 1, rows) - at};
  }

  DEVICE void fetch(void* ring, const unsigned char* w, int rows) { warp_ring(ring, w, rows).template begin<FIRST>(threadIdx.x % TEAM); }
  DEVICE void rest(void* ring, const unsigned char* w, int rows) { warp_ring(ring, w, rows).template rest<FIRST>(threadIdx.x % TEAM); }

  DEVICE void prepare(void* prep, typename X::Own& x) { X::prepare(prep, x); }
  template <class F>
  DEVICE void prepare(void* prep, const float* x, int, int, F asked) {
    typename X::Own own;
    own.take(x);
    asked();
    X::prepare(prep, own);
  }

  DEVICE void run(float* acc, int accStride, const unsigned char* w, int, const float*, int, int rows, int, int, void* ring, void* prep) {
    const int warp = threadIdx.x / TEAM, lane = threadIdx.x % TEAM;
    const R r = warp_ring(ring, w, rows);
    const int begin = first(warp, rows), end = first(warp + 1, rows);
    float* parts = (float*)((unsigned char*)ring + PARTS);
    for (int at = begin; at < end;) {
      const int group = at / SHARE, stop = min(end, (group + 1) * SHARE);
      Sums sums;
      for (; at < stop; at++) {
        stage(sums, r.await(at - begin), prep, (at - group * SHARE) * UNITS, lane);
        if (!RESIDENT) r.release(at - begin, lane);
      }
      const Pair p = sums.total(prep, lane);
      if (lane % 4 == 0) {
        float* part = parts + (group * WARPS + warp) * 16 + lane / 4;
        part[0] = p.upper, part[8] = p.lower;
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

  // stage adds the products of a stage, whose first unit meets unit at of the vector.
  DEVICE void stage(Sums& sums, const unsigned char* block, void* prep, int at, int lane) {
    if constexpr (W::NESTED) {
#pragma unroll 1
      for (int b = 0; b < BLOCKS; b++) sums.add_block(block + b * W::BYTES, prep, at + 8 * b, lane);
    } else {
      constexpr int LAST = UNITS % BATCH, WHOLE = UNITS - LAST;
#pragma unroll 2
      for (int u = 0; u < WHOLE; u += BATCH) sums.template add<BATCH>(block + u * W::UNIT, prep, at + u, lane);
      if constexpr (LAST > 0) sums.template add<LAST>(block + WHOLE * W::UNIT, prep, at + WHOLE, lane);
    }
  }
};

}  // namespace gemv
