package passes

import (
	"github.com/llorch/llorch/ir"
	"github.com/llorch/llorch/ir/kernel"
)

// layout decides how weights are kept. Vectors (norm weights, biases) become f32: kernels read them element by element, and
// they are small. Weights of projections are repacked where the target wants that; whoever else reads such a weight (the lookup of a
// tied embedding) reads it as it then lies. All else stays in the file's type: kernels unpack it a tile at a time.
func layout(m *Module) error {
	projected := map[string]bool{} // by any of the graphs: they share their weights
	for _, g := range m.Graphs {
		for _, n := range g.Nodes {
			if m.Sched.Projection(n) {
				projected[n.In[1].Name] = true
			}
		}
	}
	for _, g := range m.Graphs {
		for _, n := range g.Leaves(ir.FromWeights) {
			switch packed := m.Sched.Packed(n.Type); {
			case len(n.Type.Axes) < 2 && n.Type.DType.Row().Weight:
				n.Type.DType = kernel.F32
			case packed != kernel.Invalid && projected[n.Name]:
				n.Type.DType = packed
			}
		}
	}
	return nil
}
