package passes

import (
	"github.com/llorch/llorch/ir"
	"github.com/llorch/llorch/ir/kernel"
	"github.com/llorch/llorch/passes/lower"
)

// layout decides how weights are kept. Vectors (norm weights, biases) become f32: kernels read them element by element, and
// they are small. Block weights of projections are repacked in panels where the target wants them; whoever else reads such a
// weight (the lookup of a tied embedding) reads the panels. All else stays in the file's type: kernels unpack it a tile at a time.
func layout(m *Module) error {
	projected := map[string]bool{} // by any of the graphs: they share their weights
	for _, g := range m.Graphs {
		for _, n := range g.Nodes {
			if lower.Projection(n) {
				projected[n.In[1].Name] = true
			}
		}
	}
	for _, g := range m.Graphs {
		for _, n := range g.Leaves(ir.FromWeights) {
			switch panels := n.Type.DType.Panels(); {
			case len(n.Type.Axes) < 2 && n.Type.DType.Row().Weight:
				n.Type.DType = kernel.F32
			case m.Sched.Panels && panels != kernel.Invalid && projected[n.Name]:
				n.Type.DType = panels
			}
		}
	}
	return nil
}
