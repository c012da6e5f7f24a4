package kernel

import "math"

func (c *compiler) stmts(body []Stmt) []exec {
	out := make([]exec, len(body))
	for i, s := range body {
		out[i] = c.stmt(s)
	}
	return out
}

func (c *compiler) stmt(s Stmt) exec {
	switch s := s.(type) {
	case *Let:
		value := c.expr(s.Value)
		slot := c.slot(s.Name)
		return func(f *frame) { f.slots[slot] = value(f) }
	case *Store:
		return c.store(c.memory[s.Buf], c.expr(s.Index), c.expr(s.Value))
	case *For:
		return c.loop(s)
	case *Reduce:
		return c.reduce(s)
	case *If:
		cond, then, other := c.expr(s.Cond), c.stmts(s.Then), c.stmts(s.Else)
		return func(f *frame) {
			if cond(f).I != 0 {
				f.run(then)
			} else {
				f.run(other)
			}
		}
	case *Join:
		return c.join(s)
	case *Dot:
		return c.tile(s).dot
	case *Mix:
		return c.tile((*Dot)(s)).mix
	case *Encode:
		return c.encode(s)
	}
	panic("kernel: a statement that Verify let pass")
}

func (c *compiler) store(m memory, index, value code) exec {
	if m.group {
		return func(f *frame) {
			i, s := index(f).I, f.local[m.index]
			if uint64(i) >= uint64(len(s)) {
				f.outside("store", m, i, int64(len(s)))
			}
			s[i] = value(f).F
		}
	}
	return func(f *frame) {
		i, b := index(f).I, &f.bufs[m.index]
		if uint64(i) >= uint64(b.n) {
			f.outside("store", m, i, b.n)
		}
		if err := b.store(b.row, i, value(f), f.one); err != nil {
			f.fail("store %s[%d]: %v", m.name, i, err)
		}
	}
}

func (c *compiler) loop(s *For) exec {
	lo, hi, step := c.expr(s.Lo), c.expr(s.Hi), c.expr(s.Step)
	slot := c.slot(s.Var)
	body := c.stmts(s.Body)
	if (s.Lanes || s.Teams) && c.program.opt.ReverseLanes {
		return func(f *frame) {
			for i := hi(f).I - 1; i >= 0; i-- {
				f.slots[slot].I = i
				f.run(body)
			}
		}
	}
	name := s.Var
	return func(f *frame) {
		i, end, by := lo(f).I, hi(f).I, step(f).I
		if by <= 0 {
			f.fail("loop over %s has step %d", name, by)
		}
		for i < end {
			f.slots[slot].I = i
			f.run(body)
			if uint64(end-i) <= uint64(by) { // i + by might overflow
				return
			}
			i += by
		}
	}
}

func (c *compiler) reduce(s *Reduce) exec {
	count := c.expr(s.N)
	index := c.slot(s.Var)
	value := c.expr(s.Value)
	result := c.slot(s.Name)
	if s.Op == Max {
		return func(f *frame) {
			top := float32(math.Inf(-1))
			for i, n := int64(0), count(f).I; i < n; i++ {
				f.slots[index].I = i
				top = max(top, value(f).F)
			}
			f.slots[result].F = top
		}
	}
	return func(f *frame) {
		sum := 0.0
		for i, n := int64(0), count(f).I; i < n; i++ {
			f.slots[index].I = i
			sum += float64(value(f).F)
		}
		f.slots[result].F = float32(sum)
	}
}

// join leaves the group's part. The last of the groups to do so runs all of the body: groups come one by one, or several at a time.
func (c *compiler) join(s *Join) exec {
	groups, n := c.expr(s.Groups), c.expr(s.N)
	parts, x := c.memory[s.Parts], c.memory[s.X]
	slot := c.slot(s.Var)
	body := c.stmts(s.Body)
	p := c.program
	return func(f *frame) {
		groups, n := groups(f).I, n(f).I
		if last := len(f.extents) - 1; groups != 1 && groups != f.extents[last] {
			f.fail("joined(%d): there are %d groups along the last axis", groups, f.extents[last])
		}
		b, at := &f.bufs[parts.index], int64(f.id)*n
		if n < 0 || at > b.n-n {
			f.outside("store", parts, at+n-1, b.n)
		}
		size := int64(b.row.Bytes)
		b.row.Encode(b.Data[at*size:][:n*size], f.floats(x, 0, n, nil))
		if !p.last(int64(f.id)/groups, groups) {
			return
		}
		for i := range groups {
			if p.opt.ReverseLanes {
				i = groups - 1 - i
			}
			f.slots[slot].I = i
			f.run(body)
		}
	}
}

// last counts the groups that come to a place, and reports the last of n.
func (p *Program) last(place, n int64) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.arrived[place]++
	if p.arrived[place] < n {
		return false
	}
	delete(p.arrived, place)
	return true
}
