// simdgroup_matrix: 8x8, each lane holds two neighbouring columns of one row. Small matrices of a thread's own.
namespace metal {
template <class T, int R, int C>
struct simdgroup_matrix {
  static_assert(R == 8 && C == 8 && _scalar<T>::fp, "only 8x8 half/float/bfloat");
  vec<T, 2> e;
  MSL_FUNC thread vec<T, 2> &thread_elements() thread { return e; }
};
MSL_FUNC uint _mrow(uint lane) { return ((lane >> 2) & 4) + ((lane >> 1) & 3); }
MSL_FUNC uint _mcol(uint lane) { return ((lane >> 2) & 2) * 2 + (lane & 1) * 2; }

template <class T, int R, int C>
MSL_FUNC simdgroup_matrix<T, R, C> make_filled_simdgroup_matrix(T v) {
  simdgroup_matrix<T, R, C> m;
  m.e[0] = v;
  m.e[1] = v;
  return m;
}
// msl_sg_meet only checks that all lanes are here; it orders no memory.
#define MSL_SIMDGROUP_LOAD_STORE(AS)                                                                    \
  template <class T>                                                                                    \
  MSL_FUNC void simdgroup_load(thread simdgroup_matrix<T, 8, 8> &m, const AS T *p, ulong ld = 8,      \
                                 ulong2 o = (ulong2)(0), bool tr = false,                               \
                                 int line = __builtin_LINE()) {                                         \
    ::msl_sg_meet(line);                                                                          \
    uint l = ::msl_lane(), r = _mrow(l), c = _mcol(l);                                                  \
    p += o.y * ld + o.x;                                                                                \
    for (uint k = 0; k < 2; k++) m.e[k] = tr ? p[(c + k) * ld + r] : p[r * ld + c + k];                 \
  }                                                                                                     \
  template <class T>                                                                                    \
  MSL_FUNC void simdgroup_store(simdgroup_matrix<T, 8, 8> m, AS T *p, ulong ld = 8,                   \
                                  ulong2 o = (ulong2)(0), bool tr = false,                              \
                                  int line = __builtin_LINE()) {                                        \
    ::msl_sg_meet(line);                                                                          \
    uint l = ::msl_lane(), r = _mrow(l), c = _mcol(l);                                                  \
    p += o.y * ld + o.x;                                                                                \
    for (uint k = 0; k < 2; k++) {                                                                      \
      T v = m.e[k];                                                                                     \
      if (tr) {                                                                                         \
        p[(c + k) * ld + r] = v;                                                                        \
      } else {                                                                                          \
        p[r * ld + c + k] = v;                                                                          \
      }                                                                                                 \
    }                                                                                                   \
  }
MSL_SIMDGROUP_LOAD_STORE(device)
MSL_SIMDGROUP_LOAD_STORE(threadgroup)

// The runner multiplies, once for all lanes, in float.
template <class TD, class TA, class TB, class TC>
MSL_FUNC void simdgroup_multiply_accumulate(thread simdgroup_matrix<TD, 8, 8> &d, simdgroup_matrix<TA, 8, 8> a,
                                            simdgroup_matrix<TB, 8, 8> b, simdgroup_matrix<TC, 8, 8> c,
                                            int line = __builtin_LINE()) {
  float m[8] = {(float)a.e[0], (float)a.e[1], (float)b.e[0], (float)b.e[1], (float)c.e[0], (float)c.e[1], 0.f, 0.f};
  ::msl_simd_multiply(m, line);
  for (int k = 0; k < 2; k++) d.e[k] = (TD)m[6 + k];
}
template <class TD, class TA, class TB>
MSL_FUNC void simdgroup_multiply(thread simdgroup_matrix<TD, 8, 8> &d, simdgroup_matrix<TA, 8, 8> a,
                                   simdgroup_matrix<TB, 8, 8> b, int line = __builtin_LINE()) {
  simdgroup_multiply_accumulate(d, a, b, make_filled_simdgroup_matrix<TD, 8, 8>((TD)0), line);
}
typedef simdgroup_matrix<float, 8, 8> simdgroup_float8x8;
typedef simdgroup_matrix<half, 8, 8> simdgroup_half8x8;
typedef simdgroup_matrix<bfloat, 8, 8> simdgroup_bfloat8x8;
// A matrix of a thread: C columns of R elements.
template <class T, int C, int R>
struct _mat {
  vec<T, R> c[C];
  _mat() = default;
  explicit _mat(T d) {
    for (int i = 0; i < C; i++) {
      for (int k = 0; k < R; k++) c[i][k] = i == k ? d : (T)0;
    }
  }
  thread vec<T, R> &operator[](int i) thread { return c[i]; }
  const thread vec<T, R> &operator[](int i) const thread { return c[i]; }
};
typedef _mat<float, 4, 4> float4x4;
typedef _mat<float, 2, 4> float2x4;
typedef _mat<half, 4, 4> half4x4;
typedef _mat<bfloat, 4, 4> bfloat4x4;
}  // namespace metal
