package passes

import (
	"github.com/llorch/llorch/ir"
	"github.com/llorch/llorch/ir/kernel"
	"github.com/llorch/llorch/passes/lower"
)

// quantise rounds what is multiplied with packed weights: to activations, where the target has integer dot products for them, or
// to 16-bit floats, where it multiplies many tokens at a time with those. Each such value is rounded once, by a node of the
// graph: the reference computes it too, and a print shows it.
func quantise(m *Module) error {
	for _, g := range m.Graphs {
		r := &rounder{g: g, sched: &m.Sched, of: map[rounding]*ir.Node{}}
		for _, n := range g.Nodes {
			r.round(n)
			r.out = append(r.out, n)
		}
		g.SetNodes(r.out)
		if err := ir.Infer(g); err != nil {
			return err
		}
	}
	return nil
}

type rounder struct {
	g     *ir.Graph
	sched *lower.Schedule
	of    map[rounding]*ir.Node
	out   []*ir.Node
}

// rounding is a value and what it is rounded to.
type rounding struct {
	x  *ir.Node
	to kernel.DType
}

// round gives a projection a rounded operand, if the schedule says so.
func (r *rounder) round(n *ir.Node) {
	if !r.sched.Projection(n) || r.sched.Packed(n.In[1].Type) == kernel.Invalid {
		return
	}
	x := n.In[0]
	if x.Op.Class == ir.Encoding || lower.Rounded(x) {
		return
	}
	op, to := r.g.Table["quantise"], r.sched.Acts
	if to == kernel.Invalid {
		if r.sched.Narrow == nil || lower.OneToken(r.g, x.Type, over(n)) {
			return
		}
		op, to = r.g.Table["cast"], r.sched.Narrow(n.In[1].Type.DType)
	}
	if op == nil {
		return
	}
	q := r.of[rounding{x, to}]
	if q == nil {
		q = &ir.Node{Name: x.Name + "." + to.String(), Op: op, In: []*ir.Node{x}, Attrs: ir.Attrs{"to": to}, Pos: n.Pos}
		r.of[rounding{x, to}] = q
		r.out = append(r.out, q)
	}
	n.In[0] = q
}
