package codegen_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/llorch/llorch/codegen"
	"github.com/llorch/llorch/codegen/nvrtc"
	"github.com/llorch/llorch/ir/kernel"
	"github.com/llorch/llorch/models"
)

// attending are models whose attention takes the tiles of whole loops over keys: heads that share keys and that do not, caps, windows.
func attending() (cases []llamaCase) {
	of := func(name string, heads, kvHeads, dim int, f func(*models.Config)) {
		c := with(func(c *models.Config) {
			c.Layers, c.Embd, c.Context, c.Heads, c.KVHeads, c.HeadDim, c.Rope.Width = 1, 32, 3000, heads, kvHeads, dim, dim
			f(c)
		})
		cases = append(cases, llamaCase{name, c, kernel.F16, kernel.F16})
	}
	plain := func(*models.Config) {}
	of("heads of their own", 2, 2, 64, plain)
	of("eight heads share", 8, 1, 64, plain)
	of("sixteen heads share", 16, 1, 32, plain)
	of("heads of 96", 3, 3, 96, plain)
	of("heads of 128", 4, 2, 128, plain)
	of("cap and window", 4, 2, 64, func(c *models.Config) { c.AttnCap, c.Sliding.Window = 2.5, 100 })
	return cases
}

// TestDeviceAttention holds contexts of many blocks of keys against the reference, token by token and as prompts.
func TestDeviceAttention(t *testing.T) {
	d := needDevice(t)
	for _, c := range attending() {
		t.Run(c.String(), func(t *testing.T) {
			t.Parallel()
			c.holds(t, compiledFor(t, d), map[string]int64{"S": 1, "P": 90}, map[string]int64{"S": 1, "P": 1300},
				map[string]int64{"S": 130, "P": 77}, map[string]int64{"S": 300, "P": 0})
		})
	}
}

// TestCUDAAttention: those take the tiles that they are for, and NVRTC takes what is emitted.
func TestCUDAAttention(t *testing.T) {
	for _, c := range attending() {
		compiled, err := codegen.Compile(c.graph(t), codegen.Options{Target: "cuda"})
		require.NoError(t, err)
		files, err := compiled.Target.Sources(compiled.Program, compiled.Kernels)
		require.NoError(t, err)
		src := string(files[codegen.CUDASource])
		require.Regexp(t, `\n +token::Attend<\d+, \d+, \d+, \d+, \d+, 8> attended;`, src, c.shape)
		require.Regexp(t, `\n +flash::Attend<\d+, \d+, \d+, \d+, \d, 8> attended;`, src, c.shape)
		if !slices.Contains([]string{"heads of their own", "cap and window"}, c.shape) {
			continue
		}
		if _, err := nvrtc.Load(); err == nil {
			_, err = codegen.BuildCUDA(files, []string{"sm_90"})
			require.NoError(t, err, c.shape)
		}
	}
}
