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
	loads, lets := w.sure(l, unknown)
	if len(loads) == 0 {
		return
	}
	w.earlies[l] = map[string]string{}
	for _, load := range loads {
		name := w.freshName(load, "early")
		w.earlies[l][kernel.ExprString(load)] = name
		w.line("float %s = 0.0f;", name)
	}
	w.line("if (%s < %s) {", w.emitter.d.Self, w.ints(l.Hi))
	w.line("  const int %s = %s;", w.name(l.Var), w.emitter.d.Self)
	w.loadNow(l, loads, lets)
	w.line("}")
}

// freshName is a name for what is loaded, which no other load has.
func (p *printer) freshName(load *kernel.Load, when string) string {
	first := p.name(load.Buf) + "_" + when
	name := first
	for i := 2; p.taken[name]; i++ {
		name = fmt.Sprint(first, i)
	}
	p.taken[name] = true
	return name
}

// loadNow loads for one turn of a loop, with the names that addresses need.
func (p *printer) loadNow(l *kernel.For, loads []*kernel.Load, lets []kernel.Stmt) {
	p.in(lane, lets)
	for _, load := range loads {
		p.line("  %s = load_now(%s + %s);", p.earlies[l][kernel.ExprString(load)], p.name(load.Buf), p.expr(load.Index, precedence["add"]+1))
	}
}

// sure are loads of f32 that each turn of a loop makes, at places that are known without names of some set, and the loop's own names that
// may be needed for that.
func (p *printer) sure(l *kernel.For, unknown names) (loads []*kernel.Load, lets []kernel.Stmt) {
	var all []*kernel.Load
	hidden := names{}
	for _, s := range l.Body {
		switch s := s.(type) {
		case *kernel.Let:
			all = append(all, surely(s.Value)...)
			if uses(s.Value, unknown) || uses(s.Value, hidden) {
				hidden[s.Name] = true
				continue
			}
			lets = append(lets, s)
		case *kernel.Store:
			all = append(append(all, surely(s.Index)...), surely(s.Value)...)
		}
	}
	spelled := map[string]bool{}
	for _, load := range all {
		b, global := p.bufs[load.Buf]
		text := kernel.ExprString(load)
		if global && b.Role == kernel.In && b.DType == kernel.F32 && !uses(load.Index, unknown) && !uses(load.Index, hidden) && !spelled[text] {
			spelled[text] = true
			loads = append(loads, load)
		}
	}
	return loads, lets
}

// mostAhead is how many turns' loads are under way at once.
const mostAhead = 8

// ahead spells a loop that lanes share by some turns at a time, of which all loads go before all stores: the compiler does not know that
// they are of different memory. It reports whether the loop is of that kind.
func (p *printer) ahead(l *kernel.For) bool {
	if !p.overlaps() || p.scope != group || p.n.rangeOf(l.Hi).Hi <= int64(2*p.threads) || !p.straight(l.Body) || !p.stores(l.Body) {
		return false
	}
	loads, lets := p.sure(l, nil)
	if len(loads) == 0 {
		return false
	}
	v, hi := p.name(l.Var), p.ints(l.Hi)
	names := map[string]string{}
	p.line("for (int from = %s; from < %s; from += %d) {", p.emitter.d.Self, hi, mostAhead*p.threads)
	p.indent++
	p.earlies[l] = names
	for _, load := range loads {
		name := p.freshName(load, "ahead")
		p.line("float %s[%d];", name, mostAhead)
		names[kernel.ExprString(load)] = name + "[turn]"
	}
	head := fmt.Sprintf("for (int turn = 0, %s = from; turn < %d; turn++, %s += %d) if (%s < %s) {", v, mostAhead, v, p.threads, v, hi)
	p.line("#pragma unroll")
	p.line("%s", head)
	p.loadNow(l, loads, lets)
	p.line("}")
	p.line("#pragma unroll")
	p.line("%s", head)
	p.loaded = names
	p.in(lane, l.Body)
	p.loaded = nil
	p.line("}")
	p.indent--
	p.line("}")
	return true
}

// stores reports that statements store to global memory.
func (p *printer) stores(body []kernel.Stmt) bool {
	for _, s := range body {
		if st, ok := s.(*kernel.Store); ok {
			if _, global := p.bufs[st.Buf]; global {
				return true
			}
		}
	}
	return false
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
