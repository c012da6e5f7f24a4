// std::numeric_limits's counterpart.
namespace metal {
template <class T> struct _limits {};
#define MSL_LIMITS(T, MIN, MAX)                  \
  template <> struct _limits<T> {                \
    static constexpr T lowest() { return MIN; }  \
    static constexpr T min() { return MIN; }     \
    static constexpr T max() { return MAX; }     \
  };
#define MSL_FP_LIMITS(T, MIN, MAX)                                   \
  template <> struct _limits<T> {                                    \
    static constexpr T lowest() { return (T)-MAX; }                  \
    static constexpr T min() { return (T)MIN; }                      \
    static constexpr T max() { return (T)MAX; }                      \
    static constexpr T infinity() { return (T)__builtin_inff(); }    \
    static constexpr T quiet_NaN() { return (T)__builtin_nanf(""); } \
  };
MSL_LIMITS(char, -128, 127)
MSL_LIMITS(signed char, -128, 127)
MSL_LIMITS(uchar, 0, 255)
MSL_LIMITS(short, -32768, 32767)
MSL_LIMITS(ushort, 0, 65535)
MSL_LIMITS(int, -2147483647 - 1, 2147483647)
MSL_LIMITS(uint, 0, 4294967295u)
MSL_LIMITS(long, -9223372036854775807L - 1, 9223372036854775807L)
MSL_LIMITS(ulong, 0, 18446744073709551615ul)
MSL_FP_LIMITS(float, __FLT_MIN__, __FLT_MAX__)
MSL_FP_LIMITS(half, 6.103515625e-05f, 65504.f)
MSL_FP_LIMITS(bfloat, __FLT_MIN__, 3.38953139e38f)
template <class T> struct numeric_limits : _limits<T> {};

}  // namespace metal
