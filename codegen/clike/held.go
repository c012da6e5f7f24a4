package clike

import (
	"github.com/llorch/llorch/ir/kernel"
)

// held are elements that lanes keep in registers: of a buffer, those that a lane meets in its turns of a loop over n. Several loops
// may go over the same ones, and who holds them chooses when they are loaded.
type held struct {
	turns int64
	n     string
}

// mostHeld is the most elements of a lane.
const mostHeld = 64

// hold declares what the loops up to the first tile hold, loads what never changes, and gives the buffers of the others.
func (w *waiting) hold(body []kernel.Stmt) (later []string) {
	w.held = map[string]held{}
	last := w.lastTile(body)
	left := int64(mostHeld)
	for _, s := range body[:max(last, 0)] {
		v, n, es := w.turnsOf(s)
		h := held{turns: w.turns(n)}
		if h.turns == 0 {
			continue
		}
		h.n = w.ints(n)
		for _, b := range w.k.Bufs {
			_, done := w.held[b.Name]
			if done || b.Role != kernel.In || b.DType != kernel.F32 || h.turns > left || !loadsAt(es, b.Name, v) {
				continue
			}
			left -= h.turns
			w.held[b.Name] = h
			w.line("float %s[%d];", heldName(w.name(b.Name)), h.turns)
			if w.fixed[b.Name] > 0 {
				w.loadHeld(b.Name)
				continue
			}
			later = append(later, b.Name)
		}
	}
	return later
}

func heldName(name string) string { return name + "_own" }

// loadHeld loads what is held of a buffer.
func (w *waiting) loadHeld(buf string) {
	w.line("load_own<%d>(%s, %s, %s);", w.threads, heldName(w.name(buf)), w.name(buf), w.held[buf].n)
}

// turnsOf is the variable, the end and the expressions of a loop that the lanes of a group share, or nothing.
func (w *waiting) turnsOf(s kernel.Stmt) (v string, n kernel.Expr, es []kernel.Expr) {
	switch s := s.(type) {
	case *kernel.Reduce:
		return s.Var, s.N, []kernel.Expr{s.Value}
	case *kernel.For:
		if !s.Lanes || !w.straight(s.Body) {
			return "", nil, nil
		}
		for _, st := range s.Body {
			switch st := st.(type) {
			case *kernel.Let:
				es = append(es, st.Value)
			case *kernel.Store:
				es = append(es, st.Index, st.Value)
			}
		}
		return s.Var, s.Hi, es
	}
	return "", nil, nil
}

// turns is how many turns a lane has of a loop over n that is spread out, or 0.
func (w *waiting) turns(n kernel.Expr) int64 {
	if n == nil {
		return 0
	}
	return w.spread(kernel.I(0), n, kernel.I(1), w.threads, nil)
}

// loadsAt reports that expressions load the element of a buffer whose index is a variable.
func loadsAt(es []kernel.Expr, buf, v string) bool {
	for _, e := range es {
		switch e := e.(type) {
		case *kernel.Load:
			if i, ok := e.Index.(*kernel.Var); ok && e.Buf == buf && i.Name == v || loadsAt([]kernel.Expr{e.Index}, buf, v) {
				return true
			}
		case *kernel.Call:
			if loadsAt(e.Args, buf, v) {
				return true
			}
		}
	}
	return false
}
