package codegen_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/llorch/llorch/codegen"
	"github.com/llorch/llorch/gen"
	"github.com/llorch/llorch/ir"
	"github.com/llorch/llorch/ir/kernel"
	"github.com/llorch/llorch/models"
	"github.com/llorch/llorch/runtime/cpu"
)

// shapes are small Llamas of every structure, with sizes that divide by nothing.
func shapes() map[string]models.Config {
	base := models.Config{
		Arch: "llama", Vocab: 37, Embd: 24, Layers: 2, Heads: 6, KVHeads: 2, HeadDim: 8, FFN: 29, Context: 32, NormEps: 1e-5,
		Rope: models.Rope{Theta: 10000, Width: 8, Style: "half"},
	}
	with := func(f func(*models.Config)) models.Config { c := base; f(&c); return c }
	return map[string]models.Config{
		"gqa":         base,
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
	}
}

// TestLlama holds the logits of small Llamas against the reference, with and without a past, from gen's kernels and from the
// interpreter.
func TestLlama(t *testing.T) {
	for name, c := range shapes() {
		for _, w := range []kernel.DType{kernel.F32, kernel.F16, kernel.BF16} {
			for _, kv := range []kernel.DType{kernel.F32, kernel.F16} {
				t.Run(fmt.Sprintf("%s/%s/kv %s", name, w, kv), func(t *testing.T) {
					g := models.Llama(c, models.Options{KV: kv, Weight: func(string) ir.DType { return w }})
					require.NoError(t, ir.Verify(g))
					tol := 2e-5
					if kv == kernel.F16 {
						tol = 2e-3 // the f32 values that are rounded differ in their last bits
					}
					for _, env := range []map[string]int64{{"S": 7, "P": 0}, {"S": 3, "P": 5}, {"S": 1, "P": 9}} {
						tr := &trial{g: g, env: env, seed: 3}
						compiled := tr.compile(t)
						want := tr.reference(t)
						for _, lib := range []cpu.Library{gen.Library(), {Tiles: gen.Tiles}} {
							for _, threads := range []int{1, 2} {
								near(t, want, tr.run(t, compiled.Program, tr.weights(compiled), lib, threads), tol, fmt.Sprint(env))
							}
						}
					}
				})
			}
		}
	}
}

// TestGenHasEveryKernel: none of those shapes needs the interpreter.
func TestGenHasEveryKernel(t *testing.T) {
	for name, c := range shapes() {
		for _, kv := range []kernel.DType{kernel.F32, kernel.F16} {
			compiled, err := codegen.Compile(models.Llama(c, models.Options{KV: kv}), codegen.Options{Target: "cpu"})
			require.NoError(t, err)
			for _, k := range compiled.Program.Kernels {
				require.NotNil(t, gen.Kernels[k.Key], "%s: kernel %s\n%s", name, k.Name, k.Text)
			}
			for _, s := range compiled.Program.Steps {
				if s.Name == "decode" {
					require.LessOrEqual(t, len(s.Launches), 5*c.Layers+3, "decode is five kernels a layer")
				}
			}
		}
	}
}
