package kernel

import "maps"

// Barriers returns the statements before which the lanes of a group must wait for each other, because one of them may touch
// memory that others have touched since the last barrier: a read after a write, a write after a read, or a write after a write.
// The memory is group memory and State buffers. The analysis takes:
//
//   - a loop over lanes as one statement, as its iterations are independent;
//   - a Store outside such loops as done by one lane;
//   - Dots into one memory as writing different parts of it, since a result that is overwritten unread would be none;
//   - loops with their back edge, and a wait that only a loop's entry needs as one before the loop.
//
// Group memory is not a group's own from the start where a target runs several groups one after the other in the same lanes: such
// a target waits between groups as well.
func Barriers(k *Kernel) map[Stmt]bool {
	p := &barrierPass{shared: map[string]bool{}, before: map[Stmt]bool{}}
	for _, l := range k.Group {
		p.shared[l.Name] = true
	}
	for _, b := range k.Bufs {
		if b.Role == State {
			p.shared[b.Name] = true
		}
	}
	p.body(k.Body, access{})
	return p.before
}

type barrierPass struct {
	shared map[string]bool
	before map[Stmt]bool // only ever grows, but for a loop's entry
}

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

// body follows in, what has been touched since the last barrier, through the statements.
func (p *barrierPass) body(body []Stmt, in access) access {
	for _, s := range body {
		in = p.stmt(s, in)
	}
	return in
}

func (p *barrierPass) stmt(s Stmt, in access) access {
	switch s := s.(type) {
	case *For:
		if !s.Lanes {
			return p.loop(s, p.step(s, p.of(s), in))
		}
	case *If:
		in = p.step(s, p.of(s), in)
		return p.body(s.Then, in).union(p.body(s.Else, in))
	}
	return p.step(s, p.of(s), in)
}

// step puts a barrier before s if what s itself touches asks for one.
func (p *barrierPass) step(s Stmt, touched, in access) access {
	if in.conflicts(touched) {
		p.before[s] = true
	}
	if p.before[s] {
		in = access{}
	}
	return in.union(touched)
}

// loop finds the barriers that the body needs by itself. If what came before asks for more, there is one before the loop.
func (p *barrierPass) loop(s *For, in access) access {
	p.repeat(s.Body, access{})
	alone := maps.Clone(p.before)
	out := p.repeat(s.Body, in)
	if len(p.before) > len(alone) {
		p.before = alone
		p.before[s] = true
		in = p.of(s)
		out = p.repeat(s.Body, in)
	}
	return in.union(out)
}

// repeat follows in through the body and around, until nothing changes.
func (p *barrierPass) repeat(body []Stmt, in access) access {
	for {
		marks, size := len(p.before), in.size()
		out := p.body(body, in)
		in = in.union(out)
		if len(p.before) == marks && in.size() == size {
			return out
		}
	}
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
	case *For:
		read(s.Lo, s.Hi, s.Step)
		if s.Lanes {
			p.collectAll(s.Body, a)
		}
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
