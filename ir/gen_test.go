package ir_test

import (
	"fmt"
	"math"
	"slices"

	"pgregory.net/rapid"

	"github.com/llorch/llorch/ir"
	"github.com/llorch/llorch/ir/dim"
	"github.com/llorch/llorch/ir/kernel"
	"github.com/llorch/llorch/ir/op"
)

// everything is an op with an attribute of each kind.
var everything = &ir.Op{
	Name: "everything", Class: ir.Elementwise, Doc: "for tests", Args: []string{"x"},
	Attrs: []ir.AttrSpec{
		{Name: "axis", Kind: ir.AttrAxis}, {Name: "axes", Kind: ir.AttrAxes}, {Name: "names", Kind: ir.AttrNames},
		{Name: "dim", Kind: ir.AttrDim}, {Name: "float", Kind: ir.AttrFloat}, {Name: "floats", Kind: ir.AttrFloats},
		{Name: "dtype", Kind: ir.AttrDType}, {Name: "word", Kind: ir.AttrWord, Words: []string{"one", "other"}},
	},
	Infer: func(c *ir.Check) ir.Type { return c.In[0] },
}

// rows are those of the op table and everything.
var rows = append(slices.Clone(op.Rows), everything)

var table = op.NewTable(rows...)

var (
	symbolNames = []string{"S", "P", "B_1"}
	axisNames   = []string{"q", "kv", "head", "from", "state"}
	// valueParts are the last parts of values' names: words of the text form among them.
	valueParts = []string{"x", "layers.0.attn.q", "symbol", "bound", "step", "example", "output", "kernel", "graph", "state", "from", "_"}
	fileNames  = []string{"llama.go", "models/llama.go", "my model.ir", "a:b.ir", "café.ir"}
)

// anyGraph draws a graph that prints: its types need not fit. Its groups are runs of nodes that are no leaves.
func anyGraph(t *rapid.T, name string) *ir.Graph {
	g := ir.New(name, table)
	declare(t, g)
	for i := range rapid.IntRange(1, 10).Draw(t, "nodes") {
		g.SetNodes(append(g.Nodes, anyNode(t, g, i)))
	}
	for at := 0; at < len(g.Nodes); {
		run := g.Nodes[at:min(at+rapid.IntRange(1, 4).Draw(t, "run"), len(g.Nodes))]
		at += len(run)
		group(t, g, run)
	}
	for _, n := range g.Nodes {
		if rapid.IntRange(0, 3).Draw(t, "output") == 0 {
			g.Output(n)
		}
	}
	return g
}

func declare(t *rapid.T, g *ir.Graph) {
	b := &g.Bounds
	for _, s := range symbolNames {
		b.Declare(s)
	}
	for range rapid.IntRange(0, 4).Draw(t, "bounds") {
		switch rapid.IntRange(0, 2).Draw(t, "bound") {
		case 0:
			b.AtLeast(anyDim(t), anyDim(t))
		case 1:
			b.AtMost(anyDim(t), anyDim(t))
		case 2:
			b.Fix(rapid.SampledFrom(symbolNames).Draw(t, "fixed"), rapid.Int64Range(-9, 9).Draw(t, "value"))
		}
	}
	if rapid.Bool().Draw(t, "step") {
		g.Step = &ir.Step{New: anyDim(t), Past: anyDim(t)}
	}
	if rapid.Bool().Draw(t, "example") {
		b.SetExample(map[string]int64{"S": rapid.Int64Range(-9, 9).Draw(t, "S"), "B_1": 3})
	}
}

func anyNode(t *rapid.T, g *ir.Graph, i int) *ir.Node {
	row := rapid.SampledFrom(rows).Draw(t, "op")
	if len(g.Nodes) == 0 {
		row = table["input"]
	}
	n := &ir.Node{
		Name:  fmt.Sprintf("%s%d", rapid.SampledFrom(valueParts).Draw(t, "name"), i),
		Op:    row,
		Attrs: ir.Attrs{},
		Pos:   ir.Position{File: rapid.SampledFrom(fileNames).Draw(t, "file"), Line: rapid.IntRange(0, 9999).Draw(t, "line")},
	}
	if i == 0 {
		n.Name = rapid.SampledFrom(valueParts).Draw(t, "name")
	}
	for range row.Args {
		n.In = append(n.In, rapid.SampledFrom(g.Nodes).Draw(t, "operand"))
	}
	for _, a := range row.Attrs {
		n.Attrs[a.Name] = anyAttr(t, a)
	}
	if rapid.Bool().Draw(t, "typed") {
		n.Type = anyType(t)
	}
	return n
}

func group(t *rapid.T, g *ir.Graph, run []*ir.Node) {
	if rapid.Bool().Draw(t, "grouped") {
		gr := &ir.Group{Name: fmt.Sprintf("k%d", len(g.Groups)), Role: ir.Role(rapid.IntRange(0, int(ir.RoleNone)).Draw(t, "role"))}
		for _, n := range run {
			if n.Op.Class != ir.Leaf {
				n.Group = gr
				gr.Nodes = append(gr.Nodes, n)
			}
		}
		if len(gr.Nodes) > 0 {
			g.Groups = append(g.Groups, gr)
		}
	}
}

func anyDim(t *rapid.T) dim.Dim {
	d := dim.Const(rapid.Int64Range(-5, 1<<20).Draw(t, "offset"))
	for _, s := range symbolNames {
		d = d.Add(dim.Sym(s).Mul(rapid.Int64Range(-2, 2).Draw(t, s)))
	}
	return d
}

func anyAxes(t *rapid.T) []ir.Axis {
	var axes []ir.Axis
	for _, name := range rapid.SliceOfNDistinct(rapid.SampledFrom(axisNames), 0, 4, rapid.ID).Draw(t, "axes") {
		axes = append(axes, ir.Axis{Name: name, Dim: anyDim(t)})
	}
	return axes
}

func anyType(t *rapid.T) ir.Type {
	ty := ir.Tensor(rapid.SampledFrom(kernel.DTypes).Draw(t, "dtype").DType, anyAxes(t)...)
	ty.State = rapid.IntRange(0, 4).Draw(t, "state") == 0
	if rapid.IntRange(0, 4).Draw(t, "positions") == 0 {
		from := anyDim(t)
		ty.From = &from
	}
	return ty
}

func anyAttr(t *rapid.T, a ir.AttrSpec) any {
	float := rapid.Float64().Filter(func(v float64) bool { return !math.IsInf(v, 0) && !math.IsNaN(v) })
	switch a.Kind {
	case ir.AttrAxis:
		return rapid.SampledFrom(axisNames).Draw(t, a.Name)
	case ir.AttrAxes:
		return anyAxes(t)
	case ir.AttrNames:
		return append([]string(nil), rapid.SliceOfN(rapid.SampledFrom(axisNames), 0, 3).Draw(t, a.Name)...)
	case ir.AttrDim:
		return anyDim(t)
	case ir.AttrFloat:
		return float.Draw(t, a.Name)
	case ir.AttrFloats:
		return append([]float64(nil), rapid.SliceOfN(float, 0, 3).Draw(t, a.Name)...)
	case ir.AttrDType:
		return rapid.SampledFrom(kernel.DTypes).Draw(t, a.Name).DType
	default:
		return rapid.SampledFrom(a.Words).Draw(t, a.Name)
	}
}
