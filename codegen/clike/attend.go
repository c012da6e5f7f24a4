package clike

import (
	"fmt"

	"github.com/llorch/llorch/ir/kernel"
)

// LoopTile is a way to spell the whole loop of attention over keys: a template of the dialect's device code, of which a kernel has an
// object with the functions
//
//	begin(lo, hi, keys, values)   begins to load keys and values of earlier steps, before the kernel may touch other memory
//	run(acc, most, sum, q, qStride, cols, lo, hi, keys, values, score, memory)
//
// keys(j) and values(j) are pointers to the row of key j, score(c, j, r, s) is what the product s of column c with key j+r becomes
// before its weight is taken, acc, most and sum are group memory, which hold the state before lo and get that at hi. There is a barrier
// before run; it ends with one. memory is the plan's own.
type LoopTile struct {
	Name  string
	Files []string
	Plan  func(c LoopCall) *LoopPlan // nil when the tile is not made for it
}

// LoopCall is what is known of such a loop.
type LoopCall struct {
	Keys, Values, Q       Operand
	Cols                  Range
	K, KeyStride, QStride Range
	ValueK, ValueStride   Range
	Block                 Range // keys at a time
	Threads               int
	Room                  int // bytes of group memory that the kernel leaves to tiles
}

// LoopPlan is a tile chosen for a loop.
type LoopPlan struct {
	Type   string
	Memory int  // bytes of group memory, 128-byte aligned
	Begins bool // there is a begin
}

// plannedLoop is such a loop with narrowed expressions, and how it is spelled.
type plannedLoop struct {
	*LoopPlan
	*online
	tile  *LoopTile
	begun bool
}

const product = "\x00product" // of a column with a key, as score has it

// loop is a loop of attention, if a tile is made for it, and else nothing.
func (p *planner) loop(n *narrower, s *kernel.For) []kernel.Stmt {
	o := findOnline(s)
	if o == nil || len(p.d.Loops) == 0 {
		return nil
	}
	l := *s
	l.Lo, l.Hi, l.Step = n.expr(s.Lo), n.expr(s.Hi), n.expr(s.Step)
	n.declare(s.Var, Range{n.rangeOf(l.Lo).Lo, add(n.rangeOf(l.Hi).Hi, -1)})
	o.narrow(n, n.rangeOf(l.Step).Hi)
	o.loop = &l
	call := LoopCall{
		Keys: p.operand(o.dot.W), Values: p.operand(o.mix.W), Q: p.operand(o.dot.X), Cols: n.rangeOf(o.dot.Cols), K: n.rangeOf(o.dot.K),
		KeyStride: n.rangeOf(o.dot.WStride), QStride: n.rangeOf(o.dot.XStride), ValueK: n.rangeOf(o.mix.K),
		ValueStride: n.rangeOf(o.mix.WStride), Block: n.rangeOf(l.Step), Threads: p.threads, Room: p.room(n),
	}
	for _, t := range p.d.Loops {
		if plan := t.Plan(call); plan != nil {
			plan.Begins = plan.Begins && call.Keys.Role == kernel.State && call.Values.Role == kernel.State
			p.attends[&l] = &plannedLoop{LoopPlan: plan, online: o, tile: t}
			return []kernel.Stmt{&l}
		}
	}
	return nil
}

// narrow rewrites what a tile's call is spelled with. The loop's body stays as it is: it says what the loop touches.
func (o *online) narrow(n *narrower, block int64) {
	dot, mix := *o.dot, *o.mix
	for _, e := range []*kernel.Expr{&dot.WAt, &dot.WStride, &dot.XAt, &dot.XStride, &dot.Cols, &dot.K, &mix.WAt, &mix.WStride, &mix.K} {
		*e = n.expr(*e)
	}
	o.dot, o.mix = &dot, &mix
	if o.col != "" {
		n.declare(o.col, Range{0, add(n.rangeOf(dot.Cols).Hi, -1)})
	}
	n.declare(o.key, Range{0, block - 1})
	o.lets = n.stmts(o.lets)
	o.score = n.expr(with(o.score, o.raw, product))
}

// spared reports group memory that the loop alone uses, and its tile does not.
func (p *planner) spared(body []kernel.Stmt, name string) bool {
	for l, plan := range p.attends {
		if name != plan.dot.Acc && name != plan.mix.X {
			continue
		}
		for _, s := range body {
			if s != kernel.Stmt(l) && touches(s, func(buf string) bool { return buf == name }) {
				return false
			}
		}
		return true
	}
	return false
}

// begin begins to load what a loop reads of earlier steps.
func (p *printer) begin(plan *plannedLoop) {
	if !plan.Begins {
		return
	}
	until := p.ints(plan.loop.Lo)
	for _, s := range p.k.Ints {
		if s == p.o.Past {
			until = p.ints(p.n.fold(kernel.Min(plan.loop.Hi, kernel.IntVar(s))))
		}
	}
	p.line("%s attended;", plan.Type)
	p.line("attended.begin(%s, %s, %s);", p.ints(plan.loop.Lo), until, p.rows(plan))
	plan.begun = true
}

// rows are the functions that tell where keys and values lie.
func (p *printer) rows(plan *plannedLoop) string {
	j := p.name(plan.loop.Var)
	return fmt.Sprintf("[&](int %s) { return %s; }, [&](int %s) { return %s; }", j, p.matrix(plan.dot.W, plan.dot.WAt), j, p.matrix(plan.mix.W, plan.mix.WAt))
}

// loopCall spells a loop by its tile.
func (p *printer) loopCall(plan *plannedLoop) {
	if p.scope != group || p.loops > 0 {
		p.fail("a loop over keys within another")
	}
	switch {
	case plan.begun:
	case plan.Begins:
		p.begin(plan)
	default:
		p.line("%s attended;", plan.Type)
	}
	d := plan.dot
	p.barrier()
	p.prepUsed = true
	col := "int"
	if plan.col != "" {
		col = "int " + p.name(plan.col)
	}
	p.line("attended.run(%s, %s, %s, %s, %s, %s, %s, %s, %s,", p.name(plan.mix.Acc), p.matrix(plan.max.Buf, plan.first(plan.max)),
		p.matrix(plan.sum.Buf, plan.first(plan.sum)), p.matrix(d.X, d.XAt), p.ints(d.XStride), p.ints(d.Cols), p.ints(plan.loop.Lo),
		p.ints(plan.loop.Hi), p.rows(plan))
	p.indent++
	p.line("[&](%s, int %s, int %s, float %s) {", col, p.name(plan.loop.Var), p.name(plan.key), p.name(product))
	p.in(lane, plan.lets)
	p.line("  return %s;", p.expr(plan.score, 0))
	p.line("}, memory + %d);", p.memory.prep)
	p.indent--
}
