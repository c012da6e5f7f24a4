package goasm

import (
	"fmt"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// mixCols are the columns of the blocks that cpu.Micro puts a Mix together from. Each block holds mixSums vectors of sums,
// enough to hide the latency of FMA.
var mixCols = []int{1, 2, 4}

const mixSums = 8

func mixName(cols int) string { return fmt.Sprintf("mix%d", cols) }

// mix emits the microkernel of cols columns.
func (a *assembler) mix(cols int) {
	a.begin(a.name(mixName(cols)), "func(acc *float32, accStride int, w *byte, wStride int, x *float32, xStride, rows, k int)",
		fmt.Sprintf("adds to %s of acc the weighted sums of rows, of which there is at least one. Strides are bytes.", count(cols, "column")))
	m := mixer{a, cols, a.rows("acc", cols), a.rows("w", 1), a.rows("x", cols), a.param("wStride"), a.param("rows")}
	k := a.param("k")
	a.while("blocks", k, mixSums/cols*m.level.lanes, func() { m.vectors("block", mixSums/cols) })
	a.while("vectors", k, m.level.lanes, func() { m.vectors("vector", 1) })
	a.while("elements", k, 1, m.element)
	a.end()
}

// mixer is a Mix microkernel's parameters.
type mixer struct {
	*assembler
	cols      int
	acc, w, x rows
	wStride   reg.GPVirtual
	count     reg.GPVirtual
}

// vectors adds to n vectors of each column.
func (m *mixer) vectors(label string, n int) {
	sums := make([]reg.VecVirtual, n*m.cols)
	for i := range sums {
		sums[i] = m.vector()
		m.VMOVUPS(m.acc.at(i%m.cols, i/m.cols*m.level.lanes*4), sums[i])
	}
	m.eachRow(label, func(w, x rows) {
		xs := make([]reg.VecVirtual, m.cols)
		for c := range xs {
			xs[c] = m.vector()
			m.VBROADCASTSS(x.at(c, 0), xs[c])
		}
		for i := range n {
			v := m.vector()
			m.load(m.Context, w.at(0, i*m.level.lanes*m.bytes), v)
			for c := range xs {
				m.VFMADD231PS(v, xs[c], sums[i*m.cols+c])
			}
		}
	})
	for i := range sums {
		m.VMOVUPS(sums[i], m.acc.at(i%m.cols, i/m.cols*m.level.lanes*4))
	}
	m.ADDQ(imm(n*m.level.lanes*m.bytes), m.w.base)
	m.ADDQ(imm(n*m.level.lanes*4), m.acc.base)
}

// element adds to one element of each column.
func (m *mixer) element() {
	sums := make([]reg.VecVirtual, m.cols)
	for c := range sums {
		sums[c] = m.vector()
		m.VMOVSS(m.acc.at(c, 0), sums[c].AsX())
	}
	m.eachRow("element", func(w, x rows) {
		v := m.zeros(1)[0]
		m.insert(m.Context, w.at(0, 0), 0, v)
		if m.widen != nil {
			m.widen(m.Context, v)
		}
		for c := range sums {
			m.VFMADD231SS(x.at(c, 0), v.AsX(), sums[c].AsX())
		}
	})
	for c := range sums {
		m.VMOVSS(sums[c].AsX(), m.acc.at(c, 0))
	}
	m.ADDQ(imm(m.bytes), m.w.base)
	m.ADDQ(imm(4), m.acc.base)
}

// eachRow repeats body with w and x of each row.
func (m *mixer) eachRow(label string, body func(w, x rows)) {
	w, x, n := m.GP64(), m.GP64(), m.GP64()
	m.MOVQ(m.w.base, w)
	m.MOVQ(m.x.base, x)
	m.MOVQ(m.count, n)
	m.Label(label + "_rows")
	body(m.w.from(w), m.x.from(x))
	m.ADDQ(m.wStride, w)
	m.ADDQ(imm(4), x)
	m.DECQ(n)
	m.JNZ(operand.LabelRef(label + "_rows"))
}
