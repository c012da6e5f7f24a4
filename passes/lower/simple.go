package lower

import (
	"fmt"

	"github.com/llorch/llorch/ir"
	"github.com/llorch/llorch/ir/kernel"
)

// Graph lowers the groups of a fused graph, in order. Views need no kernel.
func Graph(g *ir.Graph, s Schedule) ([]*Launch, error) {
	users := g.Users()
	var ls []*Launch
	for _, gr := range g.Groups {
		if gr.Role == ir.RoleNone {
			continue
		}
		b := newBuilder(g, gr, s, users)
		skeletons[gr.Role](b)
		for ; b != nil; b = b.next {
			if err := kernel.Verify(b.k); err != nil {
				return nil, fmt.Errorf("lower: kernel %s: %w\n%s", b.k.Name, err, b.k)
			}
			ls = append(ls, b.out)
		}
	}
	return ls, nil
}

// skeletons is the table of roles.
var skeletons = map[ir.Role]func(*builder){
	ir.RoleMap:       mapSkeleton,
	ir.RoleRow:       rowSkeleton,
	ir.RoleContract:  contractSkeleton,
	ir.RoleAttention: attentionSkeleton,
}

// mapSkeleton computes elements independently: a group for each index of the outer axes, lanes over the last.
func mapSkeleton(b *builder) {
	for _, n := range b.out.Writes {
		axes := n.Type.Axes
		if n.Op.Class == ir.StateStore {
			axes = n.In[1].Type.Axes
		}
		c := at()
		for i, a := range axes {
			if i < len(axes)-1 {
				c.at[a.Name] = b.grid(a.Name, b.extent(a.Name, a.Dim))
			}
		}
		if len(axes) == 0 {
			b.element(n, c)
			continue
		}
		a := axes[len(axes)-1]
		ext := b.extent(a.Name, a.Dim)
		if n.Op.Class == ir.Contraction { // its sum is by all lanes, so the elements follow one another
			b.loop(a.Name, ext, kernel.I(1), func(v kernel.Expr) { b.element(n, c.with(a.Name, v)) })
			continue
		}
		b.lanes(a.Name, ext, func(v kernel.Expr) { b.element(n, c.with(a.Name, v)) })
	}
}

// element computes and stores one element of a root.
func (b *builder) element(n *ir.Node, c coords) {
	switch n.Op.Class {
	case ir.StateStore:
		b.store(n, c, b.value(n.In[1], c, n.Op.Args[1]))
	case ir.Contraction:
		a, _ := n.In[0].Type.Axis(n.Word("over"))
		sum := b.reduce("total", kernel.Sum, b.extent(a.Name, a.Dim), func(i kernel.Expr) kernel.Expr {
			d := &point{b, n, c.with(a.Name, i)}
			return kernel.Mul(d.In(0), d.In(1))
		})
		b.store(n, c, sum)
	default:
		b.store(n, c, b.value(n, c, "y"))
	}
}

// rowSkeleton computes a row reduction, and what is computed of its elements one by one: a group for each row, the stages, then
// lanes over the row. An encoding of rows has the same form.
func rowSkeleton(b *builder) {
	n := b.out.Writes[0]
	if n.Op.Class == ir.Encoding {
		b.encodeRows(n)
		return
	}
	for _, r := range b.gr.Nodes {
		if r.Op.Class == ir.RowReduce {
			n = r
		}
	}
	axis, _ := n.Type.Axis(n.Op.Reduce.Axis(n))
	c := at()
	for _, a := range n.Type.Axes {
		if a.Name != axis.Name {
			c.at[a.Name] = b.grid(a.Name, b.extent(a.Name, a.Dim))
		}
	}
	s := b.stages(n, c)
	b.local[n] = func(d coords) kernel.Expr { return n.Op.Reduce.Elem(&point{b, n, d}, s) }
	b.lanes(axis.Name, b.extent(axis.Name, axis.Dim), func(v kernel.Expr) {
		for _, w := range b.out.Writes {
			d := c.with(axis.Name, v)
			b.store(w, d, b.value(w, d, "x"))
		}
	})
}

// encodeRows rounds rows to blocks: of a value in memory, or of one that is first computed in group memory.
func (b *builder) encodeRows(n *ir.Node) {
	x, axis := n.In[0], n.Type.Axes[len(n.Type.Axes)-1]
	c := at()
	for _, a := range n.Type.Axes[:len(n.Type.Axes)-1] {
		c.at[a.Name] = b.grid(a.Name, b.extent(a.Name, a.Dim))
	}
	k, first := b.extent(axis.Name, axis.Dim), c.with(axis.Name, kernel.I(0))
	e := &kernel.Encode{At: b.flatten(n.Type.Axes, first), N: k}
	if x.Group != b.gr {
		e.X, e.XAt = b.buffer(Storage(x), "x"), b.address(x, first)
	} else {
		e.X, e.XAt = b.group("row", k), kernel.I(0)
		elem := func(c coords) kernel.Expr { return b.value(x, c, "x") }
		if x.Op.Class == ir.RowReduce {
			s := b.stages(x, c)
			elem = func(c coords) kernel.Expr { return x.Op.Reduce.Elem(&point{b, x, c}, s) }
		}
		b.lanes(axis.Name, k, func(i kernel.Expr) {
			b.emit(&kernel.Store{Buf: e.X, Index: i, Value: elem(c.with(axis.Name, i))})
		})
	}
	e.Buf = b.buffer(n, "y")
	b.emit(e)
}
