package cpu

import (
	"encoding/binary"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/llorch/llorch/ir/kernel"
)

// half16 is a format's value of bits, and the number of its mantissa bits, straight from the definition.
type half16 struct {
	name     string
	exponent int // bits
	mantissa int
	at       func(bits uint16) float32
	set      func(v float32) uint16
}

var halves = []half16{
	{"f16", 5, 10,
		func(b uint16) float32 { return F16{b}.At(0) },
		func(v float32) uint16 { h := F16{0}; h.Set(0, v); return h[0] }},
	{"bf16", 8, 7,
		func(b uint16) float32 { return BF16{b}.At(0) },
		func(v float32) uint16 { h := BF16{0}; h.Set(0, v); return h[0] }},
}

// value is what the format's definition says of bits.
func (h half16) value(bits uint16) float64 {
	m := float64(bits & (1<<h.mantissa - 1))
	e := int(bits>>h.mantissa) & (1<<h.exponent - 1)
	sign := 1 - 2*float64(bits>>15)
	bias := 1<<(h.exponent-1) - 1
	switch {
	case e == 1<<h.exponent-1 && m != 0:
		return math.NaN()
	case e == 1<<h.exponent-1:
		return math.Inf(int(sign))
	case e == 0:
		return math.Copysign(math.Ldexp(m, 1-bias-h.mantissa), sign)
	}
	return sign * math.Ldexp(m+float64(int(1)<<h.mantissa), e-bias-h.mantissa)
}

// TestHalfAt compares all 65536 values with the definition, and stores them back.
func TestHalfAt(t *testing.T) {
	for _, h := range halves {
		for b := range 1 << 16 {
			bits := uint16(b)
			want, got := h.value(bits), h.at(bits)
			if math.IsNaN(want) {
				require.True(t, got != got, "%s %#04x", h.name, bits)
				require.True(t, math.IsNaN(h.value(h.set(got))), "%s %#04x set to %#04x", h.name, bits, h.set(got))
				continue
			}
			require.Equal(t, math.Float32bits(float32(want)), math.Float32bits(got), "%s %#04x is %g, want %g", h.name, bits, got, want)
			require.Equal(t, bits, h.set(got), "%s %#04x", h.name, bits)
		}
	}
}

// TestHalfSet checks rounding at the middle between each two neighbours, and a float32 to each side of it.
func TestHalfSet(t *testing.T) {
	for _, h := range halves {
		inf := h.set(float32(math.Inf(1)))
		for bits := uint16(0); bits < inf; bits++ {
			above := h.value(bits + 1)
			if bits+1 == inf { // infinity begins where the next number would round up
				above = 2*h.value(bits) - h.value(bits-1)
			}
			middle := float32((h.value(bits) + above) / 2)
			even := bits + bits&1
			for _, c := range []struct {
				v    float32
				want uint16
			}{
				{middle, even},
				{math.Nextafter32(middle, 0), bits},
				{math.Nextafter32(middle, math.MaxFloat32), bits + 1},
			} {
				require.Equal(t, c.want, h.set(c.v), "%s of %g", h.name, c.v)
				require.Equal(t, c.want|0x8000, h.set(-c.v), "%s of %g", h.name, -c.v)
			}
		}
	}
}

// row is the format's row of the dtype table.
func (h half16) row() *kernel.DTypeRow {
	d, _ := kernel.ParseDType(h.name)
	return d.Row()
}

// TestHalfNearest checks any float32 against its neighbours in the format, and against the dtype table.
func TestHalfNearest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := math.Float32frombits(rapid.Uint32().Draw(t, "bits"))
		if rapid.Bool().Draw(t, "in f16's range") {
			v = rapid.Float32Range(-66000, 66000).Draw(t, "v")
		}
		for _, h := range halves {
			got := h.set(v)
			x := math.Abs(h.value(got))
			if v != v || math.IsInf(x, 0) {
				continue
			}
			require.Equal(t, math.Signbit(float64(v)), got>>15 == 1)
			row, stored := h.row(), [2]byte{}
			row.Encode(stored[:], []float32{v})
			require.Equal(t, got, binary.LittleEndian.Uint16(stored[:]), "%s of %g is otherwise in kernel.DTypes", h.name, v)
			off := math.Abs(x - math.Abs(float64(v)))
			for _, near := range []uint16{got&0x7fff - 1, got&0x7fff + 1} {
				if near < 0x8000 {
					require.LessOrEqual(t, off, math.Abs(h.value(near)-math.Abs(float64(v))), "%s of %g", h.name, v)
				}
			}
		}
	})
}
