package quant

import (
	"encoding/binary"
	"math"
)

// A8Bytes is the bytes of a block of 32 activations of 8 bits:
//
//	0   q: 32 signed bytes; a value is scale · q
//	32  f32 scale: the greatest magnitude / 127
//	36  i32 -Σq of the first half, 40 of the second half, 44 of both: what corrects for weights' codes that are not negative
//	48  f32 scale · Σq: what weights' offsets are multiplied with
const A8Bytes = 52

// Places in a block of activations.
const (
	A8Scale      = 32
	A8LowSum     = 36
	A8HighSum    = 40
	A8Sum        = 44
	A8ScaledSum  = 48
	a8Max        = 127
	a8FirstFault = 0x7f800000 // the bits of the smallest magnitude that is no finite number
)

// EncodeA8 rounds activations to blocks: to the nearest, ties to even. A block with an infinity or a NaN has the scale NaN, so
// that what is computed from it shows.
func EncodeA8(dst []byte, src []float32) {
	for ; len(src) > 0; dst, src = dst[A8Bytes:], src[Unit:] {
		encodeA8((*[A8Bytes]byte)(dst), (*[Unit]float32)(src))
	}
}

func encodeA8(dst *[A8Bytes]byte, src *[Unit]float32) {
	scale, inverse := scales(src, a8Max)
	var sums [2]int32
	for i, v := range src {
		q := int32(0)
		if inverse != 0 {
			q = int32(math.RoundToEven(float64(v * inverse)))
		}
		dst[i] = byte(int8(q))
		sums[i/(Unit/2)] += q
	}
	finish(dst[Unit:], scale, sums)
}

// scales is what a block's numbers are multiplied with, so that they are most in magnitude, and its inverse. The inverse is 0
// where every number is to be.
func scales(src *[Unit]float32, most float32) (scale, inverse float32) {
	greatest := uint32(0) // magnitudes order like their bits
	for _, v := range src {
		greatest = max(greatest, math.Float32bits(v)&0x7fffffff)
	}
	if greatest >= a8FirstFault {
		return float32(math.NaN()), 0
	}
	scale, inverse = math.Float32frombits(greatest)/most, most/math.Float32frombits(greatest)
	if math.Float32bits(inverse) >= a8FirstFault { // of a magnitude so small that its inverse is none: as good as zero
		return 0, 0
	}
	return scale, inverse
}

// finish writes what lies behind the digits.
func finish(b []byte, scale float32, sums [2]int32) {
	put := func(at int, v uint32) { binary.LittleEndian.PutUint32(b[at-Unit:], v) }
	put(A8Scale, math.Float32bits(scale))
	put(A8LowSum, uint32(-sums[0]))
	put(A8HighSum, uint32(-sums[1]))
	put(A8Sum, uint32(-sums[0]-sums[1]))
	put(A8ScaledSum, math.Float32bits(scale*float32(sums[0]+sums[1])))
}

// A16Bytes is the bytes of a block of 32 activations of 16 bits, each of two signed digits to the base 255:
//
//	0   32 high digits, then 32 low ones; a value is scale · (255 · high + low)
//	64  f32 scale: the greatest magnitude / 32512
//	68  sums as in a block of 8 bits, of the numbers that the digits make
const A16Bytes = 84

const (
	a16Base = 255
	a16Max  = a16Base*a8Max + a8Max
)

// EncodeA16 is EncodeA8 for 16 bits.
func EncodeA16(dst []byte, src []float32) {
	for ; len(src) > 0; dst, src = dst[A16Bytes:], src[Unit:] {
		block := dst[:A16Bytes]
		scale, inverse := scales((*[Unit]float32)(src), a16Max)
		var sums [2]int32
		for i, v := range src[:Unit] {
			q := math.RoundToEven(float64(v * inverse))
			if inverse == 0 {
				q = 0
			}
			high := math.RoundToEven(q / a16Base)
			block[i], block[Unit+i] = byte(int8(high)), byte(int8(q-a16Base*high))
			sums[i/(Unit/2)] += int32(q)
		}
		finish(block[2*Unit:], scale, sums)
	}
}

// DecodeA16 expands whole blocks.
func DecodeA16(dst []float32, src []byte) {
	for ; len(dst) > 0; dst, src = dst[Unit:], src[A16Bytes:] {
		scale := math.Float32frombits(binary.LittleEndian.Uint32(src[2*Unit:]))
		for i := range dst[:Unit] {
			dst[i] = scale * float32(a16Base*int(int8(src[i]))+int(int8(src[Unit+i])))
		}
	}
}

// DecodeA8 expands whole blocks.
func DecodeA8(dst []float32, src []byte) {
	for ; len(dst) > 0; dst, src = dst[Unit:], src[A8Bytes:] {
		scale := math.Float32frombits(binary.LittleEndian.Uint32(src[A8Scale:]))
		for i := range dst[:Unit] {
			dst[i] = scale * float32(int8(src[i]))
		}
	}
}
