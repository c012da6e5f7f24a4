// Atomics: real ones. They have bounds, and are no part of races.
namespace metal {
enum memory_order { memory_order_relaxed };
template <class T> struct _atomic { T v; };
// clang takes only complete types as kernel parameters
template struct _atomic<int>;
template struct _atomic<uint>;
template struct _atomic<float>;
#define atomic_int metal::_atomic<int>
#define atomic_uint metal::_atomic<uint>
#define atomic_float metal::_atomic<float>
#define MSL_ATOMICS(AS)                                                                  \
  template <class T>                                                                     \
  MSL_FUNC T atomic_load_explicit(const volatile AS _atomic<T> *p, memory_order) {     \
    return __atomic_load_n(&p->v, __ATOMIC_RELAXED);                                     \
  }                                                                                      \
  template <class T>                                                                     \
  MSL_FUNC void atomic_store_explicit(volatile AS _atomic<T> *p, T x, memory_order) {  \
    __atomic_store_n(&p->v, x, __ATOMIC_RELAXED);                                        \
  }                                                                                      \
  template <class T>                                                                     \
  MSL_FUNC T atomic_fetch_add_explicit(volatile AS _atomic<T> *p, T x, memory_order) { \
    return __atomic_fetch_add(&p->v, x, __ATOMIC_RELAXED);                               \
  }                                                                                      \
  template <class T>                                                                     \
  MSL_FUNC T atomic_fetch_max_explicit(volatile AS _atomic<T> *p, T x, memory_order) { \
    return __atomic_fetch_max(&p->v, x, __ATOMIC_RELAXED);                               \
  }
MSL_ATOMICS(device)
MSL_ATOMICS(threadgroup)

}  // namespace metal
