package lower

import (
	"github.com/llorch/llorch/ir"
	"github.com/llorch/llorch/ir/kernel"
)

// IsView reports that n is its first operand's memory under another shape.
func IsView(n *ir.Node) bool {
	return n.Op.View != nil && n.Op.View(n) && n.In[0].Op.Class != ir.StateStore
}

// Storage is the node whose memory holds n's elements: n itself, what n is a view of, or the state that it appended to.
func Storage(n *ir.Node) *ir.Node {
	for {
		switch {
		case IsView(n):
			n = n.In[0]
		case n.Op.Class == ir.StateStore:
			return n.In[0]
		default:
			return n
		}
	}
}

// MemoryType is the type that a value has in the arena: an input's is its own, an encoding's its blocks, that of a value which is
// rounded the narrower one, and what else kernels compute is f32.
func MemoryType(n *ir.Node) kernel.DType {
	if n.Op.Source == ir.Computed && n.Op.Class != ir.Encoding && !Rounded(n) {
		return kernel.F32
	}
	return n.Type.DType
}

// Rounded reports a value that an op rounds to a narrower type of floats. It has to go through memory, which rounds it.
func Rounded(n *ir.Node) bool {
	return n.Op.Class == ir.Elementwise && (n.Type.DType == kernel.F16 || n.Type.DType == kernel.BF16)
}

// Kept are the values of a group that others read, or that the graph gives out: what the group must leave in memory. A
// state store is always kept.
func Kept(g *ir.Graph, gr *ir.Group, users map[*ir.Node][]*ir.Node) []*ir.Node {
	keep := map[*ir.Node]bool{}
	for _, n := range gr.Nodes {
		outside := false
		for _, u := range users[n] {
			outside = outside || u.Group != gr
		}
		for _, o := range g.Outputs {
			outside = outside || o == n
		}
		if n.Op.Class == ir.StateStore {
			keep[n] = true
		} else if outside {
			keep[viewed(n)] = true
		}
	}
	var kept []*ir.Node
	for _, n := range gr.Nodes {
		if keep[n] {
			kept = append(kept, n)
		}
	}
	return kept
}

// viewed is what n is a view of, or n.
func viewed(n *ir.Node) *ir.Node {
	for IsView(n) {
		n = n.In[0]
	}
	return n
}
