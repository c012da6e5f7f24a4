package clike

import (
	"fmt"
	"reflect"

	"github.com/llorch/llorch/ir/kernel"
)

// early loads, right after the wait, what is going to meet the results of the last tile: a residual, rotations. Their way would else
// follow the tile's.
func (w *waiting) early(body []kernel.Stmt) {
	last := w.lastTile(body)
	if last < 0 {
		return
	}
	unknown := names{} // declared after the wait
	for _, s := range body {
		switch s := s.(type) {
		case *kernel.Let:
			unknown[s.Name] = true
		case *kernel.Reduce:
			unknown[s.Name] = true
		case *kernel.Arrive:
			unknown[s.Name] = true
		}
	}
	for _, s := range body[last+1:] {
		if l, ok := s.(*kernel.For); ok && l.Lanes && w.straight(l.Body) && w.n.rangeOf(l.Hi).Hi <= int64(w.threads) && !uses(l.Hi, unknown) {
			w.earlyOf(l, unknown)
		}
	}
}

// earlyOf loads what a loop of which each lane has one turn is sure to load.
func (w *waiting) earlyOf(l *kernel.For, unknown names) {
	var lets []kernel.Stmt // that addresses may need
	var sure []*kernel.Load
	hidden := names{}
	for _, s := range l.Body {
		switch s := s.(type) {
		case *kernel.Let:
			sure = append(sure, surely(s.Value)...)
			if uses(s.Value, unknown) || uses(s.Value, hidden) {
				hidden[s.Name] = true
				continue
			}
			lets = append(lets, s)
		case *kernel.Store:
			sure = append(append(sure, surely(s.Index)...), surely(s.Value)...)
		}
	}
	spelled := map[string]bool{}
	var loads []*kernel.Load
	for _, load := range sure {
		b, global := w.bufs[load.Buf]
		text := kernel.ExprString(load)
		if global && b.Role == kernel.In && b.DType == kernel.F32 && !uses(load.Index, unknown) && !uses(load.Index, hidden) && !spelled[text] {
			spelled[text] = true
			loads = append(loads, load)
		}
	}
	if len(loads) == 0 {
		return
	}
	w.earlies[l] = map[string]string{}
	for _, load := range loads {
		name := fmt.Sprintf("%s_early", w.name(load.Buf))
		for i := 2; w.taken[name]; i++ {
			name = fmt.Sprintf("%s_early%d", w.name(load.Buf), i)
		}
		w.taken[name] = true
		w.earlies[l][kernel.ExprString(load)] = name
		w.line("float %s = 0.0f;", name)
	}
	w.line("if (%s < %s) {", w.emitter.d.Self, w.ints(l.Hi))
	w.line("  const int %s = %s;", w.name(l.Var), w.emitter.d.Self)
	w.in(lane, lets)
	for _, load := range loads {
		w.line("  %s = load_now(%s + %s);", w.earlies[l][kernel.ExprString(load)], w.name(load.Buf), w.expr(load.Index, precedence["add"]+1))
	}
	w.line("}")
}

// surely are the loads that evaluating an expression makes, whatever conditions in it say.
func surely(e kernel.Expr) []*kernel.Load {
	switch e := e.(type) {
	case *kernel.Load:
		return append(surely(e.Index), e)
	case *kernel.Call:
		switch e.Fn.Name {
		case "choose":
			loads, others := surely(e.Args[0]), surely(e.Args[2])
			for _, l := range surely(e.Args[1]) {
				for _, o := range others {
					if reflect.DeepEqual(l, o) {
						loads = append(loads, l)
						break
					}
				}
			}
			return loads
		case "and", "or":
			return surely(e.Args[0])
		}
		var loads []*kernel.Load
		for _, a := range e.Args {
			loads = append(loads, surely(a)...)
		}
		return loads
	}
	return nil
}
