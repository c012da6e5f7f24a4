package cpu

import "math"

// F16 are IEEE half precision floats and BF16 bfloat16s, by their bits.
type (
	F16  []uint16
	BF16 []uint16
)

// At is element i, exactly.
func (h F16) At(i int) float32 {
	// The exponent moves up by 0xE0, which makes infinity and NaN of 31, and the product brings the others down to theirs.
	// What has no exponent is a mantissa behind the point of 0.5. So no operand is subnormal, which some CPUs are slow at.
	b := uint32(h[i])
	if b&0x7c00 == 0 {
		return math.Float32frombits(math.Float32bits(math.Float32frombits(b&0x3ff|126<<23)-0.5) | b>>15<<31)
	}
	return math.Float32frombits(math.Float32bits(math.Float32frombits((b&0x7fff)<<13+0xE0<<23)*0x1p-112) | b>>15<<31)
}

// Set rounds v to nearest even into element i.
func (h F16) Set(i int, v float32) { h[i] = toF16(v) }

func toF16(v float32) uint16 {
	b := math.Float32bits(v)
	sign := uint16(b >> 16 & 0x8000)
	b &= 0x7fffffff
	switch {
	case b > 0x7f800000:
		return sign | 0x7e00
	case b >= 0x47800000: // 2^16
		return sign | 0x7c00
	case b < 0x38800000: // 2^-14: the sum's last place is 2^-24, so the addition rounds to a whole number of subnormal steps
		return sign | uint16(math.Float32bits(math.Float32frombits(b)+0.5)-126<<23)
	}
	b += 0xfff + b>>13&1 // a carry out of the mantissa is the next exponent, up to infinity
	return sign | uint16(b>>13-(127-15)<<10)
}

// At is element i, exactly.
func (h BF16) At(i int) float32 { return math.Float32frombits(uint32(h[i]) << 16) }

// Set rounds v to nearest even into element i.
func (h BF16) Set(i int, v float32) {
	b := math.Float32bits(v)
	if v != v {
		h[i] = uint16(b>>16 | 0x40) // stays NaN without its low bits
		return
	}
	h[i] = uint16((b + 0x7fff + b>>16&1) >> 16)
}
