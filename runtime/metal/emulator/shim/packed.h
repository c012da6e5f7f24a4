// Vectors of 3 elements without the fourth's room: 12 bytes for packed_float3, where float3 has 16.
namespace metal {
#define MSL_PACKED_READ(AS)                                      \
  operator vec<T, 3>() const AS { return vec<T, 3>{x, y, z}; }   \
  T operator[](int i) const AS { return (&x)[i]; }
#define MSL_PACKED_WRITE(AS)                                     \
  AS _packed3 &operator=(vec<T, 3> v) AS {                       \
    x = v[0];                                                    \
    y = v[1];                                                    \
    z = v[2];                                                    \
    return *this;                                                \
  }
template <class T>
struct _packed3 {
  T x, y, z;
  MSL_PACKED_READ(device)
  MSL_PACKED_READ(constant)
  MSL_PACKED_READ(threadgroup)
  MSL_PACKED_READ(thread)
  MSL_PACKED_WRITE(device)
  MSL_PACKED_WRITE(threadgroup)
  MSL_PACKED_WRITE(thread)
};
#undef MSL_PACKED_READ
#undef MSL_PACKED_WRITE
}  // namespace metal
#define MSL_PACKED3(T) \
  static_assert(sizeof(metal::_packed3<T>) == 3 * sizeof(T), "packed"); \
  typedef metal::_packed3<T> packed_##T##3;
MSL_PACKED3(char)
MSL_PACKED3(uchar)
MSL_PACKED3(short)
MSL_PACKED3(ushort)
MSL_PACKED3(int)
MSL_PACKED3(uint)
MSL_PACKED3(half)
MSL_PACKED3(float)
MSL_PACKED3(bfloat)
