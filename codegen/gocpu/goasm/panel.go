package goasm

import (
	"fmt"
	"math/bits"
	"strings"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/llorch/llorch/ir/quant"
)

// panelAssembler writes functions for one panel type at one level.
type panelAssembler struct {
	*assembler
	*panelLevel
	*quant.Panel
}

// dtype is the type's constant of package kernel.
func dtypeOf(p *quant.Panel) string {
	return strings.ToUpper(strings.ReplaceAll(p.Format.Name, "_", "")) + fmt.Sprint("x", quant.PanelRows)
}

func panelName(cols int) string { return fmt.Sprint("panel", cols) }

// panelKernel is a microkernel's registers.
type panelKernel struct {
	*panelAssembler
	cols   int
	w      reg.GPVirtual      // the unit
	header reg.GPVirtual      // of the unit's block, where the type has one
	x      []rows             // blocks of activations, four columns each
	sums   []reg.VecVirtual   // by column, the vectors of rows one after another
	masks  map[int]operand.Op // the constants that the codes take
}

// panel emits the microkernel of cols columns.
func (a *panelAssembler) panel(cols int) {
	a.begin(a.name(panelName(cols)), "func(acc *float32, accStride int, w, x *byte, xStride, blocks, first, rows int)",
		fmt.Sprintf("sets acc to the inner products of rows of a group, from first on, with %s of activations. Strides are bytes.",
			count(cols, "column")))
	k := &panelKernel{panelAssembler: a, cols: cols, w: a.param("w"), x: a.columns(cols)}
	blocks := a.param("blocks")
	k.sums = a.zeros(cols * a.vectors())
	k.masks = a.masks()
	a.Label("block")
	if a.Format.Nested {
		k.nested()
	} else {
		k.unit()
	}
	a.DECQ(blocks)
	a.JNZ(operand.LabelRef("block"))
	k.store()
	a.end()
}

// store turns the sums, which lie by column, into rows.
func (k *panelKernel) store() {
	local := k.AllocLocal(4 * quant.PanelRows * k.cols)
	for i, s := range k.sums {
		k.VMOVUPS(s, local.Offset(4*k.level.lanes*i))
	}
	acc, stride, row, rows := k.param("acc"), k.param("accStride"), k.param("first"), k.param("rows")
	k.while("rows", rows, 1, func() {
		for c := range k.cols {
			v := k.XMM()
			k.VMOVSS(local.Offset(4*quant.PanelRows*c).Idx(row, 4), v)
			k.VMOVSS(v, operand.Mem{Base: acc, Disp: 4 * c})
		}
		k.ADDQ(stride, acc)
		k.INCQ(row)
	})
}

// nested is a block with a header and several units.
func (k *panelKernel) nested() {
	k.header = k.GP64()
	units := k.GP64()
	k.MOVQ(k.w, k.header)
	k.ADDQ(imm(k.Header), k.w)
	k.MOVQ(imm(k.Format.Elems/quant.Unit), units)
	k.Label("unit")
	k.unit()
	k.DECQ(units)
	k.JNZ(operand.LabelRef("unit"))
}

// unit adds the products of a unit and steps past it.
func (k *panelKernel) unit() {
	if k.cols == 1 {
		for at := 0; at < k.Unit(); at += 64 {
			k.PREFETCHT0(operand.Mem{Base: k.w, Disp: prefetch + at})
		}
	}
	for v := range k.vectors() {
		if k.Format.Halves {
			k.part(v, part{0, 4, quant.A8LowSum, 0})
			k.part(v, part{4, 8, quant.A8HighSum, 1})
		} else {
			k.part(v, part{0, 8, quant.A8Sum, 0})
		}
		if k.Format.Offsets {
			k.offsets(v)
		}
	}
	k.ADDQ(imm(k.Unit()), k.w)
	for _, x := range k.x {
		k.ADDQ(imm(quant.A8Bytes), x.base)
	}
}

// part is what shares a scale: words of codes [from, to), the place of the activations' sum, and which scale it is.
type part struct{ from, to, sum, scale int }

// part adds the scaled inner products of vector v of rows.
func (k *panelKernel) part(v int, p part) {
	ints := make([]reg.VecVirtual, k.cols)
	for c := range ints {
		ints[c] = k.vector()
	}
	k.products(k, v, p, ints)
	scale := k.scale(v, p.scale)
	for c, n := range ints {
		k.VCVTDQ2PS(n, n)
		k.VMULPS(scale, n, n)
		k.addProduct(k, k.xAt(c, quant.A8Scale), n, k.sum(c, v))
	}
}

// start sets n to what column c's inner product begins with, so that codes count from zero.
func (k *panelKernel) start(c int, p part, n reg.VecVirtual) {
	if k.Format.Zero == 0 {
		k.VXORPS(n, n, n)
		return
	}
	k.VPBROADCASTD(k.xAt(c, p.sum), n)
	k.VPSLLD(operand.U8(bits.TrailingZeros(uint(k.Format.Zero))), n, n)
}

// scale is a scale of vector v of rows.
func (k *panelKernel) scale(v, i int) reg.VecVirtual {
	scale := k.vector()
	if !k.Format.Nested {
		k.VCVTPH2PS(k.wAt(2*k.level.lanes*v), scale)
		return scale
	}
	small := k.wAt(quant.PanelRows*i + k.level.lanes*v)
	if k.Format.Halves {
		k.VPMOVSXBD(small, scale)
	} else {
		k.VPMOVZXBD(small, scale)
	}
	k.timesFactor(scale, 2*k.level.lanes*v)
	return scale
}

// timesFactor makes the integers f32 and multiplies them with the factors at byte at of the header.
func (k *panelKernel) timesFactor(v reg.VecVirtual, at int) {
	factor := k.vector()
	k.VCVTDQ2PS(v, v)
	k.VCVTPH2PS(operand.Mem{Base: k.header, Disp: at}, factor)
	k.VMULPS(factor, v, v)
}

// offsets adds the offsets of vector v of rows, times the sums of activations.
func (k *panelKernel) offsets(v int) {
	offset := k.vector()
	if k.Format.Nested {
		k.VPMOVZXBD(k.wAt(quant.PanelRows+k.level.lanes*v), offset)
		k.timesFactor(offset, 2*(quant.PanelRows+k.level.lanes*v))
	} else {
		k.VCVTPH2PS(k.wAt(2*(quant.PanelRows+k.level.lanes*v)), offset)
	}
	for c := range k.cols {
		add := k.addProduct
		if k.Format.Nested {
			add = k.subProduct
		}
		add(k, k.xAt(c, quant.A8ScaledSum), offset, k.sum(c, v))
	}
}

// codes loads word j of the codes of vector v of rows: element 4j+i of row r is byte 4r+i.
func (k *panelKernel) codes(v, j int) reg.VecVirtual {
	q := k.vector()
	line := k.wAt(k.Scales + 4*k.level.lanes*v)
	if k.Format.Bits == 8 {
		k.VMOVUPS(line.Offset(64*j), q)
		return q
	}
	k.VMOVUPS(line.Offset(64*(j%4)), q)
	if j >= 4 {
		k.VPSRLD(operand.U8(4), q, q)
	}
	k.and(k.assembler, k.masks[0x0f], q)
	switch k.Format.Bits {
	case 5:
		k.high(q, line.Offset(k.Low), j, 0x10)
	case 6:
		k.high(q, line.Offset(k.Low+64*(j/4)), 2*(j%4), 0x30)
	}
	return q
}

// high adds the bits that mask selects once bit shift of line is at their lowest one's place.
func (k *panelKernel) high(q reg.VecVirtual, line operand.Mem, shift, mask int) {
	h := k.vector()
	k.VMOVUPS(line, h)
	if shift < 4 {
		k.VPSLLD(operand.U8(4-shift), h, h)
	} else if shift > 4 {
		k.VPSRLD(operand.U8(shift-4), h, h)
	}
	k.and(k.assembler, k.masks[mask], h)
	k.or(k.assembler, h, q)
}

// columns loads the parameters x and xStride.
func (a *panelAssembler) columns(cols int) []rows {
	first := a.rows("x", min(cols, 4))
	columns := []rows{first}
	for c := 4; c < cols; c += 4 {
		next := a.GP64()
		a.LEAQ(operand.Mem{Base: columns[c/4-1].base, Index: first.stride, Scale: 4}, next)
		columns = append(columns, first.from(next))
	}
	return columns
}

// xAt is byte at of column c's block of activations, and wAt of the unit.
func (k *panelKernel) xAt(c, at int) operand.Mem { return k.x[c/4].at(c%4, at) }
func (k *panelKernel) wAt(at int) operand.Mem    { return operand.Mem{Base: k.w, Disp: at} }

// sum is the sums of column c and vector v of rows.
func (k *panelKernel) sum(c, v int) reg.VecVirtual { return k.sums[c*k.vectors()+v] }
