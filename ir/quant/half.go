package quant

import (
	"encoding/binary"
	"math"
)

// f16Scale corrects the exponent of an f16 whose magnitude was moved to an f32's place: the biases are 15 and 127.
const f16Scale = 0x1p112

// FromF16 widens an f16, exactly.
func FromF16(h uint16) float32 {
	sign, mag := uint32(h&0x8000)<<16, uint32(h&0x7fff)<<13
	if h&0x7fff >= 0x7c00 {
		return math.Float32frombits(sign | 0x7f800000 | mag)
	}
	return math.Float32frombits(sign|mag) * f16Scale
}

// factor reads the f16 at byte i.
func factor(b []byte, i int) float32 { return FromF16(binary.LittleEndian.Uint16(b[i:])) }

func fromBF16(h uint16) float32 { return math.Float32frombits(uint32(h) << 16) }
