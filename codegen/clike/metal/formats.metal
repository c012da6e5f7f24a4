// Loads of weights and activations. Weights lie as in the file: a block is a few little-endian factors and the codes of its elements.
//
// All formats are read in runs of eight elements, which share a scale. Two runs that are DISTANCE elements apart make a piece: the runs
// of 4-bit codes lie in the low and the high halves of the same eight bytes.

namespace weights {

// Eight is a run as floats.
struct Eight {
  float4 a, b;
};

inline float4 four(device const float* p) { return *(device const float4*)p; }
inline float4 four(threadgroup const float* p) { return *(threadgroup const float4*)p; }
inline float4 four(device const half* p) { return float4(*(device const half4*)p); }
inline float4 four(device const bfloat* p) { return float4(*(device const bfloat4*)p); }

inline Eight eight(device const float* p) { return Eight{four(p), four(p + 4)}; }
inline Eight eight(threadgroup const float* p) { return Eight{four(p), four(p + 4)}; }
inline Eight eight(device const half* p) {
  const uint4 v = *(device const uint4*)p;
  return Eight{float4(as_type<half4>(v.xy)), float4(as_type<half4>(v.zw))};
}
inline Eight eight(device const bfloat* p) {
  const uint4 v = *(device const uint4*)p;
  return Eight{float4(as_type<bfloat4>(v.xy)), float4(as_type<bfloat4>(v.zw))};
}

// Some is the first n of a run, and zeros. VECTOR: all are there or none, and the run begins at a multiple of eight elements.
template <bool VECTOR>
struct Some {
  template <class P>
  static Eight of(P p, int n) {
    if (n > 0) return eight(p);
    return Eight{float4(0.0f), float4(0.0f)};
  }
};
template <>
struct Some<false> {
  template <class P>
  static Eight of(P p, int n) {
    Eight v = {float4(0.0f), float4(0.0f)};
#pragma unroll
    for (int i = 0; i < 4; i++) {
      if (i < n) v.a[i] = float(p[i]);
      if (i + 4 < n) v.b[i] = float(p[i + 4]);
    }
    return v;
  }
};

// Bytes loads eight bytes at a multiple of ALIGN.
template <int ALIGN>
struct Bytes {
  static uint2 at(device const uchar* p) { return *(device const uint2*)p; }
};
template <>
struct Bytes<4> {
  static uint2 at(device const uchar* p) {
    device const uint* const u = (device const uint*)p;
    return uint2(u[0], u[1]);
  }
};
template <>
struct Bytes<2> {
  static uint2 at(device const uchar* p) {
    device const ushort* const u = (device const ushort*)p;
    return uint2(uint(u[0]) | uint(u[1]) << 16, uint(u[2]) | uint(u[3]) << 16);
  }
};

inline float factor(device const uchar* p) { return float(*(device const half*)p); }

// spread puts four bits into the lowest of four bytes.
inline uint spread(uint bits) { return (bits * 0x00204081u) & 0x01010101u; }

// values is four codes less ZERO. They become signed bytes without a carry between bytes.
template <int ZERO>
inline float4 values(uint q) {
  if (ZERO == 0) return float4(as_type<uchar4>(q));
  return float4(as_type<char4>((q + uint(128 - ZERO) * 0x01010101u) ^ 0x80808080u));
}

// A format has
//
//	codes(block, piece, run)    eight codes, one a byte
//	factors(block, piece, run)  their scale, and the offset that is added

// Q32 is q4_0, q4_1, q5_0 and q5_1.
template <int BITS, bool OFFSETS>
struct Q32 {
  static constexpr constant int ELEMS = 32, DISTANCE = 16, ZERO = OFFSETS ? 0 : 1 << (BITS - 1);
  static constexpr constant int FIFTH = OFFSETS ? 4 : 2, CODES = FIFTH + (BITS == 5 ? 4 : 0), BYTES = CODES + 16;
  static constexpr constant int ALIGN = BYTES % 8 == 0 ? 8 : BYTES % 4 == 0 ? 4 : 2;
  static constexpr constant bool SUMS = OFFSETS;

  static uint2 codes(device const uchar* block, int piece, int run) {
    uint2 q = (Bytes<ALIGN>::at(block + CODES + 8 * piece) >> uint(4 * run)) & 0x0f0f0f0fu;
    if (BITS == 5) {
      const uint high = block[FIFTH + piece + 2 * run];
      q |= uint2(spread(high & 15u), spread(high >> 4)) << 4u;
    }
    return q;
  }
  static float2 factors(device const uchar* block, int, int) {
    return float2(factor(block), OFFSETS ? factor(block + 2) : 0.0f);
  }
};

// Q80 is q8_0.
struct Q80 {
  static constexpr constant int ELEMS = 32, DISTANCE = 8, ZERO = 128, BYTES = 34;
  static constexpr constant bool SUMS = false;

  static uint2 codes(device const uchar* block, int piece, int run) {
    return Bytes<2>::at(block + 2 + 16 * piece + 8 * run) ^ 0x80808080u;
  }
  static float2 factors(device const uchar* block, int, int) { return float2(factor(block), 0.0f); }
};

// Q256 is q4_k and q5_k.
template <int BITS>
struct Q256 {
  static constexpr constant int ELEMS = 256, DISTANCE = 32, ZERO = 0, CODES = BITS == 5 ? 48 : 16, BYTES = CODES + 128;
  static constexpr constant bool SUMS = true;

  static uint2 codes(device const uchar* block, int piece, int run) {
    const int group = piece >> 2, at = 8 * (piece & 3);
    uint2 q = (Bytes<8>::at(block + CODES + 32 * group + at) >> uint(4 * run)) & 0x0f0f0f0fu;
    if (BITS == 5) q |= ((Bytes<8>::at(block + 16 + at) >> uint(2 * group + run)) & 0x01010101u) << 4u;
    return q;
  }
  // The first four scales and offsets of 6 bits are the low bits of bytes in y and z; of the others w has the low four bits, and the
  // top bits of y and z the rest.
  static float2 factors(device const uchar* block, int piece, int run) {
    const uint4 head = *(device const uint4*)block;
    const int i = 2 * (piece >> 2) + run;
    const uint at = uint(8 * (i & 3));
    const uint s = head.y >> at, t = head.z >> at, low = head.w >> at;
    const uint scale = i < 4 ? s & 63u : (low & 15u) | (s >> 2 & 48u), offset = i < 4 ? t & 63u : (low >> 4 & 15u) | (t >> 2 & 48u);
    const half2 f = as_type<half2>(head.x);
    return float2(float(f.x) * float(scale), -float(f.y) * float(offset));
  }
};

// Q6K is q6_k.
struct Q6K {
  static constexpr constant int ELEMS = 256, DISTANCE = 64, ZERO = 32, BYTES = 210;
  static constexpr constant bool SUMS = false;

  static uint2 codes(device const uchar* block, int piece, int run) {
    const int half_block = piece >> 3, at = piece & 7;
    const uint2 low = Bytes<2>::at(block + 64 * half_block + 8 * at) >> uint(4 * run);
    const uint2 high = Bytes<2>::at(block + 128 + 32 * half_block + 8 * (at & 3)) >> uint(2 * (at >> 2) + 4 * run);
    return (low & 0x0f0f0f0fu) | (high & 0x03030303u) << 4u;
  }
  static float2 factors(device const uchar* block, int piece, int run) {
    device const char* const scales = (device const char*)block + 192;
    return float2(factor(block + 208) * float(scales[8 * (piece >> 3) + 4 * run + (piece >> 1 & 3)]), 0.0f);
  }
};

// Blocks loads runs of a block format; all n elements of one are there or none. Rows are whole blocks.
template <class F>
struct Blocks {
  static Eight run(device const uchar* row, int at, int n) {
    if (n <= 0) return Eight{float4(0.0f), float4(0.0f)};
    const int of = F::DISTANCE / 8, e = at % F::ELEMS / 8, piece = e / (2 * of) * of + e % of, half_piece = e / of % 2;
    device const uchar* const block = row + at / F::ELEMS * F::BYTES;
    const uint2 q = F::codes(block, piece, half_piece);
    const float2 f = F::factors(block, piece, half_piece);
    return Eight{values<F::ZERO>(q.x) * f.x + f.y, values<F::ZERO>(q.y) * f.x + f.y};
  }
  static device const uchar* row(device const uchar* w, int i, int stride) { return w + size_t(i) * size_t(stride / F::ELEMS * F::BYTES); }
};

// Floats loads runs of single elements, of which n are there.
template <bool VECTOR>
struct Floats {
  template <class P>
  static Eight run(P p, int at, int n) {
    return Some<VECTOR>::of(p + at, n);
  }
  template <class P>
  static P row(P w, int i, int stride) {
    return w + size_t(i) * size_t(stride);
  }
};

// Vector is V elements that lie side by side.
template <int V>
struct Vector {
  Eight v;
  template <class P>
  static Vector at(P p) {
    return Vector{eight(p)};
  }
  static float times(Vector x, Vector y) { return dot(x.v.a, y.v.a) + dot(x.v.b, y.v.b); }
  static Vector zero() { return Vector{Eight{float4(0.0f), float4(0.0f)}}; }
};
template <>
struct Vector<4> {
  float4 v;
  template <class P>
  static Vector at(P p) {
    return Vector{four(p)};
  }
  static float times(Vector x, Vector y) { return dot(x.v, y.v); }
  static Vector zero() { return Vector{float4(0.0f)}; }
};
template <>
struct Vector<1> {
  float v;
  template <class P>
  static Vector at(P p) {
    return Vector{float(*p)};
  }
  static float times(Vector x, Vector y) { return x.v * y.v; }
  static Vector zero() { return Vector{0.0f}; }
};

}  // namespace weights
