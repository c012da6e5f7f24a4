package gocpu_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/llorch/llorch/ir/kernel"
)

// weights are encoded random elements and their exact values.
func weights(rng *rand.Rand, row *kernel.DTypeRow, n int) (data []byte, exact []float32) {
	n = (n + row.Elems - 1) / row.Elems * row.Elems
	v := make([]float32, n)
	for i := range v {
		v[i] = float32(rng.NormFloat64())
		if rng.IntN(16) == 0 {
			v[i] *= 1e-6 // subnormal in f16
		}
	}
	data = make([]byte, n/row.Elems*row.Bytes)
	row.Encode(data, v)
	row.Decode(v, data)
	return data, v
}

// tileCase is a tile job with the sums that it must produce, and the sums of magnitudes that bound its rounding.
type tileCase struct {
	job
	name       string
	want, size []float64
}

// newTileCase makes a Dot or Mix of the given size, with strides longer than rows and columns.
func newTileCase(rng *rand.Rand, row *kernel.DTypeRow, method string, rows, cols, k int) tileCase {
	wAt, wStride := 2*row.Elems, (k+3+row.Elems-1)/row.Elems*row.Elems
	across, along := rows, k // acc is rows x cols, or cols x k
	xLen := k
	if method == "Mix" {
		across, along, xLen = cols, cols, rows
	}
	xStride := xLen + 2
	data, w := weights(rng, row, wAt+max(0, (rows-1)*wStride+k))
	c := tileCase{name: fmt.Sprintf("%s %s rows=%d cols=%d k=%d", row.Name, method, rows, cols, k)}
	accLen := across * cols
	if method == "Mix" {
		accLen = along * k
	}
	c.job = job{Tile: method, DTypes: []uint8{uint8(row.DType)}, Bufs: [][]byte{data},
		Ints: []int{wAt, wStride, xStride, rows, cols, k},
		Acc:  floats(rng, accLen+1), X: floats(rng, max(0, (cols-1)*xStride+xLen))}
	c.want, c.size = make([]float64, len(c.Acc)), make([]float64, len(c.Acc))
	for i, a := range c.Acc {
		if method == "Mix" || i == accLen {
			c.want[i], c.size[i] = float64(a), math.Abs(float64(a))
		}
	}
	for r := range rows {
		for col := range cols {
			for i := range k {
				at, x := r*cols+col, col*xStride+i
				if method == "Mix" {
					at, x = col*k+i, col*xStride+r
				}
				p := float64(w[wAt+r*wStride+i]) * float64(c.X[x])
				c.want[at] += p
				c.size[at] += math.Abs(p)
			}
		}
	}
	return c
}

func TestTiles(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var cases []tileCase
	for i := range kernel.DTypes {
		row := &kernel.DTypes[i]
		if !row.Weight || row.Elems > 1 {
			continue
		}
		for _, method := range []string{"Dot", "Mix"} {
			for rows := range 10 {
				for cols := range 7 {
					for _, k := range []int{0, 1, 3, 8, 31, 64, 257} {
						if k%row.Elems == 0 {
							cases = append(cases, newTileCase(rng, row, method, rows, cols, k))
						}
					}
				}
			}
		}
	}
	checkTiles(t, cases, nil)
}

// checkTiles runs the cases; extra are files of the program beside its own.
func checkTiles(t *testing.T, cases []tileCase, extra map[string][]byte) {
	require.NotEmpty(t, cases)
	jobs := make([]job, len(cases))
	for i, c := range cases {
		jobs[i] = c.job
	}
	for i, got := range execute(t, nil, jobs, extra) {
		c := cases[i]
		for at, v := range got.Acc {
			require.InDelta(t, c.want[at], v, 2e-6*c.size[at], "%s: acc[%d]", c.name, at)
		}
	}
}

func TestTileAtIsExact(t *testing.T) {
	var rows []*kernel.DTypeRow
	for i := range kernel.DTypes {
		if row := &kernel.DTypes[i]; row.Weight && row.Elems == 1 {
			rows = append(rows, row)
		}
	}
	checkAt(t, rand.New(rand.NewPCG(3, 4)), rows, nil)
}

// checkAt reads every element of random bytes: every exponent, so subnormals, infinities and NaN too.
func checkAt(t *testing.T, rng *rand.Rand, rows []*kernel.DTypeRow, extra map[string][]byte) {
	var jobs []job
	var want [][]float32
	for _, row := range rows {
		data := make([]byte, 1<<12*row.Bytes)
		for i := range data {
			data[i] = byte(rng.Uint32())
		}
		v := make([]float32, len(data)/row.Bytes*row.Elems)
		row.Decode(v, data)
		jobs = append(jobs, job{Tile: "At", DTypes: []uint8{uint8(row.DType)}, Bufs: [][]byte{data}, Acc: make([]float32, len(v))})
		want = append(want, v)
	}
	for i, got := range execute(t, nil, jobs, extra) {
		for at, v := range got.Acc {
			if math.IsNaN(float64(want[i][at])) {
				require.True(t, math.IsNaN(float64(v)), "%s element %d", rows[i].Name, at)
				continue
			}
			require.Equal(t, math.Float32bits(want[i][at]), math.Float32bits(v), "%s element %d", rows[i].Name, at)
		}
	}
}

// BenchmarkTiles compiles the emitted tiles with testdata/bench.go.txt and prints what that measures.
func BenchmarkTiles(b *testing.B) {
	files := emitted(b, nil)
	main, err := os.ReadFile("testdata/bench.go.txt")
	require.NoError(b, err)
	files["main.go"] = main
	for b.Loop() {
		fmt.Printf("\n%s", goCommand(b, files, nil, "run"))
	}
}
