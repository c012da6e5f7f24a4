package quant

import (
	"encoding/binary"
	"encoding/hex"
	"math"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// block reads a block of a file by ggml's definitions, an element at a time.
type block []byte

func (b block) f16(at int) float64 {
	h := binary.LittleEndian.Uint16(b[at:])
	sign, exp, mantissa := 1-2*float64(h>>15), int(h>>10&31), float64(h&1023)
	switch exp {
	case 0:
		return sign * math.Ldexp(mantissa, -24)
	case 31:
		if mantissa != 0 {
			return math.NaN()
		}
		return sign * math.Inf(1)
	}
	return sign * math.Ldexp(1024+mantissa, exp-25)
}

// nibble is element i of 32 whose codes are in 16 bytes.
func (b block) nibble(i int) int {
	if i < 16 {
		return int(b[i] & 15)
	}
	return int(b[i-16] >> 4)
}

func (b block) bit(i int) int { return int(b[i/8] >> (i % 8) & 1) }

// scaleMin is get_scale_min_k4 of ggml.
func (b block) scaleMin(j int) (s, m int) {
	if j < 4 {
		return int(b[j] & 63), int(b[j+4] & 63)
	}
	return int(b[j+4]&15 | b[j-4]>>6<<4), int(b[j+4]>>4 | b[j]>>6<<4)
}

// decoders are element i of a block, in float64.
var decoders = map[string]func(b block, i int) float64{
	"q4_0": func(b block, i int) float64 { return b.f16(0) * float64(b[2:].nibble(i)-8) },
	"q4_1": func(b block, i int) float64 { return b.f16(0)*float64(b[4:].nibble(i)) + b.f16(2) },
	"q5_0": func(b block, i int) float64 { return b.f16(0) * float64(b[6:].nibble(i)+16*b[2:].bit(i)-16) },
	"q5_1": func(b block, i int) float64 { return b.f16(0)*float64(b[8:].nibble(i)+16*b[4:].bit(i)) + b.f16(2) },
	"q8_0": func(b block, i int) float64 { return b.f16(0) * float64(int8(b[2+i])) },
	"q4_k": func(b block, i int) float64 {
		s, m := b[4:].scaleMin(i / 32)
		q := int(b[16+i/64*32+i%32] >> (i / 32 % 2 * 4) & 15)
		return b.f16(0)*float64(s)*float64(q) - b.f16(2)*float64(m)
	},
	"q5_k": func(b block, i int) float64 {
		s, m := b[4:].scaleMin(i / 32)
		q := int(b[48+i/64*32+i%32]>>(i/32%2*4)&15) + 16*int(b[16+i%32]>>(i/32)&1)
		return b.f16(0)*float64(s)*float64(q) - b.f16(2)*float64(m)
	},
	"q6_k": func(b block, i int) float64 {
		half, part, l := i/128, i/32%4, i%32
		q := int(b[64*half+part%2*32+l]>>(part/2*4)&15) + 16*int(b[128+32*half+l]>>(2*part)&3)
		return b.f16(208) * float64(int8(b[192+i/16])) * float64(q-32)
	},
}

// randomBlocks have every factor an f16 may be, if all, and otherwise ones that are finite.
func randomBlocks(rng *rand.Rand, f *Format, n int, all bool) []byte {
	b := randomBytes(rng, n*f.Bytes)
	factors := []int{0}
	switch {
	case f.Halves:
		factors = []int{f.Bytes - 2}
	case f.Offsets:
		factors = []int{0, 2}
	}
	for i := range n {
		for _, at := range factors {
			h := binary.LittleEndian.Uint16(b[i*f.Bytes+at:])
			if !all && h&0x7c00 == 0x7c00 {
				binary.LittleEndian.PutUint16(b[i*f.Bytes+at:], h&^0x4000)
			}
		}
	}
	return b
}

// TestDecode compares with the definitions: values are rounded once or, with offsets, as product and sum.
func TestDecode(t *testing.T) {
	for _, f := range Formats {
		t.Run(f.Name, func(t *testing.T) {
			const n = 500
			src := randomBlocks(rand.New(rand.NewPCG(1, 2)), f, n, true)
			got := make([]float32, n*f.Elems)
			f.Decode(got, src)
			for i, v := range got {
				b := block(src[i/f.Elems*f.Bytes:][:f.Bytes])
				want := decoders[f.Name](b, i%f.Elems)
				requireClose(t, want, v, f, b)
				requireSame(t, v, f.At(b, i%f.Elems), "At(%d)", i%f.Elems)
			}
		})
	}
}

// requireClose allows an offset to take digits away: the bound is of the greatest product that the block may have.
func requireClose(t *testing.T, want float64, got float32, f *Format, b block) {
	t.Helper()
	if math.IsNaN(want) || math.IsInf(want, 0) || math.Abs(want) > math.MaxFloat32 {
		require.False(t, float64(got)-float64(got) == 0, "%s: %g, want %g", f.Name, got, want)
		return
	}
	size := math.Abs(want)
	if f.Offsets {
		size += 2 * math.Abs(b.f16(2)) * 63
	}
	require.InDelta(t, want, got, 2e-7*size, f.Name)
}

func requireSame(t *testing.T, want, got float32, format string, args ...any) {
	if math.Float32bits(want) != math.Float32bits(got) && (want == want || got == got) {
		t.Helper()
		t.Fatalf(format+": %g, want %g", append(args, got, want)...)
	}
}

// TestDecodeIsGGUFs compares with the decoders of the Python package gguf, bit for bit.
func TestDecodeIsGGUFs(t *testing.T) {
	golden, err := os.ReadFile("testdata/gguf.txt")
	require.NoError(t, err)
	seen := 0
	for line := range strings.Lines(string(golden)) {
		fields := strings.Fields(line)
		if fields[0] == "#" {
			continue
		}
		f := Lookup(fields[0])
		require.NotNil(t, f, fields[0])
		src, err := hex.DecodeString(fields[1])
		require.NoError(t, err)
		want, err := hex.DecodeString(fields[2])
		require.NoError(t, err)
		got := make([]float32, len(src)/f.Bytes*f.Elems)
		f.Decode(got, src)
		require.Len(t, want, 4*len(got))
		for i, v := range got {
			require.Equal(t, binary.LittleEndian.Uint32(want[4*i:]), math.Float32bits(v), "%s: element %d", f.Name, i)
		}
		seen++
	}
	require.Equal(t, len(Formats), seen)
}

func TestLookup(t *testing.T) {
	for _, f := range Formats {
		require.Same(t, f, Lookup(f.Name))
	}
	require.Nil(t, Lookup("q3_k"))
}

func TestFromF16(t *testing.T) {
	for h := range 1 << 16 {
		b := block(binary.LittleEndian.AppendUint16(nil, uint16(h)))
		requireSame(t, float32(b.f16(0)), FromF16(uint16(h)), "%#x", h)
	}
}
