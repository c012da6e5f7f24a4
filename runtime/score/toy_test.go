package score

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/llorch/llorch/models/tokenizer"
	"github.com/llorch/llorch/runtime"
)

// toyEngine gives each history logits of its own: those of row, which the tests also call without any session.
type toyEngine struct {
	p   *runtime.Program
	row func(history []int32) []float32
	fed [][]int32 // histories that each step left
}

type toyCache []int32

func (c toyCache) CopyFrom(runtime.Cache, int) error { panic("scoring copies no cache") }
func (c toyCache) Bytes() int64                      { return 0 }

func (e *toyEngine) NewCache() (runtime.Cache, error) { return make(toyCache, e.p.Context), nil }
func (e *toyEngine) Close() error                     { return nil }

func (e *toyEngine) Step(ctx context.Context, step string, cache runtime.Cache, past int, ids []int32) ([]float32, error) {
	if step != runtime.Logits || len(ids) > e.p.Chunk {
		return nil, fmt.Errorf("toy: step %s of %d tokens", step, len(ids))
	}
	c := cache.(toyCache)
	copy(c[past:], ids)
	var logits []float32
	for n := past + 1; n <= past+len(ids); n++ {
		logits = append(logits, e.row(c[:n])...)
	}
	e.fed = append(e.fed, slices.Clone(c[:past+len(ids)]))
	return logits, ctx.Err()
}

// Ids of toySpec.
const (
	unk, bos, a, b, c, space, bangs, eByte1, eByte2 = 0, 1, 2, 3, 4, 5, 6, 7, 8
	toyVocab                                        = 11 // more than the tokenizer has
)

func toySpec() tokenizer.Spec {
	return tokenizer.Spec{
		Model: tokenizer.SPM, BOS: bos, EOS: -1, UNK: unk, AddBOS: true, AddSpacePrefix: true, ByteFallback: true,
		Pieces: []tokenizer.Piece{
			{Text: "<unk>", Type: tokenizer.Unknown}, {Text: "<s>", Type: tokenizer.Control},
			{Text: "a", Type: tokenizer.Normal}, {Text: "b", Type: tokenizer.Normal}, {Text: "c", Type: tokenizer.Normal},
			{Text: "▁", Type: tokenizer.Normal}, {Text: "!!", Type: tokenizer.UserDefined},
			{Text: "<0xC3>", Type: tokenizer.Byte}, {Text: "<0xA9>", Type: tokenizer.Byte},
		},
	}
}

// toyModel has a context of 8 and steps of 3 tokens.
func toyModel(spec tokenizer.Spec, row func([]int32) []float32) (*runtime.Model, *toyEngine) {
	p := &runtime.Program{
		Model: "toy", Context: 8, Vocab: toyVocab, Chunk: 3, Tokenizer: &spec,
		Steps: []runtime.Step{{Name: runtime.Decode}, {Name: runtime.Prefill}, {Name: runtime.Logits}},
	}
	e := &toyEngine{p: p, row: row}
	m, err := runtime.NewModel(p, e)
	if err != nil {
		panic(err)
	}
	return m, e
}

// hashed is logits that depend on every token of the history and its place.
func hashed(history []int32) []float32 {
	h := uint64(len(history))
	for _, id := range history {
		h = (h + uint64(id) + 1) * 0x9e3779b97f4a7c15
		h ^= h >> 29
	}
	row := make([]float32, toyVocab)
	for v := range row {
		row[v] = float32((h+uint64(v)*0x2545f4914f6cdd1d)>>40)/(1<<21) - 4
	}
	return row
}

// uniform is equal logits, so large that their exponentials overflow.
func uniform([]int32) []float32 {
	return slices.Repeat([]float32{1e4}, toyVocab)
}

// prob is the softmax by its definition.
func prob(logits []float32, id int32) float64 {
	sum := 0.0
	for _, x := range logits {
		sum += math.Exp(float64(x))
	}
	return math.Exp(float64(logits[id])) / sum
}
