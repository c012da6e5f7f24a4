package lower

import (
	"github.com/llorch/llorch/ir"
	"github.com/llorch/llorch/ir/dim"
	"github.com/llorch/llorch/ir/kernel"
)

// splitting divides the keys of one token among groups, where its heads alone are too few groups to fill a device. Each leaves its
// maximum, sum and result; the last to arrive combines them (Dao et al. 2023, "Flash-Decoding").
type splitting struct {
	n, part kernel.Expr // groups, and which of them this is
	index   kernel.Expr // what they share: the place in the grid without part
	parts   string      // of all groups: for each column its result, then its maximum and sum
	scratch *ir.Node    // their memory
	width   kernel.Expr // of a column in parts
}

// split reports that the schedule divides keys, and that there is one token of no fixed number of them.
func (s *attention) split() bool {
	if s.sched.Splits < 2 {
		return false
	}
	if _, fixed := s.keys.Dim.Const(); fixed {
		return false
	}
	v := s.mixed.In[1].Type.Axes
	for _, axes := range [][]ir.Axis{s.outer, s.group, v[len(v)-1:]} {
		for _, a := range axes {
			if _, ok := a.Dim.Const(); !ok {
				return false
			}
		}
	}
	return true
}

// newSplitting adds the axis of parts to the grid, and the memory that they are left in.
func newSplitting(s *attention) *splitting {
	p := partsOf(s)
	p.part = s.builder.grid("part", p.n)
	count := int64(s.sched.Splits)
	v := s.mixed.In[1].Type.Axes
	vd, _ := v[len(v)-1].Dim.Const()
	for _, axes := range [][]ir.Axis{s.outer, s.group} {
		for _, a := range axes {
			n, _ := a.Dim.Const()
			count *= n
		}
	}
	role := kernel.Out
	if s.sched.Joint {
		role = kernel.State
	}
	p.keep(s, role, &ir.Node{
		Name: s.mixed.Name + ".parts", Op: s.mixed.Op, Group: s.gr,
		Type: ir.Tensor(kernel.F32, ir.Axis{Name: "part", Dim: dim.Const(count * (vd + 2))}),
	})
	return p
}

// partsOf tells where the parts of the group's columns lie.
func partsOf(s *attention) *splitting {
	p := &splitting{n: s.param("splits", dim.Const(int64(s.sched.Splits))), index: kernel.I(0), width: kernel.Add(s.vd, kernel.I(2))}
	for _, a := range s.outer {
		p.index = kernel.Add(kernel.Mul(p.index, s.extent(a.Name, a.Dim)), s.grid.at[a.Name])
	}
	return p
}

// keep gives the kernel the memory of all parts.
func (p *splitting) keep(s *attention, role kernel.Role, scratch *ir.Node) {
	p.parts, p.scratch = s.fresh("parts"), scratch
	s.k.Bufs = append(s.k.Bufs, kernel.Buf{Name: p.parts, Role: role, DType: kernel.F32})
	s.out.Bufs = append(s.out.Bufs, scratch)
}

// keys is the range of keys from lo to hi that this group reads. It may be empty.
func (p *splitting) keys(s *attention, lo, hi kernel.Expr) (from, to kernel.Expr) {
	per := s.let("per", kernel.CeilDiv(kernel.Sub(hi, lo), p.n))
	from = s.let("lo", kernel.Add(lo, kernel.Mul(p.part, per)))
	return from, s.let("hi", kernel.Min(hi, kernel.Add(from, per)))
}

// at is the place in parts of something of a column: element i of the result, or after those its maximum and sum.
func (p *splitting) at(s *attention, part, col, i kernel.Expr) kernel.Expr {
	c := kernel.Add(kernel.Mul(kernel.Add(kernel.Mul(p.index, p.n), part), s.cols), col)
	return kernel.Add(kernel.Mul(c, p.width), i)
}

// end leaves the group's part. The last group of the kernel puts all parts together, or a kernel of its own does.
func (p *splitting) end(s *attention) {
	maximum, sum := s.vd, kernel.Add(s.vd, kernel.I(1))
	s.lanes("i", kernel.Mul(s.cols, s.vd), func(i kernel.Expr) {
		c := s.let("c", kernel.Div(i, s.vd))
		s.emit(&kernel.Store{Buf: p.parts, Index: p.at(s, p.part, c, kernel.Rem(i, s.vd)), Value: kernel.At(s.acc, i)})
	})
	s.lanes("c", s.cols, func(c kernel.Expr) {
		s.emit(&kernel.Store{Buf: p.parts, Index: p.at(s, p.part, c, maximum), Value: kernel.At(s.m, c)})
		s.emit(&kernel.Store{Buf: p.parts, Index: p.at(s, p.part, c, sum), Value: kernel.At(s.l, c)})
	})
	if !s.sched.Joint {
		w := newAttention(s.builder.then("Whole"))
		all := partsOf(w)
		all.keep(w, kernel.In, p.scratch)
		all.finish(w)
		return
	}
	last := s.fresh("last")
	s.emit(&kernel.Arrive{Name: last, Index: p.index, N: p.n})
	s.emit(&kernel.If{Cond: &kernel.Var{Name: last, T: kernel.Bool}, Then: s.builder.block(func() { p.finish(s) })})
}

// finish stores the result from the parts of all groups.
func (p *splitting) finish(s *attention) {
	s.finish(func(i, c kernel.Expr) kernel.Expr { return p.whole(s, c, kernel.Rem(i, s.vd)) })
}

// whole is element i of a column from the parts of all groups. Each lane works out the column's sum again: all loads are under way at
// once then, while a pass over the columns before would cost their way twice.
func (p *splitting) whole(s *attention, col, i kernel.Expr) kernel.Expr {
	o := s.norm.Op.Reduce.Online
	maximum, sum := s.vd, kernel.Add(s.vd, kernel.I(1))
	part := func(i, k kernel.Expr) kernel.Expr { return kernel.At(p.parts, p.at(s, k, col, i)) }
	most := s.reduce("most", kernel.Max, p.n, func(k kernel.Expr) kernel.Expr { return part(maximum, k) })
	scaled := func(i kernel.Expr) kernel.Expr {
		return s.reduce("total", kernel.Sum, p.n, func(k kernel.Expr) kernel.Expr {
			return kernel.Mul(part(i, k), o.Rescale(part(maximum, k), most))
		})
	}
	total := scaled(sum)
	return kernel.Div(scaled(i), total)
}
