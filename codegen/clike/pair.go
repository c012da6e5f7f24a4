package clike

import (
	"reflect"

	"github.com/llorch/llorch/ir/kernel"
)

// pair finds the calls that may be spelled together, and the group memory that may lie over what tiles prepare.
func (p *planner) pair(k *kernel.Kernel) {
	p.seconds, p.firsts = map[kernel.Stmt]kernel.Stmt{}, map[kernel.Stmt]*planned{}
	p.pairs(k.Body)
	for _, l := range k.Group {
		if calls, ok := p.calls(k.Body, l.Name, false); ok && calls == 1 {
			p.over = l.Name
			return
		}
	}
}

func (p *planner) pairs(body []kernel.Stmt) {
	var before *kernel.Dot // that is no second
	for _, s := range body {
		d, isDot := s.(*kernel.Dot)
		switch s := s.(type) {
		case *kernel.For:
			p.pairs(s.Body)
		case *kernel.If:
			p.pairs(s.Then)
			p.pairs(s.Else)
		}
		switch {
		case !isDot:
			before = nil
		case before != nil && p.alike(before, d):
			p.seconds[before], before = d, nil
		default:
			before = d
		}
	}
}

// alike reports that two calls differ in nothing but the weight and the place of results.
func (p *planner) alike(a, b *kernel.Dot) bool {
	c := *b
	c.AccAt, c.W, c.WAt = a.AccAt, a.W, a.WAt
	return reflect.DeepEqual(a, &c) && reflect.DeepEqual(p.operand(a.W), p.operand(b.W)) && p.bufs[a.W].Name != ""
}

// calls is the most calls that a way through statements has, a pair counted once, and whether it is sound to lay the group memory over
// what they prepare: all leave results there, nothing before them has touched it, and there is no turn after the one that reads it.
func (p *planner) calls(body []kernel.Stmt, over string, touched bool) (n int, ok bool) {
	within := func(body []kernel.Stmt) int {
		m, sound := p.calls(body, over, touched)
		ok = ok && sound
		return m
	}
	ok = true
	seconds := map[kernel.Stmt]bool{}
	for _, s := range body {
		switch s := s.(type) {
		case *kernel.Mix, *kernel.Join:
			return n, false
		case *kernel.Dot:
			if seconds[s] {
				continue
			}
			seconds[p.seconds[s]] = true
			ok = ok && s.Acc == over && !touched
			n++
		case *kernel.If:
			n += max(within(s.Then), within(s.Else))
		case *kernel.For:
			ok = within(s.Body) == 0 && ok
		}
		touched = touched || touches(s, func(buf string) bool { return buf == over })
	}
	return n, ok
}

// room is what the dialect's groups have of memory besides what the kernel declares.
func (p *planner) room(n *narrower) int {
	left := p.d.Memory
	if reducesInGroup(n.k.Body) {
		left -= align
	}
	for _, l := range n.k.Group {
		if r := n.rangeOf(n.expr(l.N)); l.Name != p.over && r.known() {
			left -= (int(4*r.Hi) + align - 1) / align * align
		}
	}
	return left
}

// overlay is the group memory that lies over what tiles prepare, if their plans allow that.
func (p *planner) overlay() string {
	any := false
	for _, plan := range p.plans {
		if !plan.joined && (!plan.Over || plan.Ring > 0) {
			return ""
		}
		any = true
	}
	if !any || len(p.attends) > 0 {
		return ""
	}
	return p.over
}

// ordered are the plans in the order of their calls.
func (p *planner) ordered(k *kernel.Kernel) (all []*planned) {
	var walk func(body []kernel.Stmt)
	walk = func(body []kernel.Stmt) {
		for _, s := range body {
			switch s := s.(type) {
			case *kernel.For:
				walk(s.Body)
			case *kernel.If:
				walk(s.Then)
				walk(s.Else)
			default:
				if plan := p.plans[s]; plan != nil {
					all = append(all, plan)
				}
			}
		}
	}
	walk(k.Body)
	return all
}
