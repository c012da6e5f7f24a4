package ir

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/llorch/llorch/ir/dim"
)

// Print is the graph's text form; Parse reads it back.
func Print(g *Graph) string {
	var b strings.Builder
	fmt.Fprintf(&b, "graph %s {\n", g.Name)
	printBounds(&b, g)
	printNodes(&b, g)
	if len(g.Outputs) > 0 {
		fmt.Fprintf(&b, "  output %s\n", joinNames(g.Outputs))
	}
	b.WriteString("}\n")
	return b.String()
}

func printBounds(b *strings.Builder, g *Graph) {
	if ds := g.Bounds.Declared(); len(ds) > 0 {
		fmt.Fprintf(b, "  symbol %s\n", strings.Join(ds, ", "))
	}
	for _, c := range g.Bounds.Constraints() {
		fmt.Fprintf(b, "  bound %s\n", c)
	}
	if g.Step != nil {
		fmt.Fprintf(b, "  step %s after %s\n", g.Step.New, g.Step.Past)
	}
	if ex := envString(g.Bounds.Example(), &g.Bounds); ex != "" {
		fmt.Fprintf(b, "  example %s\n", ex)
	}
}

// printNodes prints the groups in execution order, each with its nodes inside, and leaves before the first group that
// needs them.
func printNodes(b *strings.Builder, g *Graph) {
	printed := map[*Group]bool{}
	alone := map[*Node]bool{}
	printAlone := func(n *Node) {
		if n.Group == nil && !alone[n] {
			alone[n] = true
			fmt.Fprintf(b, "  %s\n", n)
		}
	}
	for _, n := range g.Nodes {
		switch {
		case n.Group == nil:
			printAlone(n)
		case !printed[n.Group]:
			printed[n.Group] = true
			for _, m := range n.Group.Nodes {
				for _, in := range m.In {
					printAlone(in)
				}
			}
			fmt.Fprintf(b, "  kernel %s %s {\n", n.Group.Name, n.Group.Role)
			for _, m := range n.Group.Nodes {
				fmt.Fprintf(b, "    %s\n", m)
			}
			b.WriteString("  }\n")
		}
	}
}

func (n *Node) String() string {
	s := n.Name
	if n.Type.Valid() {
		s += ": " + n.Type.String()
	}
	s += fmt.Sprintf(" = %s(%s)", n.Op.Name, joinNames(n.In))
	if a := n.AttrString(); a != "" {
		s += " {" + a + "}"
	}
	if n.Pos.File != "" {
		s += " @" + n.Pos.String()
	}
	return s
}

// AttrString prints the attributes as they stand between the braces of the text form.
func (n *Node) AttrString() string {
	var parts []string
	for _, spec := range n.Op.Attrs {
		if v, ok := n.Attrs[spec.Name]; ok {
			parts = append(parts, spec.Name+"="+attrValue(v))
		}
	}
	return strings.Join(parts, ", ")
}

func attrValue(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case []string:
		return "[" + strings.Join(v, ", ") + "]"
	case []Axis:
		parts := make([]string, len(v))
		for i, a := range v {
			parts[i] = a.String()
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case dim.Dim:
		return v.String()
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64)
	case []float64:
		parts := make([]string, len(v))
		for i, f := range v {
			parts[i] = strconv.FormatFloat(f, 'g', -1, 64)
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case DType:
		return v.String()
	}
	return fmt.Sprintf("?%T", v)
}

func joinNames(ns []*Node) string {
	names := make([]string, len(ns))
	for i, n := range ns {
		names[i] = n.Name
	}
	return strings.Join(names, ", ")
}
