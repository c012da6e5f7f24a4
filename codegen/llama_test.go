package codegen_test

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/llorch/llorch/codegen"
	"github.com/llorch/llorch/gen"
	"github.com/llorch/llorch/ir"
	"github.com/llorch/llorch/ir/kernel"
	"github.com/llorch/llorch/models"
	"github.com/llorch/llorch/runtime"
	"github.com/llorch/llorch/runtime/cpu"
)

// with is a small Llama but for what f changes.
func with(f func(*models.Config)) models.Config {
	c := models.Config{
		Arch: "llama", Vocab: 37, Embd: 24, Layers: 2, Heads: 6, KVHeads: 2, HeadDim: 8, FFN: 29, Context: 32, NormEps: 1e-5,
		Rope: models.Rope{Theta: 10000, Width: 8, Style: "half"},
	}
	f(&c)
	return c
}

// shapes are small Llamas of every structure, with sizes that divide by nothing.
func shapes() map[string]models.Config {
	return map[string]models.Config{
		"gqa":         with(func(*models.Config) {}),
		"mha":         with(func(c *models.Config) { c.KVHeads = 6 }),
		"mqa":         with(func(c *models.Config) { c.KVHeads = 1 }),
		"one head":    with(func(c *models.Config) { c.Heads, c.KVHeads = 1, 1 }),
		"tied":        with(func(c *models.Config) { c.Tied = true }),
		"biases":      with(func(c *models.Config) { c.AttnBias, c.OutBias, c.MLPBias = true, true, true }),
		"head_dim 80": with(func(c *models.Config) { c.HeadDim, c.Rope.Width = 80, 80 }),
		"partial":     with(func(c *models.Config) { c.Rope.Width = 4 }),
		"interleaved": with(func(c *models.Config) { c.Rope.Style = "interleaved" }),
		"interleaved partial": with(func(c *models.Config) {
			c.Rope.Style, c.Rope.Width = "interleaved", 6
		}),
		"head_dim 2": with(func(c *models.Config) { c.HeadDim, c.Rope.Width = 2, 2 }),
		"llama3": with(func(c *models.Config) {
			c.Rope.Llama3 = &models.Llama3Scaling{Factor: 8, LowFreq: 1, HighFreq: 4, OriginalContext: 64}
		}),
		"mistral": with(func(c *models.Config) { c.Sliding.Window = 3 }),
		"qwen2": with(func(c *models.Config) {
			c.AttnBias, c.Sliding = true, models.Sliding{Window: 4, From: 1}
		}),
		"qwen3": with(func(c *models.Config) { c.QKNorm, c.HeadDim, c.Rope.Width = true, 10, 10 }),
		"gemma2": with(func(c *models.Config) { // a head's scores are tame: what an f16 is off by stays small
			c.PostNorms, c.NormOffset, c.Act, c.Tied = true, 1, "gelu_tanh", true
			c.EmbdScale, c.AttnScale, c.AttnCap, c.LogitCap = 4.9, 0.2, 2.5, 3.5
			c.Sliding = models.Sliding{Window: 3, Pattern: []bool{true, false}}
		}),
	}
}

// llamaCase is a shape with dtypes of weights and cache.
type llamaCase struct {
	shape  string
	config models.Config
	w, kv  kernel.DType
}

// llamaCases are every shape with one pair of dtypes, and every pair with one shape.
func llamaCases() []llamaCase {
	weights, kvs := []kernel.DType{kernel.F32, kernel.F16, kernel.BF16}, []kernel.DType{kernel.F32, kernel.F16}
	all := shapes()
	var cases []llamaCase
	for i, name := range slices.Sorted(maps.Keys(all)) {
		cases = append(cases, llamaCase{name, all[name], weights[i%3], kvs[i%2]})
	}
	for _, w := range weights {
		for _, kv := range kvs {
			cases = append(cases, llamaCase{"biases", all["biases"], w, kv})
		}
	}
	// Rows of every block type are whole blocks here, and panels are cut off: 37, 29 and 48 rows.
	blocks := with(func(c *models.Config) {
		c.Embd, c.FFN, c.Heads, c.KVHeads, c.HeadDim, c.Rope.Width = 256, 512, 4, 1, 64, 64
	})
	odd := with(func(c *models.Config) {
		c.Embd, c.FFN, c.Heads, c.KVHeads, c.HeadDim, c.Rope.Width = 96, 160, 3, 1, 32, 20
	})
	wide := with(func(c *models.Config) { c.HeadDim, c.Rope.Width = 128, 128 })
	cases = append(cases, llamaCase{"head_dim 128", wide, kernel.F16, kernel.F16})
	for _, w := range []kernel.DType{kernel.F16, kernel.BF16} { // which a GPU packs, where rows are whole units
		cases = append(cases, llamaCase{"odd blocks", odd, w, kernel.F16})
	}
	for _, row := range kernel.DTypes {
		if row.Format == nil {
			continue
		}
		cases = append(cases, llamaCase{"blocks", blocks, row.DType, kernel.F32})
		if row.Elems == 32 {
			cases = append(cases, llamaCase{"odd blocks", odd, row.DType, kernel.F16})
		}
	}
	return append(cases, llamaCase{"mixed", blocks, kernel.Q4K, kernel.F16})
}

// mixed are the types of a file whose weights are not all alike, as quantisers write them.
var mixed = map[string]kernel.DType{"embed": kernel.Q40, "wv": kernel.Q6K, "wo": kernel.F16, "wgate": kernel.Q5K, "wup": kernel.Q80,
	"wdown": kernel.Q6K, "head": kernel.Q51}

func (c llamaCase) String() string { return fmt.Sprintf("%s/%s/kv %s", c.shape, c.w, c.kv) }

func (c llamaCase) graph(t testing.TB) *ir.Graph {
	g := models.Llama(c.config, models.Options{KV: c.kv, Weight: c.dtype})
	require.NoError(t, ir.Verify(g))
	return g
}

// dtype is a weight's: vectors are of no block type.
func (c llamaCase) dtype(path string) ir.DType {
	name := path[strings.LastIndexByte(path, '.')+1:]
	if c.w.Row().Elems > 1 && (strings.HasSuffix(name, "norm_w") || name[0] == 'b') {
		return kernel.F32
	}
	if d, ok := mixed[name]; ok && c.shape == "mixed" {
		return d
	}
	return c.w
}

// tolerance is what f32 arithmetic may be off by: much more where f32 values are rounded, which differ in their last bits.
func (c llamaCase) tolerance() float64 {
	if c.kv == kernel.F16 {
		return 2e-3
	}
	return 2e-5
}

// TestLlama holds the logits of small Llamas against the reference, with and without a past, from gen's kernels on one thread
// and two, and from the interpreter, as it is and hostile, with tiles of both schedules.
func TestLlama(t *testing.T) {
	for _, c := range llamaCases() {
		t.Run(c.String(), func(t *testing.T) {
			t.Parallel()
			g := c.graph(t)
			for i, env := range []map[string]int64{{"S": 7, "P": 0}, {"S": 3, "P": 5}, {"S": 1, "P": 9}} {
				tr := &trial{g: g, env: env, seed: 3}
				want := tr.reference(t)
				check := func(compiled *codegen.Compiled, lib cpu.Library, threads int) {
					near(t, want, tr.run(t, compiled.Program, tr.weights(compiled), lib, threads), c.tolerance(), fmt.Sprint(env))
				}
				if c.w.Row().Elems > 1 {
					c.rounded(t, tr, want)
					tr.acts = kernel.F32
				}
				compiled := tr.compile(t)
				check(compiled, gen.Library(), 1)
				check(compiled, gen.Library(), 2)
				if i == 1 {
					check(compiled, cpu.Library{Tiles: gen.Library().Tiles}, 2)
					tr.target = "tiny"
					compiled = tr.compile(t)
					check(compiled, hostile(t, compiled.Kernels), 1)
				}
			}
		})
	}
}

// norms are what those of a layer besides Llama's two take: a norm of heads is a kernel, and parts the projection from what follows it.
func (c llamaCase) norms() (kernels int) {
	if c.config.QKNorm {
		kernels += 4
	}
	if c.config.PostNorms {
		kernels += 2
	}
	return kernels
}

// rounded runs with rounded activations: the relative error of the logits is as theirs.
func (c llamaCase) rounded(t *testing.T, tr *trial, want [][]float64) {
	for acts, most := range map[kernel.DType]float64{kernel.A8: 0.1, kernel.A16: 1e-3} {
		tr.acts = acts
		compiled := tr.compile(t)
		encodings := 0
		for _, n := range compiled.Module.Graphs[0].Nodes {
			if n.Op.Class == ir.Encoding {
				require.Equal(t, acts, n.Type.DType)
				encodings++
			}
		}
		if want := 4*c.config.Layers + 1; c.shape != "mixed" {
			require.Equal(t, want, encodings, "one for q, k and v, for o, for gate and up, for down, and for the head")
		} else {
			require.Equal(t, want-c.config.Layers, encodings, "o is of floats")
		}
		got := tr.run(t, compiled.Program, tr.weights(compiled), gen.Library(), 2)
		off := relative(want[0], got[0])
		require.NotZero(t, off)
		require.Less(t, off, most, "%s: the logits' relative error", acts)
		again := tr.run(t, compiled.Program, tr.weights(compiled), cpu.Library{Tiles: gen.Library().Tiles}, 1)
		require.Less(t, relative(again[0], got[0]), most, "%s: interpreter", acts) // a last bit of f32 may turn a rounding
	}
}

// TestLlamaOfAGPU holds every specialisation under a GPU's schedule, interpreted, against the reference: exactly, and with many
// tokens multiplied in 16 bits.
func TestLlamaOfAGPU(t *testing.T) {
	for _, c := range llamaCases() {
		t.Run(c.String(), func(t *testing.T) {
			t.Parallel()
			g := c.graph(t)
			for _, target := range []string{"gpu", "narrow", "small"} {
				tr := &trial{g: g, env: map[string]int64{"S": 4, "P": 5}, seed: 3, target: target}
				compiled := tr.compile(t)
				lib := hostile(t, compiled.Kernels)
				for _, step := range []string{runtime.Logits, runtime.Prefill, runtime.Decode} {
					if step == runtime.Decode {
						tr.env = map[string]int64{"S": 1, "P": 9}
					}
					want := tr.reference(t)
					graph := compiled.Module.Graphs[slices.IndexFunc(compiled.Program.Steps, func(s runtime.Step) bool { return s.Name == step })]
					got := tr.runStep(t, compiled.Program, tr.weights(compiled), lib, 2, step)
					if tol := c.tolerance(); target != "narrow" {
						near(t, tr.lastRows(t, graph, want), got, tol, target+" "+step)
					}
					require.Less(t, relative(tr.lastRows(t, graph, want)[0], got[0]), 0.02, target+" "+step)
				}
			}
		})
	}
}

// relative is the root mean square of got - want over that of want.
func relative(want, got []float64) float64 {
	off, all := 0.0, 0.0
	for i, w := range want {
		off += (got[i] - w) * (got[i] - w)
		all += w * w
	}
	return math.Sqrt(off / all)
}

// TestGenHasEveryKernel: none of those shapes needs the interpreter.
func TestGenHasEveryKernel(t *testing.T) {
	for _, c := range llamaCases() {
		name, c := c.String(), c
		for _, kv := range []kernel.DType{kernel.F32, kernel.F16} {
			c.kv = kv
			compiled, err := codegen.Compile(c.graph(t), codegen.Options{Target: "cpu"})
			require.NoError(t, err)
			for _, k := range compiled.Program.Kernels {
				require.NotNil(t, gen.Kernels[k.Key], "%s: kernel %s\n%s", name, k.Name, k.Text)
			}
			for _, s := range compiled.Program.Steps {
				if s.Name == "decode" && c.w.Row().Elems == 1 {
					require.LessOrEqual(t, len(s.Launches), (7+c.norms())*c.config.Layers+4, "decode is seven kernels a layer, and those of other norms")
				}
			}
		}
	}
}
