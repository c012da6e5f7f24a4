package gopkg

import (
	"hash/fnv"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/llorch/llorch/codegen"
	"github.com/llorch/llorch/ir"
	"github.com/llorch/llorch/ir/kernel"
	"github.com/llorch/llorch/models"
	"github.com/llorch/llorch/models/tokenizer"
	"github.com/llorch/llorch/runtime"
	"github.com/llorch/llorch/runtime/packaged"
)

// pieces are the vocabulary: with byte tokens no text is unknown, and every id has a text of its own.
var pieces = []string{"<unk>", "<s>", "</s>", "▁", "a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n", "o", "p", "q"}

// shape is a small Llama.
type shape struct {
	config models.Config
	w, kv  kernel.DType
}

// shapes have between them every structure of a Llama, with sizes that divide by nothing.
func shapes() map[string]shape {
	base := models.Config{
		Arch: "llama", Vocab: len(pieces), Embd: 24, Layers: 2, Heads: 6, KVHeads: 2, HeadDim: 8, FFN: 29, Context: 32, NormEps: 1e-5,
		Rope: models.Rope{Theta: 10000, Width: 8, Style: "half"},
	}
	with := func(w, kv kernel.DType, f func(*models.Config)) shape {
		c := base
		f(&c)
		return shape{c, w, kv}
	}
	return map[string]shape{
		"gqa":         with(kernel.F32, kernel.F32, func(c *models.Config) {}),
		"halves":      with(kernel.F16, kernel.F16, func(c *models.Config) {}),
		"mha":         with(kernel.BF16, kernel.F16, func(c *models.Config) { c.KVHeads = 6 }),
		"oneHead":     with(kernel.F32, kernel.F32, func(c *models.Config) { c.Heads, c.KVHeads = 1, 1 }),
		"oneLayer":    with(kernel.F32, kernel.F32, func(c *models.Config) { c.Layers = 1 }),
		"tied":        with(kernel.F32, kernel.F32, func(c *models.Config) { c.Tied = true }),
		"biases":      with(kernel.F32, kernel.F32, func(c *models.Config) { c.AttnBias, c.OutBias, c.MLPBias = true, true, true }),
		"partial":     with(kernel.F32, kernel.F16, func(c *models.Config) { c.Rope.Width = 4 }),
		"interleaved": with(kernel.F32, kernel.F32, func(c *models.Config) { c.Rope.Style = "interleaved" }),
		"headDim2":    with(kernel.F32, kernel.F32, func(c *models.Config) { c.HeadDim, c.Rope.Width = 2, 2 }),
		"q8": with(kernel.Q80, kernel.F16, func(c *models.Config) {
			c.Embd, c.Heads, c.KVHeads, c.HeadDim, c.Rope.Width, c.FFN = 64, 2, 1, 32, 32, 96
		}),
		"wide": with(kernel.F16, kernel.F32, func(c *models.Config) { c.Embd, c.Heads, c.KVHeads, c.FFN = 128, 16, 16, 256 }),
	}
}

// compile makes the program of a shape with random weights.
func (s shape) compile(t testing.TB) (*codegen.Compiled, runtime.Weights) {
	g := models.Llama(s.config, models.Options{KV: s.kv, Weight: func(string) ir.DType { return s.w }})
	require.NoError(t, ir.Verify(g))
	c, err := codegen.Compile(g, codegen.Options{Target: packaged.Target, Compiler: "v1.2.3", Chunk: 5})
	require.NoError(t, err)
	c.Program.Model, c.Program.Arch, c.Program.Tokenizer = "tiny", "llama", vocabulary()
	src := source{}
	for _, n := range g.Leaves(ir.FromWeights) {
		src[n.Name] = n
	}
	return c, c.Weights(src)
}

func vocabulary() *tokenizer.Spec {
	spec := &tokenizer.Spec{Model: tokenizer.SPM, UNK: 0, BOS: 1, EOS: 2, AddBOS: true, AddSpacePrefix: true}
	for i, p := range pieces {
		typ := tokenizer.Normal
		switch {
		case i == 0:
			typ = tokenizer.Unknown
		case i < 3:
			typ = tokenizer.Control
		}
		spec.Pieces = append(spec.Pieces, tokenizer.Piece{Text: p, Score: float32(-i), Type: typ})
	}
	return spec
}

// source is random weights by path, the same in every run.
type source map[string]*ir.Node

func (s source) Data(path string) ([]byte, kernel.DType, error) {
	n := s[path]
	a, err := ir.NewArray(n.Type, nil)
	if err != nil {
		return nil, kernel.Invalid, err
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte(path))
	rng := rand.New(rand.NewPCG(1, h.Sum64()))
	scale := 1 / math.Sqrt(float64(a.Dims[len(a.Dims)-1])/3)
	values := make([]float32, len(a.Data))
	for i := range values {
		values[i] = float32(rng.NormFloat64() * scale)
	}
	row := n.Type.DType.Row()
	b := make([]byte, len(values)/row.Elems*row.Bytes)
	if row.Encode != nil {
		row.Encode(b, values)
		return b, n.Type.DType, nil
	}
	for i := range b { // q8_0: an f16 factor and 32 integers
		b[i] = byte(rng.Uint32())
	}
	for i := 0; i < len(b); i += row.Bytes {
		kernel.F16.Row().Encode(b[i:], []float32{float32(scale / 64)})
	}
	return b, n.Type.DType, nil
}

func (s source) Release([]byte) {}
