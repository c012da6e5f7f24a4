package ir_test

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/llorch/llorch/ir"
	"github.com/llorch/llorch/ir/dim"
	"github.com/llorch/llorch/ir/kernel"
	"github.com/llorch/llorch/ir/op"
)

// The seed: TinyLlama's attention, run once to warm up and then again for a prompt, with a mask over the new tokens alone:
// "cannot broadcast [5, 5] to [1, 32, 5, 7]".

// stepGraph is an empty graph of S new tokens behind P past ones, 2048 in all.
func stepGraph(name string) (g *ir.Graph, newTokens, past dim.Dim) {
	g = ir.New(name, op.Table)
	newTokens, past = dim.Sym("S"), dim.Sym("P")
	g.Bounds.Declare("S")
	g.Bounds.Declare("P")
	g.Bounds.AtLeast(newTokens, dim.Const(1))
	g.Bounds.AtLeast(past, dim.Const(0))
	g.Bounds.AtMost(past.Add(newTokens), dim.Const(2048))
	g.Bounds.SetExample(map[string]int64{"S": 5, "P": 2})
	g.Step = &ir.Step{New: newTokens, Past: past}
	return g, newTokens, past
}

// buildSeed declares the seed's graph; mask declares the mask. The line is that of the node masked.
func buildSeed(mask func(root ir.Scope, queries *ir.Node) *ir.Node) (*ir.Graph, int) {
	g, newTokens, past := stepGraph("seed")
	root := g.Root()
	queries := root.Op("positions", "queries", ir.Attrs{"axis": "q", "count": newTokens, "from": past})
	freqs := root.Declare("input", "frequencies", ir.Tensor(kernel.F32, ir.Ax("pair", 32)), nil)
	rotations := root.Op("rotations", "rotations", nil, queries, freqs)
	x := root.Declare("input", "x", ir.Tensor(kernel.F32, ir.Ax("q", newTokens), ir.Ax("embd", 2048)), nil)
	m := mask(root, queries)

	s := root.Sub("layers.0.attn")
	heads := func(name string) *ir.Node {
		w := s.Declare("param", "w"+name, ir.Tensor(kernel.F32, ir.Ax("heads", 2048), ir.Ax("embd", 2048)), nil)
		flat := s.Op("matmul", name, ir.Attrs{"over": "embd"}, x, w)
		return s.Op("split", name+"_heads", ir.Attrs{"axis": "heads", "into": []ir.Axis{ir.Ax("head", 32), ir.Ax("dim", 64)}}, flat)
	}
	rope := func(name string, x *ir.Node) *ir.Node {
		return s.Op("rope", name, ir.Attrs{"over": "dim", "width": dim.Const(64), "style": "half"}, x, rotations)
	}
	cached := func(name string, x *ir.Node) *ir.Node {
		t := ir.Tensor(kernel.F32, ir.Ax("head", 32), ir.Ax("ctx", 2048), ir.Ax("dim", 64))
		t.State = true
		state := s.Declare("state", name+"_cache", t, ir.Attrs{"along": "ctx"})
		return s.Op("append", name+"_all", ir.Attrs{"over": "ctx", "new": "q", "as": "kv"}, state, x, queries)
	}
	q := rope("q_rope", heads("q"))
	k := cached("k", rope("k_rope", heads("k")))
	v := cached("v", heads("v"))
	raw := s.Op("matmul", "raw", ir.Attrs{"over": "dim"}, q, k)
	scores := s.Op("scale", "scores", ir.Attrs{"by": 0.125}, raw)
	_, _, before, _ := runtime.Caller(0)
	masked := s.Op("add", "masked", nil, scores, m)
	probs := s.Op("softmax", "probs", ir.Attrs{"over": "kv"}, masked)
	g.Output(s.Op("matmul", "mixed", ir.Attrs{"over": "kv"}, probs, v))
	return g, before + 1
}

// hostMask is the seed's mistake: an input over the new tokens.
func hostMask(root ir.Scope, _ *ir.Node) *ir.Node {
	s := dim.Sym("S")
	return root.Declare("input", "mask", ir.Tensor(kernel.F32, ir.Ax("q", s), ir.Ax("kv", s)), nil)
}

// causalMask is what it should have been: over past and new keys.
func causalMask(root ir.Scope, queries *ir.Node) *ir.Node {
	all := dim.Sym("P").Add(dim.Sym("S"))
	keys := root.Op("positions", "keys", ir.Attrs{"axis": "kv", "count": all, "from": dim.Const(0)})
	return root.Op("causal_mask", "mask", nil, queries, keys)
}

func TestSeedIsRefused(t *testing.T) {
	g, line := buildSeed(hostMask)
	err := ir.Verify(g)
	want := fmt.Sprintf(`ir/seed_test.go:%d: layers.0.attn.masked: add: axis kv differs [add.2]
    scores  f32[q=S, head=32, kv=P+S]
    mask    f32[q=S,          kv=S  ]
    S is P+S only while P = 0; with S=5, P=2: 5 against 7
    hint: mask covers the new tokens only; build it over kv=P+S`, line)
	require.EqualError(t, err, want)

	var errs ir.Errors
	require.ErrorAs(t, err, &errs)
	require.Len(t, errs, 1)
	require.Equal(t, ir.Position{File: "ir/seed_test.go", Line: line}, errs[0].Pos)
}

// TestSeedWithoutExample has the counterexample searched for: the smallest.
func TestSeedWithoutExample(t *testing.T) {
	g, _ := buildSeed(hostMask)
	g.Bounds.SetExample(nil)
	require.ErrorContains(t, ir.Verify(g), "S is P+S only while P = 0; with S=1, P=1: 1 against 2")
}

// TestSeedWithoutPast: without a past the seed's program is right, which is why it worked when it was not warmed up.
func TestSeedWithoutPast(t *testing.T) {
	g, _ := buildSeed(hostMask)
	g.Bounds.SetExample(nil)
	g.Bounds.Fix("P", 0)
	require.NoError(t, ir.Verify(g))
}

func TestSeedCorrected(t *testing.T) {
	g, _ := buildSeed(causalMask)
	require.NoError(t, ir.Verify(g))
	require.Equal(t, "f32[q=S, head=32, dim=64]", g.Node("layers.0.attn.mixed").Type.String())
}

func TestSeedText(t *testing.T) {
	src, err := os.ReadFile(filepath.Join("testdata", "seed.ir"))
	require.NoError(t, err)
	want, err := os.ReadFile(filepath.Join("testdata", "seed.txt"))
	require.NoError(t, err)
	g, err := ir.Parse("seed.ir", string(src), op.Table)
	require.NoError(t, err)
	require.EqualError(t, ir.Verify(g), string(want[:len(want)-1]))

	built, _ := buildSeed(hostMask)
	require.Len(t, g.Nodes, len(built.Nodes), "testdata/seed.ir is the graph that buildSeed declares")
	for _, n := range built.Nodes {
		m := g.Node(n.Name)
		require.NotNil(t, m, n.Name)
		require.Same(t, n.Op, m.Op, n.Name)
		require.Equal(t, fmt.Sprint(n.Attrs), fmt.Sprint(m.Attrs), n.Name)
	}
}
