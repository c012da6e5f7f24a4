package passes

import (
	"github.com/llorch/llorch/ir"
	"github.com/llorch/llorch/ir/kernel"
)

// layout decides how weights are kept. Vectors (norm weights, biases) become f32: kernels read them element by element, and
// they are small. Matrices stay in the file's type: kernels unpack them a tile at a time.
func layout(g *ir.Graph) error {
	for _, n := range g.Leaves(ir.FromWeights) {
		if len(n.Type.Axes) < 2 && n.Type.DType.Row().Weight {
			n.Type.DType = kernel.F32
		}
	}
	return nil
}
