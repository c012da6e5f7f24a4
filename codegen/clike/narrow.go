package clike

import (
	"fmt"
	"maps"
	"math"
	"math/bits"

	"github.com/llorch/llorch/ir/kernel"
)

// narrower rewrites a kernel by what its integers can be: a minimum that is always the same argument, a quotient that is a shift,
// a branch that is never taken. No name hides another, so one table of ranges serves the whole kernel.
type narrower struct {
	k      *kernel.Kernel
	ranges map[string]Range
	values map[string]kernel.Expr // names that stand for literals
	tile   func(n *narrower, s kernel.Stmt) []kernel.Stmt
	loop   func(n *narrower, s *kernel.For) []kernel.Stmt
	err    error
}

// narrow rewrites k, given what its parameters can be; tile rewrites each Dot and Mix, and loop, unless it gives nothing, a loop.
func narrow(k *kernel.Kernel, limits map[string]Range, tile func(*narrower, kernel.Stmt) []kernel.Stmt, loop func(*narrower, *kernel.For) []kernel.Stmt) (*kernel.Kernel, *narrower, error) {
	n := &narrower{k: k, ranges: maps.Clone(limits), values: map[string]kernel.Expr{}, tile: tile, loop: loop}
	out := *k
	out.Grid, out.Group = nil, nil
	for _, a := range k.Grid {
		ext := n.expr(a.N)
		n.ranges[a.Var] = Range{0, add(n.rangeOf(ext).Hi, -1)}
		out.Grid = append(out.Grid, kernel.Axis{Var: a.Var, N: ext})
	}
	for _, l := range k.Group {
		out.Group = append(out.Group, kernel.Local{Name: l.Name, N: n.expr(l.N)})
	}
	out.Body = n.stmts(k.Body)
	return &out, n, n.err
}

func (n *narrower) fail(format string, args ...any) {
	if n.err == nil {
		n.err = fmt.Errorf("kernel %s: "+format, append([]any{n.k.Name}, args...)...)
	}
}

func (n *narrower) stmts(body []kernel.Stmt) []kernel.Stmt {
	var out []kernel.Stmt
	for _, s := range body {
		out = append(out, n.stmt(s)...)
	}
	return out
}

func (n *narrower) stmt(s kernel.Stmt) []kernel.Stmt {
	switch s := s.(type) {
	case *kernel.Let:
		return n.let(s)
	case *kernel.Store:
		return []kernel.Stmt{&kernel.Store{Buf: s.Buf, Index: n.index(s.Buf, s.Index), Value: n.expr(s.Value)}}
	case *kernel.For:
		if whole := n.loop(n, s); whole != nil {
			return whole
		}
		l := *s
		l.Lo, l.Hi, l.Step = n.expr(s.Lo), n.expr(s.Hi), n.expr(s.Step)
		n.declare(s.Var, Range{n.rangeOf(l.Lo).Lo, add(n.rangeOf(l.Hi).Hi, -1)})
		l.Body = n.stmts(s.Body)
		return []kernel.Stmt{&l}
	case *kernel.Reduce:
		r := *s
		r.N = n.expr(s.N)
		n.declare(s.Var, Range{0, add(n.rangeOf(r.N).Hi, -1)})
		r.Value = n.expr(s.Value)
		return []kernel.Stmt{&r}
	case *kernel.If:
		return n.branch(s)
	case *kernel.Join:
		j := *s
		j.Groups, j.Each, j.All = n.expr(s.Groups), n.expr(s.Each), n.expr(s.All)
		n.declare(s.Var, Range{0, add(n.rangeOf(j.Groups).Hi, -1)})
		j.Body = n.stmts(s.Body)
		return []kernel.Stmt{&j}
	case *kernel.Dot, *kernel.Mix:
		return n.tile(n, s)
	}
	n.fail("%T has no spelling here", s)
	return nil
}

// declare begins a name, which an earlier block may have used.
func (n *narrower) declare(name string, r Range) {
	delete(n.values, name)
	n.ranges[name] = r
}

func (n *narrower) let(s *kernel.Let) []kernel.Stmt {
	v := n.expr(s.Value)
	if v.Type() == kernel.Int {
		n.declare(s.Name, n.rangeOf(v))
	}
	if lit, ok := v.(*kernel.IntLit); ok {
		n.values[s.Name] = lit
		return nil
	}
	return []kernel.Stmt{&kernel.Let{Name: s.Name, Value: v}}
}

// branch follows each side with what the condition tells of it.
func (n *narrower) branch(s *kernel.If) []kernel.Stmt {
	cond := n.expr(s.Cond)
	if yes, ok := n.decided(cond); ok {
		if yes {
			return n.stmts(s.Then)
		}
		return n.stmts(s.Else)
	}
	out := &kernel.If{Cond: cond}
	restore := n.assume(cond, true)
	out.Then = n.stmts(s.Then)
	restore()
	restore = n.assume(cond, false)
	out.Else = n.stmts(s.Else)
	restore()
	return []kernel.Stmt{out}
}

// assume narrows the names that a comparison is of; the function it returns takes that back.
func (n *narrower) assume(cond kernel.Expr, yes bool) (restore func()) {
	c, ok := cond.(*kernel.Call)
	if !ok || c.Fn.Name != "lt" || c.Fn.Args[0] != kernel.Int {
		return func() {}
	}
	saved := map[string]Range{}
	cut := func(e kernel.Expr, to Range) {
		if v, ok := e.(*kernel.Var); ok {
			r := n.rangeOf(v)
			saved[v.Name] = r
			n.ranges[v.Name] = Range{max(r.Lo, to.Lo), min(r.Hi, to.Hi)}
		}
	}
	a, b := n.rangeOf(c.Args[0]), n.rangeOf(c.Args[1])
	if yes {
		cut(c.Args[0], Range{-far, add(b.Hi, -1)})
		cut(c.Args[1], Range{add(a.Lo, 1), far})
	} else {
		cut(c.Args[0], Range{b.Lo, far})
		cut(c.Args[1], Range{-far, a.Hi})
	}
	return func() { maps.Copy(n.ranges, saved) }
}

// decided is the outcome of a condition that has only one.
func (n *narrower) decided(cond kernel.Expr) (yes, ok bool) {
	c, is := cond.(*kernel.Call)
	if !is || len(c.Args) != 2 || c.Args[0].Type() != kernel.Int {
		return false, false
	}
	a, b := n.rangeOf(c.Args[0]), n.rangeOf(c.Args[1])
	switch c.Fn.Name {
	case "lt":
		return a.Hi < b.Lo, a.Hi < b.Lo || a.Lo >= b.Hi
	case "le":
		return a.Hi <= b.Lo, a.Hi <= b.Lo || a.Lo > b.Hi
	case "eq":
		same := a.Fixed() && a == b
		return same, same || a.Hi < b.Lo || a.Lo > b.Hi
	}
	return false, false
}

// index is an expression that must fit 32 bits.
func (n *narrower) index(buf string, e kernel.Expr) kernel.Expr {
	e = n.expr(e)
	if r := n.rangeOf(e); r.known() && r.Hi > math.MaxInt32 {
		n.fail("%s[%s] may be element %d, and indexes have 32 bits", buf, kernel.ExprString(e), r.Hi)
	}
	return e
}

func (n *narrower) expr(e kernel.Expr) kernel.Expr {
	switch e := e.(type) {
	case *kernel.Var:
		if v, ok := n.values[e.Name]; ok {
			return v
		}
		if r, ok := n.ranges[e.Name]; ok && e.T == kernel.Int && r.Fixed() {
			return kernel.I(r.Lo)
		}
	case *kernel.Load:
		return &kernel.Load{Buf: e.Buf, Index: n.index(e.Buf, e.Index), T: e.T}
	case *kernel.Call:
		args := make([]kernel.Expr, len(e.Args))
		for i, a := range e.Args {
			args[i] = n.expr(a)
		}
		return n.fold(kernel.Apply(e.Fn.Name, args...))
	}
	return e
}

// fold uses the ranges of a call's arguments.
func (n *narrower) fold(e kernel.Expr) kernel.Expr {
	c, ok := e.(*kernel.Call)
	if !ok {
		return e
	}
	if c.Fn.Name == "choose" {
		switch yes, ok := n.decided(c.Args[0]); {
		case ok && yes:
			return c.Args[1]
		case ok:
			return c.Args[2]
		}
		return e
	}
	if c.Fn.Result != kernel.Int || len(c.Args) != 2 {
		return e
	}
	if r := n.rangeOf(c); r.Fixed() {
		return kernel.I(r.Lo)
	}
	a, b := n.rangeOf(c.Args[0]), n.rangeOf(c.Args[1])
	switch c.Fn.Name {
	case "min":
		return pick(e, a.Hi <= b.Lo, c.Args[0], b.Hi <= a.Lo, c.Args[1])
	case "max":
		return pick(e, a.Lo >= b.Hi, c.Args[0], b.Lo >= a.Hi, c.Args[1])
	case "div", "rem":
		return quotient(c, a, b)
	}
	return e
}

func pick(e kernel.Expr, first bool, a kernel.Expr, second bool, b kernel.Expr) kernel.Expr {
	switch {
	case first:
		return a
	case second:
		return b
	}
	return e
}

// quotient spells divisions by powers of two as shifts and masks, which compilers do only for what they know not to be negative.
func quotient(c *kernel.Call, a, b Range) kernel.Expr {
	switch {
	case a.Lo < 0 || b.Lo <= 0:
	case c.Fn.Name == "rem" && a.Hi < b.Lo:
		return c.Args[0]
	case b.Fixed() && b.Lo&(b.Lo-1) == 0 && c.Fn.Name == "div":
		return kernel.Apply("shr", c.Args[0], kernel.I(int64(bits.TrailingZeros64(uint64(b.Lo)))))
	case b.Fixed() && b.Lo&(b.Lo-1) == 0:
		return kernel.Apply("band", c.Args[0], kernel.I(b.Lo-1))
	}
	return c
}
