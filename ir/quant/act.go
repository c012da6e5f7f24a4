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
	most := uint32(0) // magnitudes order like their bits
	for _, v := range src {
		most = max(most, math.Float32bits(v)&0x7fffffff)
	}
	scale, inverse := float32(0), float32(0)
	switch {
	case most >= a8FirstFault:
		scale = float32(math.NaN())
	case most > 0:
		scale = math.Float32frombits(most) / a8Max
		inverse = a8Max / math.Float32frombits(most)
	}
	if math.Float32bits(inverse) >= a8FirstFault { // a magnitude so small that its inverse is none: as good as zero
		scale, inverse = 0, 0
	}
	var sums [2]int32
	for i, v := range src {
		q := int32(0)
		if most < a8FirstFault {
			q = int32(math.RoundToEven(float64(v * inverse)))
		}
		dst[i] = byte(int8(q))
		sums[i/(Unit/2)] += q
	}
	put := func(at int, v uint32) { binary.LittleEndian.PutUint32(dst[at:], v) }
	put(A8Scale, math.Float32bits(scale))
	put(A8LowSum, uint32(-sums[0]))
	put(A8HighSum, uint32(-sums[1]))
	put(A8Sum, uint32(-sums[0]-sums[1]))
	put(A8ScaledSum, math.Float32bits(scale*float32(sums[0]+sums[1])))
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
