package ir

import (
	"fmt"
	"strings"
)

// Dot is the graph for Graphviz: values with their types, a cluster for each group.
func Dot(g *Graph) string {
	var b strings.Builder
	fmt.Fprintf(&b, "digraph %q {\n  node [shape=box, fontname=\"monospace\"];\n", g.Name)
	for i, gr := range g.Groups {
		fmt.Fprintf(&b, "  subgraph cluster_%d {\n    label=%q;\n", i, gr.Name+" ("+gr.Role.String()+")")
		for _, n := range gr.Nodes {
			dotNode(&b, "    ", n)
		}
		b.WriteString("  }\n")
	}
	for _, n := range g.Nodes {
		if n.Group == nil {
			dotNode(&b, "  ", n)
		}
	}
	for _, n := range g.Nodes {
		for _, in := range n.In {
			fmt.Fprintf(&b, "  %q -> %q;\n", in.Name, n.Name)
		}
	}
	for _, o := range g.Outputs {
		fmt.Fprintf(&b, "  %q [peripheries=2];\n", o.Name)
	}
	b.WriteString("}\n")
	return b.String()
}

func dotNode(b *strings.Builder, indent string, n *Node) {
	style := ""
	if n.Op.Class == Leaf {
		style = ", style=rounded"
	}
	fmt.Fprintf(b, "%s%q [label=\"%s\\n%s\\n%s\"%s];\n", indent, n.Name, n.Name, n.Op.Name, n.Type, style)
}
