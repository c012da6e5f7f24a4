package cpu

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/llorch/llorch/ir/kernel"
	"github.com/llorch/llorch/ir/quant"
)

// matrix is a random matrix of a block type and its exact values.
type matrix struct {
	tile        *Tile
	rows, elems int
	data        []byte
	v           []float32
}

// newMatrix fills blocks with random bytes, whose factors it makes finite.
func newMatrix(t testing.TB, rng *rand.Rand, tile *Tile, rows, elems int) *matrix {
	row := tile.DType.Row()
	f := row.Format
	if row.Panel != nil {
		f = row.Panel.Format
	}
	src := make([]byte, rows*elems/f.Elems*f.Bytes)
	for i := range src {
		if src[i] = byte(rng.Uint32()); i%2 == 1 || f.Bytes%2 == 1 {
			src[i] &= 0xbf // no exponent of all ones, wherever a factor lies
		}
	}
	m := &matrix{tile, rows, elems, src, make([]float32, rows*elems)}
	f.Decode(m.v, src)
	if row.Panel != nil {
		m.data = make([]byte, row.Panel.Size(rows, elems))
		require.NoError(t, row.Panel.Pack(m.data, src, rows, elems))
	}
	return m
}

func floats(rng *rand.Rand, n int) []float32 {
	v := make([]float32, n)
	for i := range v {
		v[i] = float32(rng.NormFloat64())
	}
	return v
}

// eachMatrix runs a test for the tiles of panels and of blocks of files.
func eachMatrix(t *testing.T, run func(t *testing.T, rng *rand.Rand, tile *Tile)) {
	tiles := BlockTiles()
	for i := range tiles {
		if tile := &tiles[i]; tile.At != nil {
			t.Run(fmt.Sprint(tile.DType), func(t *testing.T) { run(t, rand.New(rand.NewPCG(1, 2)), tile) })
		}
	}
}

func TestBlockTilesHaveEveryBlockType(t *testing.T) {
	has := map[kernel.DType]*Tile{}
	for _, tile := range BlockTiles() {
		has[tile.DType] = &tile
	}
	for i := range kernel.DTypes {
		row := &kernel.DTypes[i]
		tile := has[row.DType]
		require.Equal(t, row.Elems > 1 && !row.Fragment(), tile != nil, row.Name)
		if tile == nil {
			continue
		}
		require.Equal(t, portable, tile.Level)
		require.Equal(t, row.Acts, tile.Encode != nil, row.Name)
		require.Equal(t, row.Weight, tile.Dot != nil && tile.Mix != nil && tile.At != nil, row.Name)
		require.Equal(t, row.Panel != nil, tile.DotA8 != nil && tile.DotA16 != nil, row.Name)
	}
}

func TestBlockAt(t *testing.T) {
	eachMatrix(t, func(t *testing.T, rng *rand.Rand, tile *Tile) {
		m := newMatrix(t, rng, tile, 19, 2*tile.DType.Row().Elems)
		for i, want := range m.v {
			require.Equal(t, math.Float32bits(want), math.Float32bits(tile.At(m.data, m.elems, i)), "element %d", i)
		}
	})
}

// TestBlockDotAndMix compares with sums in float64, on rows that begin and end anywhere.
func TestBlockDotAndMix(t *testing.T) {
	eachMatrix(t, func(t *testing.T, rng *rand.Rand, tile *Tile) {
		e := tile.DType.Row().Elems
		m := newMatrix(t, rng, tile, 35, 2*e)
		for rows := range 20 {
			for cols := range 4 {
				for _, k := range []int{0, e, 2 * e} {
					first := rng.IntN(m.rows - rows + 1)
					m.checkDot(t, floats(rng, max(0, (cols-1)*(k+1)+k)), first, rows, cols, k)
					m.checkMix(t, floats(rng, max(0, (cols-1)*(rows+1)+rows)), floats(rng, cols*k), first, rows, cols, k)
				}
			}
		}
	})
}

func (m *matrix) checkDot(t *testing.T, x []float32, first, rows, cols, k int) {
	acc := make([]float32, rows*cols)
	m.tile.Dot(acc, m.data, first*m.elems, m.elems, x, k+1, rows, cols, k)
	for r := range rows {
		for c := range cols {
			want, size := 0.0, 0.0
			for i := range k {
				v := float64(m.v[(first+r)*m.elems+i]) * float64(x[c*(k+1)+i])
				want += v
				size += math.Abs(v)
			}
			require.InDelta(t, want, acc[r*cols+c], 1e-5*size, "rows=%d cols=%d k=%d first=%d: acc[%d,%d]", rows, cols, k, first, r, c)
		}
	}
}

func (m *matrix) checkMix(t *testing.T, x, acc []float32, first, rows, cols, k int) {
	before := append([]float32(nil), acc...)
	m.tile.Mix(acc, m.data, first*m.elems, m.elems, x, rows+1, rows, cols, k)
	for c := range cols {
		for i := range k {
			want := float64(before[c*k+i])
			size := math.Abs(want)
			for r := range rows {
				v := float64(m.v[(first+r)*m.elems+i]) * float64(x[c*(rows+1)+r])
				want += v
				size += math.Abs(v)
			}
			require.InDelta(t, want, acc[c*k+i], 1e-5*size, "rows=%d cols=%d k=%d first=%d: acc[%d,%d]", rows, cols, k, first, c, i)
		}
	}
}

func TestBlockTilesPanicOutOfRange(t *testing.T) {
	type numbers struct{ wAt, wStride, xStride, rows, cols, k int }
	eachMatrix(t, func(t *testing.T, rng *rand.Rand, tile *Tile) {
		e := tile.DType.Row().Elems
		m := newMatrix(t, rng, tile, 16, 2*e)
		run := func(n numbers) {
			size := func(v int) int { return max(0, min(v, 1<<16)) }
			tile.Dot(make([]float32, size(n.rows*n.cols)), m.data, n.wAt, n.wStride, make([]float32, size(2*n.xStride)), n.xStride, n.rows, n.cols, n.k)
		}
		good := numbers{wAt: 2 * e, wStride: 2 * e, xStride: 2 * e, rows: 15, cols: 2, k: 2 * e}
		require.NotPanics(t, func() { run(good) })
		for name, edit := range map[string]func(*numbers){
			"wAt":           func(n *numbers) { n.wAt += 2 * e },
			"wAt in block":  func(n *numbers) { n.wAt++ },
			"wAt negative":  func(n *numbers) { n.wAt = -2 * e },
			"wAt huge":      func(n *numbers) { n.wAt = math.MaxInt / (2 * e) * 2 * e },
			"wStride":       func(n *numbers) { n.wStride += 2 * e },
			"wStride block": func(n *numbers) { n.wStride++ },
			"wStride huge":  func(n *numbers) { n.wStride = math.MaxInt / e * e },
			"rows":          func(n *numbers) { n.rows++ },
			"rows negative": func(n *numbers) { n.rows = -1 },
			"cols":          func(n *numbers) { n.cols++ },
			"cols negative": func(n *numbers) { n.cols = -1 },
			"k in block":    func(n *numbers) { n.k -= 1 },
			"k":             func(n *numbers) { n.k += e },
			"k negative":    func(n *numbers) { n.k = -e },
			"k huge":        func(n *numbers) { n.k = math.MaxInt / e * e },
		} {
			bad := good
			edit(&bad)
			require.Panics(t, func() { run(bad) }, name)
		}
	})
}

// TestPanelsAllocateNothing: they are on the path of each token.
func TestPanelsAllocateNothing(t *testing.T) {
	eachMatrix(t, func(t *testing.T, rng *rand.Rand, tile *Tile) {
		if tile.DotA8 == nil {
			t.Skip("not multiplied")
		}
		m := newMatrix(t, rng, tile, 32, 512)
		acc, x := make([]float32, 64), make([]byte, 2*512/quant.Unit*quant.A16Bytes)
		require.Zero(t, testing.AllocsPerRun(10, func() {
			tile.DotA8(acc, m.data, 0, 512, x, 0, 512, 32, 2, 512)
			tile.DotA16(acc, m.data, 0, 512, x, 0, 512, 32, 2, 512)
		}))
	})
}
