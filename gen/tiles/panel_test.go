package tiles

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/llorch/llorch/ir/quant"
	"github.com/llorch/llorch/runtime/cpu"
)

// forPanels runs a test for each panel tile, portable ones too.
func forPanels(t *testing.T, run func(t *testing.T, tile *cpu.Tile, p *quant.Panel)) {
	all := All()
	for _, level := range cpu.Levels() {
		for i := range all {
			if tile := &all[i]; tile.Level == level && tile.DType.Row().Panel != nil {
				t.Run(fmt.Sprintf("%s/%s", level, tile.DType), func(t *testing.T) { run(t, tile, tile.DType.Row().Panel) })
			}
		}
	}
}

// panelJob is a DotA8 with its numbers.
type panelJob struct {
	shape
	xAt int
}

// randomBlocks are blocks of a format with random codes and factors that are neither infinite nor NaN.
func randomBlocks(rng *rand.Rand, f *quant.Format, n int) []byte {
	b := make([]byte, n*f.Bytes)
	for i := range b {
		b[i] = byte(rng.Uint32())
	}
	for i := range n {
		block := b[i*f.Bytes:][:f.Bytes]
		setFactor := func(at int) { binary.LittleEndian.PutUint16(block[at:], uint16(rng.Uint32())&0x83ff|0x2400) }
		switch {
		case f.Halves:
			setFactor(f.Bytes - 2)
		case f.Offsets:
			setFactor(0)
			setFactor(2)
		default:
			setFactor(0)
		}
	}
	return b
}

func TestPanelDotA8(t *testing.T) {
	forPanels(t, func(t *testing.T, tile *cpu.Tile, p *quant.Panel) {
		rng := rand.New(rand.NewPCG(1, 2))
		for rows := range 36 {
			for _, cols := range []int{0, 1, 2, 3, 7, 8, 13} {
				for _, blocks := range []int{0, 1, 3} {
					checkDotA8(t, rng, tile, p, rows, cols, blocks)
				}
			}
		}
	})
}

func checkDotA8(t *testing.T, rng *rand.Rand, tile *cpu.Tile, p *quant.Panel, rows, cols, blocks int) {
	elems := p.Format.Elems
	row0, k, width := rng.IntN(40), blocks*elems, (blocks+rng.IntN(2))*elems
	if width == 0 {
		width = elems
	}
	all := row0 + rows + rng.IntN(3)
	src := randomBlocks(rng, p.Format, all*width/elems)
	w := make([]byte, p.Size(all, width))
	require.NoError(t, p.Pack(w, src, all, width))
	values := make([]float32, all*width)
	p.Format.Decode(values, src)

	xAt, xStride := quant.Unit*rng.IntN(3), k+quant.Unit*rng.IntN(3)
	xv := floats(rng, span(xAt, xStride, cols, k))
	x := make([]byte, len(xv)/quant.Unit*quant.A8Bytes)
	quant.EncodeA8(x, xv)
	quant.DecodeA8(xv, x)

	acc := floats(rng, rows*cols+1)
	last := acc[rows*cols]
	tile.DotA8(acc, w, row0*width, width, x, xAt, xStride, rows, cols, k)
	require.Equal(t, last, acc[rows*cols])
	for r := range rows {
		for c := range cols {
			want, size := 0.0, 0.0
			for i := range k {
				v := float64(values[(row0+r)*width+i]) * float64(xv[xAt+c*xStride+i])
				want += v
				size += math.Abs(v)
			}
			got := float64(acc[r*cols+c])
			if !(math.Abs(got-want) <= 2e-6*size) {
				t.Fatalf("rows=%d cols=%d k=%d row0=%d: acc[%d,%d] is %g, want %g, magnitude %g", rows, cols, k, row0, r, c, got, want, size)
			}
		}
	}
}
