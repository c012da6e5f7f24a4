package tiles

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/llorch/llorch/ir/kernel"
	"github.com/llorch/llorch/runtime/cpu"
)

// forLevels runs a test for each tile of single elements in assembly that this machine runs, with the portable tile of the dtype.
func forLevels(t *testing.T, run func(t *testing.T, tile, portable *cpu.Tile)) {
	plain := map[kernel.DType]*cpu.Tile{}
	for i := range Tiles {
		plain[Tiles[i].DType] = &Tiles[i]
	}
	levels := cpu.Levels()
	if len(levels) == 1 {
		t.Skip("this machine has no level but portable")
	}
	for _, level := range levels[:len(levels)-1] {
		for i := range levelTiles {
			if tile := &levelTiles[i]; tile.Level == level && tile.DType.Row().Elems == 1 {
				t.Run(fmt.Sprintf("%s/%s", level, tile.DType), func(t *testing.T) { run(t, tile, plain[tile.DType]) })
			}
		}
	}
}

// shape is a tile job's numbers.
type shape struct{ wAt, wStride, xStride, rows, cols, k int }

func (s shape) String() string {
	return fmt.Sprintf("rows=%d cols=%d k=%d wAt=%d wStride=%d xStride=%d", s.rows, s.cols, s.k, s.wAt, s.wStride, s.xStride)
}

// span is the elements of n runs of k, stride apart from element at on.
func span(at, stride, n, k int) int {
	if n == 0 || k == 0 {
		return at
	}
	return at + (n-1)*stride + k
}

func (s shape) wLen() int { return span(s.wAt, s.wStride, s.rows, s.k) }

func (s shape) xLen(method string) int {
	if method == "Mix" {
		return span(0, s.xStride, s.cols, s.rows)
	}
	return span(0, s.xStride, s.cols, s.k)
}

func (s shape) accLen(method string) int {
	if method == "Mix" {
		return s.cols * s.k
	}
	return s.rows * s.cols
}

func (s shape) run(t *cpu.Tile, method string, acc []float32, w []byte, x []float32) {
	f := t.Dot
	if method == "Mix" {
		f = t.Mix
	}
	f(acc, w, s.wAt, s.wStride, x, s.xStride, s.rows, s.cols, s.k)
}

// shapes are all small numbers of rows and columns with lengths about every step of the loops.
func shapes(visit func(method string, s shape)) {
	for _, method := range []string{"Dot", "Mix"} {
		for rows := range 10 {
			for cols := range 7 {
				for _, k := range []int{0, 1, 3, 7, 8, 15, 16, 31, 64, 65, 257, 1024 + 9} {
					visit(method, shape{wAt: 1 + rows%3, wStride: k + cols%4, xStride: max(k, rows) + rows%3, rows: rows, cols: cols, k: k})
				}
			}
		}
	}
}

// encoded are n elements: normal numbers and, now and then, one that is subnormal in f16.
func encoded(rng *rand.Rand, d kernel.DType, n int) []byte {
	v := floats(rng, n)
	for i := range v {
		if rng.IntN(16) == 0 {
			v[i] *= 1e-6
		}
	}
	row := d.Row()
	w := make([]byte, n*row.Bytes)
	row.Encode(w, v)
	return w
}

func floats(rng *rand.Rand, n int) []float32 {
	v := make([]float32, n)
	for i := range v {
		v[i] = float32(rng.NormFloat64())
	}
	return v
}

func abs(v []float32) []float32 {
	out := make([]float32, len(v))
	for i := range v {
		out[i] = float32(math.Abs(float64(v[i])))
	}
	return out
}

// magnitudes is what the tile makes of its arguments' magnitudes: the sums of |products| that bound rounding.
func magnitudes(portable *cpu.Tile, method string, s shape, acc []float32, w []byte, x []float32) []float32 {
	row := portable.DType.Row()
	v := make([]float32, len(w)/row.Bytes)
	row.Decode(v, w)
	aw := make([]byte, len(w))
	row.Encode(aw, abs(v))
	out := abs(acc)
	s.run(portable, method, out, aw, abs(x))
	return out
}

// TestLevelsEqualPortable gives the tiles slices that end, at the end of a page, with the last element that they may touch.
func TestLevelsEqualPortable(t *testing.T) {
	forLevels(t, func(t *testing.T, tile, portable *cpu.Tile) {
		rng := rand.New(rand.NewPCG(1, 2))
		ends := [3]pageEnd{newPageEnd(t), newPageEnd(t), newPageEnd(t)}
		size := tile.DType.Row().Bytes
		shapes(func(method string, s shape) {
			w := ends[0].bytes(s.wLen() * size)
			copy(w, encoded(rng, tile.DType, s.wLen()))
			x := ends[1].floats(s.xLen(method))
			copy(x, floats(rng, len(x)))
			got := ends[2].floats(s.accLen(method))
			copy(got, floats(rng, len(got)))
			want := append([]float32(nil), got...)
			bound := magnitudes(portable, method, s, got, w, x)
			s.run(portable, method, want, w, x)
			s.run(tile, method, got, w, x)
			for i := range want {
				if d := math.Abs(float64(got[i] - want[i])); !(d <= 1e-5*float64(bound[i])) {
					t.Fatalf("%s %v: acc[%d] is %g, portable %g", method, s, i, got[i], want[i])
				}
			}
		})
	})
}

// TestLevelsKeepTheRest checks that nothing beside the results is written.
func TestLevelsKeepTheRest(t *testing.T) {
	forLevels(t, func(t *testing.T, tile, _ *cpu.Tile) {
		rng := rand.New(rand.NewPCG(3, 4))
		shapes(func(method string, s shape) {
			const margin = 16
			n := s.accLen(method)
			acc := floats(rng, margin+n+margin)
			before := append([]float32(nil), acc...)
			s.run(tile, method, acc[margin:], encoded(rng, tile.DType, s.wLen()), floats(rng, s.xLen(method)))
			require.Equal(t, before[:margin], acc[:margin], "%s %v", method, s)
			require.Equal(t, before[margin+n:], acc[margin+n:], "%s %v", method, s)
		})
	})
}

// TestLevelsUnpackExactly multiplies each element of every 16-bit pattern (or of random ones) by 1 alone: in a vector and in
// a tail, subnormals, infinities and NaN are At's.
func TestLevelsUnpackExactly(t *testing.T) {
	forLevels(t, func(t *testing.T, tile, portable *cpu.Tile) {
		const n = 1 << 16
		size := tile.DType.Row().Bytes
		rng := rand.New(rand.NewPCG(5, 6))
		w := make([]byte, n*size)
		for i := range n {
			bits := uint32(i)
			if size == 4 {
				bits = rng.Uint32()
			}
			for b := range size {
				w[i*size+b] = byte(bits >> (8 * b))
			}
		}
		for _, s := range []shape{{rows: n, cols: 1, k: 1, wStride: 1}, {rows: 1, cols: 1, k: n}, {rows: 1, cols: 1, k: n - 1}} {
			method := "Mix"
			if s.k == 1 {
				method = "Dot"
			}
			acc := make([]float32, s.accLen(method))
			s.run(tile, method, acc, w, []float32{1})
			for i, got := range acc {
				requireSame(t, portable.At(w, 0, i), got, "%s %v: element %d", method, s, i)
			}
		}
	})
}

func requireSame(t *testing.T, want, got float32, format string, args ...any) {
	if math.IsNaN(float64(want)) && math.IsNaN(float64(got)) || want == got {
		return
	}
	t.Fatalf("%s is %g, want %g", fmt.Sprintf(format, args...), got, want)
}

// TestLevelsSpecials puts one infinity or NaN in a row: it reaches that row's sums and no others.
func TestLevelsSpecials(t *testing.T) {
	forLevels(t, func(t *testing.T, tile, portable *cpu.Tile) {
		rng := rand.New(rand.NewPCG(7, 8))
		row := tile.DType.Row()
		shapes(func(method string, s shape) {
			if s.rows == 0 || s.k == 0 {
				return
			}
			w := encoded(rng, tile.DType, s.wLen())
			special := []float32{float32(math.Inf(1)), float32(math.Inf(-1)), float32(math.NaN())}[rng.IntN(3)]
			at := s.wAt + rng.IntN(s.rows)*s.wStride + rng.IntN(s.k)
			row.Encode(w[at*row.Bytes:(at+1)*row.Bytes], []float32{special})
			x := floats(rng, s.xLen(method))
			want := floats(rng, s.accLen(method))
			got := append([]float32(nil), want...)
			s.run(portable, method, want, w, x)
			s.run(tile, method, got, w, x)
			for i := range want {
				if finite := want[i]-want[i] == 0; finite {
					require.True(t, got[i]-got[i] == 0, "%s %v: acc[%d]", method, s, i)
				} else {
					requireSame(t, want[i], got[i], "%s %v: acc[%d]", method, s, i)
				}
			}
		})
	})
}

// TestLevelsPanicOutOfRange shortens each argument by an element and tries numbers that an edited artifact may hold.
func TestLevelsPanicOutOfRange(t *testing.T) {
	forLevels(t, func(t *testing.T, tile, _ *cpu.Tile) {
		good := shape{wAt: 3, wStride: 70, xStride: 71, rows: 5, cols: 4, k: 65}
		bad := map[string]func(*shape){
			"wAt":              func(s *shape) { s.wAt++ },
			"wAt negative":     func(s *shape) { s.wAt = -1 },
			"wAt huge":         func(s *shape) { s.wAt = math.MaxInt },
			"wStride":          func(s *shape) { s.wStride++ },
			"wStride negative": func(s *shape) { s.wStride = -1 },
			"wStride huge":     func(s *shape) { s.wStride = math.MaxInt/2 + 1 },
			"xStride":          func(s *shape) { s.xStride++ },
			"xStride negative": func(s *shape) { s.xStride = -71 },
			"xStride huge":     func(s *shape) { s.xStride = math.MinInt },
			"rows":             func(s *shape) { s.rows++ },
			"rows negative":    func(s *shape) { s.rows = -1 },
			"rows huge":        func(s *shape) { s.rows = math.MaxInt },
			"cols":             func(s *shape) { s.cols++ },
			"cols negative":    func(s *shape) { s.cols = -1 },
			"cols huge":        func(s *shape) { s.cols = 1 << 62 },
			"k":                func(s *shape) { s.k++ },
			"k negative":       func(s *shape) { s.k = -1 },
			"k huge":           func(s *shape) { s.k = math.MaxInt },
		}
		for _, method := range []string{"Dot", "Mix"} {
			acc := make([]float32, good.accLen(method))
			w := make([]byte, good.wLen()*tile.DType.Row().Bytes)
			x := make([]float32, good.xLen(method))
			require.NotPanics(t, func() { good.run(tile, method, acc, w, x) })
			require.Panics(t, func() { good.run(tile, method, acc[1:], w, x) }, "%s: acc", method)
			require.Panics(t, func() { good.run(tile, method, acc, w[1:], x) }, "%s: w", method)
			require.Panics(t, func() { good.run(tile, method, acc, w, x[1:]) }, "%s: x", method)
			for name, edit := range bad {
				s := good
				edit(&s)
				require.Panics(t, func() { s.run(tile, method, acc, w, x) }, "%s: %s", method, name)
			}
		}
	})
}
