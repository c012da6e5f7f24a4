package gocpu

import (
	"github.com/dave/jennifer/jen"

	"github.com/llorch/llorch/ir/kernel"
)

// hoist names, in the block that holds an innermost loop over v, the costly subexpressions that do not change in the loop.
// Go's compiler has no such pass, and t*K + i would multiply for every element.
func (f *function) hoist(b *block, v string, body []kernel.Stmt, values ...kernel.Expr) {
	changes := nameSet{v: true}
	walkStmts(body, func(s kernel.Stmt) { changes[bound(s)] = true })
	hint := ""
	var visit func(e kernel.Expr) bool
	visit = func(e kernel.Expr) bool {
		if l, ok := e.(*kernel.Load); ok {
			outer := hint
			hint = l.Buf + "At"
			walkExpr(l.Index, visit)
			hint = outer
			return false
		}
		if !invariant(e, changes) || !costly(e) {
			return true
		}
		if _, ok := literal(e); ok {
			return false
		}
		f.bindExpr(b, hint, e)
		return false
	}
	for _, e := range values {
		hint = "c"
		walkExpr(e, visit)
	}
	walkStmts(body, func(s kernel.Stmt) {
		for i, e := range operands(s) {
			hint = "c"
			switch s := s.(type) {
			case *kernel.Let:
				hint = s.Name + "0"
			case *kernel.Store:
				if i == 0 {
					hint = s.Buf + "At"
				}
			}
			walkExpr(e, visit)
		}
	})
}

// bindExpr binds e to a new variable of block b, unless a variable has it already.
func (f *function) bindExpr(b *block, hint string, e kernel.Expr) {
	key := exprKey(e)
	if _, ok := f.hoisted[key]; ok {
		return
	}
	code := f.expr(e)
	id := f.names.fresh(hint)
	b.add(jen.Id(id).Op(":=").Add(code))
	f.hoisted[key] = id
}

// invariant reports whether e reads no memory and no name that changes.
func invariant(e kernel.Expr, changes nameSet) bool {
	same := true
	walkExpr(e, func(e kernel.Expr) bool {
		switch e := e.(type) {
		case *kernel.Load:
			same = false
		case *kernel.Var:
			same = same && !changes[e.Name]
		}
		return same
	})
	return same
}

// costly reports whether e does more than add, subtract or compare. A division is left where it is when its divisor might be
// zero, and a shift whose count might be negative, for a loop that never runs.
func costly(e kernel.Expr) bool {
	worth, safe := false, true
	walkExpr(e, func(e kernel.Expr) bool {
		c, ok := e.(*kernel.Call)
		if !ok {
			return true
		}
		switch c.Fn.Name {
		case "add", "sub", "lt", "le", "eq", "and", "or", "band", "bor":
		case "shl", "shr":
			safe = safe && positive(c.Args[1])
		case "div", "rem":
			worth = true
			safe = safe && (c.Fn.Result == kernel.Float || positive(c.Args[1]))
		default:
			worth = true
		}
		return true
	})
	return worth && safe
}

// positive reports whether e is a literal above zero.
func positive(e kernel.Expr) bool {
	l, ok := e.(*kernel.IntLit)
	return ok && l.V > 0
}

// innermost reports whether body has no loop or tile, so that its own arithmetic is what its iterations cost.
func innermost(body []kernel.Stmt) bool {
	inner := true
	walkStmts(body, func(s kernel.Stmt) {
		switch s.(type) {
		case *kernel.For, *kernel.Reduce, *kernel.Dot, *kernel.Mix, *kernel.Encode:
			inner = false
		}
	})
	return inner
}
