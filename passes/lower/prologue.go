package lower

import (
	"slices"

	"github.com/llorch/llorch/ir/kernel"
)

// prologue computes the input where the group does that itself. What all of its elements are multiplied with it may leave to tile,
// since W·(f x) = f W·x.
func (s *contraction) prologue() {
	if !s.inGroup {
		return
	}
	c := at()
	if s.tok != "" {
		c.at[s.tok] = kernel.I(0)
	}
	st := s.stages(s.x, c)
	s.lanes("i", s.k, func(i kernel.Expr) {
		v := s.x.Op.Reduce.Elem(&point{s.builder, s.x, c.with(s.over.Name, i)}, st)
		if s.sched.Factors {
			v, s.factor = hoist(v, i.(*kernel.Var).Name)
		}
		s.emit(&kernel.Store{Buf: s.xbuf, Index: i, Value: v})
	})
}

// hoist divides a product into rest, which depends on a variable, and a factor that does not, or nil. Their magnitudes are those of
// the parts: a product that fits f32 may have a rest that does not.
func hoist(e kernel.Expr, v string) (rest, factor kernel.Expr) {
	rest, factor = divide(e, v)
	if one, ok := factor.(*kernel.FloatLit); ok && one.V == 1 {
		return e, nil
	}
	return rest, factor
}

func divide(e kernel.Expr, v string) (rest, factor kernel.Expr) {
	if !dependsOn(e, v) {
		return kernel.F(1), e
	}
	if c, ok := e.(*kernel.Call); ok && c.Fn.Name == "mul" {
		a, f := divide(c.Args[0], v)
		b, g := divide(c.Args[1], v)
		return kernel.Mul(a, b), kernel.Mul(f, g)
	}
	if c, ok := e.(*kernel.Call); ok && c.Fn.Name == "div" && !dependsOn(c.Args[1], v) {
		a, f := divide(c.Args[0], v)
		return a, kernel.Div(f, c.Args[1])
	}
	return e, kernel.F(1)
}

func dependsOn(e kernel.Expr, v string) bool {
	switch e := e.(type) {
	case *kernel.Var:
		return e.Name == v
	case *kernel.Load:
		return dependsOn(e.Index, v)
	case *kernel.Call:
		return slices.ContainsFunc(e.Args, func(a kernel.Expr) bool { return dependsOn(a, v) })
	}
	return false
}
