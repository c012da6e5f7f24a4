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

// acts is a type of activations: blocks that begin with digits, to the base 255, of quant.Unit numbers.
type acts struct {
	name          string
	bytes, digits int
}

var (
	a8  = acts{"A8", quant.A8Bytes, 1}
	a16 = acts{"A16", quant.A16Bytes, 2}
)

func panelName(x acts, cols int) string { return fmt.Sprint("panel", cols, x.name) }

// panelKernel is a microkernel's registers.
type panelKernel struct {
	*panelAssembler
	acts   acts
	cols   int
	w      reg.GPVirtual      // the unit
	header reg.GPVirtual      // of the unit's block, where the type has one
	x      []rows             // blocks of activations, four columns each
	sums   []reg.VecVirtual   // by column, the vectors of rows one after another
	masks  map[int]operand.Op // the constants that the codes take
}

// panel emits the microkernel of cols columns of activations.
func (a *panelAssembler) panel(x acts, cols int) {
	a.begin(a.name(panelName(x, cols)), "func(acc *float32, accStride int, w, x *byte, xStride, blocks, first, rows int)",
		fmt.Sprintf("sets acc to the inner products of rows of a group, from first on, with %s of %s. Strides are bytes.",
			count(cols, "column"), x.name))
	k := &panelKernel{panelAssembler: a, acts: x, cols: cols, w: a.param("w"), x: a.columns(cols)}
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
	if k.cols == 1 && k.High > 0 {
		k.prefetch()
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
		k.ADDQ(imm(k.acts.bytes), x.base)
	}
}

// prefetch asks for weights that come from memory long before they are needed. On a Zen 4 core q6_k gains half and q5_0, q5_1 a
// tenth from fetching them to the cache's outer levels, q5_k a quarter from the innermost; types whose codes take less
// work to put together lose, whatever the distance and level.
func (k *panelKernel) prefetch() {
	const ahead = 8 << 10
	fetch := k.PREFETCHT2
	if k.Format.Nested && k.Format.Offsets {
		fetch = k.PREFETCHT0
	}
	for at := 0; at < k.Unit(); at += 64 {
		fetch(k.wAt(ahead + at))
	}
}

// part is what shares a scale: words of codes [from, to), the place of the activations' sum, and which scale it is.
type part struct{ from, to, sum, scale int }

// part adds the scaled inner products of vector v of rows.
func (k *panelKernel) part(v int, p part) {
	ints := k.vectorsOf(k.cols)
	k.products(k, v, p, digit{quant.Unit * (k.acts.digits - 1), true}, ints)
	if k.acts.digits == 2 {
		high := k.vectorsOf(k.cols)
		k.products(k, v, p, digit{0, false}, high)
		for c, n := range high { // 255 = 256 - 1
			k.VPSUBD(n, ints[c], ints[c])
			k.VPSLLD(operand.U8(8), n, n)
			k.VPADDD(n, ints[c], ints[c])
		}
	}
	scale := k.scale(v, p.scale)
	for c, n := range ints {
		k.VCVTDQ2PS(n, n)
		k.VMULPS(scale, n, n)
		k.addProduct(k, k.factor(c, quant.A8Scale), n, k.sum(c, v))
	}
}

// digit is where a digit of the activations begins, and whether its products come with what makes codes count from zero.
type digit struct {
	at   int
	last bool
}

// start sets n to what makes codes count from zero, times column c.
func (k *panelKernel) start(c int, p part, n reg.VecVirtual) {
	k.VPBROADCASTD(k.factor(c, p.sum), n)
	k.VPSLLD(operand.U8(bits.TrailingZeros(uint(k.Format.Zero))), n, n)
}

func (k *panelKernel) vectorsOf(n int) []reg.VecVirtual {
	vs := make([]reg.VecVirtual, n)
	for i := range vs {
		vs[i] = k.vector()
	}
	return vs
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
		add(k, k.factor(c, quant.A8ScaledSum), offset, k.sum(c, v))
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
	k.bits(k, line.Offset(64*(j%4)), 4*(j/4), 0x0f, q)
	switch k.Format.Bits {
	case 5:
		k.addBits(k, line.Offset(k.Low), j-4, 0x10, q)
	case 6:
		k.addBits(k, line.Offset(k.Low+64*(j/4)), 2*(j%4)-4, 0x30, q)
	}
	return q
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

// xAt is byte at of column c's block of activations, factor what lies at a place that package quant names for A8, and wAt byte
// at of the unit.
func (k *panelKernel) xAt(c, at int) operand.Mem { return k.x[c/4].at(c%4, at) }
func (k *panelKernel) factor(c, at int) operand.Mem {
	return k.xAt(c, quant.Unit*(k.acts.digits-1)+at)
}
func (k *panelKernel) wAt(at int) operand.Mem { return operand.Mem{Base: k.w, Disp: at} }

// sum is the sums of column c and vector v of rows.
func (k *panelKernel) sum(c, v int) reg.VecVirtual { return k.sums[c*k.vectors()+v] }
