package clike

import (
	"github.com/llorch/llorch/ir/kernel"
)

// planner finds tiles for the Dots and Mixes of a kernel.
type planner struct {
	d       *Dialect
	bufs    map[string]kernel.Buf
	fixed   map[string]int64 // bytes of those In buffers that never change
	threads int
	plans   map[kernel.Stmt]*planned
	attends map[*kernel.For]*plannedLoop

	seconds map[kernel.Stmt]kernel.Stmt // the call that may be spelled with one, as both stand in the kernel
	firsts  map[kernel.Stmt]*planned    // by the second, the plan that is for both
	over    string                      // group memory that may lie over what tiles prepare, or ""
}

// planned is a call and how it is spelled.
type planned struct {
	*Plan
	tile *Tile
	dot  *kernel.Dot // the fields of the call; of one with a vector of its own, without X
	own  *owned      // the vector, if it comes from registers

	second *kernel.Dot // those of the call that is spelled with it
	joined bool        // this is such a call

	ringAt  int  // where its ring lies
	fetched bool // a fetch was spelled that run has not used
	rest    bool // and what is to be asked for after x was not
}

// stmt is a Dot or Mix with narrowed expressions, if a tile is made for it, or else loops that compute it.
func (p *planner) stmt(n *narrower, s kernel.Stmt) []kernel.Stmt {
	mix := false
	d, ok := s.(*kernel.Dot)
	if !ok {
		d, mix = (*kernel.Dot)(s.(*kernel.Mix)), true
	}
	c := *d
	for _, e := range []*kernel.Expr{&c.AccAt, &c.WAt, &c.WStride, &c.XAt, &c.XStride, &c.Rows, &c.Cols, &c.K, &c.AccStride} {
		if *e != nil {
			*e = n.expr(*e)
		}
	}
	switch {
	case c.AccStride != nil:
	case mix:
		c.AccStride = c.K
	default:
		c.AccStride = c.Cols
	}
	call := Call{
		Mix: mix, W: p.operand(d.W), X: p.operand(d.X), Rows: n.rangeOf(c.Rows), Cols: n.rangeOf(c.Cols), K: n.rangeOf(c.K),
		WStride: n.rangeOf(c.WStride), XStride: n.rangeOf(c.XStride), AccStride: n.rangeOf(c.AccStride), Threads: p.threads,
		Pair: p.seconds[s] != nil, Room: p.room(n),
	}
	if first := p.firsts[s]; first != nil {
		first.second = &c
		p.plans[&c] = &planned{Plan: &Plan{}, tile: first.tile, dot: &c, joined: true}
		return []kernel.Stmt{&c}
	}
	plan := p.ask(call)
	if call.Pair && (plan == nil || !plan.Pair) { // each alone; what the first leaves is there when the second begins
		p.over = ""
		call.Pair, call.Room = false, p.room(n)
		plan = p.ask(call)
	}
	if plan != nil {
		plan.dot = &c
		p.plans[&c] = plan
		if plan.Pair {
			p.firsts[p.seconds[s]] = plan
		}
		return []kernel.Stmt{&c}
	}
	for _, e := range []*kernel.Expr{&c.Rows, &c.Cols} { // no tile has fewer than none, which their ranges may not tell
		if n.rangeOf(*e).Lo < 0 {
			*e = kernel.MaxE(*e, kernel.I(0))
		}
	}
	if mix {
		return n.stmts(mixLoops(&c))
	}
	return n.stmts(dotLoops(&c))
}

// ask asks the tiles in turn.
func (p *planner) ask(c Call) *planned {
	for _, t := range p.d.Tiles {
		if plan := t.Plan(c); plan != nil {
			return &planned{Plan: plan, tile: t}
		}
	}
	return nil
}

func (p *planner) operand(name string) Operand {
	b, ok := p.bufs[name]
	if !ok {
		return Operand{DType: kernel.F32, Group: true}
	}
	return Operand{DType: b.DType, Role: b.Role}
}

// dotLoops has a team compute each inner product. The names it declares end in what no other name of a kernel does.
func dotLoops(d *kernel.Dot) []kernel.Stmt {
	name := func(s string) string { return s + "_" + d.Acc }
	at, r, c, k, sum := name("at"), name("row"), name("col"), name("k"), name("sum")
	w := kernel.At(d.W, kernel.Add(kernel.Add(d.WAt, kernel.Mul(kernel.IntVar(r), d.WStride)), kernel.IntVar(k)))
	x := kernel.At(d.X, kernel.Add(kernel.Add(d.XAt, kernel.Mul(kernel.IntVar(c), d.XStride)), kernel.IntVar(k)))
	return []kernel.Stmt{&kernel.For{Var: at, Lo: kernel.I(0), Hi: kernel.Mul(d.Rows, d.Cols), Step: kernel.I(1), Teams: true, Body: []kernel.Stmt{
		&kernel.Let{Name: r, Value: kernel.Div(kernel.IntVar(at), d.Cols)},
		&kernel.Let{Name: c, Value: kernel.Rem(kernel.IntVar(at), d.Cols)},
		&kernel.Reduce{Name: sum, Op: kernel.Sum, Var: k, N: d.K, Value: kernel.Mul(w, x)},
		&kernel.Store{
			Buf: d.Acc, Index: kernel.Add(kernel.Add(d.AccAt, kernel.Mul(kernel.IntVar(r), d.AccStride)), kernel.IntVar(c)),
			Value: kernel.FloatVar(sum),
		},
	}}}
}

// mixLoops has a lane compute each element of the weighted sums.
func mixLoops(d *kernel.Dot) []kernel.Stmt {
	name := func(s string) string { return s + "_" + d.Acc }
	at, r, c, k, sum := name("at"), name("row"), name("col"), name("k"), name("sum")
	w := kernel.At(d.W, kernel.Add(kernel.Add(d.WAt, kernel.Mul(kernel.IntVar(r), d.WStride)), kernel.IntVar(k)))
	x := kernel.At(d.X, kernel.Add(kernel.Add(d.XAt, kernel.Mul(kernel.IntVar(c), d.XStride)), kernel.IntVar(r)))
	acc := kernel.Add(kernel.Add(d.AccAt, kernel.Mul(kernel.IntVar(c), d.AccStride)), kernel.IntVar(k))
	return []kernel.Stmt{&kernel.For{Var: at, Lo: kernel.I(0), Hi: kernel.Mul(d.Cols, d.K), Step: kernel.I(1), Lanes: true, Body: []kernel.Stmt{
		&kernel.Let{Name: c, Value: kernel.Div(kernel.IntVar(at), d.K)},
		&kernel.Let{Name: k, Value: kernel.Rem(kernel.IntVar(at), d.K)},
		&kernel.Reduce{Name: sum, Op: kernel.Sum, Var: r, N: d.Rows, Value: kernel.Mul(x, w)},
		&kernel.Store{Buf: d.Acc, Index: acc, Value: kernel.Add(kernel.At(d.Acc, acc), kernel.FloatVar(sum))},
	}}}
}
