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
	outer               []ir.Axis // axes of the grid
	group               []ir.Axis // axes of the heads that share keys: the columns of a token
	heads               kernel.Expr
	cols, d, vd         kernel.Expr
	nKeys, step         kernel.Expr
	stride              kernel.Expr // between the keys of s

	// With several tokens a group, which stand side by side: column t·heads + h.
	tok       string
	t0        kernel.Expr
	perTile   kernel.Expr // tokens of a group
	q         string
	qAt       kernel.Expr
	colsMax   kernel.Expr // columns that memory is for
	s, p      string      // scores [key, column], weights [column, key]
	m, l      slot        // running maximum and sum of each column
	acc       string      // result [column, d']
	splitting *splitting  // of the keys, or nil
}

// attentionSkeleton reads the keys in blocks and keeps a running maximum and sum for each column (Milakov and Gimelshein 2018,
// arXiv 1805.02867; Dao et al. 2022, arXiv 2205.14135), so that scores never lie in global memory.
func attentionSkeleton(b *builder) {
	s := newAttention(b)
	if s.split() {
		s.splitting = newSplitting(s)
	}
	s.memory()
	s.start()
	lo, hi := s.span()
	if s.splitting != nil {
		lo, hi = s.splitting.keys(s, lo, hi)
	}
	s.rangeOver("j", lo, hi, s.step, func(j kernel.Expr) { s.block(j, hi) })
	if s.splitting != nil {
		s.splitting.end(s)
		return
	}
	s.finish(func(i, c kernel.Expr) kernel.Expr { return kernel.Div(kernel.At(s.acc, i), s.l.load(c)) })
}

// newAttention names what the kernel's groups and their columns are.
func newAttention(b *builder) *attention {
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
	return s
}

// span is the keys that any of the group's tokens attends to: what a mask adds to the others takes away all their weight. It begins
// with a block, so that a token's keys come in the same blocks whatever tokens stand beside it.
func (s *attention) span() (lo, hi kernel.Expr) {
	lo, hi = kernel.I(0), s.nKeys
	masked := s.norm.In[0]
	if !masked.Op.Absorbs {
		return lo, hi
	}
	for _, m := range masked.In {
		if !m.Op.Causal || lastAxis(m.Type) != s.keys.Name {
			continue
		}
		first, last, ok := s.tokensOf(m.In[0].Type.Axes[0])
		if !ok {
			continue
		}
		position := func(i kernel.Expr) kernel.Expr {
			return s.intValue(m.In[0], at(ir.At{Axis: m.In[0].Type.Axes[0].Name, I: i}), "q")
		}
		if m.Op.Window != nil {
			behind := kernel.Sub(s.extent("window", m.Op.Window(m)), kernel.I(1))
			from := s.let("from", kernel.MaxE(kernel.I(0), kernel.Sub(position(first), behind)))
			lo = s.let("begin", kernel.Mul(kernel.Div(from, s.step), s.step))
		}
		if last != nil {
			hi = s.let("end", kernel.Min(s.nKeys, kernel.Add(position(last), kernel.I(1))))
		}
		return lo, hi
	}
	return lo, hi
}

// tokensOf is the group's first token along an axis, and its last unless that is the step's last one.
func (s *attention) tokensOf(axis ir.Axis) (first, last kernel.Expr, ok bool) {
	if single(s.g, axis.Name, axis.Dim) {
		return kernel.I(0), nil, true
	}
	if s.tok == axis.Name {
		n := s.extent(axis.Name, axis.Dim)
		return s.t0, kernel.Sub(kernel.Min(kernel.Add(s.t0, s.perTile), n), kernel.I(1)), true
	}
	at, ok := s.grid.at[axis.Name]
	return at, at, ok
}

func (s *attention) declare() {
	q, k, v := s.scores.In[0].Type, s.scores.In[1].Type, s.mixed.In[1].Type
	s.keys, _ = k.Axis(s.norm.Op.Reduce.Axis(s.norm))
	first := len(q.Axes) - 1
	for first > 0 && k.Index(q.Axes[first-1].Name) < 0 && !single(s.g, q.Axes[first-1].Name, q.Axes[first-1].Dim) && s.shares(q.Axes[first-1]) {
		first--
	}
	s.group = q.Axes[first : len(q.Axes)-1]
	if n, ok := count(s.group); ok && !s.fits(n) {
		s.group = nil
		first = len(q.Axes) - 1
	}
	s.heads = kernel.I(1)
	for _, a := range s.group {
		s.heads = kernel.Mul(s.heads, s.extent(a.Name, a.Dim))
	}
	s.cols, s.colsMax, s.grid = s.heads, s.heads, at()
	s.outer = q.Axes[:first]
	for _, a := range s.outer {
		if toks := s.tokens(a); toks > 1 {
			s.tile(a, toks)
			continue
		}
		s.grid.at[a.Name] = s.builder.grid(a.Name, s.extent(a.Name, a.Dim))
	}
	s.d = s.extent(lastAxis(q), q.Axes[len(q.Axes)-1].Dim)
	s.vd = s.extent(lastAxis(v), v.Axes[len(v.Axes)-1].Dim)
	s.nKeys = s.extent(s.keys.Name, s.keys.Dim)
	s.step = s.param("step", dim.Const(int64(s.sched.KVBlock)))
	s.stride = s.cols
	if s.sched.Banks {
		s.stride = kernel.Add(s.colsMax, kernel.I(1))
	}
}

// slot is a part of group memory.
type slot struct {
	mem string
	at  kernel.Expr
}

func (p slot) load(i kernel.Expr) kernel.Expr { return kernel.At(p.mem, kernel.Add(p.at, i)) }

func (p slot) store(i, v kernel.Expr) kernel.Stmt {
	return &kernel.Store{Buf: p.mem, Index: kernel.Add(p.at, i), Value: v}
}

// elements is how many the result of all columns has.
func (s *attention) elements() kernel.Expr { return kernel.Mul(s.cols, s.vd) }

// memory declares group memory.
func (s *attention) memory() {
	width := s.colsMax
	if s.sched.Banks {
		width = s.stride
	}
	s.s = s.builder.group("s", kernel.Mul(s.step, width))
	s.p = s.builder.group("p", kernel.Mul(s.step, s.colsMax))
	if s.splitting != nil && s.sched.Joint {
		s.splitting.declare(s)
	} else {
		s.m = slot{s.builder.group("m", s.colsMax), kernel.I(0)}
		s.l = slot{s.builder.group("l", s.colsMax), kernel.I(0)}
		s.acc = s.builder.group("acc", kernel.Mul(s.colsMax, s.vd))
	}
	if s.tok != "" {
		s.q, s.qAt = s.builder.group("qs", kernel.Mul(s.colsMax, s.d)), kernel.I(0)
	}
}

// shares reports an axis of heads that may stand side by side: where memory for them is fixed, there is a fixed number of them.
func (s *attention) shares(a ir.Axis) bool {
	_, fixed := a.Dim.Const()
	return !s.isToken(a.Name) && (fixed || s.sched.Columns == 0)
}

// isToken reports the axis of the step's tokens: each of them is a group of its own.
func (s *attention) isToken(axis string) bool {
	return slices.ContainsFunc(s.builder.g.Nodes, func(n *ir.Node) bool {
		return n.Op.Source == ir.FromStep && s.builder.g.Step != nil && n.Type.From.Same(s.builder.g.Step.Past) && n.Type.Index(axis) >= 0
	})
}

// tokens is how many tokens along an axis a group takes.
func (s *attention) tokens(a ir.Axis) int {
	if s.sched.Columns == 0 || !s.isToken(a.Name) || single(s.builder.g, a.Name, a.Dim) {
		return 1
	}
	heads, ok := count(s.group)
	if !ok {
		return 1
	}
	columns := int64(s.sched.Columns)
	for columns > heads && !s.fits(columns) {
		columns /= 2
	}
	return int(max(1, columns/max(heads, 1)))
}

// tile gives the group several tokens.
func (s *attention) tile(a ir.Axis, toks int) {
	n, per := s.extent(a.Name, a.Dim), s.param("toks", dim.Const(int64(toks)))
	tile := s.builder.grid("tile", kernel.CeilDiv(n, per))
	s.tok, s.t0, s.perTile = a.Name, s.let("t", kernel.Mul(tile, per)), per
	s.cols = s.let("cols", kernel.Mul(kernel.Min(per, kernel.Sub(n, s.t0)), s.heads))
	s.colsMax = kernel.Mul(per, s.heads)
}

// lowest is below every score; unlike -inf it can be subtracted from itself.
const lowest = -3.4e38

func (s *attention) start() {
	s.lanes("c", s.cols, func(c kernel.Expr) {
		s.emit(s.m.store(c, kernel.F(lowest)))
		s.emit(s.l.store(c, kernel.F(0)))
	})
	s.lanes("i", s.elements(), func(i kernel.Expr) {
		s.emit(&kernel.Store{Buf: s.acc, Index: i, Value: kernel.F(0)})
	})
	q := s.scores.In[0]
	if s.tok != "" {
		s.lanes("i", kernel.Mul(s.cols, s.d), func(i kernel.Expr) {
			c := s.columnAt(kernel.Div(i, s.d)).with(lastAxis(q.Type), kernel.Rem(i, s.d))
			s.emit(&kernel.Store{Buf: s.q, Index: i, Value: s.load(q, c, "q")})
		})
		return
	}
	first := s.columnAt(kernel.I(0)).with(lastAxis(q.Type), kernel.I(0))
	for _, a := range s.group {
		first.at[a.Name] = kernel.I(0)
	}
	s.q, s.qAt = s.buffer(Storage(q), "q"), s.address(q, first)
}

// block reads the keys from j on, at most step of them and none from end on.
func (s *attention) block(j, end kernel.Expr) {
	rows := s.let("rows", kernel.Min(s.step, kernel.Sub(end, j)))
	k := s.scores.In[1]
	kAt, kStride := s.matrix(k, j)
	dot := &kernel.Dot{
		Acc: s.s, AccAt: kernel.I(0), W: s.buffer(Storage(k), "k"), WAt: kAt, WStride: kStride,
		X: s.q, XAt: s.qAt, XStride: s.d, Rows: rows, Cols: s.cols, K: s.d,
	}
	if s.sched.Banks {
		dot.AccStride = s.stride
	}
	s.emit(dot)
	if !s.sched.Teams {
		s.epilogue(j, rows)
	}
	s.columns("c", s.cols, func(c kernel.Expr) { s.column(c, j, rows) })
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

// finish stores the result of all columns, with what is computed of its elements one by one. Element gives element i, which is of column c.
func (s *attention) finish(element func(i, c kernel.Expr) kernel.Expr) {
	s.lanes("i", s.elements(), func(i kernel.Expr) { s.finishAt(i, element) })
}

// finishAt stores element i.
func (s *attention) finishAt(i kernel.Expr, element func(i, c kernel.Expr) kernel.Expr) {
	col := s.let("c", kernel.Div(i, s.vd))
	c := s.columnAt(col).with(lastAxis(s.mixed.Type), kernel.Rem(i, s.vd))
	v := element(i, col)
	if len(s.out.Writes) == 1 && s.out.Writes[0] == s.mixed {
		s.store(s.mixed, c, v)
		return
	}
	s.local[s.mixed] = func(coords) kernel.Expr { return v }
	for _, w := range s.out.Writes {
		s.store(w, s.reshaped(w, c), s.value(w, s.reshaped(w, c), "x"))
	}
}

// reshaped is the place in w, of a shape with the same elements in the same order, of the result's element at c.
func (s *attention) reshaped(w *ir.Node, c coords) coords {
	t := s.mixed.Type
	if slices.EqualFunc(w.Type.Axes, t.Axes, func(a, b ir.Axis) bool { return a.Name == b.Name }) {
		return c
	}
	tok := ""
	if len(t.Axes) > 0 && s.isToken(t.Axes[0].Name) {
		tok = t.Axes[0].Name
	}
	d := s.unflatten(inner(w.Type, tok), s.flatten(inner(t, tok), c))
	if tok != "" {
		d.at[tok] = c.at[tok]
	}
	return d
}
