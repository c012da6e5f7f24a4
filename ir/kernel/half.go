package kernel

import (
	"encoding/binary"
	"math"
)

// The rows of f32, f16 and bf16.

func decodeF32(dst []float32, src []byte) {
	for i := range dst {
		dst[i] = math.Float32frombits(binary.LittleEndian.Uint32(src[4*i:]))
	}
}

func encodeF32(dst []byte, src []float32) {
	for i, v := range src {
		binary.LittleEndian.PutUint32(dst[4*i:], math.Float32bits(v))
	}
}

func unpackF32(word Word) Expr { return Apply("frombits", word(I(0), 4)) }

func decodeF16(dst []float32, src []byte) {
	for i := range dst {
		dst[i] = fromF16(binary.LittleEndian.Uint16(src[2*i:]))
	}
}

func encodeF16(dst []byte, src []float32) {
	for i, v := range src {
		binary.LittleEndian.PutUint16(dst[2*i:], toF16(v))
	}
}

// f16Scale corrects the exponent of an f16 whose magnitude was moved to an f32's place: the biases are 15 and 127. The
// product is exact, and normalises f16's subnormals, provided that the target keeps f32's subnormals.
const f16Scale = 0x1p112

func fromF16(h uint16) float32 {
	sign, mag := uint32(h&0x8000)<<16, uint32(h&0x7fff)<<13
	if h&0x7fff >= 0x7c00 {
		return math.Float32frombits(sign | 0x7f800000 | mag)
	}
	return math.Float32frombits(sign|mag) * f16Scale
}

// unpackF16 is exact for every f16. Infinities and NaNs cost the finite path a compare, an or and a select; it keeps them because
// an f16 cache that overflowed must look it, and because targets take their conversion instruction where they have one.
func unpackF16(word Word) Expr {
	h := word(I(0), 2)
	bits := Apply("band", Apply("shl", Apply("signed16", h), I(13)), I(0x8fffe000)) // sign and magnitude move in one shift
	finite := Mul(Apply("frombits", bits), F(f16Scale))
	return Apply("choose", Apply("lt", Apply("band", h, I(0x7c00)), I(0x7c00)), finite, Apply("frombits", Apply("bor", bits, I(0x7f800000))))
}

// toF16 rounds to nearest even; overflow gives an infinity, and NaNs stay NaNs.
func toF16(f float32) uint16 {
	b := math.Float32bits(f)
	sign := uint16(b>>16) & 0x8000
	b &= 0x7fffffff
	switch {
	case b > 0x7f800000:
		return sign | 0x7e00 | uint16(b>>13)&0x3ff
	case b >= 0x477ff000: // 65520, halfway from the greatest f16 to the next power of two
		return sign | 0x7c00
	case b < 0x38800000: // below 2^-14 an f16 counts units of 2^-24, which is what an f32 near 0.5 does
		return sign | uint16(math.Float32bits(math.Float32frombits(b)+0.5)-math.Float32bits(0.5))
	}
	b += 0xfff + b>>13&1
	return sign | uint16((b-112<<23)>>13)
}

func decodeBF16(dst []float32, src []byte) {
	for i := range dst {
		dst[i] = math.Float32frombits(uint32(binary.LittleEndian.Uint16(src[2*i:])) << 16)
	}
}

func encodeBF16(dst []byte, src []float32) {
	for i, v := range src {
		binary.LittleEndian.PutUint16(dst[2*i:], toBF16(v))
	}
}

func unpackBF16(word Word) Expr {
	return Apply("frombits", Apply("shl", word(I(0), 2), I(16)))
}

// toBF16 rounds to nearest even; NaNs stay NaNs.
func toBF16(f float32) uint16 {
	b := math.Float32bits(f)
	if b&0x7fffffff > 0x7f800000 {
		return uint16(b>>16) | 0x40
	}
	return uint16((b + 0x7fff + b>>16&1) >> 16)
}
