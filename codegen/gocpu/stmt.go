package gocpu

import (
	"maps"
	"math"

	"github.com/dave/jennifer/jen"

	"github.com/llorch/llorch/ir/kernel"
)

// block is a Go block under construction.
type block struct{ code []jen.Code }

func (b *block) add(c ...jen.Code) { b.code = append(b.code, c...) }

// block emits body as a block of its own: what it hoists is out of scope after it.
func (f *function) block(body []kernel.Stmt) []jen.Code {
	hoisted := f.hoisted
	f.hoisted = maps.Clone(hoisted)
	b := &block{}
	f.stmts(b, body)
	f.hoisted = hoisted
	return b.code
}

func (f *function) stmts(b *block, body []kernel.Stmt) {
	for _, s := range body {
		f.stmt(b, s)
	}
}

func (f *function) stmt(b *block, s kernel.Stmt) {
	switch s := s.(type) {
	case *kernel.Let:
		b.add(jen.Id(f.ids[s.Name]).Op(":=").Add(f.typed(s.Value)))
	case *kernel.Store:
		b.add(f.store(s))
	case *kernel.For:
		f.loop(b, s)
	case *kernel.Reduce:
		f.reduce(b, s)
	case *kernel.If:
		b.add(f.branch(s))
	case *kernel.Dot:
		b.add(f.tile("Dot", s))
	case *kernel.Mix:
		b.add(f.tile("Mix", (*kernel.Dot)(s)))
	case *kernel.Encode:
		b.add(jen.Id(f.ids[s.Buf]).Dot("Encode").Call(f.expr(s.At), f.from(s.X, s.XAt), f.expr(s.N)))
	default:
		f.fail("a statement of unknown type %T", s)
	}
}

func (f *function) store(s *kernel.Store) *jen.Statement {
	v := jen.Id(f.ids[s.Buf])
	switch f.access[s.Buf] {
	case "F16", "BF16":
		return v.Dot("Set").Call(f.expr(s.Index), f.expr(s.Value))
	case "I32":
		return v.Index(f.expr(s.Index)).Op("=").Int32().Call(f.expr(s.Value))
	}
	return v.Index(f.expr(s.Index)).Op("=").Add(f.expr(s.Value))
}

// loop emits a For: over a range when it counts from 0 by 1.
func (f *function) loop(b *block, s *kernel.For) {
	if innermost(s.Body) {
		f.hoist(b, s.Var, s.Body)
	}
	v := f.ids[s.Var]
	if isInt(s.Lo, 0) && isInt(s.Step, 1) {
		b.add(f.count(s.Var, s.Hi, reads(s.Body, s.Var)).Block(f.block(s.Body)...))
		return
	}
	hi, step := f.fixed(b, "end", s.Hi), f.fixed(b, "step", s.Step)
	next := jen.Id(v).Op("+=").Add(step)
	if isInt(s.Step, 1) {
		next = jen.Id(v).Op("++")
	}
	b.add(jen.For(jen.Id(v).Op(":=").Add(f.expr(s.Lo)), jen.Id(v).Op("<").Add(hi), next).Block(f.block(s.Body)...))
}

// count is the head of a loop over v in [0, n).
func (f *function) count(v string, n kernel.Expr, used bool) *jen.Statement {
	if !used {
		return jen.For(jen.Range().Add(f.expr(n)))
	}
	return jen.For(jen.Id(f.ids[v]).Op(":=").Range().Add(f.expr(n)))
}

// fixed spells e, which the head of a for loop evaluates again and again, as a literal or a name.
func (f *function) fixed(b *block, hint string, e kernel.Expr) *jen.Statement {
	if _, ok := e.(*kernel.Call); !ok || f.hoisted[exprKey(e)] != "" {
		if _, ok := e.(*kernel.Load); !ok {
			return f.expr(e)
		}
	}
	id := f.names.fresh(hint)
	b.add(jen.Id(id).Op(":=").Add(f.expr(e)))
	return jen.Id(id)
}

// reduce emits a loop that accumulates: a sum in float64, which is what the interpreter does and what keeps the norm of a
// long row exact to the last bit or two.
func (f *function) reduce(b *block, s *kernel.Reduce) {
	f.hoist(b, s.Var, nil, s.Value)
	used := reads([]kernel.Stmt{&kernel.Let{Value: s.Value}}, s.Var)
	name := f.ids[s.Name]
	if s.Op == kernel.Max {
		b.add(jen.Id(name).Op(":=").Add(spell(&kernel.FloatLit{V: float32(math.Inf(-1))})))
		b.add(f.count(s.Var, s.N, used).Block(jen.Id(name).Op("=").Id("max").Call(jen.Id(name), f.expr(s.Value))))
		return
	}
	sum := f.names.fresh(name + "Sum")
	b.add(jen.Var().Id(sum).Float64())
	b.add(f.count(s.Var, s.N, used).Block(jen.Id(sum).Op("+=").Float64().Call(f.typed(s.Value))))
	b.add(jen.Id(name).Op(":=").Float32().Call(jen.Id(sum)))
}

func (f *function) branch(s *kernel.If) *jen.Statement {
	if len(s.Then) == 0 {
		return jen.If(jen.Op("!").Parens(f.expr(s.Cond))).Block(f.block(s.Else)...)
	}
	code := jen.If(f.expr(s.Cond)).Block(f.block(s.Then)...)
	if len(s.Else) > 0 {
		code.Else().Block(f.block(s.Else)...)
	}
	return code
}

// tile emits a call of the matrix's Dot or Mix.
func (f *function) tile(method string, s *kernel.Dot) *jen.Statement {
	if s.AccStride != nil {
		f.fail("a %s whose rows are %s apart: a CPU's lie side by side", method, kernel.ExprString(s.AccStride))
	}
	if f.access[s.X] == "Matrix" { // blocks of activations
		return jen.Id(f.matrix[s.W]).Dot("DotActs").Call(
			f.from(s.Acc, s.AccAt), f.expr(s.WAt), f.expr(s.WStride),
			jen.Id(f.ids[s.X]), f.expr(s.XAt), f.expr(s.XStride),
			f.expr(s.Rows), f.expr(s.Cols), f.expr(s.K))
	}
	return jen.Id(f.matrix[s.W]).Dot(method).Call(
		f.from(s.Acc, s.AccAt), f.expr(s.WAt), f.expr(s.WStride),
		f.from(s.X, s.XAt), f.expr(s.XStride),
		f.expr(s.Rows), f.expr(s.Cols), f.expr(s.K))
}

// from is the slice of buf that begins at element at.
func (f *function) from(buf string, at kernel.Expr) *jen.Statement {
	if isInt(at, 0) {
		return jen.Id(f.ids[buf])
	}
	return jen.Id(f.ids[buf]).Index(f.expr(at), jen.Empty())
}

func isInt(e kernel.Expr, v int64) bool {
	l, ok := e.(*kernel.IntLit)
	return ok && l.V == v
}

// reads reports whether body mentions the scalar v.
func reads(body []kernel.Stmt, v string) bool {
	set := nameSet{}
	walkStmts(body, func(s kernel.Stmt) {
		for _, e := range operands(s) {
			set.addExpr(e)
		}
	})
	return set[v]
}
