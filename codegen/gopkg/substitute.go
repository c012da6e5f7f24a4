package gopkg

import (
	"fmt"
	"slices"

	"github.com/llorch/llorch/ir/kernel"
)

// substitute is k with its constant parameters replaced by their values. Expressions fold on the way; grid axes, loops and
// branches that this leaves no choice disappear.
func substitute(k *kernel.Kernel, c *constants) (*kernel.Kernel, error) {
	s := &substitution{env: map[string]kernel.Expr{}, declared: map[string]int{}}
	s.count(k.Body)
	for i, v := range c.ints {
		if v != nil {
			s.env[k.Ints[i]] = kernel.I(*v)
		}
	}
	for i, v := range c.floats {
		if v != nil {
			s.env[k.Floats[i]] = &kernel.FloatLit{V: *v}
		}
	}
	out := &kernel.Kernel{Name: k.Name, Doc: k.Doc, Bufs: k.Bufs, Ints: without(k.Ints, c.ints), Floats: without(k.Floats, c.floats)}
	for _, a := range k.Grid {
		n := s.expr(a.N)
		if isInt(n, 1) {
			s.env[a.Var] = kernel.I(0)
			continue
		}
		out.Grid = append(out.Grid, kernel.Axis{Var: a.Var, N: n})
	}
	for _, l := range k.Group {
		out.Group = append(out.Group, kernel.Local{Name: l.Name, N: s.expr(l.N)})
	}
	out.Body = s.stmts(k.Body)
	return out, s.err
}

// substitution replaces names by literals. No name of a kernel hides another, so one environment serves all of it; blocks that follow
// each other may use the same name, so a declaration begins it anew.
type substitution struct {
	env      map[string]kernel.Expr
	declared map[string]int // how often the body declares a name
	err      error
}

// count counts the declarations in body.
func (s *substitution) count(body []kernel.Stmt) {
	for _, st := range body {
		switch st := st.(type) {
		case *kernel.Let:
			s.declared[st.Name]++
		case *kernel.Reduce:
			s.declared[st.Name]++
			s.declared[st.Var]++
		case *kernel.For:
			s.declared[st.Var]++
			s.count(st.Body)
		case *kernel.If:
			s.count(st.Then)
			s.count(st.Else)
		}
	}
}

func (s *substitution) expr(e kernel.Expr) kernel.Expr {
	switch e := e.(type) {
	case *kernel.Var:
		if v, ok := s.env[e.Name]; ok {
			return v
		}
	case *kernel.Load:
		return &kernel.Load{Buf: e.Buf, Index: s.expr(e.Index), T: e.T}
	case *kernel.Call:
		args := make([]kernel.Expr, len(e.Args))
		for i, a := range e.Args {
			args[i] = s.expr(a)
		}
		if x := decide(e.Fn.Name, args); x != nil {
			return x
		}
		return joinFactors(kernel.Apply(e.Fn.Name, args...))
	}
	return e
}

// decide is what is left of a choice, and of a condition of two, when one condition is known; or nil.
func decide(fn string, args []kernel.Expr) kernel.Expr {
	switch fn {
	case "choose":
		switch yes, known := truth(args[0]); {
		case known && yes:
			return args[1]
		case known:
			return args[2]
		}
	case "and", "or":
		for i, a := range args {
			if yes, known := truth(a); known && yes == (fn == "and") { // the other one decides
				return args[1-i]
			}
		}
	}
	return nil
}

// joinFactors rewrites x*c1*c2 of integers to x*c.
func joinFactors(e kernel.Expr) kernel.Expr {
	x, c2, ok := factor(e)
	if !ok {
		return e
	}
	x, c1, ok := factor(x)
	if !ok {
		return e
	}
	return kernel.Mul(x, kernel.I(c1*c2))
}

// factor splits an integer product into its variable part and its literal.
func factor(e kernel.Expr) (kernel.Expr, int64, bool) {
	if c, ok := e.(*kernel.Call); ok && c.Fn.Name == "mul" && c.Fn.Result == kernel.Int {
		if l, ok := c.Args[1].(*kernel.IntLit); ok {
			return c.Args[0], l.V, true
		}
	}
	return nil, 0, false
}

func (s *substitution) stmts(body []kernel.Stmt) []kernel.Stmt {
	var out []kernel.Stmt
	for _, st := range body {
		out = append(out, s.stmt(st)...)
	}
	return out
}

func (s *substitution) stmt(st kernel.Stmt) []kernel.Stmt {
	switch st := st.(type) {
	case *kernel.Let:
		return s.let(st)
	case *kernel.Store:
		return []kernel.Stmt{&kernel.Store{Buf: st.Buf, Index: s.expr(st.Index), Value: s.expr(st.Value)}}
	case *kernel.Reduce:
		n := s.expr(st.N)
		s.keep(st.Name, st.Var)
		return []kernel.Stmt{&kernel.Reduce{Name: st.Name, Op: st.Op, Var: st.Var, N: n, Value: s.expr(st.Value)}}
	case *kernel.Encode:
		return []kernel.Stmt{&kernel.Encode{Buf: st.Buf, At: s.expr(st.At), X: st.X, XAt: s.expr(st.XAt), N: s.expr(st.N)}}
	case *kernel.For:
		return s.loop(st)
	case *kernel.If:
		return s.branch(st)
	case *kernel.Dot:
		return []kernel.Stmt{s.tile(st)}
	case *kernel.Mix:
		return []kernel.Stmt{(*kernel.Mix)(s.tile((*kernel.Dot)(st)))}
	}
	if s.err == nil {
		s.err = fmt.Errorf("a statement of unknown type %T", st)
	}
	return nil
}

func (s *substitution) tile(d *kernel.Dot) *kernel.Dot {
	return &kernel.Dot{
		Acc: d.Acc, AccAt: s.expr(d.AccAt), W: d.W, WAt: s.expr(d.WAt), WStride: s.expr(d.WStride),
		X: d.X, XAt: s.expr(d.XAt), XStride: s.expr(d.XStride), Rows: s.expr(d.Rows), Cols: s.expr(d.Cols), K: s.expr(d.K),
	}
}

// let replaces a name for an integer literal by that.
func (s *substitution) let(l *kernel.Let) []kernel.Stmt {
	v := s.expr(l.Value)
	if _, ok := v.(*kernel.IntLit); ok {
		s.env[l.Name] = v
		return nil
	}
	s.keep(l.Name)
	return []kernel.Stmt{&kernel.Let{Name: l.Name, Value: v}}
}

// keep makes names that a statement declares stand for themselves, whatever an earlier block used them for.
func (s *substitution) keep(names ...string) {
	for _, n := range names {
		delete(s.env, n)
	}
}

// loop unrolls what runs once; a CPU's group has one lane, so lanes make no difference.
func (s *substitution) loop(f *kernel.For) []kernel.Stmt {
	lo, hi, step := s.expr(f.Lo), s.expr(f.Hi), s.expr(f.Step)
	if isInt(lo, 0) && isInt(hi, 1) && s.joins(f.Body) {
		s.env[f.Var] = lo
		return s.stmts(f.Body)
	}
	s.keep(f.Var)
	return []kernel.Stmt{&kernel.For{Var: f.Var, Lo: lo, Hi: hi, Step: step, Lanes: f.Lanes, Body: s.stmts(f.Body)}}
}

// branch takes the side that is always taken.
func (s *substitution) branch(b *kernel.If) []kernel.Stmt {
	cond := s.expr(b.Cond)
	if yes, known := truth(cond); known {
		taken := b.Else
		if yes {
			taken = b.Then
		}
		if s.joins(taken) {
			return s.stmts(taken)
		}
	}
	return []kernel.Stmt{&kernel.If{Cond: cond, Then: s.stmts(b.Then), Else: s.stmts(b.Else)}}
}

// joins reports whether a block can become part of the one around it: whether its own names are nobody else's.
func (s *substitution) joins(body []kernel.Stmt) bool {
	return !slices.ContainsFunc(body, func(st kernel.Stmt) bool {
		switch st := st.(type) {
		case *kernel.Let:
			return s.declared[st.Name] > 1
		case *kernel.Reduce:
			return s.declared[st.Name] > 1
		}
		return false
	})
}

// truth is the value of a condition of literals.
func truth(e kernel.Expr) (yes, known bool) {
	c, ok := e.(*kernel.Call)
	if !ok || c.Fn.Result != kernel.Bool {
		return false, false
	}
	args := make([]kernel.Value, len(c.Args))
	for i, a := range c.Args {
		switch a := a.(type) {
		case *kernel.IntLit:
			args[i].I = a.V
		case *kernel.FloatLit:
			args[i].F = a.V
		default:
			yes, known := truth(a)
			if !known {
				return false, false
			}
			if yes {
				args[i].I = 1
			}
		}
	}
	return c.Fn.Eval(args).I != 0, true
}

func isInt(e kernel.Expr, v int64) bool {
	l, ok := e.(*kernel.IntLit)
	return ok && l.V == v
}
