package lower_test

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/tools/txtar"

	"github.com/llorch/llorch/ir"
	"github.com/llorch/llorch/ir/kernel"
	"github.com/llorch/llorch/ir/op"
	"github.com/llorch/llorch/models"
	"github.com/llorch/llorch/passes"
	"github.com/llorch/llorch/passes/lower"
)

var update = flag.Bool("update", false, "rewrite what testdata expects")

// TestGolden holds the kernels of small graphs against testdata: the graph, the launch (its specialisation and its name),
// and what is made of it: the kernel, and what its parameters are bound to.
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			a, err := txtar.ParseFile(file)
			require.NoError(t, err)
			require.GreaterOrEqual(t, len(a.Files), 2)
			got := []byte(launch(t, string(a.Files[0].Data), strings.Fields(string(a.Files[1].Data))))
			if *update {
				a.Files = append(a.Files[:2], txtar.File{Name: "kernel", Data: got})
				require.NoError(t, os.WriteFile(file, txtar.Format(a), 0o666))
			}
			require.Len(t, a.Files, 3)
			require.Equal(t, string(a.Files[2].Data), string(got))
		})
	}
}

// launch prints the launch called name[1] of the specialisation name[0]; a third word is for Factors.
func launch(t *testing.T, src string, name []string) string {
	require.GreaterOrEqual(t, len(name), 2)
	g, err := ir.Parse("graph.ir", src, op.Table)
	require.NoError(t, err)
	sched := lower.CPU
	sched.Norms = true // all that skeletons can do
	sched.Factors = slices.Contains(name[2:], "factors")
	m := &passes.Module{Graphs: []*ir.Graph{g}, Chunk: passes.Chunk(g, 0), Sched: sched}
	require.NoError(t, passes.Run(m, "lower", nil))
	i := slices.IndexFunc(m.Graphs, func(g *ir.Graph) bool { return g.Name == name[0] })
	require.GreaterOrEqual(t, i, 0, "no graph %s", name[0])
	for _, l := range m.Lowered[m.Graphs[i]] {
		if l.Group.Name == name[1] {
			return l.Kernel.String() + "\n" + bindings(l)
		}
	}
	require.Fail(t, "no such launch", "%s in\n%s", name[1], ir.Print(m.Graphs[i]))
	return ""
}

// bindings lists what a launch gives its kernel.
func bindings(l *lower.Launch) string {
	var b strings.Builder
	line := func(what string, words []string) {
		if len(words) > 0 {
			b.WriteString(what + ": " + strings.Join(words, ", ") + "\n")
		}
	}
	names := func(ns []*ir.Node) (out []string) {
		for _, n := range ns {
			out = append(out, n.Name)
		}
		return out
	}
	var ints []string
	for i, d := range l.Ints {
		ints = append(ints, l.Kernel.Ints[i]+"="+d.String())
	}
	line("buffers", names(l.Bufs))
	line("ints", ints)
	line("writes", names(l.Writes))
	return b.String()
}

// TestTokens: a GPU's groups have as many tokens as fill it best in the fewest turns.
func TestTokens(t *testing.T) {
	tiny := models.Config{Vocab: 32000, Embd: 2048, Heads: 32, KVHeads: 4, HeadDim: 64, FFN: 5632, Context: 2048}
	big := models.Config{Vocab: 128256, Embd: 4096, Heads: 32, KVHeads: 8, HeadDim: 128, FFN: 14336, Context: 8192}
	for _, c := range []struct {
		name     string
		config   models.Config
		gate, up kernel.DType
		chunk    int
		want     map[string]string
	}{
		{"TinyLlama", tiny, kernel.F16, kernel.F16, 512, map[string]string{"attn.q_k_v": "88", "attn.o": "64", "mlp.gate_up": "176", "mlp.down": "64"}},
		{"8B", big, kernel.Q40, kernel.Q40, 512, map[string]string{"attn.q_k_v": "104", "attn.o": "128", "mlp.gate_up": "176", "mlp.down": "128"}},
		{"results beside what they are made from", tiny, kernel.Q40, kernel.Q80, 512, map[string]string{"attn.q_k_v": "88", "mlp.gate_up": "88"}},
		{"short prompts", tiny, kernel.F16, kernel.F16, 20, map[string]string{"attn.q_k_v": "8", "attn.o": "8", "mlp.gate_up": "8", "mlp.down": "8"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.config.Arch, c.config.Layers, c.config.NormEps = "llama", 1, 1e-5
			c.config.Rope = models.Rope{Theta: 10000, Width: c.config.HeadDim, Style: "half"}
			g := models.Llama(c.config, models.Options{KV: kernel.F16, Weight: func(name string) kernel.DType {
				switch {
				case strings.HasSuffix(name, "norm"):
					return kernel.F32
				case strings.Contains(name, "up"):
					return c.up
				}
				return c.gate
			}})
			sched := lower.CUDA
			sched.Chunk = c.chunk
			m := &passes.Module{Graphs: []*ir.Graph{g}, Chunk: c.chunk, Sched: sched}
			require.NoError(t, passes.Run(m, "lower", nil))
			got := map[string]string{}
			for _, g := range m.Graphs {
				for _, l := range m.Lowered[g] {
					for i, name := range l.Kernel.Ints {
						if name == "toks" {
							got[strings.TrimPrefix(l.Group.Name, "layers.0.")] = l.Ints[i].String()
						}
					}
				}
			}
			for name, toks := range c.want {
				require.Equal(t, toks, got[name], "%s in %v", name, got)
			}
		})
	}
}
