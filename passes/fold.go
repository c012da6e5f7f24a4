package passes

import (
	"fmt"
	"strings"

	"github.com/llorch/llorch/ir"
)

// fold makes one node of those that compute the same from the same, and drops what no output or state needs.
func fold(g *ir.Graph) error {
	same := map[string]*ir.Node{}
	to := map[*ir.Node]*ir.Node{}
	for _, n := range g.Nodes {
		for i, in := range n.In {
			if r := to[in]; r != nil {
				n.In[i] = r
			}
		}
		if n.Op.Class == ir.StateStore || n.Op.Class == ir.Leaf && len(n.Op.Attrs) == 0 || n.Type.State {
			continue // a declaration is its own
		}
		k := key(n)
		if first := same[k]; first != nil {
			to[n] = first
			continue
		}
		same[k] = n
	}
	for i, o := range g.Outputs {
		if r := to[o]; r != nil {
			g.Outputs[i] = r
		}
	}
	sweep(g)
	return nil
}

// key prints what a node computes, without its name and position.
func key(n *ir.Node) string {
	m := *n
	m.Name, m.Pos = "", ir.Position{}
	var b strings.Builder
	b.WriteString(m.String())
	for _, in := range n.In {
		fmt.Fprintf(&b, " %p", in)
	}
	return b.String()
}

// sweep drops nodes that neither an output nor a state needs.
func sweep(g *ir.Graph) {
	live := map[*ir.Node]bool{}
	var mark func(*ir.Node)
	mark = func(n *ir.Node) {
		if live[n] {
			return
		}
		live[n] = true
		for _, in := range n.In {
			mark(in)
		}
	}
	for _, o := range g.Outputs {
		mark(o)
	}
	for _, n := range g.Nodes {
		if n.Op.Class == ir.StateStore {
			mark(n)
		}
	}
	var keep []*ir.Node
	for _, n := range g.Nodes {
		if live[n] {
			keep = append(keep, n)
		}
	}
	g.SetNodes(keep)
}
