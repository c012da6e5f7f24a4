// Math: computed in float by the C library, rounded once for half and bfloat.
namespace metal {
template <class T, class F>
MSL_FUNC T _map1(T x, F f) {
  if constexpr (_vt<T>::N == 1) {
    return (T)f((float)x);
  } else {
    T r = (T)0;
    for (int i = 0; i < _vt<T>::N; i++) r[i] = (_elem<T>)f((float)x[i]);
    return r;
  }
}
template <class T, class F>
MSL_FUNC T _map2(T x, T y, F f) {
  if constexpr (_vt<T>::N == 1) {
    return (T)f((float)x, (float)y);
  } else {
    T r = (T)0;
    for (int i = 0; i < _vt<T>::N; i++) r[i] = (_elem<T>)f((float)x[i], (float)y[i]);
    return r;
  }
}
#define MSL_F1(name, expr)                                         \
  template <class T, class = _fponly<T>>                           \
  MSL_FUNC T name(T v) {                                         \
    return metal::_map1(v, [](float x) -> float { return expr; }); \
  }
#define MSL_F2(name, expr)                                                     \
  template <class T, class = _fponly<T>>                                       \
  MSL_FUNC T name(T a, T b) {                                                \
    return metal::_map2(a, b, [](float x, float y) -> float { return expr; }); \
  }
#define MSL_MATH                                            \
  MSL_F1(exp, __builtin_expf(x))                            \
  MSL_F1(exp2, __builtin_exp2f(x))                          \
  MSL_F1(exp10, __builtin_powf(10.f, x))                    \
  MSL_F1(log, __builtin_logf(x))                            \
  MSL_F1(log2, __builtin_log2f(x))                          \
  MSL_F1(log10, __builtin_log10f(x))                        \
  MSL_F1(sin, __builtin_sinf(x))                            \
  MSL_F1(cos, __builtin_cosf(x))                            \
  MSL_F1(tan, __builtin_tanf(x))                            \
  MSL_F1(sinh, __builtin_sinhf(x))                          \
  MSL_F1(cosh, __builtin_coshf(x))                          \
  MSL_F1(tanh, __builtin_tanhf(x))                          \
  MSL_F1(asin, __builtin_asinf(x))                          \
  MSL_F1(acos, __builtin_acosf(x))                          \
  MSL_F1(atan, __builtin_atanf(x))                          \
  MSL_F1(sqrt, __builtin_sqrtf(x))                          \
  MSL_F1(rsqrt, 1.0f / __builtin_sqrtf(x))                  \
  MSL_F1(floor, __builtin_floorf(x))                        \
  MSL_F1(ceil, __builtin_ceilf(x))                          \
  MSL_F1(round, __builtin_roundf(x))                        \
  MSL_F1(rint, __builtin_rintf(x))                          \
  MSL_F1(trunc, __builtin_truncf(x))                        \
  MSL_F1(fabs, __builtin_fabsf(x))                          \
  MSL_F1(fract, x - __builtin_floorf(x))                    \
  MSL_F1(sign, x > 0.f ? 1.f : (x < 0.f ? -1.f : x))        \
  MSL_F1(saturate, x < 0.f ? 0.f : (x > 1.f ? 1.f : x))     \
  MSL_F2(pow, __builtin_powf(x, y))                         \
  MSL_F2(powr, __builtin_powf(x, y))                        \
  MSL_F2(fmod, __builtin_fmodf(x, y))                       \
  MSL_F2(divide, x / y)                                     \
  MSL_F2(atan2, __builtin_atan2f(x, y))                     \
  MSL_F2(fmin, __builtin_fminf(x, y))                       \
  MSL_F2(fmax, __builtin_fmaxf(x, y))                       \
  MSL_F2(copysign, __builtin_copysignf(x, y))               \
  MSL_F2(step, y < x ? 0.f : 1.f)
MSL_MATH

template <class T, class = _fponly<T>>
MSL_FUNC T sincos(T x, thread T &c) {
  c = metal::cos(x);
  return metal::sin(x);
}
template <class T, class = _fponly<T>>
MSL_FUNC T fma(T a, T b, T c) {
  if constexpr (_vt<T>::N == 1) {
    return (T)__builtin_fmaf((float)a, (float)b, (float)c);
  } else {
    T r = (T)0;
    for (int i = 0; i < _vt<T>::N; i++) r[i] = metal::fma((_elem<T>)a[i], (_elem<T>)b[i], (_elem<T>)c[i]);
    return r;
  }
}
template <class T, class = _fponly<T>>
MSL_FUNC T mad(T a, T b, T c) {
  return metal::fma(a, b, c);
}
template <class T, class = _arith<T>>
MSL_FUNC T min(T a, T b) {
  if constexpr (_vt<T>::N > 1) {
    T r = (T)0;
    for (int i = 0; i < _vt<T>::N; i++) r[i] = metal::min((_elem<T>)a[i], (_elem<T>)b[i]);
    return r;
  } else if constexpr (_scalar<T>::fp) {
    return (T)__builtin_fminf((float)a, (float)b);
  } else {
    return b < a ? b : a;
  }
}
template <class T, class = _arith<T>>
MSL_FUNC T max(T a, T b) {
  if constexpr (_vt<T>::N > 1) {
    T r = (T)0;
    for (int i = 0; i < _vt<T>::N; i++) r[i] = metal::max((_elem<T>)a[i], (_elem<T>)b[i]);
    return r;
  } else if constexpr (_scalar<T>::fp) {
    return (T)__builtin_fmaxf((float)a, (float)b);
  } else {
    return a < b ? b : a;
  }
}
template <class T, class = _arith<T>>
MSL_FUNC T clamp(T x, T lo, T hi) {
  return metal::min(metal::max(x, lo), hi);
}
template <class T, class = _arith<T>>
MSL_FUNC T abs(T a) {
  if constexpr (_vt<T>::N == 1) {
    return a < (T)0 ? (T)-a : a;
  } else {
    T r = (T)0;
    for (int i = 0; i < _vt<T>::N; i++) r[i] = metal::abs((_elem<T>)a[i]);
    return r;
  }
}
template <class T, class = _fponly<T>>
MSL_FUNC T mix(T a, T b, T t) {
  return a + (b - a) * t;
}
template <class T, class = _fponly<T>>
MSL_FUNC bool isnan(T a) {
  return (float)a != (float)a;
}
template <class T, class = _fponly<T>>
MSL_FUNC bool isinf(T a) {
  return __builtin_isinf((float)a);
}
template <class T>
MSL_FUNC T select(T a, T b, bool c) {
  return c ? b : a;
}
template <class T, class = enable_if_t<(_vt<T>::N > 1)>>
MSL_FUNC _elem<T> dot(T a, T b) {
  _elem<T> s = a[0] * b[0];
  for (int i = 1; i < _vt<T>::N; i++) s += a[i] * b[i];
  return s;
}
// Bits of an integer without its sign's.
template <class T>
MSL_FUNC ulong _bits(T x) {
  return (ulong)x & (~0ul >> (64 - sizeof(T) * 8));
}
template <class T>
MSL_FUNC T clz(T x) {
  return x == 0 ? (T)(sizeof(T) * 8) : (T)(__builtin_clzl(_bits(x)) - (64 - (int)sizeof(T) * 8));
}
template <class T>
MSL_FUNC T ctz(T x) {
  return x == 0 ? (T)(sizeof(T) * 8) : (T)__builtin_ctzl(_bits(x));
}
template <class T>
MSL_FUNC T popcount(T x) {
  return (T)__builtin_popcountl(_bits(x));
}
template <class T>
MSL_FUNC T extract_bits(T x, uint offset, uint bits) {
  if (bits == 0) return (T)0;
  const uint left = 64u - bits;
  const ulong moved = ((ulong)x >> offset) << left;
  return (T)-1 < (T)0 ? (T)((long)moved >> left) : (T)(moved >> left);
}
template <class T>
MSL_FUNC T insert_bits(T base, T x, uint offset, uint bits) {
  if (bits == 0) return base;
  const ulong mask = (~0ul >> (64u - bits)) << offset;
  return (T)(((ulong)base & ~mask) | (((ulong)x << offset) & mask));
}
template <class T, class = enable_if_t<is_integral<T>::value>>
MSL_FUNC T rotate(T x, T n) {
  const uint size = (uint)sizeof(T) * 8u, by = (uint)n % size;
  return (T)((_bits(x) << by) | (_bits(x) >> ((size - by) % size)));
}
MSL_FUNC uint mulhi(uint a, uint b) { return (uint)(((ulong)a * b) >> 32); }
MSL_FUNC int mulhi(int a, int b) { return (int)(((long)a * b) >> 32); }
template <class T, class = _fponly<T>>
MSL_FUNC bool isfinite(T a) {
  return __builtin_isfinite((float)a);
}
template <class T, class = enable_if_t<_scalar<T>::fp>>
MSL_FUNC T ldexp(T x, int n) {
  return (T)__builtin_ldexpf((float)x, n);
}
namespace fast {
using metal::abs;
using metal::clamp;
using metal::fma;
using metal::max;
using metal::min;
MSL_MATH
}  // namespace fast
namespace precise {
using metal::abs;
using metal::clamp;
using metal::fma;
using metal::max;
using metal::min;
MSL_MATH
}  // namespace precise

}  // namespace metal
