// Type traits, and how vectors are made of their parts.
namespace metal {
template <class T, int N>
using vec = T __attribute__((ext_vector_type(N)));

template <bool B, class T = void> struct enable_if {};
template <class T> struct enable_if<true, T> { using type = T; };
template <bool B, class T = void> using enable_if_t = typename enable_if<B, T>::type;
template <bool B, class T, class F> struct conditional { using type = T; };
template <class T, class F> struct conditional<false, T, F> { using type = F; };
template <bool B, class T, class F> using conditional_t = typename conditional<B, T, F>::type;
template <class T, T V> struct integral_constant {
  static constexpr constant T value = V;
  using value_type = T;
  using type = integral_constant;
  constexpr operator T() const { return V; }
};
struct true_type { static constexpr constant bool value = true; };
struct false_type { static constexpr constant bool value = false; };
template <class A, class B> struct is_same : false_type {};
template <class A> struct is_same<A, A> : true_type {};
template <class A, class B> constexpr constant bool is_same_v = is_same<A, B>::value;

// Scalars: arithmetic at all, floating point, integer, allowed in simd_ functions.
template <class T> struct _scalar { static constexpr constant bool ok = false, fp = false, in = false, simd = false; };
#define MSL_SCALAR(T, FP, SIMD) \
  template <> struct _scalar<T> { static constexpr constant bool ok = true, fp = FP, in = !FP, simd = SIMD; };
MSL_SCALAR(bool, false, false)
MSL_SCALAR(char, false, true)
MSL_SCALAR(signed char, false, true)
MSL_SCALAR(uchar, false, true)
MSL_SCALAR(short, false, true)
MSL_SCALAR(ushort, false, true)
MSL_SCALAR(int, false, true)
MSL_SCALAR(uint, false, true)
MSL_SCALAR(long, false, false)
MSL_SCALAR(ulong, false, false)
MSL_SCALAR(half, true, true)
MSL_SCALAR(float, true, true)
MSL_SCALAR(bfloat, true, false)

// Element type and length; a scalar has length 1.
template <class T> struct _vt { using E = T; static constexpr constant int N = 1; };
template <class T> struct _vt<vec<T, 2>> { using E = T; static constexpr constant int N = 2; };
template <class T> struct _vt<vec<T, 3>> { using E = T; static constexpr constant int N = 3; };
template <class T> struct _vt<vec<T, 4>> { using E = T; static constexpr constant int N = 4; };
template <class T> using _elem = typename _vt<T>::E;
template <class T> using _fponly = enable_if_t<_scalar<_elem<T>>::fp>;
template <class T> using _arith = enable_if_t<_scalar<_elem<T>>::ok>;

template <class T> struct __is_valid_simdgroup_type { static constexpr constant bool value = _scalar<_elem<T>>::simd; };
template <class T> struct vec_elements { static constexpr constant int value = _vt<T>::N; };
template <class T> struct is_floating_point { static constexpr constant bool value = _scalar<T>::fp; };
template <class T> constexpr constant bool is_floating_point_v = _scalar<T>::fp;
template <class T> struct is_integral { static constexpr constant bool value = _scalar<T>::in; };

// The macros at the end turn float4(...) into _mk<float, 4>(...)
template <class E, int N, class A>
MSL_FUNC void _put(thread vec<E, N> &r, thread int &i, A a) {
  if constexpr (_vt<A>::N == 1) {
    r[i++] = (E)a;
  } else {
    for (int k = 0; k < _vt<A>::N; k++) r[i++] = (E)a[k];
  }
}
template <class E, int N, class A>
MSL_FUNC vec<E, N> _mk(A a) {
  vec<E, N> r = (vec<E, N>)0;
  if constexpr (_vt<A>::N == 1) {
    for (int k = 0; k < N; k++) r[k] = (E)a;
  } else {
    static_assert(_vt<A>::N == N, "vector size mismatch");
    for (int k = 0; k < N; k++) r[k] = (E)a[k];
  }
  return r;
}
// The all-scalar forms below are brace-initialised, which makes them usable in constant expressions.
template <class E, int N, class A, class B>
MSL_FUNC constexpr vec<E, N> _mk(A a, B b) {
  if constexpr (N == 2 && _vt<A>::N + _vt<B>::N == 2) {
    return vec<E, N>{(E)a, (E)b};
  } else {
    static_assert(_vt<A>::N + _vt<B>::N == N, "wrong number of vector elements");
    vec<E, N> r = (vec<E, N>)0;
    int i = 0;
    _put<E, N>(r, i, a);
    _put<E, N>(r, i, b);
    return r;
  }
}
template <class E, int N, class A, class B, class C>
MSL_FUNC constexpr vec<E, N> _mk(A a, B b, C c) {
  if constexpr (N == 3 && _vt<A>::N + _vt<B>::N + _vt<C>::N == 3) {
    return vec<E, N>{(E)a, (E)b, (E)c};
  } else {
    static_assert(_vt<A>::N + _vt<B>::N + _vt<C>::N == N, "wrong number of vector elements");
    vec<E, N> r = (vec<E, N>)0;
    int i = 0;
    _put<E, N>(r, i, a);
    _put<E, N>(r, i, b);
    _put<E, N>(r, i, c);
    return r;
  }
}
template <class E, int N, class A, class B, class C, class D>
MSL_FUNC constexpr vec<E, N> _mk(A a, B b, C c, D d) {
  if constexpr (N == 4 && _vt<A>::N + _vt<B>::N + _vt<C>::N + _vt<D>::N == 4) {
    return vec<E, N>{(E)a, (E)b, (E)c, (E)d};
  } else {
    static_assert(_vt<A>::N + _vt<B>::N + _vt<C>::N + _vt<D>::N == N, "wrong number of vector elements");
    vec<E, N> r = (vec<E, N>)0;
    int i = 0;
    _put<E, N>(r, i, a);
    _put<E, N>(r, i, b);
    _put<E, N>(r, i, c);
    _put<E, N>(r, i, d);
    return r;
  }
}

template <class To, class From>
MSL_FUNC To as_type(From f) {
  static_assert(sizeof(To) == sizeof(From), "as_type: size mismatch");
  return __builtin_bit_cast(To, f);
}

}  // namespace metal
