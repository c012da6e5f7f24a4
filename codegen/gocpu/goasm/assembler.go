package goasm

import (
	"fmt"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// assembler writes functions for one weight type at one level.
type assembler struct {
	*build.Context
	level *level
	weightType
}

// begin starts a function that gets pointers to f32 or bytes, and ints.
func (a *assembler) begin(name, signature, doc string) {
	a.Function(name)
	a.Attributes(attr.NOSPLIT)
	a.Pragma("noescape")
	a.SignatureExpr(signature)
	a.Doc(name + " " + doc)
}

func (a *assembler) end() {
	a.VZEROUPPER()
	a.RET()
}

// name is the name of a function of this type and level.
func (a *assembler) name(prefix string) string {
	return prefix + a.dtype + a.level.suffix
}

// param loads a parameter.
func (a *assembler) param(name string) reg.GPVirtual {
	return a.Load(a.Param(name), a.GP64()).(reg.GPVirtual)
}

// while repeats body as long as n, from which it takes step each time, is at least step.
func (a *assembler) while(label string, n reg.GPVirtual, step int, body func()) {
	a.CMPQ(n, imm(step))
	a.JL(operand.LabelRef(label + "_end"))
	a.Label(label)
	body()
	a.SUBQ(imm(step), n)
	a.CMPQ(n, imm(step))
	a.JGE(operand.LabelRef(label))
	a.Label(label + "_end")
}

// rows are up to four rows of memory, a stride apart.
type rows struct{ base, stride, stride3 reg.GPVirtual }

// rows loads the parameters p and pStride.
func (a *assembler) rows(p string, n int) rows {
	r := rows{base: a.param(p)}
	if n > 1 {
		r.stride = a.param(p + "Stride")
	}
	if n > 3 {
		r.stride3 = a.GP64()
		a.LEAQ(operand.Mem{Base: r.stride, Index: r.stride, Scale: 2}, r.stride3)
	}
	return r
}

// at is byte offset disp of row i.
func (r rows) at(i, disp int) operand.Mem {
	m := operand.Mem{Base: r.base, Disp: disp}
	switch i {
	case 1, 2:
		return m.Idx(r.stride, uint8(i))
	case 3:
		return m.Idx(r.stride3, 1)
	}
	return m
}

// from is r with another base.
func (r rows) from(base reg.GPVirtual) rows {
	r.base = base
	return r
}

// vector is a register of the level's width.
func (a *assembler) vector() reg.VecVirtual {
	if a.level.lanes == 16 {
		return a.ZMM()
	}
	return a.YMM()
}

// zeros makes n vectors of zeros.
func (a *assembler) zeros(n int) []reg.VecVirtual {
	vs := make([]reg.VecVirtual, n)
	for i := range vs {
		vs[i] = a.vector()
		a.VXORPS(vs[i], vs[i], vs[i])
	}
	return vs
}

// imm is an immediate operand.
func imm(n int) operand.Constant { return operand.U32(n) }

// count is n things, in words.
func count(n int, thing string) string {
	if n == 1 {
		return "one " + thing
	}
	return fmt.Sprint(n, " ", thing, "s")
}
