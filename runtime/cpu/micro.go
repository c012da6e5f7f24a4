package cpu

import (
	"fmt"
)

// Micro is the assembly of a weight type whose blocks are single elements, at one CPU level. Its methods are a Tile's Dot
// and Mix: they check the ranges, which assembly does not, and put the tile together from register blocks.
type Micro struct {
	Bytes int         // of an element
	Dot1  [3]MicroDot // one row by 1, 2 and 3 columns
	Dot4  [3]MicroDot // four rows
	Mixes [3]MicroMix // 1, 2 and 4 columns
}

// MicroDot sets acc to the inner products of its rows and columns. Strides are bytes.
type MicroDot = func(acc *float32, accStride int, w *byte, wStride int, x *float32, xStride, k int)

// MicroMix adds to its columns of acc the weighted sums of at least one row. Strides are bytes.
type MicroMix = func(acc *float32, accStride int, w *byte, wStride int, x *float32, xStride, rows, k int)

// Dot is a Tile's Dot.
func (m *Micro) Dot(acc []float32, w []byte, wAt, wStride int, x []float32, xStride, rows, cols, k int) {
	checkSpan("acc", len(acc), 0, cols, rows, cols)
	checkSpan("w", len(w)/m.Bytes, wAt, wStride, rows, k)
	checkSpan("x", len(x), 0, xStride, cols, k)
	if k == 0 {
		clear(acc[:rows*cols])
		return
	}
	for r := 0; r < rows; {
		// Weights of one column come from memory: row after row streams faster than four rows side by side.
		n, dots := 1, &m.Dot1
		if cols > 1 && rows-r >= 4 {
			n, dots = 4, &m.Dot4
		}
		for c := 0; c < cols; c += 3 {
			row := &w[m.Bytes*(wAt+r*wStride)]
			dots[min(3, cols-c)-1](&acc[r*cols+c], 4*cols, row, m.Bytes*wStride, &x[c*xStride], 4*xStride, k)
		}
		r += n
	}
}

// Mix is a Tile's Mix.
func (m *Micro) Mix(acc []float32, w []byte, wAt, wStride int, x []float32, xStride, rows, cols, k int) {
	checkSpan("acc", len(acc), 0, k, cols, k)
	checkSpan("w", len(w)/m.Bytes, wAt, wStride, rows, k)
	checkSpan("x", len(x), 0, xStride, cols, rows)
	if rows == 0 || k == 0 {
		return
	}
	for c := 0; c < cols; {
		i := min(2, (cols-c)/2)
		m.Mixes[i](&acc[c*k], 4*k, &w[m.Bytes*wAt], m.Bytes*wStride, &x[c*xStride], 4*xStride, rows, k)
		c += 1 << i
	}
}

// checkSpan panics unless n runs of k elements, stride apart from element at on, lie within size elements.
func checkSpan(name string, size, at, stride, n, k int) {
	if at < 0 || stride < 0 || n < 0 || k < 0 || n > 0 && k > 0 &&
		(k > size || at > size-k || stride > 0 && n-1 > (size-k-at)/stride) {
		panic(fmt.Sprintf("%s has %d elements: no %d x %d from %d on, %d apart", name, size, n, k, at, stride))
	}
}
