package clike

import (
	"fmt"

	"github.com/llorch/llorch/ir/kernel"
)

// fetchCall begins to load a tile's weights.
func (p *printer) fetchCall(plan *planned) {
	plan.fetched = true
	plan.ringAt = p.takeRing(plan.Ring)
	p.line("%s::fetch(memory + %d, %s, %s%s);", plan.Type, plan.ringAt, p.matrix(plan.dot.W, plan.dot.WAt), p.ints(plan.dot.Rows), p.place())
}

// tileCall spells a Dot or Mix by its tile.
func (p *printer) tileCall(plan *planned) {
	d := plan.dot
	if p.scope != group {
		p.fail("a tile within a loop over lanes or teams")
	}
	x, xStride, cols := p.matrix(d.X, d.XAt), p.ints(d.XStride), p.ints(d.Cols)
	if plan.Ring > 0 && !plan.fetched {
		p.fetchCall(plan)
	}
	plan.fetched = false
	what := ""
	if plan.Form != "" {
		what = fmt.Sprintf("%s(%s, %s, %s)", plan.Form, x, xStride, cols)
	}
	if plan.Prep > 0 && (what == "" || what != p.prepared) {
		if p.prepUsed || p.loops > 0 {
			p.line("group_barrier();")
		}
		if what != "" {
			p.line("%s::prepare(memory + %d, %s, %s, %s%s);", plan.Type, p.memory.prep, x, xStride, cols, p.place())
			p.line("group_barrier();")
		}
		p.prepared, p.prepUsed = what, true
	}
	ring := "nullptr"
	if plan.Ring > 0 {
		ring = fmt.Sprintf("memory + %d", plan.ringAt)
	}
	p.line("%s::run(%s + %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, memory + %d%s);", plan.Type, p.name(d.Acc), p.expr(d.AccAt, precedence["add"]+1),
		p.ints(d.AccStride), p.matrix(d.W, d.WAt), p.ints(d.WStride), x, xStride, p.ints(d.Rows), cols, p.ints(d.K), ring, p.memory.prep, p.place())
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
