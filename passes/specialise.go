package passes

import (
	"fmt"
	"slices"
	"strings"

	"github.com/llorch/llorch/ir"
	"github.com/llorch/llorch/ir/dim"
)

// DefaultChunk sizes the arena of prefill.
const DefaultChunk = 128

// Chunk is the most new tokens of a step: n, or DefaultChunk for 0, but no more than the graph's bounds allow.
func Chunk(g *ir.Graph, n int) int {
	if n <= 0 {
		n = DefaultChunk
	}
	if g.Step != nil {
		if most, ok := g.Bounds.Max(g.Step.New); ok {
			n = int(min(int64(n), most))
		}
	}
	return max(n, 1)
}

// specialise makes three graphs of one that steps through a sequence: decode, prefill and logits. A graph without a step
// stays as it is.
func specialise(m *Module) error {
	if len(m.Graphs) != 1 || m.Graphs[0].Step == nil {
		return nil
	}
	g := m.Graphs[0]
	syms := g.Step.New.Symbols()
	if len(syms) != 1 || !g.Step.New.Same(dim.Sym(syms[0])) {
		return nil // already of a fixed length
	}
	decode := substitute(g.Clone("decode"), map[string]dim.Dim{syms[0]: dim.Const(1)})
	prefill, logits := g.Clone("prefill"), g.Clone("logits")
	for _, c := range []*ir.Graph{prefill, logits} {
		c.Bounds.AtMost(c.Step.New, dim.Const(int64(m.Chunk)))
	}
	lastOnly(prefill)
	m.Graphs = []*ir.Graph{decode, prefill, logits}
	for _, c := range m.Graphs {
		if err := ir.Verify(c); err != nil {
			return err
		}
	}
	return nil
}

// Bind fixes symbols of a graph and proves it again.
func Bind(g *ir.Graph, env map[string]int64) error {
	dims := map[string]dim.Dim{}
	for s, v := range env {
		if !slices.Contains(g.Bounds.Declared(), s) {
			return fmt.Errorf("the graph declares no symbol %s; its symbols are %s", s, strings.Join(g.Bounds.Declared(), ", "))
		}
		dims[s] = dim.Const(v)
	}
	for _, c := range g.Bounds.Constraints() {
		l, lok := c.L.Subst(dims).Const()
		r, rok := c.R.Subst(dims).Const()
		if lok && rok && (c.Op == ">=" && l < r || c.Op == "<=" && l > r || c.Op == "=" && l != r) {
			return fmt.Errorf("the graph's bound %s does not hold: %d against %d", c, l, r)
		}
	}
	substitute(g, dims)
	return ir.Verify(g)
}

// substitute replaces symbols in types, attributes and bounds.
func substitute(g *ir.Graph, env map[string]dim.Dim) *ir.Graph {
	g.Bounds = substBounds(&g.Bounds, env)
	if g.Step != nil {
		g.Step.New, g.Step.Past = g.Step.New.Subst(env), g.Step.Past.Subst(env)
	}
	for _, n := range g.Nodes {
		n.Type = n.Type.Subst(env)
		attrs := ir.Attrs{}
		for k, a := range n.Attrs {
			attrs[k] = substAttr(a, env)
		}
		n.Attrs = attrs
	}
	return g
}

// substBounds drops the symbols that are replaced and what is left without any.
func substBounds(old *dim.Bounds, env map[string]dim.Dim) dim.Bounds {
	var b dim.Bounds
	for _, s := range old.Declared() {
		if _, gone := env[s]; !gone {
			b.Declare(s)
		}
	}
	for _, c := range old.Constraints() {
		l, r := c.L.Subst(env), c.R.Subst(env)
		_, lc := l.Const()
		_, rc := r.Const()
		switch {
		case lc && rc:
		case c.Op == ">=":
			b.AtLeast(l, r)
		case c.Op == "<=":
			b.AtMost(l, r)
		default:
			b.AtLeast(l, r)
			b.AtMost(l, r)
		}
	}
	return b
}

func substAttr(a any, env map[string]dim.Dim) any {
	switch a := a.(type) {
	case dim.Dim:
		return a.Subst(env)
	case []ir.Axis:
		out := make([]ir.Axis, len(a))
		for i, ax := range a {
			out[i] = ir.Axis{Name: ax.Name, Dim: ax.Dim.Subst(env)}
		}
		return out
	}
	return a
}

// lastOnly has a graph compute its outputs at the last of the new tokens alone: last is put behind each output and then
// moved up through every op that treats tokens alike, so that the last layer's MLP and the head run for one token.
func lastOnly(g *ir.Graph) {
	axis := tokenAxis(g)
	if axis == "" || g.Table["last"] == nil {
		return
	}
	w := &sinker{g: g, axis: axis, users: g.Users(), wanted: map[*ir.Node]bool{}, through: map[*ir.Node]bool{}, last: map[*ir.Node]*ir.Node{}}
	for _, o := range g.Outputs {
		w.wanted[o] = w.hasTokens(o)
	}
	for i := len(g.Nodes) - 1; i >= 0; i-- {
		w.mark(g.Nodes[i])
	}
	for i, n := range g.Nodes {
		if w.wanted[n] {
			g.Nodes[i] = w.rewrite(n)
		}
	}
	for i, o := range g.Outputs {
		if w.wanted[o] {
			g.Outputs[i] = w.last[o]
		}
	}
	g.SetNodes(topological(g))
	sweep(g)
}

// tokenAxis is the axis that the step's new positions lie along, or "".
func tokenAxis(g *ir.Graph) string {
	for _, n := range g.Nodes {
		if g.Step != nil && n.Op.Source == ir.FromStep && n.Type.From.Same(g.Step.Past) {
			return n.Type.Axes[0].Name
		}
	}
	return ""
}

// sinker rewrites last(op(x)) to op(last(x)).
type sinker struct {
	g       *ir.Graph
	axis    string
	users   map[*ir.Node][]*ir.Node
	wanted  map[*ir.Node]bool     // nodes whose last position is read
	through map[*ir.Node]bool     // those of them that compute only that
	last    map[*ir.Node]*ir.Node // a wanted node to its last position
}

func (w *sinker) hasTokens(n *ir.Node) bool { return n.Type.Index(w.axis) >= 0 }

// mark decides, readers first, whether a wanted node is moved through.
func (w *sinker) mark(n *ir.Node) {
	if !w.wanted[n] || !w.alike(n) {
		return
	}
	w.through[n] = true
	for _, in := range n.In {
		if w.hasTokens(in) {
			w.wanted[in] = true
		}
	}
}

// rewrite makes the last position of a wanted node and returns what stands in the node's place.
func (w *sinker) rewrite(n *ir.Node) *ir.Node {
	if !w.through[n] {
		w.last[n] = &ir.Node{Name: n.Name + ".last", Op: w.g.Table["last"], In: []*ir.Node{n}, Attrs: ir.Attrs{"over": w.axis}, Pos: n.Pos}
		return n
	}
	r := *n
	r.In = append([]*ir.Node{}, n.In...)
	r.Type = ir.Type{}
	for i, in := range n.In {
		if w.hasTokens(in) {
			r.In[i] = w.last[in]
		}
	}
	w.last[n] = &r
	return &r
}

// alike reports that n computes each token from that token's operands alone, and that nobody needs all its tokens.
// Contractions of two computed values are where tokens meet.
func (w *sinker) alike(n *ir.Node) bool {
	for _, u := range w.users[n] {
		if !w.through[u] {
			return false
		}
	}
	for _, in := range n.In {
		if in.Type.From != nil || in.Op.Class == ir.Leaf && w.hasTokens(in) {
			return false
		}
	}
	switch n.Op.Class {
	case ir.Elementwise:
		return true
	case ir.IndexMap:
		return n.Op.View != nil && n.Op.View(n) && tokenFirst(n, w.axis)
	case ir.RowReduce:
		return n.Op.Reduce.Axis(n) != w.axis
	case ir.Contraction:
		return n.In[1].Op.Class == ir.Leaf
	}
	return false
}

// tokenFirst reports that a view leaves the token axis alone.
func tokenFirst(n *ir.Node, axis string) bool {
	i := n.Type.Index(axis)
	return i == 0 && n.In[0].Type.Index(axis) == 0
}

// topological orders the nodes, and what they and the outputs read: operands first, otherwise in the old order.
func topological(g *ir.Graph) []*ir.Node {
	var out []*ir.Node
	seen := map[*ir.Node]bool{}
	var visit func(*ir.Node)
	visit = func(n *ir.Node) {
		if seen[n] {
			return
		}
		seen[n] = true
		for _, in := range n.In {
			visit(in)
		}
		out = append(out, n)
	}
	for _, n := range g.Nodes {
		visit(n)
	}
	for _, o := range g.Outputs {
		visit(o)
	}
	return out
}
