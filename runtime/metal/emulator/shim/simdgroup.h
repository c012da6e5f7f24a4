// Barriers and simdgroup functions; those are built on one primitive, an all-gather over 32 lanes.
namespace metal {
// ---- synchronisation
enum class mem_flags : uint { mem_none = 0, mem_device = 1, mem_threadgroup = 2, mem_texture = 4 };
constexpr mem_flags operator|(mem_flags a, mem_flags b) { return (mem_flags)((uint)a | (uint)b); }
MSL_FUNC void threadgroup_barrier(mem_flags f, int line = __builtin_LINE()) { ::msl_tg_barrier((uint)f, line); }
MSL_FUNC void simdgroup_barrier(mem_flags f, int line = __builtin_LINE()) { ::msl_sg_barrier((uint)f, line); }

// ---- simdgroup functions, all built on one primitive: an all-gather over 32 lanes
#define MSL_CHECK_SIMD(T) \
  static_assert(__is_valid_simdgroup_type<T>::value, "type not allowed in simd_ functions")
template <class T>
MSL_FUNC const thread T *_gather(T x, thread uint &active, int line) {
  return (const thread T *)::msl_simd_xchg(&x, sizeof(T), &active, line);
}
MSL_FUNC bool _has_lane(uint active, uint lane) { return lane < 32 && ((active >> lane) & 1); }

// A fixed tree: the result does not depend on the order of the threads. Lanes that the simdgroup has not are skipped.
#define MSL_SIMD_REDUCE(name, OP)                       \
  template <class T>                                    \
  MSL_CALL T name(T x, int line = __builtin_LINE()) {   \
    MSL_CHECK_SIMD(T);                                  \
    uint active;                                        \
    const thread T *g = _gather(x, active, line);       \
    T t[32];                                            \
    for (int i = 0; i < 32; i++) t[i] = g[i];           \
    if (active == 0xffffffffu) {                        \
      for (int d = 16; d > 0; d >>= 1) {                \
        for (int i = 0; i < d; i++) {                   \
          T a = t[i], b = t[i + d];                     \
          t[i] = OP;                                    \
        }                                               \
      }                                                 \
      return t[0];                                      \
    }                                                   \
    const int n = __builtin_popcount(active);           \
    for (int d = 16; d > 0; d >>= 1) {                  \
      for (int i = 0; i < d && i + d < n; i++) {        \
        T a = t[i], b = t[i + d];                       \
        t[i] = OP;                                      \
      }                                                 \
    }                                                   \
    return t[0];                                        \
  }
MSL_SIMD_REDUCE(simd_sum, (T)(a + b))
MSL_SIMD_REDUCE(simd_product, (T)(a * b))
MSL_SIMD_REDUCE(simd_max, metal::max(a, b))
MSL_SIMD_REDUCE(simd_min, metal::min(a, b))
MSL_SIMD_REDUCE(simd_and, (T)(a & b))
MSL_SIMD_REDUCE(simd_or, (T)(a | b))
MSL_SIMD_REDUCE(simd_xor, (T)(a ^ b))

template <class T>
MSL_CALL T _prefix_sum(T x, uint lanes, int line) {
  MSL_CHECK_SIMD(T);
  uint active;
  const thread T *g = _gather(x, active, line);
  T s = 0;
  for (uint i = 0; i < lanes; i++) {
    if (_has_lane(active, i)) s += g[i];
  }
  return s;
}
template <class T>
MSL_CALL T simd_prefix_inclusive_sum(T x, int line = __builtin_LINE()) {
  return _prefix_sum(x, ::msl_lane() + 1, line);
}
template <class T>
MSL_CALL T simd_prefix_exclusive_sum(T x, int line = __builtin_LINE()) {
  return _prefix_sum(x, ::msl_lane(), line);
}
template <class T>
MSL_CALL T _from_lane(T x, uint lane, int line) {
  MSL_CHECK_SIMD(T);
  uint active;
  const thread T *g = _gather(x, active, line);
  if (!_has_lane(active, lane)) {
    ::msl_inactive_lane(line);
    return x;
  }
  return g[lane];
}
template <class T>
MSL_CALL T simd_shuffle(T x, ushort lane, int line = __builtin_LINE()) {
  return _from_lane(x, lane, line);
}
template <class T>
MSL_CALL T simd_shuffle_xor(T x, ushort mask, int line = __builtin_LINE()) {
  return _from_lane(x, ::msl_lane() ^ mask, line);
}
template <class T>
MSL_CALL T simd_broadcast(T x, ushort lane, int line = __builtin_LINE()) {
  return _from_lane(x, lane, line);
}
// Beyond the simdgroup's ends, where Metal leaves the result undefined, lanes keep their own value.
template <class T>
MSL_CALL T simd_shuffle_down(T x, ushort delta, int line = __builtin_LINE()) {
  MSL_CHECK_SIMD(T);
  uint active;
  const thread T *g = _gather(x, active, line);
  uint lane = ::msl_lane() + delta;
  return lane > 31 ? x : g[lane];
}
template <class T>
MSL_CALL T simd_shuffle_up(T x, ushort delta, int line = __builtin_LINE()) {
  MSL_CHECK_SIMD(T);
  uint active;
  const thread T *g = _gather(x, active, line);
  uint lane = ::msl_lane();
  return lane < delta ? x : g[lane - delta];
}
template <class T>
MSL_CALL T simd_broadcast_first(T x, int line = __builtin_LINE()) {
  MSL_CHECK_SIMD(T);
  uint active;
  const thread T *g = _gather(x, active, line);
  return g[__builtin_ctz(active)];
}
MSL_CALL bool simd_any(bool c, int line = __builtin_LINE()) {
  uint active;
  const thread uint *g = _gather((uint)c, active, line);
  for (uint i = 0; i < 32; i++) {
    if (_has_lane(active, i) && g[i]) return true;
  }
  return false;
}
MSL_CALL bool simd_all(bool c, int line = __builtin_LINE()) { return !simd_any(!c, line); }

}  // namespace metal
