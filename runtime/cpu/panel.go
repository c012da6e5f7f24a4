package cpu

import (
	"fmt"

	"github.com/llorch/llorch/ir/kernel"
	"github.com/llorch/llorch/ir/quant"
)

// panel is the portable tile of a panel type. Its methods take a unit of 16 rows apart once for all columns.
type panel struct{ *quant.Panel }

// panelTile is d's tile at a level, with its functions for activations; the rest is portable.
func panelTile(d kernel.DType, level string, dotA8, dotA16 DotActs) Tile {
	p := panel{d.Row().Panel}
	return Tile{DType: d, Level: level, Dot: p.dot, Mix: p.mix, DotA8: dotA8, DotA16: dotA16, At: p.at}
}

// panelRows are rows of a panel matrix.
type panelRows struct {
	*quant.Panel
	group       []byte // of the first row, and those that follow
	stride      int    // bytes of a group
	first, rows int    // the first row, in its group
	blocks      int    // of a row
}

// rowsOf checks the numbers of a tile's weights: whole rows from wAt on of a matrix whose rows have wStride elements.
func rowsOf(p *quant.Panel, w []byte, wAt, wStride, rows, k int) panelRows {
	elems := p.Format.Elems
	if wAt < 0 || rows < 0 || k < 0 || wStride < k || wStride < 1 || k%elems != 0 || wStride%elems != 0 || wAt%wStride != 0 {
		panic(fmt.Sprintf("%s has rows of %d elements in blocks of %d: no %d x %d from %d on", p.Name, wStride, elems, rows, k, wAt))
	}
	first := wAt / wStride
	stride := len(w) // where not even a group's bytes can be counted, none of it is there
	if wStride/elems <= len(w)/p.Bytes {
		stride = wStride / elems * p.Bytes
	} else if rows > 0 {
		panic(fmt.Sprintf("%s of %d bytes: no row of %d elements", p.Name, len(w), wStride))
	}
	if rows == 0 {
		return panelRows{Panel: p}
	}
	if most := len(w) / stride * quant.PanelRows; first > most-rows || rows > most {
		panic(fmt.Sprintf("%s has %d rows of %d: no %d from %d on", p.Name, most, wStride, rows, first))
	}
	return panelRows{Panel: p, group: w[first/quant.PanelRows*stride:], stride: stride, first: first % quant.PanelRows, rows: rows,
		blocks: k / elems}
}

// groups visits the groups: rows [from, to) of a group are rows at-from.. of the tile.
func (p panelRows) groups(visit func(group []byte, at, from, to int)) {
	for at, from := 0, p.first; at < p.rows; from = 0 {
		to := min(quant.PanelRows, from+p.rows-at)
		visit(p.group, at, from, to)
		if at += to - from; at < p.rows {
			p.group = p.group[p.stride:]
		}
	}
}

// units takes the units of a group apart into u, one after another, and visits each, which begins at element j.
func (p panelRows) units(u *quant.PanelUnit, group []byte, visit func(j int)) {
	for b := range p.blocks {
		for i := range p.Format.Elems / quant.Unit {
			p.Unpack(u, group[b*p.Bytes:], i)
			visit(b*p.Format.Elems + i*quant.Unit)
		}
	}
}

// values expands row r.
func values(dst *[quant.Unit]float32, u *quant.PanelUnit, r int) {
	for i, q := range u.Codes[r] {
		dst[i] = float32(u.Scale[i/(quant.Unit/2)][r]*float32(int8(q))) + u.Offset[r]
	}
}

func (p panel) dot(acc []float32, w []byte, wAt, wStride int, x []float32, xStride, rows, cols, k int) {
	checkSpan("acc", len(acc), 0, cols, rows, cols)
	checkSpan("x", len(x), 0, xStride, cols, k)
	clear(acc[:rows*cols])
	m := rowsOf(p.Panel, w, wAt, wStride, rows, k)
	var u quant.PanelUnit
	m.groups(func(group []byte, at, from, to int) {
		m.units(&u, group, func(j int) {
			var v [quant.Unit]float32
			for r := from; r < to; r++ {
				values(&v, &u, r)
				sums := acc[(at+r-from)*cols:][:cols]
				for c := range sums {
					sums[c] += dotUnit(&v, (*[quant.Unit]float32)(x[c*xStride+j:]))
				}
			}
		})
	})
}

func dotUnit(v, x *[quant.Unit]float32) float32 {
	var s0, s1, s2, s3 float32
	for i := 0; i < quant.Unit; i += 4 {
		s0 += v[i] * x[i]
		s1 += v[i+1] * x[i+1]
		s2 += v[i+2] * x[i+2]
		s3 += v[i+3] * x[i+3]
	}
	return s0 + s1 + s2 + s3
}

func (p panel) mix(acc []float32, w []byte, wAt, wStride int, x []float32, xStride, rows, cols, k int) {
	checkSpan("acc", len(acc), 0, k, cols, k)
	checkSpan("x", len(x), 0, xStride, cols, rows)
	m := rowsOf(p.Panel, w, wAt, wStride, rows, k)
	var u quant.PanelUnit
	m.groups(func(group []byte, at, from, to int) {
		m.units(&u, group, func(j int) {
			var v [quant.Unit]float32
			for r := from; r < to; r++ {
				values(&v, &u, r)
				for c := range cols {
					addUnit((*[quant.Unit]float32)(acc[c*k+j:]), &v, x[c*xStride+at+r-from])
				}
			}
		})
	})
}

func addUnit(acc, v *[quant.Unit]float32, by float32) {
	for i := range acc {
		acc[i] += by * v[i]
	}
}

func (p panel) dotA8(acc []float32, w []byte, wAt, wStride int, x []byte, xAt, xStride, rows, cols, k int) {
	p.dotActs(a8, acc, w, wAt, wStride, x, xAt, xStride, rows, cols, k)
}

func (p panel) dotA16(acc []float32, w []byte, wAt, wStride int, x []byte, xAt, xStride, rows, cols, k int) {
	p.dotActs(a16, acc, w, wAt, wStride, x, xAt, xStride, rows, cols, k)
}

func (p panel) dotActs(a acts, acc []float32, w []byte, wAt, wStride int, x []byte, xAt, xStride, rows, cols, k int) {
	checkSpan("acc", len(acc), 0, cols, rows, cols)
	a.check(x, xAt, xStride, cols, k)
	clear(acc[:rows*cols])
	m := rowsOf(p.Panel, w, wAt, wStride, rows, k)
	var u quant.PanelUnit
	m.groups(func(group []byte, at, from, to int) {
		m.units(&u, group, func(j int) {
			var q [quant.Unit]int32
			for c := range cols {
				block := a.block(x, xAt+c*xStride+j)
				a.numbers(&q, block)
				scale, sum := a.float(block, quant.A8Scale), a.float(block, quant.A8ScaledSum)
				for r := from; r < to; r++ {
					acc[(at+r-from)*cols+c] += p.scaledDot(&u, r, &q, scale, sum)
				}
			}
		})
	})
}

// scaledDot is the inner product of row r with a block of activations, in integers until it is scaled.
func (p panel) scaledDot(u *quant.PanelUnit, r int, q *[quant.Unit]int32, scale, sum float32) float32 {
	var halves [2]int32
	for i, v := range u.Codes[r] {
		halves[i/(quant.Unit/2)] += int32(int8(v)) * q[i]
	}
	dot := u.Scale[0][r] * float32(halves[0]+halves[1]) * scale
	if p.Format.Halves {
		dot = (u.Scale[0][r]*float32(halves[0]) + u.Scale[1][r]*float32(halves[1])) * scale
	}
	if p.Format.Offsets {
		dot += u.Offset[r] * sum
	}
	return dot
}

func (p panel) at(w []byte, row, i int) float32 {
	r, e := i/row, i%row
	group := row / p.Format.Elems * p.Bytes
	return p.Panel.At(w[r/quant.PanelRows*group+e/p.Format.Elems*p.Bytes:], r%quant.PanelRows, e%p.Format.Elems)
}
