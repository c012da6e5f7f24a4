package codegen_test

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/llorch/llorch/codegen"
	"github.com/llorch/llorch/gen"
	"github.com/llorch/llorch/ir/kernel"
	"github.com/llorch/llorch/models"
	"github.com/llorch/llorch/runtime"
	"github.com/llorch/llorch/runtime/cpu"
)

// TestFamilies holds the logits of a small model of each family, as gen's kernels compute them for prompts whole, in chunks and
// token by token, against transformers' of models/testdata/oracle.
func TestFamilies(t *testing.T) {
	for family, tol := range map[string]float64{"llama": 2e-5, "mistral": 2e-5, "qwen2": 2e-5, "qwen3": 2e-5, "gemma2": 2e-5, "phi3": 2e-5} {
		t.Run(family, func(t *testing.T) {
			dir := filepath.Join("..", "models", "testdata", "oracle", family)
			m, err := models.Open(dir)
			require.NoError(t, err)
			defer m.Close()
			g, err := m.Graph(models.Options{KV: kernel.F32})
			require.NoError(t, err)
			c, err := codegen.Compile(g, codegen.Options{Target: "cpu", Check: verifyAll})
			require.NoError(t, err)
			for _, k := range c.Program.Kernels {
				require.NotNil(t, gen.Kernels[k.Key], "kernel %s\n%s", k.Name, k.Text)
			}
			e, err := cpu.New(c.Program, c.Weights(m), gen.Library(), cpu.Options{Threads: 2})
			require.NoError(t, err)
			defer e.Close()

			var want struct {
				Tokens []float64
				Logits [][]float64
			}
			text, err := os.ReadFile(filepath.Join(dir, "logits.json"))
			require.NoError(t, err)
			require.NoError(t, json.Unmarshal(text, &want))
			for _, chunk := range []int{len(want.Tokens), 5, 1} {
				cache, err := e.NewCache()
				require.NoError(t, err)
				for past := 0; past < len(want.Tokens); past += chunk {
					n := min(chunk, len(want.Tokens)-past)
					env := map[string]int64{"S": int64(n), "P": int64(past)}
					var symbols []int64
					for _, s := range c.Program.Symbols {
						symbols = append(symbols, env[s])
					}
					in := map[string][]byte{"tokens": encode(kernel.I32, want.Tokens[past:past+n])}
					out, err := e.RunStep(context.Background(), runtime.Logits, symbols, in, cache)
					require.NoError(t, err)
					got := results(t, c.Program.Step(runtime.Logits), out)[0]
					for i := range n {
						near(t, want.Logits[past+i:past+i+1], [][]float64{got[i*m.Vocab : (i+1)*m.Vocab]}, tol, family)
					}
				}
			}
		})
	}
}
