package ir_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/llorch/llorch/ir"
	"github.com/llorch/llorch/ir/op"
)

// TestPrintParseCases holds print and parse against each other over every op's cases, before inference and after.
func TestPrintParseCases(t *testing.T) {
	for _, row := range op.Rows {
		for _, c := range row.Cases {
			t.Run(row.Name+"/"+c.Name, func(t *testing.T) {
				g, err := ir.Parse("case.ir", c.Text, op.Table)
				require.NoError(t, err)
				same(t, g)
				require.NoError(t, ir.Verify(g))
				same(t, g)
			})
		}
	}
}

// TestPrintParseRandom does so over random modules of one to three graphs.
func TestPrintParseRandom(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var gs []*ir.Graph
		for i := range rapid.IntRange(1, 3).Draw(t, "graphs") {
			gs = append(gs, anyGraph(t, fmt.Sprintf("g%d", i)))
		}
		same(t, gs...)
	})
}

// same prints graphs, parses the text, and wants the same graphs and the same text again.
func same(t require.TestingT, gs ...*ir.Graph) {
	text := printAll(gs)
	back, err := ir.ParseAll("again.ir", text, table)
	require.NoError(t, err, text)
	require.Len(t, back, len(gs))
	require.Equal(t, text, printAll(back))
	for i, g := range gs {
		sameGraph(t, g, back[i])
		require.Equal(t, ir.Print(g), ir.Print(g.Clone(g.Name)), "a clone prints alike")
	}
}

func sameGraph(t require.TestingT, g, h *ir.Graph) {
	require.Equal(t, g.Name, h.Name)
	require.Equal(t, fmt.Sprint(g.Bounds.Constraints(), g.Bounds.Declared(), g.Bounds.Example(), g.Step),
		fmt.Sprint(h.Bounds.Constraints(), h.Bounds.Declared(), h.Bounds.Example(), h.Step))
	require.Len(t, h.Nodes, len(g.Nodes))
	require.Len(t, h.Outputs, len(g.Outputs))
	require.Len(t, h.Groups, len(g.Groups))
	for i, gr := range g.Groups {
		require.Equal(t, gr.Name, h.Groups[i].Name)
		require.Equal(t, gr.Role, h.Groups[i].Role)
		require.Len(t, h.Groups[i].Nodes, len(gr.Nodes))
	}
	for _, n := range g.Nodes {
		m := h.Node(n.Name)
		require.NotNil(t, m, n.Name)
		require.Equal(t, n.Op.Name, m.Op.Name)
		require.Equal(t, n.Pos, m.Pos)
		require.Equal(t, n.Type.String(), m.Type.String())
		require.Equal(t, n.Group == nil, m.Group == nil)
		require.Equal(t, fmt.Sprintf("%#v", names(n.In)), fmt.Sprintf("%#v", names(m.In)))
		for k, v := range n.Attrs {
			require.IsType(t, v, m.Attrs[k])
			require.Equal(t, fmt.Sprint(v), fmt.Sprint(m.Attrs[k]))
		}
	}
}

func names(ns []*ir.Node) []string {
	var s []string
	for _, n := range ns {
		s = append(s, n.Name)
	}
	return s
}

func printAll(gs []*ir.Graph) string {
	var b strings.Builder
	for _, g := range gs {
		b.WriteString(ir.Print(g))
	}
	return b.String()
}

// TestPrintLeafInsideGroup: a leaf that stands between the nodes of a group prints before the group.
func TestPrintLeafInsideGroup(t *testing.T) {
	g, err := ir.Parse("g.ir", "graph g {\n x: f32[a=2] = input()\n y = silu(x)\n w: f32[a=2] = param()\n z = add(y, w)\n output z\n}", table)
	require.NoError(t, err)
	gr := &ir.Group{Name: "k", Role: ir.RoleMap, Nodes: []*ir.Node{g.Node("y"), g.Node("z")}}
	g.Node("y").Group, g.Node("z").Group = gr, gr
	g.Groups = []*ir.Group{gr}
	require.NoError(t, ir.Verify(g))
	require.Equal(t, `graph g {
  x: f32[a=2] = input() @g.ir:2
  w: f32[a=2] = param() @g.ir:4
  kernel k map {
    y: f32[a=2] = silu(x) @g.ir:3
    z: f32[a=2] = add(y, w) @g.ir:5
  }
  output z
}
`, ir.Print(g))
	same(t, g)
}

// TestDot draws the same graph.
func TestDot(t *testing.T) {
	g, err := ir.Parse("g.ir", "graph g {\n x: f32[a=2] = input()\n kernel k map {\n y = silu(x)\n }\n output y\n}", table)
	require.NoError(t, err)
	require.NoError(t, ir.Verify(g))
	require.Equal(t, `digraph "g" {
  node [shape=box, fontname="monospace"];
  subgraph cluster_0 {
    label="k (map)";
    "y" [label="y\nsilu\nf32[a=2]"];
  }
  "x" [label="x\ninput\nf32[a=2]", style=rounded];
  "x" -> "y";
  "y" [peripheries=2];
}
`, ir.Dot(g))
}
