package lower

import "cmp"

// tileSize is the rows and tokens of a group: of one token as many rows as fill the device, of many those that the schedule wants,
// halved until the results of so many projections side by side fit. Rows are whole runs of elements that results mix; where those are
// too long, tokens are fewer.
func (s *contraction) tileSize(segs []*segment, members int) (rows, toks int) {
	sched, unit := &s.sched, s.rowUnit()
	if isOne(s.n) {
		return sched.fill(segs, unit, s.x.Group == s.gr), 1
	}
	limit := sched.Results
	if sched.OverResults > 0 && alike(segs) {
		limit = sched.OverResults
	}
	fits := func(toks int) bool { return limit == 0 || 4*members*rows*(toks+sched.padding(toks)) <= limit }
	rows, toks = cmp.Or(sched.ManyRows, sched.Rows), sched.Tokens
	for rows > unit && !fits(toks) {
		rows /= 2
	}
	rows = (rows + unit - 1) / unit * unit
	for toks > 1 && !fits(toks) {
		toks /= 2
	}
	more := 2 * toks
	if sched.TokenUnit > 0 {
		more = sched.TokenUnit
	}
	for ; more <= sched.MostTokens; more += cmp.Or(sched.TokenUnit, sched.MostTokens) {
		was, is := sched.waves(segs, rows, toks), sched.waves(segs, rows, more)
		if fits(more) && (is < was || is == was && more > toks) {
			toks = more
		}
	}
	return rows, toks
}

// alike reports that the projections of each segment, up to two, are of one packed type.
func alike(segs []*segment) bool {
	for _, g := range segs {
		first := g.members[0].In[1].Type.DType
		for _, m := range g.members {
			if d := m.In[1].Type.DType; d != first || d.Row().Panel == nil || len(g.members) > 2 {
				return false
			}
		}
	}
	return true
}

// padding is added to the tokens of a row of results, so that rows begin in different banks. Accumulators of tensor cores are stored
// eight rows and four pairs of tokens at a time, which meet least where rows are nine banks apart.
func (s *Schedule) padding(toks int) int {
	if !s.Banks || s.TokenUnit == 0 {
		return 1
	}
	return ((9-toks)%32 + 32) % 32
}

// waves is what a full step takes in tokens' time, besides which each turn of all groups costs as much as some tokens do
// (codegen/clike/cuda/NOTES-gemm.md).
func (s *Schedule) waves(segs []*segment, rows, toks int) int {
	const turn = 70
	tiles := (s.Chunk + toks - 1) / toks
	return (groupsOf(segs, rows)*tiles + s.Groups - 1) / s.Groups * (toks + turn)
}

// groupsOf is the number of blocks of rows.
func groupsOf(segs []*segment, rows int) int {
	groups := 0
	for _, g := range segs {
		n, _ := g.members[0].In[1].Type.Axes[0].Dim.Const()
		groups += (int(n) + rows - 1) / rows
	}
	return groups
}

// rowUnit is the rows that must stay together.
func (s *contraction) rowUnit() int {
	unit := max(s.sched.RowUnit, 1)
	for _, n := range s.gr.Nodes {
		if n.Op.Within == nil {
			continue
		}
		w := n.Op.Within(n)
		a, _ := n.Type.Axis(w.Axis)
		d, ok := a.Dim.Const()
		switch {
		case ok && w.Unit > 0 && d%w.Unit == 0:
			unit = lcm(unit, int(w.Unit))
		case ok:
			unit = lcm(unit, int(d))
		}
	}
	return unit
}

// fill finds the rows with which a device that runs so many groups at a time ends soonest: where it makes no difference, few rows,
// or many where each group first computes the same input.
func (s *Schedule) fill(segs []*segment, unit int, prologue bool) int {
	first := (s.Rows + unit - 1) / unit * unit
	if s.Groups == 0 {
		return first
	}
	best, cost := first, -1
	for r := first; r <= max(first, s.MostRows); r += unit {
		c := (groupsOf(segs, r) + s.Groups - 1) / s.Groups * r
		if cost < 0 || c < cost || c == cost && prologue {
			best, cost = r, c
		}
	}
	return best
}

func lcm(a, b int) int {
	x, y := a, b
	for y != 0 {
		x, y = y, x%y
	}
	return a / x * b
}
