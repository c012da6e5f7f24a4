package codegen_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/llorch/llorch/codegen"
	"github.com/llorch/llorch/ir"
	"github.com/llorch/llorch/ir/kernel"
	"github.com/llorch/llorch/models"
)

// realShapes are configurations of well-known models, with one or two layers, and what is at the edge of them.
var realShapes = map[string]models.Config{
	"tinyllama-1.1b": {Vocab: 32000, Embd: 2048, Layers: 1, Heads: 32, KVHeads: 4, HeadDim: 64, FFN: 5632, Context: 2048},
	"smollm2-135m":   {Vocab: 49152, Embd: 576, Layers: 1, Heads: 9, KVHeads: 3, HeadDim: 64, FFN: 1536, Context: 8192, Tied: true},
	"llama-3.1-8b":   {Vocab: 128256, Embd: 4096, Layers: 1, Heads: 32, KVHeads: 8, HeadDim: 128, FFN: 14336, Context: 131072},
	"llama-2-13b":    {Vocab: 32000, Embd: 5120, Layers: 1, Heads: 40, KVHeads: 40, HeadDim: 128, FFN: 13824, Context: 4096},
	"llama-3.1-70b":  {Vocab: 128256, Embd: 8192, Layers: 1, Heads: 64, KVHeads: 8, HeadDim: 128, FFN: 28672, Context: 131072},
	"mistral-7b":     {Vocab: 32000, Embd: 4096, Layers: 1, Heads: 32, KVHeads: 8, HeadDim: 128, FFN: 14336, Context: 32768, Sliding: models.Sliding{Window: 4096}},
	"qwen2-7b":       {Vocab: 152064, Embd: 3584, Layers: 1, Heads: 28, KVHeads: 4, HeadDim: 128, FFN: 18944, Context: 32768, AttnBias: true},
	"qwen3-8b":       {Vocab: 151936, Embd: 4096, Layers: 1, Heads: 32, KVHeads: 8, HeadDim: 128, FFN: 12288, Context: 40960, QKNorm: true},
	"gemma-2-9b": {Vocab: 256000, Embd: 3584, Layers: 2, Heads: 16, KVHeads: 8, HeadDim: 256, FFN: 14336, Context: 8192, Tied: true,
		PostNorms: true, NormOffset: 1, Act: "gelu_tanh", EmbdScale: 60, AttnCap: 50, LogitCap: 30, Sliding: models.Sliding{Window: 4096, Pattern: []bool{true, false}}},
	"phi-3-mini":  {Vocab: 32064, Embd: 3072, Layers: 1, Heads: 32, KVHeads: 32, HeadDim: 96, FFN: 8192, Context: 4096, Sliding: models.Sliding{Window: 2047}},
	"falcon-like": {Vocab: 65024, Embd: 4544, Layers: 1, Heads: 71, KVHeads: 1, HeadDim: 64, FFN: 18176, Context: 131072},
	"mqa of 256":  {Vocab: 256000, Embd: 2048, Layers: 1, Heads: 8, KVHeads: 1, HeadDim: 256, FFN: 16384, Context: 8192, Tied: true},
	"mqa of 48":   {Vocab: 49153, Embd: 6144, Layers: 1, Heads: 48, KVHeads: 1, HeadDim: 128, FFN: 24577, Context: 8192},
	"head of 2":   {Vocab: 37, Embd: 64, Layers: 1, Heads: 32, KVHeads: 1, HeadDim: 2, FFN: 32, Context: 131072},
	"head of 80":  {Vocab: 50257, Embd: 2560, Layers: 1, Heads: 96, KVHeads: 32, HeadDim: 80, FFN: 10240, Context: 2048},
}

// TestGPUsTakeRealShapes: models of real shapes, of every weight type, fit a group's memory and 32-bit indexes.
func TestGPUsTakeRealShapes(t *testing.T) {
	for name, c := range realShapes {
		c.Arch, c.NormEps = "llama", 1e-5
		for _, style := range []string{"half", "interleaved"} {
			c.Rope = models.Rope{Theta: 10000, Width: c.HeadDim, Style: style}
			for i := range kernel.DTypes {
				row := &kernel.DTypes[i]
				if !row.Weight || row.Panel != nil || c.Embd%row.Elems != 0 || c.FFN%row.Elems != 0 {
					continue
				}
				t.Run(name+"/"+style+"/"+row.Name, func(t *testing.T) {
					t.Parallel()
					kv := kernel.F16
					if row.DType == kernel.F32 {
						kv = kernel.F32
					}
					g := models.Llama(c, models.Options{KV: kv, Weight: llamaCase{config: c, w: row.DType}.dtype})
					require.NoError(t, ir.Verify(g))
					for _, target := range []string{"cuda", "metal"} {
						compiled, err := codegen.Compile(g, codegen.Options{Target: target})
						require.NoError(t, err)
						_, err = compiled.Target.Sources(compiled.Program, compiled.Kernels)
						require.NoError(t, err)
					}
				})
			}
		}
	}
}

// TestGroupMemory: kernels keep to what devices of other architectures have.
func TestGroupMemory(t *testing.T) {
	for arch, kib := range map[string]int{"sm_80": 163, "sm_86": 99, "sm_90": 227} {
		for _, name := range []string{"tinyllama-1.1b", "llama-3.1-8b", "smollm2-135m"} {
			for _, w := range []kernel.DType{kernel.F16, kernel.BF16, kernel.Q80, kernel.Q40, kernel.Q4K} {
				c := realShapes[name]
				if c.Embd%w.Row().Elems != 0 {
					continue
				}
				c.Arch, c.NormEps, c.Rope = "llama", 1e-5, models.Rope{Theta: 10000, Width: c.HeadDim, Style: "half"}
				g := models.Llama(c, models.Options{KV: kernel.F16, Weight: llamaCase{config: c, w: w}.dtype})
				compiled, err := codegen.Compile(g, codegen.Options{Target: "cuda", Archs: []string{"sm_90", arch}})
				require.NoError(t, err)
				_, err = compiled.Target.Sources(compiled.Program, compiled.Kernels)
				if arch == "sm_86" && name == "llama-3.1-8b" && w == kernel.BF16 { // a vector of the MLP alone, in three columns, is 84 KiB
					require.ErrorContains(t, err, "target cuda for sm_86: kernel mlpDown_1: a group needs 119808 bytes of group memory, and there are 101376")
					continue
				}
				require.NoError(t, err, "%s %s %s", arch, name, w)
				most := 0
				for _, k := range compiled.Program.Kernels {
					most = max(most, k.Shared)
				}
				require.LessOrEqual(t, most, kib<<10, "%s %s %s", arch, name, w)
			}
		}
	}
}
