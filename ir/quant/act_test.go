package quant

import (
	"encoding/binary"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// actsType is a type of activations with its greatest integer.
type actsType struct {
	name        string
	bytes, most int
	encode      func(dst []byte, src []float32)
	decode      func(dst []float32, src []byte)
}

var actsTypes = []actsType{
	{"A8", A8Bytes, 127, EncodeA8, DecodeA8},
	{"A16", A16Bytes, 255*127 + 127, EncodeA16, DecodeA16},
}

// number is element i of a block, and field what lies where an A8's field does.
func (a *actsType) number(b []byte, i int) int {
	if a.bytes == A8Bytes {
		return int(int8(b[i]))
	}
	return 255*int(int8(b[i])) + int(int8(b[Unit+i]))
}

func (a *actsType) field(b []byte, at int) uint32 {
	return binary.LittleEndian.Uint32(b[a.bytes-A8Bytes+at:])
}

// anyBlock draws numbers of any magnitude, and often ones alike.
func anyBlock(t *rapid.T) []float32 {
	exponent := rapid.IntRange(0, 253).Draw(t, "exponent") // in the greatest binade a scale that was rounded up may overflow
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) float32 {
		bits := rapid.Uint32().Draw(t, "bits")
		down := rapid.IntRange(0, 12).Draw(t, "down")
		return math.Float32frombits(bits&0x807fffff | uint32(max(0, exponent-down))<<23)
	}), Unit, Unit).Draw(t, "block")
}

func TestActivations(t *testing.T) {
	for _, a := range actsTypes {
		t.Run(a.name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				src := anyBlock(t)
				b := make([]byte, a.bytes)
				a.encode(b, src)
				a.check(t, b, src)
			})
		})
	}
}

// check holds a block of finite numbers to its definition.
func (a *actsType) check(t require.TestingT, b []byte, src []float32) {
	most := 0.0
	for _, v := range src {
		most = max(most, math.Abs(float64(v)))
	}
	scale := float64(math.Float32frombits(a.field(b, A8Scale)))
	if scale == 0 {
		require.Less(t, most, 1e-33, "nothing but the smallest numbers may vanish")
	} else {
		require.InEpsilon(t, most/float64(a.most), scale, 1e-5)
	}
	back := make([]float32, Unit)
	a.decode(back, b)
	var sums [2]int
	for i, v := range src {
		q := a.number(b, i)
		require.LessOrEqual(t, max(q, -q), a.most)
		sums[i/(Unit/2)] += q
		require.Equal(t, float32(scale)*float32(q), back[i])
		require.InDelta(t, v, back[i], max(scale*(0.5+float64(a.most)*1e-6), 1e-33), "element %d", i)
	}
	require.EqualValues(t, -sums[0], int32(a.field(b, A8LowSum)))
	require.EqualValues(t, -sums[1], int32(a.field(b, A8HighSum)))
	require.EqualValues(t, -sums[0]-sums[1], int32(a.field(b, A8Sum)))
	require.Equal(t, float32(scale)*float32(sums[0]+sums[1]), math.Float32frombits(a.field(b, A8ScaledSum)))
}

// TestActivationsShowFaults: one infinity or NaN makes the whole block NaN, with sums that are none.
func TestActivationsShowFaults(t *testing.T) {
	for _, a := range actsTypes {
		for _, fault := range []float64{math.Inf(1), math.Inf(-1), math.NaN()} {
			src := make([]float32, 2*Unit)
			for i := range src {
				src[i] = float32(i) - 31
			}
			src[7] = float32(fault)
			b := make([]byte, 2*a.bytes)
			a.encode(b, src)
			back := make([]float32, 2*Unit)
			a.decode(back, b)
			for i, v := range back {
				require.Equal(t, i < Unit, v != v, "%s: element %d is %g", a.name, i, v)
			}
			require.Equal(t, make([]byte, Unit), b[:Unit])
			require.NotEqual(t, 0, math.Float32frombits(a.field(b, A8ScaledSum)), "NaN too")
		}
	}
}

// TestActivationsAreExact: integers up to the greatest come back as they were, ties are rounded to even, zeros are zeros.
func TestActivationsAreExact(t *testing.T) {
	for _, a := range actsTypes {
		b, back := make([]byte, a.bytes), make([]float32, Unit)
		for from := -a.most; from < a.most; from += Unit - 1 {
			src := make([]float32, Unit)
			src[Unit-1] = float32(a.most)
			for i := range Unit - 1 {
				src[i] = float32(min(from+i, a.most))
			}
			a.encode(b, src)
			a.decode(back, b)
			require.Equal(t, src, back)
		}
		src := []float32{float32(a.most), 0.5, 1.5, 2.5, -0.5, -1.5, -2.5}
		src = append(src, make([]float32, Unit-len(src))...)
		a.encode(b, src)
		for i, want := range []int{a.most, 0, 2, 2, 0, -2, -2, 0} {
			require.Equal(t, want, a.number(b, i))
		}
		a.encode(b, make([]float32, Unit))
		require.Equal(t, make([]byte, a.bytes), b)
	}
}
