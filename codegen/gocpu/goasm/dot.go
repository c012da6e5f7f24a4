package goasm

import (
	"fmt"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// dotShape is a block of sums in registers. More chains a sum hide the latency of FMA where a block has few sums.
type dotShape struct{ rows, cols, chains int }

// dotShapes are the blocks that cpu.Micro puts a Dot together from. 4 x 3 fills the 16 registers: 12 sums, 3 vectors of
// columns and one of weights, which is unpacked once for the 3. None prefetches: on a Zen 4 core that streams from memory,
// every distance from 512 bytes to 16 KiB lost to the hardware's own prefetcher, to any level of cache.
var dotShapes = []dotShape{
	{rows: 1, cols: 1, chains: 8}, {rows: 1, cols: 2, chains: 4}, {rows: 1, cols: 3, chains: 2},
	{rows: 4, cols: 1, chains: 2}, {rows: 4, cols: 2, chains: 1}, {rows: 4, cols: 3, chains: 1},
}

func (s dotShape) name() string { return fmt.Sprintf("dot%dx%d", s.rows, s.cols) }

// dot emits the microkernel of s.
func (a *assembler) dot(s dotShape) {
	a.begin(a.name(s.name()), "func(acc *float32, accStride int, w *byte, wStride int, x *float32, xStride, k int)",
		fmt.Sprintf("sets acc to the inner products of %s with %s. Strides are bytes.", count(s.rows, "row"), count(s.cols, "column")))
	w, x := a.rows("w", s.rows), a.rows("x", s.cols)
	k := a.param("k")
	sums := make([][]reg.VecVirtual, s.chains)
	for i := range sums {
		sums[i] = a.zeros(s.rows * s.cols)
	}
	if s.chains > 1 {
		a.while("chains", k, s.chains*a.level.lanes, func() { a.dotVectors(s, w, x, sums) })
		for _, more := range sums[1:] {
			for i, v := range more {
				a.VADDPS(v, sums[0][i], sums[0][i])
			}
		}
	}
	a.while("vectors", k, a.level.lanes, func() { a.dotVectors(s, w, x, sums[:1]) })
	totals := make([]reg.VecVirtual, s.cols)
	for c := range totals {
		totals[c] = a.across(sums[0][c*s.rows : (c+1)*s.rows])
	}
	a.while("elements", k, 1, func() { a.dotElement(s, w, x, totals) })
	acc := a.rows("acc", s.rows)
	for c, total := range totals {
		for r := range s.rows {
			a.VEXTRACTPS(operand.U8(r), total.AsX(), acc.at(r, 4*c))
		}
	}
	a.end()
}

// dotVectors adds the products of one vector a chain of each row and column, and steps past them.
func (a *assembler) dotVectors(s dotShape, w, x rows, sums [][]reg.VecVirtual) {
	size := a.level.lanes * a.bytes
	for i := range sums {
		xs := make([]reg.VecVirtual, s.cols)
		for c := range xs {
			xs[c] = a.vector()
			a.VMOVUPS(x.at(c, i*a.level.lanes*4), xs[c])
		}
		for r := range s.rows {
			v := a.vector()
			a.load(a.Context, w.at(r, i*size), v)
			for c := range xs {
				a.VFMADD231PS(v, xs[c], sums[i][c*s.rows+r])
			}
		}
	}
	a.ADDQ(imm(len(sums)*size), w.base)
	a.ADDQ(imm(len(sums)*a.level.lanes*4), x.base)
}

// dotElement adds the products of one element of each row and column: lane r of totals[c] is row r's sum.
func (a *assembler) dotElement(s dotShape, w, x rows, totals []reg.VecVirtual) {
	v := a.zeros(1)[0]
	for r := range s.rows {
		a.insert(a.Context, w.at(r, 0), r, v)
	}
	if a.widen != nil {
		a.widen(a.Context, v)
	}
	for c, total := range totals {
		xc := a.vector()
		a.VBROADCASTSS(x.at(c, 0), xc.AsX())
		a.VFMADD231PS(v.AsX(), xc.AsX(), total.AsX())
	}
	a.ADDQ(imm(a.bytes), w.base)
	a.ADDQ(imm(4), x.base)
}

// across adds up each vector's a.level.lanes: lane i of the result is the sum of vs[i], of which there are one or four.
func (a *assembler) across(vs []reg.VecVirtual) reg.VecVirtual {
	first, last := vs[0], vs[len(vs)-1]
	if len(vs) == 4 {
		a.VHADDPS(vs[1], vs[0], first)
		a.VHADDPS(vs[3], vs[2], last)
	}
	a.VHADDPS(last, first, first)
	if len(vs) == 1 {
		a.VHADDPS(first, first, first)
	}
	high := a.vector()
	a.VEXTRACTF128(operand.U8(1), first, high.AsX())
	a.VADDPS(high.AsX(), first.AsX(), first.AsX())
	return first
}
