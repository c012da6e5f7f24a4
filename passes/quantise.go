package passes

import (
	"github.com/llorch/llorch/ir"
	"github.com/llorch/llorch/ir/kernel"
	"github.com/llorch/llorch/passes/lower"
)

// quantise rounds what is multiplied with block weights to activations, where the target has integer dot products for them. Each
// such value is rounded once, by a node of the graph: the reference computes it too, and a print shows it.
func quantise(m *Module) error {
	if m.Sched.Acts == kernel.Invalid {
		return nil
	}
	for _, g := range m.Graphs {
		quantiseGraph(g, m.Sched.Acts)
		if err := ir.Infer(g); err != nil {
			return err
		}
	}
	return nil
}

func quantiseGraph(g *ir.Graph, to ir.DType) {
	op := g.Table["quantise"]
	if op == nil {
		return
	}
	of := map[*ir.Node]*ir.Node{}
	var out []*ir.Node
	for _, n := range g.Nodes {
		if lower.Projection(n) && inPanels(n) && n.In[0].Op.Class != ir.Encoding {
			x := n.In[0]
			q := of[x]
			if q == nil {
				q = &ir.Node{Name: x.Name + "." + to.String(), Op: op, In: []*ir.Node{x}, Attrs: ir.Attrs{"to": to}, Pos: n.Pos}
				of[x] = q
				out = append(out, q)
			}
			n.In[0] = q
		}
		out = append(out, n)
	}
	g.SetNodes(out)
}

// inPanels reports that layout will repack a projection's weight.
func inPanels(n *ir.Node) bool { return n.In[1].Type.DType.Panels() != kernel.Invalid }
