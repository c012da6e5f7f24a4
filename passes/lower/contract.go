package lower

import (
	"slices"

	"github.com/llorch/llorch/ir"
	"github.com/llorch/llorch/ir/dim"
	"github.com/llorch/llorch/ir/kernel"
)

// Projection reports that n multiplies rows of a weight with rows of a value in memory: w is a leaf [out, over], x is
// [tokens, over] or [over], of floats that the target multiplies.
func (s *Schedule) Projection(n *ir.Node) bool {
	if n.Op.Class != ir.Contraction {
		return false
	}
	x, w, over := n.In[0].Type, n.In[1].Type, n.Word("over")
	if n.In[1].Op.Source != ir.FromWeights || w.State || len(w.Axes) != 2 || w.Axes[1].Name != over {
		return false
	}
	if len(x.Axes) == 0 || len(x.Axes) > 2 || x.Axes[len(x.Axes)-1].Name != over || x.Index(w.Axes[0].Name) >= 0 {
		return false
	}
	store := Storage(n.In[0])
	floats := store.Type.DType == kernel.F32 || store.Type.DType.IsActs() || Rounded(store) && s.Narrow != nil
	return floats && (store.Op.Source == ir.Computed || store.Op.Source == ir.FromCaller)
}

// Outer is the token axis of a projection, or "".
func Outer(n *ir.Node) string {
	if x := n.In[0].Type; len(x.Axes) == 2 {
		return x.Axes[0].Name
	}
	return ""
}

// OneToken reports that a projection's input has a single row.
func OneToken(g *ir.Graph, x ir.Type, over string) bool {
	return len(x.Axes) == 1 || len(x.Axes) == 2 && x.Axes[1].Name == over && single(g, x.Axes[0].Name, x.Axes[0].Dim)
}

// TokensFirst reports that a type begins with the token axis, if the projection has one.
func TokensFirst(tok string, t ir.Type) bool {
	if tok == "" {
		return true
	}
	return t.Index(tok) == 0
}

// segment is a set of projections that results combine, with those results. Segments share only the input.
type segment struct {
	members []*ir.Node
	results []*ir.Node
}

// segments divides the group: two projections are of one segment when some node depends on both.
func segments(b *builder) []*segment {
	of := map[*ir.Node]*segment{}
	var segs []*segment
	for _, n := range b.gr.Nodes {
		if b.sched.Projection(n) {
			s := &segment{members: []*ir.Node{n}}
			of[n] = s
			segs = append(segs, s)
			continue
		}
		for _, in := range n.In {
			switch s, t := of[n], of[in]; {
			case t == nil || s == t:
			case s == nil:
				of[n] = t
			default: // n joins two
				s.members = append(s.members, t.members...)
				for k, v := range of {
					if v == t {
						of[k] = s
					}
				}
				segs = slices.DeleteFunc(segs, func(x *segment) bool { return x == t })
			}
		}
	}
	for _, n := range b.out.Writes {
		of[n].results = append(of[n].results, n)
	}
	return segs
}

// contraction is the state of the skeleton.
type contraction struct {
	*builder
	x             *ir.Node
	tok           string
	k, rows, toks kernel.Expr // contracted extent; rows and tokens of a tile
	n             kernel.Expr // number of tokens
	col           kernel.Expr // column of the token whose results are being computed
	acc           string
	stride        kernel.Expr // between rows of acc; nil for the number of columns
	over          ir.Axis
	xbuf          string
	inGroup       bool        // the input is computed into group memory
	factor        kernel.Expr // what its elements there are yet to be multiplied with, or nil
}

// contractSkeleton gives each group a block of weight rows and has it walk the tokens, so that a block of weights stays in
// cache, or take a tile of them. What follows a contraction is computed while its block is in group memory. The prologue stands
// in each branch, so that a target can begin to load the branch's weights before it.
//
//	if block < blocks of the first segment { ... } else { ... }
//	    prologue into group memory
//	    for tokens t0 by toks: dot for each member; for each result: epilogue
func contractSkeleton(b *builder) {
	segs := segments(b)
	first := segs[0].members[0]
	s := &contraction{builder: b, x: first.In[0], tok: Outer(first)}
	s.over, _ = s.x.Type.Axis(first.Word("over"))
	s.k = b.extent(s.over.Name, s.over.Dim)
	s.n = kernel.I(1)
	if s.tok != "" {
		s.n = b.extent(s.tok, s.x.Type.Axes[0].Dim)
	}
	members := 0
	for _, g := range segs {
		members = max(members, len(g.members))
	}
	rows, toks := s.tileSize(segs, members)
	s.rows = b.param("rows", dim.Const(int64(rows)))
	s.toks = kernel.I(1)
	width := s.toks
	if !isOne(s.n) {
		s.toks = b.param("toks", dim.Const(int64(toks)))
		width = s.toks
		if b.sched.Banks {
			width = kernel.Add(s.toks, kernel.I(int64(b.sched.padding(toks))))
			s.stride = width
		}
	}
	blocks := kernel.I(0)
	for _, g := range segs {
		blocks = kernel.Add(blocks, s.blocks(g))
	}
	block := b.grid("block", blocks)
	var tile kernel.Expr
	if b.sched.Tiled && !isOne(s.n) {
		tile = b.grid("tile", kernel.CeilDiv(s.n, s.toks))
	}
	s.acc = b.group("acc", kernel.Mul(kernel.I(int64(members)), kernel.Mul(s.rows, width)))
	if s.x.Group == s.gr {
		s.xbuf, s.inGroup = s.group("xn", s.k), true
	} else {
		s.xbuf = s.buffer(Storage(s.x), "x")
	}
	s.choose(segs, block, tile)
}

func isOne(e kernel.Expr) bool {
	l, ok := e.(*kernel.IntLit)
	return ok && l.V == 1
}

func (s *contraction) rowsOf(g *segment) kernel.Expr {
	a := g.members[0].In[1].Type.Axes[0]
	return s.extent(a.Name, a.Dim)
}

func (s *contraction) blocks(g *segment) kernel.Expr { return kernel.CeilDiv(s.rowsOf(g), s.rows) }

// choose runs the segment that the block lies in.
func (s *contraction) choose(segs []*segment, block, tile kernel.Expr) {
	if len(segs) == 1 {
		s.segment(segs[0], block, tile)
		return
	}
	n := s.let("blocks", s.blocks(segs[0]))
	s.emit(&kernel.If{
		Cond: kernel.Apply("lt", block, n),
		Then: s.builder.block(func() { s.segment(segs[0], block, tile) }),
		Else: s.builder.block(func() { s.choose(segs[1:], s.let("block", kernel.Sub(block, n)), tile) }),
	})
}

// segment computes one block of rows for all tokens, or for a tile of them.
func (s *contraction) segment(g *segment, block, tile kernel.Expr) {
	row := s.let("row", kernel.Mul(block, s.rows))
	rows := s.let("count", kernel.Min(s.rows, kernel.Sub(s.rowsOf(g), row)))
	s.prologue()
	if isOne(s.n) {
		s.tile(g, row, rows, kernel.I(0), kernel.I(1))
		return
	}
	if tile != nil {
		t := s.let("t", kernel.Mul(tile, s.toks))
		s.tile(g, row, rows, t, s.let("cols", kernel.Min(s.toks, kernel.Sub(s.n, t))))
		return
	}
	s.loop("t", s.n, s.toks, func(t kernel.Expr) {
		cols := s.let("cols", kernel.Min(s.toks, kernel.Sub(s.n, t)))
		s.tile(g, row, rows, t, cols)
	})
}

// tile multiplies a block of rows with some tokens and computes the results.
func (s *contraction) tile(g *segment, row, rows, t, cols kernel.Expr) {
	xAt := kernel.Mul(t, s.k)
	if s.inGroup {
		xAt = kernel.I(0)
	}
	factor := kernel.F(1)
	for j, m := range g.members {
		base, stride := kernel.Mul(kernel.I(int64(j)), kernel.Mul(s.rows, s.toks)), cols
		if s.stride != nil {
			base, stride = kernel.Mul(kernel.I(int64(j)), kernel.Mul(s.rows, s.stride)), s.stride
		}
		s.emit(&kernel.Dot{
			Acc: s.acc, AccAt: base,
			W: s.buffer(m.In[1], "w"), WAt: kernel.Mul(row, s.k), WStride: s.k,
			X: s.xbuf, XAt: xAt, XStride: s.k,
			Rows: rows, Cols: cols, K: s.k, AccStride: s.stride,
		})
		s.local[m] = func(c coords) kernel.Expr {
			return kernel.Mul(kernel.At(s.acc, kernel.Add(base, kernel.Add(kernel.Mul(c.flat, stride), s.col))), factor)
		}
	}
	if s.factor != nil {
		factor = s.let("factor", s.factor)
	}
	for _, n := range g.results {
		s.result(n, row, rows, t, cols)
	}
}

// result computes and stores the elements of n that a block of rows gives for some tokens.
func (s *contraction) result(n *ir.Node, row, rows, t, cols kernel.Expr) {
	switch {
	case isOne(cols):
		s.col = kernel.I(0)
		s.lanes("r", rows, func(r kernel.Expr) { s.element(n, row, r, t) })
	case s.sched.Tiled:
		s.lanes("i", kernel.Mul(rows, cols), func(i kernel.Expr) {
			s.col = s.let("c", kernel.Div(i, rows))
			r := s.let("r", kernel.Rem(i, rows))
			s.element(n, row, r, s.let("tok", kernel.Add(t, s.col)))
		})
	default:
		s.loop("c", cols, kernel.I(1), func(c kernel.Expr) {
			s.col = c
			tok := s.let("tok", kernel.Add(t, c))
			s.lanes("r", rows, func(r kernel.Expr) { s.element(n, row, r, tok) })
		})
	}
}

// element computes and stores the element of n that row r of a block gives for a token.
func (s *contraction) element(n *ir.Node, row, r, tok kernel.Expr) {
	t := n.Type
	if n.Op.Class == ir.StateStore {
		t = n.In[1].Type
	}
	flat := s.let("n", kernel.Add(row, r))
	c := s.unflatten(inner(t, s.tok), flat)
	for _, a := range inner(t, s.tok) {
		c.at[a.Name] = s.let(a.Name, c.at[a.Name])
	}
	c.base, c.flat, c.tok = row, r, s.tok
	if s.tok != "" {
		c.at[s.tok] = tok
	}
	if n.Op.Class == ir.StateStore {
		s.store(n, c, s.value(n.In[1], c, "x"))
		return
	}
	s.store(n, c, s.value(n, c, "x"))
}
