package models

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/llorch/llorch/ir"
	"github.com/llorch/llorch/ir/kernel"
	"github.com/llorch/llorch/ir/op"
)

func drawConfig(t *rapid.T) Config {
	count := func(name string, least, most int) int { return rapid.IntRange(least, most).Draw(t, name) }
	flag := func(name string) bool { return rapid.Bool().Draw(t, name) }
	c := Config{
		Arch: "llama", Vocab: count("vocab", 1, 300), Embd: count("embd", 1, 100), Layers: count("layers", 1, 3),
		KVHeads: count("kv heads", 1, 4), HeadDim: 2 * count("half head", 1, 16), FFN: count("ffn", 1, 200), Context: count("context", 1, 4096),
		NormEps: 1e-5, Tied: flag("tied"), AttnBias: flag("attention bias"), OutBias: flag("output bias"), MLPBias: flag("MLP bias"),
	}
	c.Heads = c.KVHeads * count("group", 1, 4)
	c.Rope = Rope{
		Theta: rapid.Float64Range(1, 1e7).Draw(t, "theta"), Width: 2 * count("pairs", 1, c.HeadDim/2),
		Style:  rapid.SampledFrom([]string{"half", "interleaved"}).Draw(t, "style"),
		Linear: rapid.SampledFrom([]float64{0, 2.5}).Draw(t, "linear"),
	}
	c.QKNorm, c.PostNorms, c.NormOffset = flag("head norms"), flag("post norms"), rapid.SampledFrom([]float64{0, 1}).Draw(t, "offset")
	c.Act = rapid.SampledFrom([]string{"", "silu", "gelu_tanh"}).Draw(t, "act")
	c.EmbdScale, c.AttnScale = rapid.SampledFrom([]float64{0, 5}).Draw(t, "embd scale"), rapid.SampledFrom([]float64{0, 0.1}).Draw(t, "attn scale")
	c.AttnCap, c.LogitCap = rapid.SampledFrom([]float64{0, 50}).Draw(t, "attn cap"), rapid.SampledFrom([]float64{0, 30}).Draw(t, "logit cap")
	if flag("slides") {
		c.Sliding = Sliding{Window: count("window", 1, 5000), From: count("from", 0, 3), Pattern: rapid.SliceOfN(rapid.Bool(), 0, 3).Draw(t, "pattern")}
		if len(c.Sliding.Pattern) == 0 {
			c.Sliding.Pattern = nil
		}
	}
	if flag("llama3") {
		c.Rope.Llama3 = &Llama3Scaling{8, 1, 4, count("original context", 1, 8192)}
	}
	if flag("factors") {
		c.Rope.Factors = rapid.SliceOfN(rapid.Float64Range(0.5, 64), c.Rope.Width/2, c.Rope.Width/2).Draw(t, "factors")
	}
	return c
}

func drawOptions(t *rapid.T) Options {
	weight := rapid.SampledFrom([]ir.DType{kernel.F32, kernel.F16, kernel.BF16}).Draw(t, "weight")
	return Options{
		KV:     rapid.SampledFrom([]ir.DType{kernel.F32, kernel.F16}).Draw(t, "kv"),
		Weight: func(string) ir.DType { return weight },
	}
}

// Every valid Config has a graph that is proved and whose text is that of the graph parsed from it.
func TestEveryConfigVerifies(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := drawConfig(t)
		for _, f := range []*format{hfFormat, ggufFormat} {
			require.NoError(t, c.validate("file", f))
		}
		g := Llama(c, drawOptions(t))
		require.NoError(t, ir.Verify(g))
		text := ir.Print(g)
		parsed, err := ir.Parse("text", text, op.Table)
		require.NoError(t, err)
		require.NoError(t, ir.Verify(parsed))
		require.Equal(t, text, ir.Print(parsed))
	})
}

// Every parameter has a name in both formats, which leads back to it.
func TestNames(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c, a := drawConfig(t), rapid.SampledFrom(archs).Draw(t, "arch")
		c.QKNorm, c.PostNorms = a.config.QKNorm, a.config.PostNorms
		g := Llama(c, drawOptions(t))
		for _, f := range []*format{hfFormatOf(a), ggufFormatOf(a)} {
			seen := map[string]int{}
			for _, n := range g.Leaves(ir.FromWeights) {
				name, err := f.fileName(n.Name)
				require.NoError(t, err)
				paths := f.graphPaths(name)
				require.Less(t, seen[name], len(paths), name)
				require.Equal(t, n.Name, paths[seen[name]], "several weights in one tensor have one order")
				seen[name]++
			}
		}
	})
	for _, name := range []string{"", "blk.00.attn_q.weight", "blk.+1.attn_q.weight", "blk.#x.attn_q.weight", "blk.0.attn_q", "token_embd.weight.0"} {
		require.False(t, ggufFormat.knows(name), name)
	}
}

func TestStoriesGraph(t *testing.T) {
	for _, path := range []string{"models/stories260k", "models/stories260k/stories260k-f32.gguf"} {
		m, err := Open(shared(t, path))
		require.NoError(t, err)
		g, err := m.Graph(Options{})
		require.NoError(t, err)
		total := 0
		for _, n := range g.Leaves(ir.FromWeights) {
			data, _, err := m.Data(n.Name)
			require.NoError(t, err)
			total += len(data) / 4
		}
		require.Equal(t, 260032, total, "parameters of stories260K")
		require.NoError(t, m.Close())
	}
}
