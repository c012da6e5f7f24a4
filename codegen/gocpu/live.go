package gocpu

import (
	"slices"

	"github.com/llorch/llorch/ir/kernel"
)

// names that a statement list reads: scalars, buffers and group memory.
type nameSet map[string]bool

func (set nameSet) addExpr(e kernel.Expr) {
	walkExpr(e, func(e kernel.Expr) bool {
		switch e := e.(type) {
		case *kernel.Var:
			set[e.Name] = true
		case *kernel.Load:
			set[e.Buf] = true
		}
		return true
	})
}

// live returns body without the scalars that nothing reads and without the statements that this empties. On entry set holds
// the names read after body, on return those read by it or after it.
func live(body []kernel.Stmt, set nameSet) []kernel.Stmt {
	var out []kernel.Stmt // last first
	for _, s := range slices.Backward(body) {
		switch t := s.(type) {
		case *kernel.Let:
			if !set[t.Name] {
				continue
			}
			delete(set, t.Name)
		case *kernel.Reduce:
			if !set[t.Name] {
				continue
			}
			delete(set, t.Name)
			set.addExpr(t.Value)
			delete(set, t.Var)
			set.addExpr(t.N)
			out = append(out, s)
			continue
		case *kernel.For:
			inner := *t
			inside := nameSet{}
			inner.Body = live(t.Body, inside)
			if len(inner.Body) == 0 {
				continue
			}
			delete(inside, t.Var)
			set.addAll(inside)
			s = &inner
		case *kernel.If:
			inner := *t
			inside := nameSet{}
			inner.Then = live(t.Then, inside)
			inner.Else = live(t.Else, inside)
			if len(inner.Then)+len(inner.Else) == 0 {
				continue
			}
			set.addAll(inside)
			s = &inner
		case *kernel.Store:
			set[t.Buf] = true
		case *kernel.Dot:
			set.addAll(nameSet{t.Acc: true, t.W: true, t.X: true})
		case *kernel.Mix:
			set.addAll(nameSet{t.Acc: true, t.W: true, t.X: true})
		case *kernel.Encode:
			set.addAll(nameSet{t.Buf: true, t.X: true})
		}
		for _, e := range operands(s) {
			set.addExpr(e)
		}
		out = append(out, s)
	}
	slices.Reverse(out)
	return out
}

func (set nameSet) addAll(other nameSet) {
	for n := range other {
		set[n] = true
	}
}
