package clike

import (
	"slices"

	"github.com/llorch/llorch/ir/kernel"
)

// waiting places the wait for the kernels before: in each branch, just before the first statement that touches memory which they
// may have written. What tiles fetch begins before it. The kernel after may begin once the last tile is done, or, without tiles, at
// the wait: if it began earlier, what it fetches would be in the way of what this one needs (codegen/clike/cuda/NOTES.md).
type waiting struct {
	*printer
	done     bool
	released bool
}

func (w *waiting) block(body []kernel.Stmt) {
	fetched := false
	last := w.lastTile(body)
	for i, s := range body {
		if w.done && last < 0 {
			w.release()
		}
		if w.done {
			w.stmt(s)
			if i == last {
				w.release()
			}
			continue
		}
		if _, isLet := s.(*kernel.Let); !isLet && !fetched {
			w.fetch(body[i:])
			fetched = true
		}
		if branch, ok := s.(*kernel.If); ok && i == len(body)-1 && !w.reads(branch.Cond) {
			w.branch(branch)
			return
		}
		if touches(s, w.written) || w.ownsWritten(s) {
			w.ownFixed(body[i:])
			w.nearFixed(body[i:])
			if loop, ok := s.(*kernel.For); ok {
				if plan := w.attends[loop]; plan != nil {
					w.begin(plan)
				} else {
					w.near(loop)
				}
			}
			w.line("wait_for_inputs();")
			w.early(body[i:])
			w.done = true
		}
		w.stmt(s)
		if i == last {
			w.release()
		}
	}
}

// lastTile is the index of the last statement with a tile, or -1.
func (w *waiting) lastTile(body []kernel.Stmt) int {
	last := -1
	for i, s := range body {
		switch s := s.(type) {
		case *kernel.For:
			if w.attends[s] != nil || w.lastTile(s.Body) >= 0 {
				last = i
			}
		case *kernel.If:
			if w.lastTile(s.Then) >= 0 || w.lastTile(s.Else) >= 0 {
				last = i
			}
		default:
			if w.plans[s] != nil {
				last = i
			}
		}
	}
	return last
}

// release lets the kernel after begin.
func (w *waiting) release() {
	if w.overlaps() && !w.released {
		w.line("launch_dependents();")
		w.released = true
	}
}

// branch has each side wait for itself.
func (w *waiting) branch(s *kernel.If) {
	ring, used, either := w.memory.ring, w.prepUsed, false
	side := func(body []kernel.Stmt) {
		inner := &waiting{printer: w.printer}
		w.memory.ring, w.prepared, w.prepUsed, w.later = ring, "", used, nil
		w.indent++
		inner.block(body)
		inner.end()
		w.indent--
		either = either || w.prepUsed
	}
	w.wait(s)
	w.line("if (%s) {", w.expr(s.Cond, 0))
	side(s.Then)
	w.line("} else {")
	side(s.Else)
	w.line("}")
	w.memory.ring, w.done, w.released, w.prepared, w.prepUsed = ring, true, true, "", either
}

// end closes a way through the kernel.
func (w *waiting) end() {
	if !w.done {
		w.line("wait_for_inputs();")
	}
	w.release()
}

// fetch begins to load the weights of tiles whose place is known here: of the first, before the wait, and of the others when x is on
// its way.
func (w *waiting) fetch(body []kernel.Stmt) {
	declared := map[string]bool{}
	for _, s := range body {
		if l, ok := s.(*kernel.Let); ok {
			declared[l.Name] = true
		}
		if r, ok := s.(*kernel.Reduce); ok {
			declared[r.Name] = true
		}
		plan := w.plans[s]
		if plan == nil || plan.Ring == 0 || plan.fetched || uses(plan.dot.WAt, declared) || uses(plan.dot.Rows, declared) {
			continue
		}
		if len(w.later) == 0 {
			w.fetchCall(plan)
		}
		w.later = append(w.later, plan)
	}
}

// nearFixed asks for the small buffers that never change and that statements are going to read: the weights of a norm, say.
func (w *waiting) nearFixed(body []kernel.Stmt) {
	for _, b := range w.k.Bufs {
		n := w.fixed[b.Name]
		if n == 0 || n > 64<<10 {
			continue
		}
		for _, s := range body {
			if touches(s, func(buf string) bool { return buf == b.Name }) {
				w.line("bring_near<%d>(%s, 0, 1, %d);", w.threads, w.name(b.Name), n)
				break
			}
		}
	}
}

// ownFixed loads what never changes of the vector that the first tile takes from registers.
func (w *waiting) ownFixed(body []kernel.Stmt) {
	for _, s := range body {
		if plan := w.plans[s]; plan != nil {
			if plan.own != nil {
				w.loadOwn(plan.own, func(buf string) bool { return w.fixed[buf] > 0 })
			}
			return
		}
	}
}

// ownsWritten reports a tile whose vector is made of memory that an earlier kernel may write.
func (w *waiting) ownsWritten(s kernel.Stmt) bool {
	plan := w.plans[s]
	return plan != nil && plan.own != nil && slices.ContainsFunc(plan.own.bufs, w.written)
}

// near asks for the rows of state that a loop over tiles is going to read, nearly all of which earlier steps wrote: that they come
// nearer the group before the wait is a hint, and changes nothing that the loop sees after it.
func (w *waiting) near(s *kernel.For) {
	if s.Lanes || s.Teams {
		return
	}
	inside, known := map[string]bool{}, []kernel.Stmt{}
	var calls []*kernel.Dot
	for _, st := range s.Body {
		switch st := st.(type) {
		case *kernel.Let:
			if loads(st.Value, func(string) bool { return true }) || uses(st.Value, inside) {
				inside[st.Name] = true
				continue
			}
			known = append(known, st)
		case *kernel.Reduce:
			inside[st.Name] = true
		default:
			plan := w.plans[st]
			if plan == nil {
				continue
			}
			d := plan.dot
			if b := w.bufs[d.W]; b.Role == kernel.State && !blocks(b.DType) && !uses(d.WAt, inside) && !uses(d.Rows, inside) {
				calls = append(calls, d)
			}
		}
	}
	if len(calls) == 0 {
		return
	}
	v := w.name(s.Var)
	w.line("for (int %s = %s; %s < %s; %s += %s) {", v, w.ints(s.Lo), v, w.ints(s.Hi), v, w.ints(s.Step))
	w.nearRows(known, calls)
	w.line("}")
}

// nearRows is the body of near's loop.
func (w *waiting) nearRows(lets []kernel.Stmt, calls []*kernel.Dot) {
	w.indent++
	defer func() { w.indent-- }()
	for _, st := range lets {
		w.stmt(st)
	}
	for _, d := range calls {
		size := kernel.I(int64(w.bufs[d.W].DType.Row().Bytes))
		w.line("bring_near<%d>(%s, %s, %s, %s);", w.threads, w.matrix(d.W, d.WAt), w.ints(kernel.Mul(d.WStride, size)), w.ints(d.Rows),
			w.ints(kernel.Mul(d.K, size)))
	}
}

// written reports memory that an earlier kernel may write.
func (w *waiting) written(buf string) bool {
	b, global := w.bufs[buf]
	return global && b.Role != kernel.Weight && w.fixed[buf] == 0
}

func (w *waiting) reads(e kernel.Expr) bool { return loads(e, w.written) }

// uses reports that e names something in a set, or loads from memory.
func uses(e kernel.Expr, names map[string]bool) bool {
	switch e := e.(type) {
	case *kernel.Var:
		return names[e.Name]
	case *kernel.Load:
		return true
	case *kernel.Call:
		for _, a := range e.Args {
			if uses(a, names) {
				return true
			}
		}
	}
	return false
}
