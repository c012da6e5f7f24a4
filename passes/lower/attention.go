package lower

import (
	"slices"

	"github.com/llorch/llorch/ir"
	"github.com/llorch/llorch/ir/dim"
	"github.com/llorch/llorch/ir/kernel"
)

// AttentionForm reports that scores = q·k and mixed = p·v have the form of the attention skeleton over the axis keys:
//
//	q [grid..., columns..., d]   in memory of its own; columns are the query heads that share keys
//	k [batch..., keys, d], v [batch..., keys, d']   batch axes are among q's grid axes
func AttentionForm(scores, mixed *ir.Node, keys string) bool {
	q, k, v := scores.In[0], scores.In[1], mixed.In[1]
	d := scores.Word("over")
	if lastAxis(q.Type) != d || lastAxis(k.Type) != d || k.Type.Index(keys) < 0 || q.Type.Index(keys) >= 0 {
		return false
	}
	if Storage(q).Type.State || Storage(q).Op.Class == ir.Leaf {
		return false
	}
	vd := lastAxis(v.Type)
	if v.Type.Index(keys) < 0 || vd == keys || scores.Type.Index(vd) >= 0 && vd != d || len(v.Type.Axes) != len(k.Type.Axes) {
		return false
	}
	for _, a := range k.Type.Axes {
		if a.Name == d || a.Name == keys {
			continue
		}
		if q.Type.Index(a.Name) < 0 || v.Type.Index(a.Name) < 0 {
			return false
		}
	}
	return lastAxis(scores.Type) == keys && lastAxis(mixed.Type) == vd
}

func lastAxis(t ir.Type) string {
	if len(t.Axes) == 0 {
		return ""
	}
	return t.Axes[len(t.Axes)-1].Name
}

// attention is the state of the skeleton.
type attention struct {
	*builder
	scores, norm, mixed *ir.Node
	keys                ir.Axis
	grid                coords    // coordinates of the grid axes
	columns             []ir.Axis // axes of the columns
	cols, d, vd         kernel.Expr
	nKeys, step         kernel.Expr
	s, p, m, l, acc     string // scores [key, column], weights [column, key], running maximum and sum, result [column, d']
}

// attentionSkeleton reads the keys in blocks and keeps a running maximum and sum for each column (Milakov and Gimelshein 2018,
// arXiv 1805.02867; Dao et al. 2022, arXiv 2205.14135), so that scores never lie in global memory.
func attentionSkeleton(b *builder) {
	s := &attention{builder: b}
	for _, n := range b.gr.Nodes {
		switch {
		case n.Op.Class == ir.RowReduce:
			s.norm = n
		case n.Op.Class == ir.Contraction && s.scores == nil:
			s.scores = n
		case n.Op.Class == ir.Contraction:
			s.mixed = n
		}
	}
	s.declare()
	s.start()
	b.loop("j", s.nKeys, s.step, func(j kernel.Expr) { s.block(j) })
	s.finish()
}

func (s *attention) declare() {
	q, k, v := s.scores.In[0].Type, s.scores.In[1].Type, s.mixed.In[1].Type
	s.keys, _ = k.Axis(s.norm.Op.Reduce.Axis(s.norm))
	split := len(q.Axes) - 1
	for split > 0 && k.Index(q.Axes[split-1].Name) < 0 && !single(s.g, q.Axes[split-1].Name, q.Axes[split-1].Dim) && !s.isToken(q.Axes[split-1].Name) {
		split--
	}
	s.grid = at()
	for _, a := range q.Axes[:split] {
		s.grid.at[a.Name] = s.builder.grid(a.Name, s.extent(a.Name, a.Dim))
	}
	s.columns = q.Axes[split : len(q.Axes)-1]
	s.cols = kernel.I(1)
	for _, a := range s.columns {
		s.cols = kernel.Mul(s.cols, s.extent(a.Name, a.Dim))
	}
	s.d = s.extent(lastAxis(q), q.Axes[len(q.Axes)-1].Dim)
	s.vd = s.extent(lastAxis(v), v.Axes[len(v.Axes)-1].Dim)
	s.nKeys = s.extent(s.keys.Name, s.keys.Dim)
	s.step = s.param("step", dim.Const(int64(s.sched.KVBlock)))
	s.s = s.group("s", kernel.Mul(s.step, s.cols))
	s.p = s.group("p", kernel.Mul(s.step, s.cols))
	s.m, s.l = s.group("m", s.cols), s.group("l", s.cols)
	s.acc = s.group("acc", kernel.Mul(s.cols, s.vd))
}

// isToken reports the axis of the step's tokens: each of them is a group of its own.
func (s *attention) isToken(axis string) bool {
	return slices.ContainsFunc(s.builder.g.Nodes, func(n *ir.Node) bool {
		return n.Op.Source == ir.FromStep && s.builder.g.Step != nil && n.Type.From.Same(s.builder.g.Step.Past) && n.Type.Index(axis) >= 0
	})
}

// lowest is below every score; unlike -inf it can be subtracted from itself.
const lowest = -3.4e38

func (s *attention) start() {
	s.lanes("c", s.cols, func(c kernel.Expr) {
		s.emit(&kernel.Store{Buf: s.m, Index: c, Value: kernel.F(lowest)})
		s.emit(&kernel.Store{Buf: s.l, Index: c, Value: kernel.F(0)})
	})
	s.lanes("i", kernel.Mul(s.cols, s.vd), func(i kernel.Expr) {
		s.emit(&kernel.Store{Buf: s.acc, Index: i, Value: kernel.F(0)})
	})
}

// block reads the keys from j on, at most step of them.
func (s *attention) block(j kernel.Expr) {
	rows := s.let("rows", kernel.Min(s.step, kernel.Sub(s.nKeys, j)))
	q, k := s.scores.In[0], s.scores.In[1]
	qc := s.gridAt()
	for _, a := range s.columns {
		qc.at[a.Name] = kernel.I(0)
	}
	qc.at[lastAxis(q.Type)] = kernel.I(0)
	qbuf := s.buffer(Storage(q), "q")
	kAt, kStride := s.matrix(k, j)
	s.emit(&kernel.Dot{
		Acc: s.s, AccAt: kernel.I(0), W: s.buffer(Storage(k), "k"), WAt: kAt, WStride: kStride,
		X: qbuf, XAt: s.address(q, qc), XStride: s.d, Rows: rows, Cols: s.cols, K: s.d,
	})
	s.epilogue(j, rows)
	s.loop("c", s.cols, kernel.I(1), func(c kernel.Expr) { s.column(c, rows) })
	v := s.mixed.In[1]
	vAt, vStride := s.matrix(v, j)
	s.emit(&kernel.Mix{
		Acc: s.acc, AccAt: kernel.I(0), W: s.buffer(Storage(v), "v"), WAt: vAt, WStride: vStride,
		X: s.p, XAt: kernel.I(0), XStride: s.step, Rows: rows, Cols: s.cols, K: s.vd,
	})
}

func (s *attention) gridAt() coords {
	c := at()
	for k, v := range s.grid.at {
		c.at[k] = v
	}
	return c
}

// matrix is where row j of a matrix of keys or values begins, and the distance between rows.
func (s *attention) matrix(n *ir.Node, j kernel.Expr) (base, stride kernel.Expr) {
	axes, key := n.Type.Axes, s.keys.Name
	if n.Op.Class == ir.StateStore {
		axes, key = n.In[0].Type.Axes, n.Word("over")
	}
	stride = kernel.I(1)
	for _, a := range axes[slices.IndexFunc(axes, func(a ir.Axis) bool { return a.Name == key })+1:] {
		stride = kernel.Mul(stride, s.extent(a.Name, a.Dim))
	}
	c := s.gridAt()
	c.at[lastAxis(n.Type)] = kernel.I(0)
	return s.address(n, c.with(s.keys.Name, j)), stride
}

// epilogue applies the elementwise ops between scores and normalisation.
func (s *attention) epilogue(j, rows kernel.Expr) {
	if s.norm.In[0] == s.scores {
		return
	}
	s.lanes("i", kernel.Mul(rows, s.cols), func(i kernel.Expr) {
		c := s.columnAt(kernel.Rem(i, s.cols)).with(s.keys.Name, s.let(s.keys.Name, kernel.Add(j, kernel.Div(i, s.cols))))
		s.local[s.scores] = func(coords) kernel.Expr { return kernel.At(s.s, i) }
		s.emit(&kernel.Store{Buf: s.s, Index: i, Value: s.value(s.norm.In[0], c, "x")})
	})
}

// columnAt is the coordinates of a column.
func (s *attention) columnAt(c kernel.Expr) coords {
	d := s.unflatten(s.columns, c)
	for k, v := range s.grid.at {
		d.at[k] = v
	}
	return d
}

// column updates one column's running maximum and sum, and its weights.
func (s *attention) column(c, rows kernel.Expr) {
	o := s.norm.Op.Reduce.Online
	score := func(r kernel.Expr) kernel.Expr { return kernel.At(s.s, kernel.Add(kernel.Mul(r, s.cols), c)) }
	old := kernel.At(s.m, c)
	top := s.reduce("top", kernel.Max, rows, score)
	m := s.let("most", kernel.MaxE(old, top))
	scale := s.let("scale", o.Rescale(old, m))
	s.lanes("r", rows, func(r kernel.Expr) {
		s.emit(&kernel.Store{Buf: s.p, Index: kernel.Add(kernel.Mul(c, s.step), r), Value: o.Weight(score(r), m)})
	})
	sum := s.reduce("total", kernel.Sum, rows, func(r kernel.Expr) kernel.Expr {
		return kernel.At(s.p, kernel.Add(kernel.Mul(c, s.step), r))
	})
	s.emit(&kernel.Store{Buf: s.l, Index: c, Value: kernel.Add(kernel.Mul(kernel.At(s.l, c), scale), sum)})
	s.emit(&kernel.Store{Buf: s.m, Index: c, Value: m})
	s.lanes("i", s.vd, func(i kernel.Expr) {
		at := kernel.Add(kernel.Mul(c, s.vd), i)
		s.emit(&kernel.Store{Buf: s.acc, Index: at, Value: kernel.Mul(kernel.At(s.acc, at), scale)})
	})
}

// finish divides by the sums and stores.
func (s *attention) finish() {
	s.lanes("i", kernel.Mul(s.cols, s.vd), func(i kernel.Expr) {
		col := s.let("c", kernel.Div(i, s.vd))
		c := s.columnAt(col).with(lastAxis(s.mixed.Type), kernel.Rem(i, s.vd))
		s.store(s.mixed, c, kernel.Div(kernel.At(s.acc, i), kernel.At(s.l, col)))
	})
}
