package tiles

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/llorch/llorch/ir/kernel"
	"github.com/llorch/llorch/ir/quant"
	"github.com/llorch/llorch/runtime/cpu"
)

// panelTile is a tile's function for a type of activations.
type panelTile struct {
	*quant.Panel
	acts *kernel.DTypeRow
	dot  cpu.DotActs
}

// forPanels runs a test for each panel tile and type of activations, portable ones too.
func forPanels(t *testing.T, run func(t *testing.T, p panelTile)) {
	all := All()
	for _, level := range cpu.Levels() {
		for i := range all {
			tile := &all[i]
			if tile.Level != level || tile.DType.Row().Panel == nil {
				continue
			}
			for x, dot := range map[kernel.DType]cpu.DotActs{kernel.A8: tile.DotA8, kernel.A16: tile.DotA16} {
				t.Run(fmt.Sprintf("%s/%s/%s", level, tile.DType, x), func(t *testing.T) { run(t, panelTile{tile.DType.Row().Panel, x.Row(), dot}) })
			}
		}
	}
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

// panelJob is a DotActs with its numbers and memory. The activations' exact values are in xv, the weights' in wv.
type panelJob struct {
	shape
	xAt    int
	acc    []float32
	w, x   []byte
	wv, xv []float32
}

// newPanelJob makes a job of rows from row0 on in a matrix of more rows, which may be longer than k. Its memory ends at the end of
// pages that may be touched.
func newPanelJob(t *testing.T, rng *rand.Rand, p panelTile, mem [3]pageEnd, rows, cols, blocks int) *panelJob {
	elems := p.Format.Elems
	j := &panelJob{shape: shape{rows: rows, cols: cols, k: blocks * elems}, xAt: quant.Unit * rng.IntN(3)}
	row0, all := rng.IntN(20), 0
	j.wStride = max(1, blocks+rng.IntN(2)) * elems
	j.wAt, all = row0*j.wStride, row0+rows+rng.IntN(3)
	src := randomBlocks(rng, p.Format, all*j.wStride/elems)
	j.w = mem[0].bytes(p.Size(all, j.wStride))
	require.NoError(t, p.Pack(j.w, src, all, j.wStride))
	j.wv = make([]float32, all*j.wStride)
	p.Format.Decode(j.wv, src)

	j.xStride = j.k + quant.Unit*rng.IntN(3)
	j.xv = activations(rng, span(j.xAt, j.xStride, cols, j.k)/quant.Unit)
	for i, v := range j.xv {
		if v-v != 0 || v > 1e10 || v < -1e10 {
			j.xv[i] = float32(rng.NormFloat64())
		}
	}
	j.x = mem[1].bytes(len(j.xv) / quant.Unit * p.acts.Bytes)
	p.acts.Encode(j.x, j.xv)
	p.acts.Decode(j.xv, j.x)
	j.acc = mem[2].floats(rows * cols)
	copy(j.acc, floats(rng, rows*cols))
	return j
}

func (j *panelJob) run(p panelTile) {
	p.dot(j.acc, j.w, j.wAt, j.wStride, j.x, j.xAt, j.xStride, j.rows, j.cols, j.k)
}

// check compares with sums in float64. What rounding may add grows with the magnitudes that a unit's codes and offset have.
func (j *panelJob) check(t *testing.T) {
	for r := range j.rows {
		for c := range j.cols {
			const tiny = 1e-36 // where f32 has fewer digits
			want, size := 0.0, 0.0
			for i := range j.k {
				v := float64(j.wv[j.wAt+r*j.wStride+i]) * float64(j.xv[j.xAt+c*j.xStride+i])
				want += v
				size += math.Abs(v)
			}
			if got := float64(j.acc[r*j.cols+c]); !(math.Abs(got-want) <= 1e-5*size+tiny) {
				t.Fatalf("%v xAt=%d: acc[%d,%d] is %g, want %g, magnitude %g", j.shape, j.xAt, r, c, got, want, size)
			}
		}
	}
}

func pageEnds(t *testing.T) [3]pageEnd {
	return [3]pageEnd{newPageEnd(t), newPageEnd(t), newPageEnd(t)}
}

func TestPanels(t *testing.T) {
	forPanels(t, func(t *testing.T, p panelTile) {
		rng := rand.New(rand.NewPCG(1, 2))
		mem := pageEnds(t)
		for rows := range 36 {
			for _, cols := range []int{0, 1, 2, 3, 7, 8, 13} {
				for _, blocks := range []int{0, 1, 3} {
					j := newPanelJob(t, rng, p, mem, rows, cols, blocks)
					j.run(p)
					j.check(t)
				}
			}
		}
	})
}

// TestPanelsSaturateNowhere has the greatest codes and activations, of each sign.
func TestPanelsSaturateNowhere(t *testing.T) {
	forPanels(t, func(t *testing.T, p panelTile) {
		rng := rand.New(rand.NewPCG(3, 4))
		mem := pageEnds(t)
		for range 200 {
			j := newPanelJob(t, rng, p, mem, 17, 5, 2)
			extreme(rng, p.Panel, j.w)
			for r := range len(j.wv) / j.wStride {
				group := j.w[r/quant.PanelRows*p.Size(quant.PanelRows, j.wStride):]
				p.DecodeRow(j.wv[r*j.wStride:][:j.wStride], group, r%quant.PanelRows)
			}
			sign := float32(1)
			for i := range j.xv {
				if i%8 == 0 && rng.IntN(3) == 0 {
					sign = -sign
				}
				j.xv[i] = sign
			}
			p.acts.Encode(j.x, j.xv)
			p.acts.Decode(j.xv, j.x)
			j.run(p)
			j.check(t)
		}
	})
}

// extreme makes each row's codes of a unit all 0 or all as great as they get.
func extreme(rng *rand.Rand, p *quant.Panel, w []byte) {
	for ; len(w) > 0; w = w[p.Bytes:] {
		for u := range p.Format.Elems / quant.Unit {
			codes := w[p.Header+u*p.Unit()+p.Scales:][:p.Low+p.High]
			for r := range quant.PanelRows {
				fill := byte(-rng.IntN(2))
				for line := 0; line < len(codes); line += 64 {
					copy(codes[line+4*r:], []byte{fill, fill, fill, fill})
				}
			}
		}
	}
}

// TestPanelsSpecials gives one row a factor that is infinite, NaN or subnormal: it reaches that row and no other.
func TestPanelsSpecials(t *testing.T) {
	forPanels(t, func(t *testing.T, p panelTile) {
		rng := rand.New(rand.NewPCG(5, 6))
		mem := pageEnds(t)
		for _, f := range []uint16{0x7c00, 0xfc00, 0x7e00, 0x7c01, 1, 0x83ff} {
			j := newPanelJob(t, rng, p, mem, 17, 3, 2)
			row := j.wAt/j.wStride + rng.IntN(j.rows)
			group := j.w[row/quant.PanelRows*p.Size(quant.PanelRows, j.wStride):]
			binary.LittleEndian.PutUint16(group[2*(row%quant.PanelRows):], f)
			p.DecodeRow(j.wv[row*j.wStride:][:j.k], group, row%quant.PanelRows)
			j.run(p)
			if f&0x7c00 < 0x7c00 {
				j.check(t)
				continue
			}
			for i, v := range j.acc {
				finite := v-v == 0
				require.Equal(t, j.wAt/j.wStride+i/j.cols != row, finite, "factor %#x in row %d of %v: acc[%d] is %g", f, row, j.shape, i, v)
			}
		}
	})
}

// TestPanelsShowBrokenActivations: an infinity or a NaN makes all of its column NaN.
func TestPanelsShowBrokenActivations(t *testing.T) {
	forPanels(t, func(t *testing.T, p panelTile) {
		rng := rand.New(rand.NewPCG(7, 8))
		j := newPanelJob(t, rng, p, pageEnds(t), 17, 3, 2)
		j.xv[j.xAt+j.xStride+rng.IntN(j.k)] = float32(math.Inf(1))
		p.acts.Encode(j.x, j.xv)
		j.run(p)
		for i, v := range j.acc {
			require.Equal(t, i%j.cols == 1, v != v, "acc[%d] is %g", i, v)
		}
	})
}

func TestPanelsPanicOutOfRange(t *testing.T) {
	forPanels(t, func(t *testing.T, p panelTile) {
		good := newPanelJob(t, rand.New(rand.NewPCG(9, 10)), p, pageEnds(t), 30, 5, 2)
		elems := p.Format.Elems
		good.wStride, good.xStride, good.xAt, good.wAt = 2*elems, 2*elems, quant.Unit, 2*elems
		good.w, good.x = make([]byte, 2*p.Size(16, good.wStride)), make([]byte, (10*elems/quant.Unit+1)*p.acts.Bytes)
		require.NotPanics(t, func() { good.run(p) })
		for name, edit := range map[string]func(*panelJob){
			"acc":              func(j *panelJob) { j.acc = j.acc[1:] },
			"w":                func(j *panelJob) { j.w = j.w[1:] },
			"x":                func(j *panelJob) { j.x = j.x[1:] },
			"wAt":              func(j *panelJob) { j.wAt += 2 * j.wStride },
			"wAt in a row":     func(j *panelJob) { j.wAt += elems },
			"wAt negative":     func(j *panelJob) { j.wAt = -j.wStride },
			"wAt huge":         func(j *panelJob) { j.wAt = math.MaxInt / j.wStride * j.wStride },
			"wStride":          func(j *panelJob) { j.wStride += elems; j.wAt = 0 },
			"wStride in block": func(j *panelJob) { j.wStride++; j.wAt = 0 },
			"wStride below k":  func(j *panelJob) { j.wStride -= elems; j.wAt = 0 },
			"wStride zero":     func(j *panelJob) { j.wStride = 0; j.wAt = 0 },
			"wStride negative": func(j *panelJob) { j.wStride *= -1; j.wAt = 0 },
			"wStride huge":     func(j *panelJob) { j.wStride = math.MaxInt / elems * elems; j.wAt = 0 },
			"xAt":              func(j *panelJob) { j.xAt += quant.Unit },
			"xAt in a block":   func(j *panelJob) { j.xAt-- },
			"xAt negative":     func(j *panelJob) { j.xAt = -quant.Unit },
			"xStride":          func(j *panelJob) { j.xStride += quant.Unit },
			"xStride in block": func(j *panelJob) { j.xStride -= 1 },
			"xStride negative": func(j *panelJob) { j.xStride *= -1 },
			"rows":             func(j *panelJob) { j.rows += 2 },
			"rows negative":    func(j *panelJob) { j.rows = -1 },
			"rows huge":        func(j *panelJob) { j.rows = math.MaxInt },
			"cols":             func(j *panelJob) { j.cols++ },
			"cols negative":    func(j *panelJob) { j.cols = -1 },
			"k":                func(j *panelJob) { j.k += elems },
			"k in a block":     func(j *panelJob) { j.k -= 8 },
			"k negative":       func(j *panelJob) { j.k = -elems },
			"k huge":           func(j *panelJob) { j.k = math.MaxInt / elems * elems },
		} {
			bad := *good
			edit(&bad)
			require.Panics(t, func() { bad.run(p) }, name)
		}
	})
}
