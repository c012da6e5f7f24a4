package kernel

import "maps"

// Barriers returns the statements before which the lanes of a group must wait for each other, because one of them may touch
// memory that others have touched since the last barrier: a read after a write, a write after a read, or a write after a write.
// The memory is group memory and State buffers. The analysis takes:
//
//   - a loop over lanes or teams as one statement, as its iterations are independent;
//   - a Store outside such loops as done by one lane;
//   - Dots into one memory as writing different parts of it, since a result that is overwritten unread would be none;
//   - loops with their back edge, and a wait that only a loop's entry needs as one before the loop;
//   - a Join as a barrier by itself, whose body stores to no such memory.
//
// Group memory is not a group's own from the start where a target runs several groups one after the other in the same lanes: such
// a target waits between groups as well.
func Barriers(k *Kernel) map[Stmt]bool {
	p := &barrierPass{shared: map[string]bool{}, before: map[Stmt]bool{}, loops: map[*For]loopAccess{}}
	for _, l := range k.Group {
		p.shared[l.Name] = true
	}
	for _, b := range k.Bufs {
		if b.Role == State {
			p.shared[b.Name] = true
		}
	}
	p.solve(k.Body)
	p.walk(k.Body, access{})
	return p.before
}

type barrierPass struct {
	shared map[string]bool
	before map[Stmt]bool // only ever grows
	loops  map[*For]loopAccess
}

// loopAccess sums up a loop whose own barriers are known: what it touches before any of them, and what it has touched since the
// last when it ends.
type loopAccess struct{ exposed, left access }

// access is what has been touched, by name.
type access struct{ reads, writes, dots set }

type set map[string]bool

func (s set) meets(t set) bool {
	for name := range s {
		if t[name] {
			return true
		}
	}
	return false
}

func (s set) union(t set) set {
	if len(t) == 0 {
		return s
	}
	out := maps.Clone(t)
	maps.Copy(out, s)
	return out
}

func (a access) union(b access) access {
	return access{a.reads.union(b.reads), a.writes.union(b.writes), a.dots.union(b.dots)}
}

func (a access) size() int { return len(a.reads) + len(a.writes) + len(a.dots) }

// conflicts reports that next may not follow a without a barrier.
func (a access) conflicts(next access) bool {
	return a.writes.union(a.dots).meets(next.reads.union(next.writes)) ||
		a.reads.union(a.writes).meets(next.writes.union(next.dots))
}

// solve finds the barriers that each loop over the body needs by itself, inner loops first.
func (p *barrierPass) solve(body []Stmt) {
	for _, s := range body {
		switch s := s.(type) {
		case *For:
			if !s.divided() {
				p.solve(s.Body)
				p.loops[s] = p.loop(s)
			}
		case *If:
			p.solve(s.Then)
			p.solve(s.Else)
		}
	}
}

func (p *barrierPass) loop(s *For) loopAccess {
	for around := (access{}); ; {
		marks, size := len(p.before), around.size()
		left := p.walk(s.Body, around)
		around = around.union(left)
		if len(p.before) == marks && around.size() == size {
			exposed, _ := p.exposed(s.Body)
			header := p.of(s)
			return loopAccess{header.union(exposed), header.union(left)}
		}
	}
}

// walk follows in, what has been touched since the last barrier, through the statements, and puts barriers where it must.
func (p *barrierPass) walk(body []Stmt, in access) access {
	for _, s := range body {
		touched, left := p.of(s), p.of(s)
		if l, ok := s.(*For); ok && !l.divided() {
			touched, left = p.loops[l].exposed, p.loops[l].left
		}
		if in.conflicts(touched) {
			p.before[s] = true
		}
		if p.before[s] {
			in = access{}
		}
		in = in.union(left)
		if s, ok := s.(*If); ok {
			in = p.walk(s.Then, in).union(p.walk(s.Else, in))
		}
	}
	return in
}

// exposed is what the statements touch before a barrier of theirs, and whether every way through them meets one.
func (p *barrierPass) exposed(body []Stmt) (a access, stops bool) {
	for _, s := range body {
		if p.before[s] {
			return a, true
		}
		switch s := s.(type) {
		case *For:
			if !s.divided() {
				a = a.union(p.loops[s].exposed)
				continue
			}
		case *If:
			then, stopThen := p.exposed(s.Then)
			other, stopElse := p.exposed(s.Else)
			a = a.union(p.of(s)).union(then).union(other)
			if stopThen && stopElse {
				return a, true
			}
			continue
		}
		a = a.union(p.of(s))
	}
	return a, false
}

// of is what a statement touches: with its body if it is a loop over lanes, else its header alone.
func (p *barrierPass) of(s Stmt) access {
	a := access{set{}, set{}, set{}}
	p.collect(s, a)
	return a
}

func (p *barrierPass) collect(s Stmt, a access) {
	read := func(exprs ...Expr) {
		for _, e := range exprs {
			loads(e, func(l *Load) { p.add(a.reads, l.Buf) })
		}
	}
	if d, _ := tile(s); d != nil {
		read(d.AccAt, d.WAt, d.WStride, d.XAt, d.XStride, d.Rows, d.Cols, d.K)
		p.add(a.reads, d.W)
		p.add(a.reads, d.X)
	}
	switch s := s.(type) {
	case *Let:
		read(s.Value)
	case *Store:
		read(s.Index, s.Value)
		p.add(a.writes, s.Buf)
	case *Reduce:
		read(s.N, s.Value)
	case *Dot:
		p.add(a.dots, s.Acc)
	case *Mix:
		p.add(a.reads, s.Acc)
		p.add(a.writes, s.Acc)
	case *Encode:
		read(s.At, s.XAt, s.N)
		p.add(a.reads, s.X)
		p.add(a.writes, s.Buf)
	case *For:
		read(s.Lo, s.Hi, s.Step)
		if s.divided() {
			p.collectAll(s.Body, a)
		}
	case *Join:
		read(s.Groups, s.Each, s.All)
	case *If:
		read(s.Cond)
	}
}

// collectAll collects the statements in a loop over lanes.
func (p *barrierPass) collectAll(body []Stmt, a access) {
	for _, s := range body {
		p.collect(s, a)
		switch s := s.(type) {
		case *For:
			p.collectAll(s.Body, a)
		case *If:
			p.collectAll(s.Then, a)
			p.collectAll(s.Else, a)
		}
	}
}

func (p *barrierPass) add(s set, name string) {
	if p.shared[name] {
		s[name] = true
	}
}

// divided reports a loop whose iterations the lanes or teams share out.
func (s *For) divided() bool { return s.Lanes || s.Teams }
