package clike

import (
	"slices"

	"github.com/llorch/llorch/ir/kernel"
)

// owned is a vector that a tile takes from registers, in the tile's own order. Its elements are made of those of buffers at the same
// index, as are the summands of the sums that are taken on the way: the barrier between prepare and run makes their parts known.
type owned struct {
	*Plan  // the tile's
	name   string
	v      string      // the index
	value  kernel.Expr // element v
	sums   []*kernel.Reduce
	bufs   []string
	loaded map[string]bool
	tiles  int   // yet to run
	parts  []int // where those of a sum lie
}

// mostOwned is the most elements of buffers that a lane has in registers.
const mostOwned = 64

// own finds vectors that tiles can take from registers, and leaves out of the kernel what computes them into group memory, and their
// sums: the tiles do both.
func (p *planner) own(k *kernel.Kernel) *kernel.Kernel {
	out := *k
	out.Body = p.ownIn(k.Body)
	out.Group = slices.DeleteFunc(slices.Clone(k.Group), func(l kernel.Local) bool { return !mentions(out.Body, l.Name) })
	return &out
}

func (p *planner) ownIn(body []kernel.Stmt) []kernel.Stmt {
	body = slices.Clone(body)
	if n := len(body); n > 0 {
		if branch, ok := body[n-1].(*kernel.If); ok { // nothing follows that could read the vector
			body[n-1] = &kernel.If{Cond: branch.Cond, Then: p.ownIn(branch.Then), Else: p.ownIn(branch.Else)}
		}
	}
	first := slices.IndexFunc(body, func(s kernel.Stmt) bool { return p.plans[s] != nil })
	if first < 0 {
		return body
	}
	last := p.lastOf(body, first)
	o, before := p.ownedBy(body[:last+1], first)
	if o == nil || mentions(body[last+1:], o.name) {
		return body
	}
	for _, s := range body[first : last+1] {
		if plan := p.plans[s]; plan != nil {
			plan.own, plan.dot.X = o, ""
			o.tiles++
		}
	}
	return slices.Concat(before, body[first:])
}

// lastOf is the last of the tiles from the first on that share its vector as it is prepared once.
func (p *planner) lastOf(body []kernel.Stmt, first int) int {
	last, plan := first, p.plans[body[first]]
	for i := first; i < len(body); i++ {
		if _, ok := body[i].(*kernel.Let); ok {
			continue
		}
		other := p.plans[body[i]]
		if other == nil || other.Form != plan.Form || other.dot.X != plan.dot.X || !isZero(other.dot.XAt) {
			break
		}
		last = i
	}
	return last
}

// ownedBy is the vector of the tiles that a body ends with, and what remains before them, or nothing.
func (p *planner) ownedBy(body []kernel.Stmt, first int) (o *owned, before []kernel.Stmt) {
	plan := p.plans[body[first]]
	if _, global := p.bufs[plan.dot.X]; global || plan.Own == "" || !isZero(plan.dot.XAt) {
		return nil, nil
	}
	o = &owned{Plan: plan.Plan, name: plan.dot.X, loaded: map[string]bool{}}
	read := names{}
	for i, s := range body {
		switch s := s.(type) {
		case *kernel.Let:
			read.expr(s.Value)
		case *kernel.For:
			if o.value != nil || !p.fills(o, s, plan.dot) {
				return nil, nil
			}
			read.expr(o.value)
			continue
		case *kernel.Reduce:
			if s.Op != kernel.Sum || !sameInt(s.N, plan.dot.K) || !p.elementwise(o, s.Value, s.Var) {
				return nil, nil
			}
			read.expr(s.Value)
			o.sums = append(o.sums, s)
			continue
		default:
			if i < first {
				return nil, nil
			}
		}
		if i < first {
			before = append(before, s)
		}
	}
	if o.value == nil || len(o.bufs)*plan.Owned > mostOwned || slices.ContainsFunc(o.sums, func(r *kernel.Reduce) bool { return read[r.Name] }) {
		return nil, nil
	}
	return o, before
}

// fills reports a loop over lanes that computes all elements of the vector that a tile multiplies with.
func (p *planner) fills(o *owned, s *kernel.For, d *kernel.Dot) bool {
	if !s.Lanes || !sameInt(s.Hi, d.K) || len(s.Body) != 1 {
		return false
	}
	store, ok := s.Body[0].(*kernel.Store)
	if !ok || store.Buf != d.X || !isVar(store.Index, s.Var) || !p.elementwise(o, store.Value, s.Var) {
		return false
	}
	o.v, o.value = s.Var, store.Value
	return true
}

// elementwise reports an expression of elements v of buffers that the kernel does not write, and notes them.
func (p *planner) elementwise(o *owned, e kernel.Expr, v string) bool {
	switch e := e.(type) {
	case *kernel.Var:
		return e.Name != v
	case *kernel.Load:
		if b, global := p.bufs[e.Buf]; !global || b.Role != kernel.In || b.DType != kernel.F32 || !isVar(e.Index, v) {
			return false
		}
		if !slices.Contains(o.bufs, e.Buf) {
			o.bufs = append(o.bufs, e.Buf)
		}
	case *kernel.Call:
		return !slices.ContainsFunc(e.Args, func(a kernel.Expr) bool { return !p.elementwise(o, a, v) })
	}
	return true
}

func isVar(e kernel.Expr, name string) bool {
	v, ok := e.(*kernel.Var)
	return ok && v.Name == name
}

func isZero(e kernel.Expr) bool { return sameInt(e, kernel.I(0)) }

// sameInt reports two literals of one value.
func sameInt(a, b kernel.Expr) bool {
	x, ok := a.(*kernel.IntLit)
	y, ok2 := b.(*kernel.IntLit)
	return ok && ok2 && x.V == y.V
}

// mentions reports statements that touch a buffer.
func mentions(body []kernel.Stmt, buf string) bool {
	return slices.ContainsFunc(body, func(s kernel.Stmt) bool { return touches(s, func(b string) bool { return b == buf }) })
}

// loadOwn has the lanes load elements of the buffers that are.
func (p *printer) loadOwn(o *owned, is func(buf string) bool) {
	for _, buf := range o.bufs {
		if o.loaded[buf] || !is(buf) {
			continue
		}
		o.loaded[buf] = true
		p.line("%s %s;", o.Own, ownName(p.name(buf)))
		p.line("%s.load(%s);", ownName(p.name(buf)), p.name(buf))
	}
}

func ownName(name string) string { return name + "_own" }

// ownPrepare computes the vector in registers and has the tile put it into its form. The barrier behind that makes known what teams
// have of the sums, too.
func (p *printer) ownPrepare(plan *planned) {
	o := plan.own
	p.loadOwn(o, func(string) bool { return true })
	for _, call := range p.restCalls() {
		p.line("%s;", call)
	}
	own, empty := ownName(p.name(o.name)), ""
	if !o.Whole {
		empty = " = {}"
	}
	p.line("%s %s%s;", o.Own, own, empty)
	for _, r := range o.sums {
		p.line("float %s = 0.0f;", ownName(p.name(r.Name)))
	}
	p.line("#pragma unroll")
	p.line("for (int turn = 0; turn < %d; turn++) {", o.Owned)
	p.indent++
	if !o.Whole {
		p.line("if (!%s.has(turn)) continue;", own)
	}
	for _, r := range o.sums {
		p.line("%s += %s;", ownName(p.name(r.Name)), p.ownExpr(r.Value, r.Var, precedence["add"]+1))
	}
	p.line("%s[turn] = %s;", own, p.ownExpr(o.value, o.v, 0))
	p.indent--
	p.line("}")
	for _, r := range o.sums {
		at := p.takeRing(4 * p.threads / p.emitter.d.Team)
		o.parts = append(o.parts, at)
		p.line("leave_sum(%s, memory + %d%s);", ownName(p.name(r.Name)), at, p.place())
	}
	p.line("%s::prepare(memory + %d, %s%s);", plan.Type, p.memory.prep, own, p.place())
}

// ownSums names the sums once the last of the tiles has run, in whose way they would be in registers.
func (p *printer) ownSums(o *owned) {
	o.tiles--
	if o.tiles > 0 {
		return
	}
	for i, r := range o.sums {
		p.line("const float %s = sum_left<%d>(memory + %d%s);", p.name(r.Name), p.threads, o.parts[i], p.place())
	}
}

// ownExpr spells an expression whose elements v lanes have in registers.
func (p *printer) ownExpr(e kernel.Expr, v string, prec int) string {
	p.turn = v
	defer func() { p.turn = "" }()
	return p.expr(e, prec)
}
