package verify

import (
	"math"

	"github.com/llorch/llorch/ir"
	"github.com/llorch/llorch/ir/kernel"
	"github.com/llorch/llorch/passes/lower"
)

// arithmetic is what a kernel may be off by, computing in f32 from values that the reference computes from too: sums of some thousand
// terms, in any order, and functions that are good to a few units in the last place. What is measured is about 1e-6 at most.
const arithmetic = 2e-5

// exact is what two graphs may differ by that are both evaluated in float64.
const exact = 1e-6

// rounding is the distance of neighbouring values of a type, relative to the largest number there is: by so much a value is off
// that a last bit of f32 has rounded to the other side.
func rounding(d kernel.DType) float64 {
	switch d {
	case kernel.F16:
		return 0x1p-10
	case kernel.BF16:
		return 0x1p-7
	case kernel.A8:
		return 1.0 / 127
	case kernel.A16:
		return 1.0 / 32512
	}
	return 0
}

// nodeTolerance is the relative error that a value may have which the kernel of a group leaves in memory of that type, in a step that
// ends at so many positions.
func (o *Options) nodeTolerance(d kernel.DType, gr *ir.Group, positions int) float64 {
	if o.Tolerance > 0 {
		return o.Tolerance
	}
	most := 0.0
	for _, n := range gr.Nodes {
		most = max(most, inside(n, positions))
	}
	return arithmetic + rounding(d) + most
}

// inside is what a kernel may be off by for a node that it computes on the way.
func inside(n *ir.Node, positions int) float64 {
	switch {
	case n.Type.From != nil && n.Op.Class != ir.Leaf: // an angle is a position times a frequency, in f32
		return float64(positions) * 0x1p-23
	case n.Op.Class == ir.Contraction && (n.In[0].Type.DType == kernel.F16 || n.In[0].Type.DType == kernel.BF16):
		if row := n.In[1].Type.DType.Row(); n.In[1].Op.Source == ir.FromWeights && row.Elems > 1 {
			return 4 * rounding(kernel.F16) // tensor cores take the elements of blocks rounded to 16 bits
		}
		return 4 * arithmetic // which they add up in an f32 that they need not round
	}
	return 0
}

// logitsTolerance is the relative error that logits may have, where everything adds up. Every value that a graph rounds is off by half a
// rounding; the errors are independent and mostly cancel, but what comes of them grows with the layers.
func logitsTolerance(g *ir.Graph) float64 {
	const growth = 8 // of roundings: models of 5 to 30 layers show up to 1
	most := 0.0
	for _, n := range g.Nodes {
		if roundsAnew(n) || n.Op.Class == ir.StateStore {
			most = max(most, rounding(n.Type.DType))
		}
	}
	return math.Min(0.5, 10*arithmetic+growth*most)
}

// roundsAnew reports a node that rounds its operand and does nothing else.
func roundsAnew(n *ir.Node) bool {
	return len(n.In) == 1 && (n.Op.Class == ir.Encoding || lower.Rounded(n))
}
