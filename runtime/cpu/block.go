package cpu

import (
	"fmt"

	"github.com/llorch/llorch/ir/kernel"
	"github.com/llorch/llorch/ir/quant"
)

// BlockTiles is the portable tiles of the block types, which have hand-written ones: panels, the formats of files as they are, and
// activations.
func BlockTiles() []Tile {
	var tiles []Tile
	for i := range kernel.DTypes {
		row := &kernel.DTypes[i]
		switch {
		case row.Fragment(): // of tensor cores
		case row.Panel != nil:
			p := panel{row.Panel}
			tiles = append(tiles, panelTile(row.DType, portable, p.dotA8, p.dotA16))
		case row.Format != nil:
			b := blocks{row.Format}
			tiles = append(tiles, Tile{DType: row.DType, Level: portable, Dot: b.dot, Mix: b.mix, At: b.at})
		case row.Acts:
			tiles = append(tiles, Tile{DType: row.DType, Level: portable, Encode: row.Encode})
		}
	}
	return tiles
}

// blocks is the tile of a format of files, of which rows are gathered and little else is done.
type blocks struct{ *quant.Format }

// eachBlock visits the blocks of rows of k elements: element j of row r and what follows.
func (b blocks) eachBlock(w []byte, wAt, wStride, rows, k int, visit func(v []float32, r, j int)) {
	if wAt%b.Elems != 0 || wStride%b.Elems != 0 || k%b.Elems != 0 {
		panic(fmt.Sprintf("w has blocks of %d: no %d x %d from %d on, %d apart", b.Elems, rows, k, wAt, wStride))
	}
	checkSpan("w", len(w)/b.Bytes*b.Elems, wAt, wStride, rows, k)
	var v [quant.MaxElems]float32
	for r := range rows {
		for j := 0; j < k; j += b.Elems {
			at := (wAt + r*wStride + j) / b.Elems * b.Bytes
			b.Decode(v[:b.Elems], w[at:])
			visit(v[:b.Elems], r, j)
		}
	}
}

func (b blocks) dot(acc []float32, w []byte, wAt, wStride int, x []float32, xStride, rows, cols, k int) {
	checkSpan("acc", len(acc), 0, cols, rows, cols)
	checkSpan("x", len(x), 0, xStride, cols, k)
	clear(acc[:rows*cols])
	b.eachBlock(w, wAt, wStride, rows, k, func(v []float32, r, j int) {
		for c := range cols {
			s := float32(0)
			for i, xi := range x[c*xStride+j:][:len(v)] {
				s += v[i] * xi
			}
			acc[r*cols+c] += s
		}
	})
}

func (b blocks) mix(acc []float32, w []byte, wAt, wStride int, x []float32, xStride, rows, cols, k int) {
	checkSpan("acc", len(acc), 0, k, cols, k)
	checkSpan("x", len(x), 0, xStride, cols, rows)
	b.eachBlock(w, wAt, wStride, rows, k, func(v []float32, r, j int) {
		for c := range cols {
			by := x[c*xStride+r]
			for i, sums := 0, acc[c*k+j:][:len(v)]; i < len(sums); i++ {
				sums[i] += by * v[i]
			}
		}
	})
}

func (b blocks) at(w []byte, _, i int) float32 {
	return b.At(w[i/b.Elems*b.Bytes:][:b.Bytes], i%b.Elems)
}
