package clike

import (
	"fmt"
	"slices"
	"strings"

	"github.com/llorch/llorch/ir/kernel"
)

// fetchCall begins to load a tile's weights.
func (p *printer) fetchCall(plan *planned) {
	plan.fetched, plan.rest = true, true
	plan.ringAt = p.takeRing(plan.Ring)
	p.line("%s;", p.ringCall("fetch", plan))
}

func (p *printer) ringCall(name string, plan *planned) string {
	return fmt.Sprintf("%s::%s(memory + %d, %s, %s%s)", plan.Type, name, plan.ringAt, p.matrix(plan.dot.W, plan.dot.WAt), p.ints(plan.dot.Rows), p.place())
}

// restCalls ask for what was fetched in part, and for what is to be fetched yet.
func (p *printer) restCalls() (calls []string) {
	for _, plan := range p.later {
		if !plan.fetched {
			plan.ringAt = p.takeRing(plan.Ring)
			plan.fetched, plan.rest = true, true
			calls = append(calls, p.ringCall("fetch", plan))
		}
		if plan.rest {
			calls = append(calls, p.ringCall("rest", plan))
		}
		plan.rest = false
	}
	p.later = nil
	return calls
}

// asked is a function that makes those calls.
func (p *printer) asked() string {
	calls := p.restCalls()
	if len(calls) == 0 {
		return "[] {}"
	}
	return "[&] { " + strings.Join(calls, "; ") + "; }"
}

// tileCall spells a Dot or Mix by its tile.
func (p *printer) tileCall(plan *planned) {
	d := plan.dot
	if p.scope != group {
		p.fail("a tile within a loop over lanes or teams")
	}
	if plan.joined {
		return
	}
	x, xStride, cols := "nullptr", p.ints(d.XStride), p.ints(d.Cols)
	if plan.own == nil {
		x = p.matrix(d.X, d.XAt)
	}
	if plan.Ring > 0 && !plan.fetched {
		p.fetchCall(plan)
	}
	if plan.rest && !slices.Contains(p.later, plan) {
		p.later = append(p.later, plan)
	}
	what := ""
	if plan.Form != "" {
		what = fmt.Sprintf("%s(%s, %s, %s)", plan.Form, x, xStride, cols)
	}
	if plan.own != nil {
		what = plan.own.name
	}
	if plan.Prep > 0 && (what == "" || what != p.prepared) {
		if p.prepUsed || p.loops > 0 {
			p.barrier()
		}
		if what != "" {
			p.prepare(plan, x, xStride, cols)
			p.barrier()
		}
		p.prepared, p.prepUsed = what, true
	}
	for _, call := range p.restCalls() { // of a vector that was prepared before
		p.line("%s;", call)
	}
	ring := "nullptr"
	if plan.Ring > 0 {
		ring = fmt.Sprintf("memory + %d", plan.ringAt)
	}
	run, acc, w := "run", p.acc(d), p.matrix(d.W, d.WAt)
	if plan.second != nil {
		run, acc, w = "pair", acc+", "+p.acc(plan.second), w+", "+p.matrix(plan.second.W, plan.second.WAt)
	}
	p.line("%s::%s(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, memory + %d%s);", plan.Type, run, acc, p.ints(d.AccStride), w, p.ints(d.WStride),
		x, xStride, p.ints(d.Rows), cols, p.ints(d.K), ring, p.memory.prep, p.place())
	plan.fetched = false
	if plan.own != nil {
		p.ownSums(plan.own)
	}
}

// prepare puts a tile's x into the form that it wants.
func (p *printer) prepare(plan *planned, x, xStride, cols string) {
	if plan.own != nil {
		p.ownPrepare(plan)
		return
	}
	more := ""
	if plan.Ring > 0 {
		more = ", " + p.asked()
	}
	p.line("%s::prepare(memory + %d, %s, %s, %s%s%s);", plan.Type, p.memory.prep, x, xStride, cols, more, p.place())
}

// acc is where a call leaves results.
func (p *printer) acc(d *kernel.Dot) string {
	return p.name(d.Acc) + " + " + p.expr(d.AccAt, precedence["add"]+1)
}

// matrix is a pointer to the element at an index, which begins a block if the elements are in blocks. Matrices of blocks may have
// more bytes than 32 bits count.
func (p *printer) matrix(buf string, at kernel.Expr) string {
	b, global := p.bufs[buf]
	if lit, ok := at.(*kernel.IntLit); ok && lit.V == 0 {
		return p.name(buf)
	}
	if !global || !blocks(b.DType) {
		return p.name(buf) + " + " + p.expr(at, precedence["add"]+1)
	}
	row := b.DType.Row()
	block := p.n.fold(kernel.Div(at, kernel.I(int64(row.Elems*row.Rows))))
	return fmt.Sprintf("%s + size_t(%s) * %d", p.name(buf), p.ints(block), row.Bytes)
}
