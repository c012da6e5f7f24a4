package kernel

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"sort"
	"testing"

	"github.com/stretchr/testify/require"
)

// small is a binary floating-point format, defined by arithmetic alone: the tests' oracle.
type small struct{ exp, frac int }

var formats = map[DType]small{F16: {5, 10}, BF16: {8, 7}}

func (s small) value(bits uint16) float64 {
	bias := 1<<(s.exp-1) - 1
	e, m := int(bits>>s.frac)&(1<<s.exp-1), float64(bits&(1<<s.frac-1))
	v := math.Ldexp(m, 1-bias-s.frac)
	switch {
	case e == 1<<s.exp-1 && m != 0:
		return math.NaN()
	case e == 1<<s.exp-1:
		v = math.Inf(1)
	case e > 0:
		v = math.Ldexp(m+float64(int(1)<<s.frac), e-bias-s.frac)
	}
	if bits>>15 != 0 {
		v = -v
	}
	return v
}

// nearest searches the format's magnitudes: nearest, ties to even, and half a step past the greatest is infinite.
func (s small) nearest(f float32) uint16 {
	inf := (1<<s.exp - 1) << s.frac
	sign := uint16(0)
	if math.Signbit(float64(f)) {
		sign = 1 << 15
	}
	a := math.Abs(float64(f))
	i := sort.Search(inf, func(i int) bool { return s.value(uint16(i)) >= a }) // the first not below
	if i == 0 {
		return sign
	}
	above := s.value(uint16(i))
	if i == inf {
		above = 2*s.value(uint16(inf-1)) - s.value(uint16(inf-2))
	}
	switch below := s.value(uint16(i - 1)); {
	case a-below < above-a, a-below == above-a && i%2 == 1:
		i--
	}
	return sign | uint16(i)
}

func same(a, b float32) bool {
	return math.Float32bits(a) == math.Float32bits(b) || a != a && b != b
}

func encode(d DType, f float32) uint16 {
	var b [2]byte
	d.Row().Encode(b[:], []float32{f})
	return binary.LittleEndian.Uint16(b[:])
}

// unpack evaluates a row's Unpack over the bytes of an element.
func unpack(t *testing.T, row *DTypeRow, block []byte) float32 {
	t.Helper()
	word := func(at Expr, n int) Expr {
		off := at.(*IntLit).V
		v := int64(0)
		for j := range n {
			v |= int64(block[off+int64(j)]) << (8 * j)
		}
		return I(v)
	}
	return evaluate(row.Unpack(word), nil).F
}

// evaluate computes an expression without loads.
func evaluate(e Expr, env map[string]Value) Value {
	switch e := e.(type) {
	case *IntLit:
		return Value{I: e.V}
	case *FloatLit:
		return Value{F: e.V}
	case *Var:
		return env[e.Name]
	}
	c := e.(*Call)
	var args []Value
	for _, a := range c.Args {
		args = append(args, evaluate(a, env))
	}
	return c.Fn.Eval(args)
}

func TestEverySmallFloat(t *testing.T) {
	for d, ref := range formats {
		row := d.Row()
		for bits := range 1 << 16 {
			block := binary.LittleEndian.AppendUint16(nil, uint16(bits))
			var got [1]float32
			row.Decode(got[:], block)
			want := float32(ref.value(uint16(bits)))
			if !same(got[0], want) {
				t.Fatalf("%v %04x decodes to %v, want %v", d, bits, got[0], want)
			}
			if u := unpack(t, row, block); !same(u, want) {
				t.Fatalf("%v %04x unpacks to %v, want %v", d, bits, u, want)
			}
			back := encode(d, want)
			if want == want && back != uint16(bits) || want != want && ref.value(back) == ref.value(back) {
				t.Fatalf("%v %04x is encoded as %04x", d, bits, back)
			}
		}
	}
}

func TestRoundsToNearestEven(t *testing.T) {
	for d, ref := range formats {
		check := func(f float32) {
			if got, want := encode(d, f), ref.nearest(f); f == f && got != want {
				t.Fatalf("%v(%v, bits %08x) = %04x, want %04x", d, f, math.Float32bits(f), got, want)
			}
		}
		inf := (1<<ref.exp - 1) << ref.frac
		for i := range inf { // halfway to the next value, and one f32 to either side
			next := ref.value(uint16(i + 1))
			if i+1 == inf {
				next = 2*ref.value(uint16(i)) - ref.value(uint16(i-1))
			}
			half := float32((ref.value(uint16(i)) + next) / 2)
			for _, f := range []float32{half, math.Nextafter32(half, 0), math.Nextafter32(half, float32(math.Inf(1)))} {
				check(f)
				check(-f)
			}
		}
		rng := rand.New(rand.NewPCG(1, 2))
		for range 200_000 {
			check(math.Float32frombits(rng.Uint32()))
		}
		check(float32(math.Inf(1)))
		check(float32(math.Inf(-1)))
		nan := math.Float32frombits(0x7f800001) // its payload lies below the bits that are kept
		require.True(t, math.IsNaN(ref.value(encode(d, nan))))
	}
}

func TestF32(t *testing.T) {
	for _, v := range []float32{0, 1, -1.5, math.MaxFloat32, math.SmallestNonzeroFloat32, float32(math.Inf(-1))} {
		b := make([]byte, 4)
		F32.Row().Encode(b, []float32{v})
		var got [1]float32
		F32.Row().Decode(got[:], b)
		require.Equal(t, v, got[0])
		require.Equal(t, v, unpack(t, F32.Row(), b))
	}
}

func TestDTypeTable(t *testing.T) {
	for i := range DTypes {
		row := &DTypes[i]
		require.Equal(t, i+1, int(row.DType), row.Name)
		require.Same(t, row, row.DType.Row())
		d, ok := ParseDType(row.DType.String())
		require.True(t, ok)
		require.Equal(t, row.DType, d)
		require.Equal(t, row.Weight && row.Elems == 1, row.Unpack != nil, row.Name)
		require.Equal(t, row.Decode == nil || row.Weight && row.Elems > 1, row.Encode == nil, row.Name)
		require.Equal(t, row.Panel != nil, row.Rows > 1, row.Name)
		require.Equal(t, row.Decode == nil, d.Scalar() == Int, row.Name)
		require.False(t, row.Weight && row.Decode == nil, row.Name)
	}
	require.Nil(t, Invalid.Row())
	require.Nil(t, DType(200).Row())
	require.Equal(t, "dtype(0)", Invalid.String())
	_, ok := ParseDType("f64")
	require.False(t, ok)
}

func TestRowBytes(t *testing.T) {
	n, err := BF16.RowBytes(5)
	require.NoError(t, err)
	require.EqualValues(t, 10, n)
	for _, c := range []struct {
		d    DType
		n    int64
		want string
	}{
		{Invalid, 1, "dtype(0) has no size"}, {F32, -1, "f32: -1 elements"},
		{F32, math.MaxInt64, "f32: 9223372036854775807 blocks of 4 bytes exceed 64 bits"},
	} {
		_, err := c.d.RowBytes(c.n)
		require.EqualError(t, err, c.want)
	}
	withBlocks(t, func(d DType) {
		n, err := d.RowBytes(8)
		require.NoError(t, err)
		require.EqualValues(t, 10, n)
		_, err = d.RowBytes(9)
		require.EqualError(t, err, "toy: 9 elements are not whole blocks of 4")
	})
}

// withBlocks adds a block format to the table for the time of f: a byte of scale, then four signed bytes.
func withBlocks(t *testing.T, f func(d DType)) {
	defer func(rows []DTypeRow) { DTypes = rows }(DTypes)
	d := DType(len(DTypes) + 1)
	decode := func(dst []float32, src []byte) {
		for i := range dst {
			b := src[i/4*5:]
			dst[i] = float32(b[0]) * float32(int8(b[1+i%4]))
		}
	}
	DTypes = append(DTypes[:len(DTypes):len(DTypes)], DTypeRow{DType: d, Name: "toy", Elems: 4, Rows: 1, Bytes: 5, Weight: true, Decode: decode})
	f(d)
}
