package clike

import (
	"github.com/llorch/llorch/ir/kernel"
)

// layout gives out group memory: first scratch for reductions, then what the kernel declares, what tiles prepare, and their rings,
// which branches share.
type layout struct {
	size int
	prep int // where prepared x lies
	ring int // where the next ring begins
}

const align = 128

func (l *layout) take(bytes int) (at int) {
	at = l.size
	l.size += (bytes + align - 1) / align * align
	return at
}

// locals declares the group memory. Results that are complete when what their tile prepared is not needed any more lie over that.
func (p *printer) locals() {
	if reducesInGroup(p.k.Body) {
		p.memory.take(4 * p.threads / p.emitter.d.Team)
	}
	most, over := 0, p.overlay()
	for _, l := range p.k.Group {
		if p.spared(p.k.Body, l.Name) {
			continue
		}
		n := p.n.rangeOf(l.N)
		if !n.known() {
			p.fail("group memory %s has no known size: %s", l.Name, kernel.ExprString(l.N))
			return
		}
		if l.Name == over {
			most = max(most, int(4*n.Hi))
			continue
		}
		p.line("%s", p.emitter.d.Local(p.name(l.Name), p.memory.take(int(4*n.Hi))))
	}
	for _, plan := range p.plans {
		most = max(most, plan.Prep)
	}
	for _, plan := range p.attends {
		most = max(most, plan.Memory)
	}
	p.memory.prep = p.memory.take(most)
	if over != "" {
		p.line("%s", p.emitter.d.Local(p.name(over), p.memory.prep))
	}
	p.memory.ring = p.memory.size
}

// takeRing takes memory for a ring; rings that lie in different branches overlap.
func (p *printer) takeRing(bytes int) (at int) {
	at = p.memory.ring
	p.memory.ring += (bytes + align - 1) / align * align
	p.memory.size = max(p.memory.size, p.memory.ring)
	return at
}

// reducesInGroup reports a reduction by the whole group.
func reducesInGroup(body []kernel.Stmt) bool {
	for _, s := range body {
		switch s := s.(type) {
		case *kernel.Reduce:
			return true
		case *kernel.For:
			if !s.Lanes && !s.Teams && reducesInGroup(s.Body) {
				return true
			}
		case *kernel.Join:
			if reducesInGroup(s.Body) {
				return true
			}
		case *kernel.If:
			if reducesInGroup(s.Then) || reducesInGroup(s.Else) {
				return true
			}
		}
	}
	return false
}
