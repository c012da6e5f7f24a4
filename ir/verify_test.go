package ir_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/llorch/llorch/ir"
	"github.com/llorch/llorch/ir/dim"
	"github.com/llorch/llorch/ir/kernel"
	"github.com/llorch/llorch/ir/op"
)

// TestVerifyText holds the rules that concern whole graphs, and those of every type, against texts that break one each.
func TestVerifyText(t *testing.T) {
	for _, c := range []struct{ name, src, want string }{
		{"taken name", "x: f32[a=2] = input()\ny = silu(x)\ny = silu(x)\noutput y",
			"g.ir:4: y: silu: the name is taken by a value declared at g.ir:3"},
		{"no output", "x: f32[a=2] = input()\ny = silu(x)",
			"?: g: the graph has no output"},
		{"no value allowed", "symbol S\nbound S >= 4\nbound S <= 3\nx: f32[a=S] = input()\noutput x",
			"?: g: the bounds allow no value: S >= 4, S <= 3"},
		{"undeclared symbol", "x: f32[a=T+2] = input()\ny = silu(x)\noutput y",
			"g.ir:2: x: input: axis a uses symbol T, which the graph does not declare\n    x  f32[a=T+2]"},
		{"undeclared first position", "symbol S\nbound S >= 0\np = positions() {axis=q, count=S, from=T}\nf: f32[pair=2] = input()\nr = rotations(p, f)\noutput r",
			"g.ir:4: p: positions: the first position uses symbol T, which the graph does not declare\n    p  pos[q=S] from T"},
		{"undeclared step", "step S after 0\nx: f32[a=2] = input()\noutput x",
			"?: g: the step uses symbol S, which the graph does not declare"},
		{"past below 0", "symbol S, P\nbound S >= 1\nstep S after P\nx: f32[a=2] = input()\noutput x",
			"?: g: the step's P tokens may be fewer than none\n    hint: bound P >= 0"},
		{"negative extent", "symbol S\nbound S >= 1\nx: f32[a=S-2] = input()\noutput x",
			"g.ir:4: x: input: the extent of axis a may be negative\n    x  f32[a=S-2]"},
		{"overflow", "x: f32[a=99999999999, b=99999999999] = input()\ny = merge(x) {axes=[a, b], into=c}\noutput y",
			"g.ir:3: y: merge: the extent of axis c is invalid: overflow\n    y  f32[c=(overflow)]"},
		{"axis twice", "x: f32[a=2, b=3, a=4] = input()\ny = silu(x)\noutput y",
			"g.ir:2: x: input: axis a occurs twice\n    x  f32[a=2, b=3, a=4]\n    hint: rename one of them first"},
		{"axis twice by an op", "x: f32[a=6] = input()\ny = split(x) {axis=a, into=[b=2, b=3]}\noutput y",
			"g.ir:3: y: split: axis b occurs twice\n    y  f32[b=2, b=3]\n    hint: rename one of them first"},
		{"leaf without type", "x = input()\ny = silu(x)\noutput y",
			"g.ir:2: x: input: has no type\n    hint: a leaf needs one: name: f32[axis=extent] = input()"},
		{"operand of a leaf", "x: f32[a=2] = input()\ny: f32[a=2] = input(x)\noutput y",
			"g.ir:3: y: input: operands: 1, want 0"},
		{"word", "x: f32[a=2] = input()\ny = everything(x) {axis=a, axes=[], names=[], dim=1, float=1, floats=[], dtype=f32, word=two}\noutput y",
			"g.ir:3: y: everything: attribute word is two, want one of [one other]"},
		{"declared dtype", "x: f32[a=2] = input()\ny: f16[a=2] = silu(x)\noutput y",
			"g.ir:3: y: silu: the declared type is not the inferred one\n    declared  f16[a=2]\n    inferred  f32[a=2]"},
		{"declared positions", "symbol P\nbound P >= 0\nstep 2 after P\np: pos[q=2] from 0 = positions() {axis=q, count=2, from=P}\nf: f32[pair=1] = input()\nr = rotations(p, f)\noutput r",
			"g.ir:5: p: positions: the declared type is not the inferred one\n    declared  pos[q=2] from 0\n    inferred  pos[q=2] from P"},
		{"symbolic const", "symbol S\nbound S >= 1\nc: f32[a=S] = const() {values=[1]}\noutput c",
			"g.ir:4: c: const: 1 values for a type of symbolic extent: f32[a=S] [const.2]"},
		{"state without type", "c = state() {along=ctx}\nd = const() {values=[]}\noutput c, d",
			"g.ir:2: c: state: has no type\n    hint: a leaf needs one: name: f32[axis=extent] = state()\n" +
				"g.ir:3: d: const: has no type\n    hint: a leaf needs one: name: f32[axis=extent] = const()"},
		{"no step", "p = positions() {axis=q, count=2, from=0}\nk = positions() {axis=kv, count=2, from=0}\nm = causal_mask(p, k)\noutput m",
			"g.ir:4: m: causal_mask: the graph declares no step, so no position is known [causal_mask.1]\n" +
				"    p  pos[      q=2] from 0\n    k  pos[kv=2     ] from 0\n    hint: declare: step S after P"},
		{"differs without a step", "x: f32[a=2] = input()\ny: f32[a=3] = input()\nz = add(x, y)\noutput z",
			"g.ir:4: z: add: axis a differs [add.2]\n    x  f32[a=2]\n    y  f32[a=3]\n    2 against 3"},
		{"in no kernel", "x: f32[a=2] = input()\nkernel k map {\ny = silu(x)\n}\nz = silu(y)\noutput z",
			"g.ir:6: z: silu: is in no kernel"},
	} {
		t.Run(c.name, func(t *testing.T) {
			g, err := ir.Parse("g.ir", "graph g {\n"+c.src+"\n}", table)
			require.NoError(t, err)
			require.EqualError(t, ir.Verify(g), c.want)
			_ = ir.Print(g)
		})
	}
}

// TestDeclaredTypes: a declared type may write an extent in another way, when the bounds prove both equal.
func TestDeclaredTypes(t *testing.T) {
	g, err := ir.Parse("g.ir", "graph g {\nsymbol S\nbound S = 4\nx: f32[a=S, b=3] = input()\ny: f32[a=4, b=3] = silu(x)\noutput y\n}", op.Table)
	require.NoError(t, err)
	require.NoError(t, ir.Verify(g))
}

// TestVerifyBuilt breaks rules that the text form cannot break.
func TestVerifyBuilt(t *testing.T) {
	pair := ir.Tensor(kernel.F32, ir.Ax("a", 2))
	for _, c := range []struct {
		name, want string
		build      func(g *ir.Graph, x, y *ir.Node)
	}{
		{"nothing wrong", "", func(*ir.Graph, *ir.Node, *ir.Node) {}},
		{"unknown op", "?: relu: relu: unknown op", func(g *ir.Graph, x, _ *ir.Node) {
			g.Root().Op("relu", "relu", nil, x).Pos = ir.Position{}
		}},
		{"no operand", "?: z: silu: operand 1 is no value", func(g *ir.Graph, _, _ *ir.Node) {
			g.Root().Op("silu", "z", nil, g.Node("nowhere")).Pos = ir.Position{}
		}},
		{"no output value", "?: g: output 2 is no value", func(g *ir.Graph, _, _ *ir.Node) {
			g.Output(g.Node("nowhere"))
		}},
		{"use before definition", "a.go:2: y: silu: reads x, which is defined after it or in another graph", func(g *ir.Graph, x, y *ir.Node) {
			require.NoError(t, ir.Infer(g))
			g.SetNodes([]*ir.Node{y, x})
		}},
		{"output of another graph", "b.go:1: x: is an output but not a value of the graph", func(g *ir.Graph, _, _ *ir.Node) {
			h := ir.New("h", op.Table)
			o := h.Root().Declare("input", "x", pair, nil)
			o.Pos = ir.Position{File: "b.go", Line: 1}
			g.Output(o)
		}},
		{"name", "a.go:2: a-b: silu: the name is none that the text form can hold: letters, digits, _ and .", func(_ *ir.Graph, _, y *ir.Node) {
			y.Name = "a-b"
		}},
		{"axis name", "a.go:1: x: input: axis \"\" has a name that the text form cannot hold: letters, digits, _ and .\n    x  f32[=2]", func(_ *ir.Graph, x, _ *ir.Node) {
			x.Type = ir.Tensor(kernel.F32, ir.Ax("", 2))
		}},
		{"attribute of the wrong kind", "?: z: scale: attribute by has the wrong kind of value (int)", func(g *ir.Graph, x, _ *ir.Node) {
			g.Root().Op("scale", "z", ir.Attrs{"by": 2}, x).Pos = ir.Position{}
		}},
		{"unknown attribute", "?: z: silu: unknown attribute by", func(g *ir.Graph, x, _ *ir.Node) {
			g.Root().Op("silu", "z", ir.Attrs{"by": 2.0}, x).Pos = ir.Position{}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := ir.New("g", op.Table)
			x := g.Root().Declare("input", "x", pair, nil)
			y := g.Root().Op("silu", "y", nil, x)
			x.Pos, y.Pos = ir.Position{File: "a.go", Line: 1}, ir.Position{File: "a.go", Line: 2}
			g.Output(y)
			c.build(g, x, y)
			if c.want == "" {
				require.NoError(t, ir.Verify(g))
				return
			}
			require.EqualError(t, ir.Verify(g), c.want)
		})
	}
}

// TestVerifyGroups breaks the partition of three nodes into three kernels.
func TestVerifyGroups(t *testing.T) {
	for _, c := range []struct {
		name, want string
		group      func(a, b, c *ir.Group)
	}{
		{"a chain", "", func(_, _, _ *ir.Group) {}},
		{"one group", "", func(a, b, c *ir.Group) {
			a.Nodes = append(a.Nodes, b.Nodes[0], c.Nodes[0])
			b.Nodes[0].Group, c.Nodes[0].Group = a, a
			b.Nodes, c.Nodes = nil, nil
		}},
		{"twice", "g.ir:4: n1: silu: is listed by kernel c but belongs to another", func(_, b, c *ir.Group) {
			c.Nodes = append(c.Nodes, b.Nodes[0])
		}},
		{"listed twice", "g.ir:3: n0: silu: is listed by kernel a but belongs to another", func(a, _, _ *ir.Group) {
			a.Nodes = append(a.Nodes, a.Nodes[0])
		}},
		{"out of order", "g.ir:5: n2: silu: reads n1, which kernel b computes after it", func(_, b, c *ir.Group) {
			b.Nodes = []*ir.Node{c.Nodes[0], b.Nodes[0]}
			c.Nodes[0].Group, c.Nodes = b, nil
		}},
		{"not listed", "g.ir:5: n2: silu: is in no kernel", func(_, _, c *ir.Group) { c.Nodes = nil }},
	} {
		t.Run(c.name, func(t *testing.T) {
			g, err := ir.Parse("g.ir", "graph g {\nx: f32[a=2] = input()\nn0 = silu(x)\nn1 = silu(n0)\nn2 = silu(n1)\noutput n2\n}", op.Table)
			require.NoError(t, err)
			for _, n := range g.Nodes[1:] {
				n.Group = &ir.Group{Name: string(rune('a' + len(g.Groups))), Nodes: []*ir.Node{n}}
				g.Groups = append(g.Groups, n.Group)
			}
			c.group(g.Groups[0], g.Groups[1], g.Groups[2])
			if c.want == "" {
				require.NoError(t, ir.Verify(g))
				return
			}
			require.EqualError(t, ir.Verify(g), c.want)
		})
	}
}

// TestVerifyGroupOrder runs each kernel but the last before the one whose value it reads, wherever it stands in the list.
func TestVerifyGroupOrder(t *testing.T) {
	g, err := ir.Parse("g.ir", `graph g {
x: f32[a=2] = input()
kernel first map {
 n0 = silu(x)
}
kernel second map {
 n1 = silu(n0)
}
kernel third map {
 n2 = silu(n1)
}
output n2
}`, op.Table)
	require.NoError(t, err)
	require.NoError(t, ir.Verify(g))
	g.Groups[1], g.Groups[2] = g.Groups[2], g.Groups[1]
	require.EqualError(t, ir.Verify(g), "g.ir:10: n2: silu: kernel third runs before second, whose n1 it reads")
	g.Groups[1], g.Groups[2] = g.Groups[2], g.Groups[1]
	slices.Reverse(g.Groups)
	require.EqualError(t, ir.Verify(g), "g.ir:10: n2: silu: kernel third runs before second, whose n1 it reads\n"+
		"g.ir:7: n1: silu: kernel second runs before first, whose n0 it reads")
}

// TestPositionOfCaller: a node's position is in the file that declared it, its name below its scopes.
func TestPositionOfCaller(t *testing.T) {
	g := ir.New("g", op.Table)
	n := g.Root().Sub("layers.0").Sub("mlp").Declare("input", "x", ir.Tensor(kernel.F32, ir.Ax("a", dim.Sym("S"))), nil)
	require.Equal(t, "layers.0.mlp.x", n.Name)
	require.Equal(t, "ir/verify_test.go", n.Pos.File)
	require.Equal(t, n, g.Node("layers.0.mlp.x"))
}
