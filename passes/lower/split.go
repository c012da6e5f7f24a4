package lower

import (
	"github.com/llorch/llorch/ir"
	"github.com/llorch/llorch/ir/dim"
	"github.com/llorch/llorch/ir/kernel"
)

// splitting divides the keys of one token among groups, where its heads alone are too few groups to fill a device. Each leaves its
// maximum, sum and result, a part of the whole; the groups put those together, a share each, or a kernel of its own does (Dao et al.
// 2023, "Flash-Decoding").
type splitting struct {
	n, part kernel.Expr // groups, and which of them this is
	index   kernel.Expr // what they share: the place in the grid without part
	parts   string      // of all groups
	size    kernel.Expr // of one, where the groups put them together
	scratch *ir.Node    // their memory
}

// split reports that the schedule divides keys, and that there is one token of no fixed number of them.
func (s *attention) split() bool {
	if s.sched.Splits < 2 || s.tok != "" {
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
	v := s.mixed.In[1].Type.Axes
	vd, _ := v[len(v)-1].Dim.Const()
	sets, _ := count(s.outer) // of groups that share keys
	cols, _ := count(s.group)
	splits, elements := int64(s.sched.Splits), cols*vd
	role := kernel.Out
	if s.sched.Joint {
		role, elements = kernel.State, (elements+splits-1)/splits*splits
	}
	p.keep(s, role, &ir.Node{
		Name: s.mixed.Name + ".parts", Op: s.mixed.Op, Group: s.gr,
		Type: ir.Tensor(kernel.F32, ir.Axis{Name: "part", Dim: dim.Const(sets * splits * (elements + 2*cols))}),
	})
	return p
}

// partsOf tells where the parts of the group's columns lie.
func partsOf(s *attention) *splitting {
	p := &splitting{n: s.param("splits", dim.Const(int64(s.sched.Splits))), index: kernel.I(0)}
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

// end leaves the group's part. The groups of the kernel put all parts together, or a kernel of its own does.
func (p *splitting) end(s *attention) {
	if s.sched.Joint {
		p.join(s)
		return
	}
	s.lanes("i", s.elements(), func(i kernel.Expr) {
		c := s.let("c", kernel.Div(i, s.vd))
		s.emit(&kernel.Store{Buf: p.parts, Index: p.at(s, p.part, c, kernel.Rem(i, s.vd)), Value: kernel.At(s.acc, i)})
	})
	maximum, sum := p.ends(s)
	s.lanes("c", s.cols, func(c kernel.Expr) {
		s.emit(&kernel.Store{Buf: p.parts, Index: p.at(s, p.part, c, maximum), Value: s.m.load(c)})
		s.emit(&kernel.Store{Buf: p.parts, Index: p.at(s, p.part, c, sum), Value: s.l.load(c)})
	})
	w := newAttention(s.builder.then("Whole"))
	all := partsOf(w)
	all.keep(w, kernel.In, p.scratch)
	all.finish(w)
}

// at is the place in parts of something of a column: element i of the result, or after those its maximum and sum.
func (p *splitting) at(s *attention, part, col, i kernel.Expr) kernel.Expr {
	c := kernel.Add(kernel.Mul(kernel.Add(kernel.Mul(p.index, p.n), part), s.cols), col)
	return kernel.Add(kernel.Mul(c, kernel.Add(s.vd, kernel.I(2))), i)
}

// ends is where, after a column's result, its maximum and sum are.
func (p *splitting) ends(s *attention) (maximum, sum kernel.Expr) {
	return s.vd, kernel.Add(s.vd, kernel.I(1))
}

// finish stores the result from the parts of all groups.
func (p *splitting) finish(s *attention) {
	maximum, sum := p.ends(s)
	s.finish(func(i, c kernel.Expr) kernel.Expr {
		of := func(i kernel.Expr) func(kernel.Expr) kernel.Expr {
			return func(k kernel.Expr) kernel.Expr { return kernel.At(p.parts, p.at(s, k, c, i)) }
		}
		return p.whole(s, of(kernel.Rem(i, s.vd)), of(maximum), of(sum))
	})
}

// declare declares a group's part, where the groups put them together: the results of all columns, in as many equal shares as there are
// groups, then what they all need, the maxima and the sums.
func (p *splitting) declare(s *attention) {
	shares, all := kernel.Mul(p.n, p.each(s)), kernel.Mul(s.cols, kernel.I(2))
	p.size = kernel.Add(shares, all)
	s.acc = s.builder.group("acc", p.size)
	s.m, s.l = slot{s.acc, shares}, slot{s.acc, kernel.Add(shares, s.cols)}
}

// each is how many elements a group puts together.
func (p *splitting) each(s *attention) kernel.Expr { return kernel.CeilDiv(s.elements(), p.n) }

// join has each group put together its share of the elements.
func (p *splitting) join(s *attention) {
	j := &kernel.Join{Var: s.fresh("share"), Groups: p.n, Parts: p.parts, X: s.acc, Each: p.each(s), All: kernel.Mul(s.cols, kernel.I(2))}
	of := func(i kernel.Expr) func(kernel.Expr) kernel.Expr {
		return func(k kernel.Expr) kernel.Expr {
			return kernel.At(p.parts, kernel.Add(kernel.Mul(kernel.Add(kernel.Mul(p.index, p.n), k), p.size), i))
		}
	}
	j.Body = s.builder.block(func() {
		from := s.let("from", kernel.Mul(kernel.IntVar(j.Var), j.Each))
		s.lanes("i", kernel.Min(j.Each, kernel.Sub(s.elements(), from)), func(i kernel.Expr) {
			// It is below elements by itself, which does not follow from what from and i can be.
			at := s.let("at", kernel.Min(kernel.Add(from, i), kernel.Sub(s.elements(), kernel.I(1))))
			s.finishAt(at, func(i, c kernel.Expr) kernel.Expr {
				return p.whole(s, of(i), of(kernel.Add(s.m.at, c)), of(kernel.Add(s.l.at, c)))
			})
		})
	})
	s.emit(j)
}

// whole is an element from all parts: part k of it, and of its column's maximum and sum. Each lane works out the column's sum again: all
// loads are under way at once then, while a pass over the columns before would cost their way twice.
func (p *splitting) whole(s *attention, element, maximum, sum func(k kernel.Expr) kernel.Expr) kernel.Expr {
	o := s.norm.Op.Reduce.Online
	most := s.reduce("most", kernel.Max, p.n, maximum)
	scaled := func(part func(k kernel.Expr) kernel.Expr) kernel.Expr {
		return s.reduce("total", kernel.Sum, p.n, func(k kernel.Expr) kernel.Expr {
			return kernel.Mul(part(k), o.Rescale(maximum(k), most))
		})
	}
	total := scaled(sum)
	return kernel.Div(scaled(element), total)
}
