package gocpu_test

import (
	"encoding/binary"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/llorch/llorch/ir/kernel"
)

// fixture is a kernel of testdata with arguments for a size n.
type fixture struct {
	file string
	args func(rng *rand.Rand, n int) job
}

var fixtures = []fixture{
	{"norm", normArgs},
	{"reversed", normArgs}, // another kernel of norm's name
	{"project", projectArgs(kernel.F32)},
	{"project", projectArgs(kernel.F16)},
	{"project", projectArgs(kernel.BF16)},
	{"attend", attendArgs},
	{"odd", oddArgs},
}

func load(t testing.TB, file string) *kernel.Kernel {
	text, err := os.ReadFile("testdata/" + file + ".kernel")
	require.NoError(t, err)
	k, err := kernel.Parse(string(text))
	require.NoError(t, err)
	return k
}

func loadAll(t testing.TB) []*kernel.Kernel {
	var ks []*kernel.Kernel
	for _, f := range fixtures {
		ks = append(ks, load(t, f.file))
	}
	return ks
}

func normArgs(rng *rand.Rand, n int) job {
	return job{
		DTypes: dtypes(kernel.F32, kernel.F32, kernel.F32),
		Bufs:   [][]byte{random(rng, kernel.F32, 3*n), random(rng, kernel.F32, n), zeros(kernel.F32, 3*n)},
		Ints:   []int{n, 3}, Floats: []float32{1e-5},
	}
}

func projectArgs(d kernel.DType) func(*rand.Rand, int) job {
	return func(rng *rand.Rand, n int) job {
		rows := n + 2
		if n == 0 {
			rows = 0 // the kernel reads an element of each row
		}
		return job{
			DTypes: dtypes(kernel.F32, d, kernel.F32, kernel.F16, kernel.BF16),
			Bufs: [][]byte{random(rng, kernel.F32, n), random(rng, d, rows*n), zeros(kernel.F32, rows),
				zeros(kernel.F16, 2*rows), zeros(kernel.BF16, 2*rows)},
			Ints: []int{n, rows, 1},
		}
	}
}

func attendArgs(rng *rand.Rand, n int) job {
	const heads, dim = 3, 7
	return job{
		DTypes: dtypes(kernel.F32, kernel.F16, kernel.BF16, kernel.Pos, kernel.F32),
		Bufs: [][]byte{random(rng, kernel.F32, heads*dim), random(rng, kernel.F16, n*dim), random(rng, kernel.BF16, n*dim),
			ints32(int32(n / 2)), zeros(kernel.F32, heads*dim)},
		Ints: []int{heads, dim, n},
	}
}

func oddArgs(rng *rand.Rand, n int) job {
	return job{
		DTypes: dtypes(kernel.F32, kernel.F32, kernel.I32, kernel.I32, kernel.I32, kernel.F16, kernel.F32),
		Bufs: [][]byte{random(rng, kernel.F32, n+2), zeros(kernel.F32, 12), ints32(-5, 6, 7), nil, zeros(kernel.I32, 12),
			random(rng, kernel.F16, 9), zeros(kernel.F32, 36)},
		Ints: []int{2, 3, n, 0}, Floats: []float32{0.25, 0},
	}
}

func dtypes(ds ...kernel.DType) []uint8 {
	var out []uint8
	for _, d := range ds {
		out = append(out, uint8(d))
	}
	return out
}

func floats(rng *rand.Rand, n int) []float32 {
	v := make([]float32, n)
	for i := range v {
		v[i] = float32(rng.NormFloat64())
	}
	return v
}

func random(rng *rand.Rand, d kernel.DType, n int) []byte {
	b := zeros(d, n)
	d.Row().Encode(b, floats(rng, n))
	return b
}

func zeros(d kernel.DType, n int) []byte { return make([]byte, n/d.Row().Elems*d.Row().Bytes) }

func ints32(v ...int32) []byte {
	var b []byte
	for _, x := range v {
		b = binary.LittleEndian.AppendUint32(b, uint32(x))
	}
	return b
}
