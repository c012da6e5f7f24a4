package kernel

import (
	"bytes"
	"math"
)

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
	groups, each, all := c.expr(s.Groups), c.expr(s.Each), c.expr(s.All)
	parts, x := c.memory[s.Parts], c.memory[s.X]
	slot := c.slot(s.Var)
	body := c.stmts(s.Body)
	p := c.program
	return func(f *frame) {
		groups, each, all := groups(f).I, each(f).I, all(f).I
		if last := len(f.extents) - 1; groups != 1 && groups != f.extents[last] {
			f.fail("joined(%d): there are %d groups along the last axis", groups, f.extents[last])
		}
		if each < 0 || all < 0 {
			f.fail("joined: shares of %d elements, and %d for all", each, all)
		}
		n := groups*each + all
		place := int64(f.id) / groups
		left, mine := f.region(parts, place*groups*n, groups*n), (int64(f.id)-place*groups)*n*4
		encodeF32(left[mine:mine+n*4], f.floats(x, 0, n, nil))
		if !p.last(place, groups) {
			return
		}
		hide := func(int64) {}
		if p.opt.Poison {
			hide = hideShares(left, groups, each, all)
		}
		for i := range groups {
			if p.opt.ReverseLanes {
				i = groups - 1 - i
			}
			hide(i)
			f.slots[slot].I = i
			f.run(body)
		}
	}
}

// region is the bytes of n elements of an f32 buffer.
func (f *frame) region(m memory, at, n int64) []byte {
	b := &f.bufs[m.index]
	if at < 0 || n < 0 || n > b.n || at > b.n-n {
		f.fail("store %s[%d:%d]: %s has %d elements", m.name, at, at+n, m.name, b.n)
	}
	return b.Data[at*4:][:n*4]
}

// hideShares makes NaN of all that a share may not load of parts.
func hideShares(parts []byte, groups, each, all int64) func(share int64) {
	whole := bytes.Clone(parts)
	n := groups*each + all
	return func(share int64) {
		poisoned := make([]float32, n)
		poison(poisoned)
		for g := range groups {
			part, from := parts[g*n*4:][:n*4], whole[g*n*4:][:n*4]
			encodeF32(part, poisoned)
			copy(part[share*each*4:][:each*4], from[share*each*4:])
			copy(part[groups*each*4:], from[groups*each*4:])
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
