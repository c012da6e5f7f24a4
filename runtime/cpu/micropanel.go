package cpu

import (
	"math/bits"

	"github.com/llorch/llorch/ir/kernel"
	"github.com/llorch/llorch/ir/quant"
)

// MicroPanel is the assembly of a panel type at one CPU level.
type MicroPanel struct {
	DType   kernel.DType
	Level   string
	A8, A16 []MicroPanelDot // by type of activations, of 1, 2, 4, ... columns
}

// MicroPanelDot sets acc to the inner products of rows of a group, from first on, with its columns of activations. There is at
// least one row and one block. Strides are bytes.
type MicroPanelDot = func(acc *float32, accStride int, w, x *byte, xStride, blocks, first, rows int)

// Tile is the tile of assembly, with the portable Dot, Mix and At.
func (m MicroPanel) Tile() Tile { return panelTile(m.DType, m.Level, m.DotA8, m.DotA16) }

// DotA8 is a Tile's DotA8.
func (m MicroPanel) DotA8(acc []float32, w []byte, wAt, wStride int, x []byte, xAt, xStride, rows, cols, k int) {
	m.dot(a8, m.A8, acc, w, wAt, wStride, x, xAt, xStride, rows, cols, k)
}

// DotA16 is a Tile's DotA16.
func (m MicroPanel) DotA16(acc []float32, w []byte, wAt, wStride int, x []byte, xAt, xStride, rows, cols, k int) {
	m.dot(a16, m.A16, acc, w, wAt, wStride, x, xAt, xStride, rows, cols, k)
}

// dot checks the ranges, which assembly does not, and puts the tile together from microkernels.
func (m MicroPanel) dot(a acts, dots []MicroPanelDot, acc []float32, w []byte, wAt, wStride int, x []byte, xAt, xStride, rows, cols, k int) {
	checkSpan("acc", len(acc), 0, cols, rows, cols)
	a.check(x, xAt, xStride, cols, k)
	p := rowsOf(m.DType.Row().Panel, w, wAt, wStride, rows, k)
	if k == 0 || cols == 0 {
		clear(acc[:rows*cols])
		return
	}
	stride := xStride / quant.Unit * a.bytes
	x = x[xAt/quant.Unit*a.bytes:]
	for at, first := 0, p.first; at < rows; first = 0 {
		n := min(quant.PanelRows-first, rows-at)
		for c := 0; c < cols; {
			i := min(len(dots), bits.Len(uint(cols-c))) - 1
			dots[i](&acc[at*cols+c], 4*cols, &p.group[0], &x[c*stride], stride, p.blocks, first, n)
			c += 1 << i
		}
		if at += n; at < rows {
			p.group = p.group[p.stride:]
		}
	}
}
