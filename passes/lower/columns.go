package lower

import (
	"github.com/llorch/llorch/ir"
	"github.com/llorch/llorch/ir/kernel"
)

// count is the number of elements of axes, if that is fixed.
func count(axes []ir.Axis) (n int64, ok bool) {
	n = 1
	for _, a := range axes {
		d, ok := a.Dim.Const()
		if !ok {
			return 0, false
		}
		n *= d
	}
	return n, true
}

// fits reports that the memory of so many columns is no more than the schedule allows, or is not known.
func (s *attention) fits(columns int64) bool {
	q, v := s.scores.In[0].Type.Axes, s.mixed.In[1].Type.Axes
	width, ok := count([]ir.Axis{q[len(q)-1]})
	vWidth, vOK := count([]ir.Axis{v[len(v)-1]})
	if s.sched.Scores == 0 || !ok || !vOK {
		return true
	}
	floats := int64(s.sched.KVBlock)*(2*columns+1) + columns*(2+width+vWidth)
	return 4*floats <= int64(s.sched.Scores)
}

// columns is a loop over columns: over teams, where the target has some.
func (s *attention) columns(hint string, n kernel.Expr, f func(c kernel.Expr)) {
	if s.sched.Teams {
		s.teams(hint, n, f)
		return
	}
	s.loop(hint, n, kernel.I(1), f)
}

// epilogue applies the elementwise ops between scores and normalisation.
func (s *attention) epilogue(j, rows kernel.Expr) {
	if s.norm.In[0] == s.scores {
		return
	}
	s.lanes("i", kernel.Mul(rows, s.cols), func(i kernel.Expr) {
		r, at := kernel.Div(i, s.cols), i
		col := kernel.Rem(i, s.cols)
		if s.sched.Banks {
			r, col = s.let("r", r), s.let("c", col)
			at = s.let("at", kernel.Add(kernel.Mul(r, s.stride), col))
		}
		c := s.columnAt(col).with(s.keys.Name, s.let(s.keys.Name, kernel.Add(j, r)))
		s.local[s.scores] = func(coords) kernel.Expr { return kernel.At(s.s, at) }
		s.emit(&kernel.Store{Buf: s.s, Index: at, Value: s.value(s.norm.In[0], c, "x")})
	})
}

// applied is the score of a key with those ops applied.
func (s *attention) applied(c, j kernel.Expr, score func(r kernel.Expr) kernel.Expr) func(r kernel.Expr) kernel.Expr {
	col := s.columnAt(c)
	for _, a := range s.scores.Type.Axes {
		if e, ok := col.at[a.Name]; ok && a.Name != s.keys.Name {
			col.at[a.Name] = s.let(a.Name, e)
		}
	}
	return func(r kernel.Expr) kernel.Expr {
		s.local[s.scores] = func(coords) kernel.Expr { return score(r) }
		return s.value(s.norm.In[0], col.with(s.keys.Name, kernel.Add(j, r)), "x")
	}
}

// columnAt is the coordinates of a column.
func (s *attention) columnAt(c kernel.Expr) coords {
	head := c
	if s.tok != "" {
		head = kernel.Rem(c, s.heads)
	}
	d := s.unflatten(s.group, head)
	for k, v := range s.grid.at {
		d.at[k] = v
	}
	if s.tok != "" {
		d.at[s.tok] = kernel.Add(s.t0, kernel.Div(c, s.heads))
	}
	return d
}

// column updates one column's running maximum and sum, and its weights. Teams apply the elementwise ops between scores and
// normalisation as they go, twice, which costs less than a pass over all scores and a wait.
func (s *attention) column(c, j, rows kernel.Expr) {
	o := s.norm.Op.Reduce.Online
	score := func(r kernel.Expr) kernel.Expr { return kernel.At(s.s, kernel.Add(kernel.Mul(r, s.stride), c)) }
	if s.sched.Teams && s.norm.In[0] != s.scores {
		score = s.applied(c, j, score)
	}
	old := s.m.load(c)
	top := s.reduce("top", kernel.Max, rows, score)
	m := s.let("most", kernel.MaxE(old, top))
	scale := s.let("scale", o.Rescale(old, m))
	s.lanes("r", rows, func(r kernel.Expr) {
		s.emit(&kernel.Store{Buf: s.p, Index: kernel.Add(kernel.Mul(c, s.step), r), Value: o.Weight(score(r), m)})
	})
	sum := s.reduce("total", kernel.Sum, rows, func(r kernel.Expr) kernel.Expr {
		return kernel.At(s.p, kernel.Add(kernel.Mul(c, s.step), r))
	})
	s.emit(s.l.store(c, kernel.Add(kernel.Mul(s.l.load(c), scale), sum)))
	s.emit(s.m.store(c, m))
	s.lanes("i", s.vd, func(i kernel.Expr) {
		at := kernel.Add(kernel.Mul(c, s.vd), i)
		s.emit(&kernel.Store{Buf: s.acc, Index: at, Value: kernel.Mul(kernel.At(s.acc, at), scale)})
	})
}
