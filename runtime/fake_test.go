package runtime

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/llorch/llorch/models/tokenizer"
	"github.com/llorch/llorch/runtime/sample"
)

// fakeEngine stores a number for each position's token and computes logits from all of them, in order. So any wrong
// position, length, order or leftover shows in the logits.
type fakeEngine struct {
	p      *Program
	calls  []call
	logits []float32 // shared by all steps, as an engine's are
	// before runs ahead of each step, which fails if it does, after it spoilt the memory behind P.
	before func(call) error
	// script, when set, is what greedy decoding chooses after each number of tokens in the cache.
	script func(n int) int32
	deaf   bool  // does not notice that its context ended
	full   error // of NewCache
}

type call struct {
	step string
	past int
	n    int
}

type fakeCache []uint64

const poison = 0xdeadbeef

func (e *fakeEngine) NewCache() (Cache, error) {
	if e.full != nil {
		return nil, e.full
	}
	c := make(fakeCache, e.p.Context)
	for i := range c {
		c[i] = poison
	}
	return c, nil
}

func (e *fakeEngine) Step(ctx context.Context, step string, cache Cache, past int, tokens []int32) ([]float32, error) {
	c := cache.(fakeCache)
	made := call{step, past, len(tokens)}
	e.calls = append(e.calls, made)
	switch {
	case step == Decode && len(tokens) != 1, len(tokens) < 1, len(tokens) > e.p.Chunk:
		return nil, fmt.Errorf("fake: %d tokens in step %s", len(tokens), step)
	case past+len(tokens) > len(c):
		return nil, fmt.Errorf("fake: position %d of %d", past+len(tokens), len(c))
	}
	for i := past; i < len(c); i++ {
		c[i] = poison
	}
	for i, id := range tokens {
		c[past+i] = key(id, past+i)
	}
	if e.before != nil {
		if err := e.before(made); err != nil {
			return nil, err
		}
	}
	if err := ctx.Err(); err != nil && !e.deaf {
		return nil, err
	}
	for i := range e.logits {
		e.logits[i] = -1 // results of earlier steps are gone
	}
	e.logits = e.logits[:0]
	first := past + len(tokens)
	if step == Logits {
		first = past + 1
	}
	for n := first; n <= past+len(tokens); n++ {
		e.logits = append(e.logits, e.row(c[:n])...)
	}
	return e.logits, nil
}

func (e *fakeEngine) row(keys []uint64) []float32 {
	row := make([]float32, e.p.Vocab)
	h := uint64(len(keys))
	for _, k := range keys {
		h = h*0x9e3779b97f4a7c15 + k
		h ^= h >> 29
	}
	for v := range row {
		row[v] = float32((h+uint64(v)*0x2545f4914f6cdd1d)>>40) / (1 << 20)
	}
	if e.script != nil {
		row[e.script(len(keys))] = 1 << 20
	}
	return row
}

func (e *fakeEngine) Close() error { return nil }

func (c fakeCache) CopyFrom(src Cache, n int) error {
	if n > len(c) {
		return errors.New("fake: copy of too much")
	}
	copy(c[:n], src.(fakeCache))
	return nil
}

func (c fakeCache) Bytes() int64 { return int64(len(c)) * 8 }

func key(id int32, at int) uint64 {
	return uint64(id+1)*0xc2b2ae3d27d4eb4f + uint64(at)*0x165667b19e3779f9
}

// want is the logits after a history, without any session.
func want(p *Program, history []int32) []float32 {
	keys := make([]uint64, len(history))
	for i, id := range history {
		keys[i] = key(id, i)
	}
	return (&fakeEngine{p: p}).row(keys)
}

// fakeProgram is a small valid program: two weights, one state, one kernel.
func fakeProgram() *Program {
	bufs := []Ref{{Space: Arena, Bytes: 1024, DType: "f32"}, {Space: Weight, Index: 1, DType: "f16"}, {Space: State, DType: "f32"}}
	step := func(name string, arena int64) Step {
		bufs := append([]Ref{}, bufs...)
		bufs[0].Bytes = arena
		return Step{
			Name: name, Arena: arena,
			Inputs:   []Port{{Name: "tokens", DType: "i32", Shape: []Affine{{Coef: []int64{1}}}}},
			Outputs:  []Port{{Name: "logits", DType: "f32", Offset: 256, Shape: []Affine{{Const: 17}}}},
			Launches: []Launch{{Node: "layers.0.attn", Bufs: bufs, Ints: []Affine{{Coef: []int64{1, 1}}}, Floats: []float32{1e-5}}},
		}
	}
	return &Program{
		Format: Format, Compiler: "v0.1", Target: "cpu", Model: "fake", Arch: "llama",
		Context: 32, Vocab: 17, Chunk: 8, Symbols: []string{"S", "P"},
		Steps:   []Step{step(Decode, 512), step(Prefill, 1024), step(Logits, 1024)},
		Kernels: []Kernel{{Name: "attn", Key: "k0", Doc: []string{"layers.0.attn"}, Text: "func attn() {}\n"}},
		Weights: []Tensor{
			{Name: "embed", DType: "f32", Shape: []int64{17, 64}, Bytes: 17 * 64 * 4},
			{Name: "out", DType: "f16", Shape: []int64{600, 64}, Bytes: 600 * 64 * 2},
		},
		States:    []StateBuffer{{Name: "cache.k", DType: "f32", Shape: []int64{2, 32, 8}, Ctx: 1, Bytes: 2 * 32 * 8 * 4}},
		Tokenizer: fakeSpec(),
	}
}

// Ids of fakeSpec.
const (
	unk, bos, eos, a, b, c, space, bangs, eByte1, eByte2 = 0, 1, 2, 3, 4, 5, 6, 7, 8, 9
)

func fakeSpec() *tokenizer.Spec {
	return &tokenizer.Spec{
		Model: tokenizer.SPM, BOS: bos, EOS: eos, UNK: unk, AddBOS: true, AddSpacePrefix: true, ByteFallback: true,
		Pieces: []tokenizer.Piece{
			{Text: "<unk>", Type: tokenizer.Unknown}, {Text: "<s>", Type: tokenizer.Control}, {Text: "</s>", Type: tokenizer.Control},
			{Text: "a", Type: tokenizer.Normal}, {Text: "b", Type: tokenizer.Normal}, {Text: "c", Type: tokenizer.Normal},
			{Text: "▁", Type: tokenizer.Normal}, {Text: "!!", Type: tokenizer.Normal},
			{Text: "<0xC3>", Type: tokenizer.Byte}, {Text: "<0xA9>", Type: tokenizer.Byte},
		},
	}
}

func newFake() *fakeEngine { return &fakeEngine{p: fakeProgram()} }

// greedyFake chooses tokens itself, and is two steps ahead of what it yields.
type greedyFake struct{ *fakeEngine }

func (e greedyFake) Greedy(ctx context.Context, c Cache, token int32, past, n int, yield func(int32) bool) (made int, err error) {
	var chosen []int32
	for i := range n + 2 {
		if i < n && err == nil {
			var logits []float32
			if logits, err = e.Step(ctx, Decode, c, past+i, []int32{token}); err == nil {
				token = sample.Greedy(logits)
				chosen = append(chosen, token)
			}
		}
		if i < 2 || i-2 >= len(chosen) {
			continue
		}
		if e := ctx.Err(); e != nil {
			return i - 2, e
		}
		if !yield(chosen[i-2]) {
			return i - 1, nil
		}
	}
	return len(chosen), err
}

// fewFake finds the three likeliest tokens itself.
type fewFake struct {
	*fakeEngine
	rows int // that were asked for
}

func (e *fewFake) Candidates(ctx context.Context, c Cache, past int, token int32) ([]sample.Candidate, float64, bool, error) {
	logits, err := e.Step(ctx, Decode, c, past, []int32{token})
	if err != nil {
		return nil, 0, false, err
	}
	var all []sample.Candidate
	sum := 0.0
	for id, l := range logits {
		all = append(all, sample.Candidate{ID: int32(id), Logit: l})
		sum += math.Exp(float64(l))
	}
	slices.SortFunc(all, func(a, b sample.Candidate) int { return cmp.Or(cmp.Compare(b.Logit, a.Logit), cmp.Compare(a.ID, b.ID)) })
	return all[:3], math.Log(sum), false, nil
}

func (e *fewFake) Row(context.Context) ([]float32, error) {
	e.rows++
	return e.logits, nil
}
