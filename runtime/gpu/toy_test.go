package gpu

import (
	"github.com/llorch/llorch/runtime/gpu/device"

	"encoding/binary"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/llorch/llorch/ir/kernel"
	"github.com/llorch/llorch/runtime"
)

// The toy is a model small enough to compute by hand. Each position's state is its token's row of a table, once for each
// head; a logit is a weighted sum of all positions' states:
//
//	kv[h, P+t, d] = table[tokens[t], d] + h
//	logits[t, v]  = 0.5 * Σ_{i <= P+t} kv[v%2, i, v%3] * (v + i)
const (
	toyVocab, toyContext, toyChunk = 7, 12, 4
	toyHeads, toyDim               = 2, 3
)

// toyTexts are bound kernels: what is left of their parameters are symbols.
var toyTexts = []string{
	`func append_one(tokens in_i32, table weight_f32, kv state_f32, P int) {
	grid(h, 2)
	for d := range lanes(3) {
		kv[(h*12+P)*3+d] = table[tokens[0]*3+d] + float(h)
	}
}
`, `func append(tokens in_i32, table weight_f32, kv state_f32, S int, P int) {
	grid(h, 2)
	grid(t, S)
	for d := range lanes(3) {
		kv[(h*12+P+t)*3+d] = table[tokens[t]*3+d] + float(h)
	}
}
`, `func head_one(kv state_f32, y out_f32, P int) {
	grid(v, 7)
	x := sum(i, P+1, kv[(v%2*12+i)*3+v%3]*float(v+i))
	y[v] = x*0.5
}
`, `func head_last(kv state_f32, y out_f32, S int, P int) {
	grid(v, 7)
	x := sum(i, P+S, kv[(v%2*12+i)*3+v%3]*float(v+i))
	y[v] = x*0.5
}
`, `func head_all(kv state_f32, y out_f32, S int, P int) {
	grid(t, S)
	grid(v, 7)
	x := sum(i, P+t+1, kv[(v%2*12+i)*3+v%3]*float(v+i))
	y[t*7+v] = x*0.5
}
`,
	// The terms of the past, one group each, and their sum.
	`func terms(kv state_f32, terms out_f32, P int) {
	grid(i, P)
	for v := range lanes(7) {
		terms[i*7+v] = kv[(v%2*12+i)*3+v%3]*float(v+i)
	}
}
`, `func head_sum(kv state_f32, terms in_f32, y out_f32, P int) {
	grid(v, 7)
	x := sum(i, P, terms[i*7+v])
	y[v] = (x+kv[(v%2*12+P)*3+v%3]*float(v+P))*0.5
}
`,
}

const (
	appendOne = iota
	appendMany
	headOne
	headLast
	headAll
	termsOfPast
	headSum
)

// toyKernels parses the texts.
func toyKernels(t testing.TB) []*kernel.Kernel {
	var ks []*kernel.Kernel
	for _, text := range toyTexts {
		k, err := kernel.Parse(text)
		require.NoError(t, err)
		ks = append(ks, k)
	}
	return ks
}

// toyProgram is the toy's program: decode, prefill and logits.
func toyProgram(t testing.TB) *runtime.Program {
	p := &runtime.Program{
		Target: "cuda", Model: "toy", Context: toyContext, Vocab: toyVocab, Chunk: toyChunk, Symbols: []string{"S", "P"},
		Weights: []runtime.Tensor{
			{Name: "unused", DType: "f32", Shape: []int64{3}, Bytes: 12},
			{Name: "table", DType: "f32", Shape: []int64{toyVocab, toyDim}, Bytes: 4 * toyVocab * toyDim},
		},
		States: []runtime.StateBuffer{
			{Name: "unused", DType: "f32", Shape: []int64{toyContext}, Ctx: 0, Bytes: 4 * toyContext},
			{Name: "kv", DType: "f32", Shape: []int64{toyHeads, toyContext, toyDim}, Ctx: 1, Bytes: 4 * toyHeads * toyContext * toyDim},
		},
	}
	for i, k := range toyKernels(t) {
		p.Kernels = append(p.Kernels, runtime.Kernel{Name: k.Name, Key: k.Key(), Text: toyTexts[i], Threads: 256})
	}
	p.Steps = []runtime.Step{
		toyStep(p, runtime.Decode, runtime.Affine{Const: toyVocab}, appendOne, headOne),
		toyStep(p, runtime.Prefill, runtime.Affine{Const: toyVocab}, appendMany, headLast),
		toyStep(p, runtime.Logits, runtime.Affine{Coef: []int64{toyVocab}}, appendMany, headAll),
	}
	return p
}

// toyStep launches kernels one after another. Their parameters say what they are given.
func toyStep(p *runtime.Program, name string, rows runtime.Affine, kernels ...int) runtime.Step {
	const yAt, termsAt, end = 64, 256, 1024
	tokens := runtime.Affine{Coef: []int64{1}}
	if name == runtime.Decode {
		tokens = runtime.Affine{Const: 1}
	}
	s := runtime.Step{
		Name: name, Arena: end,
		Inputs:  []runtime.Port{{Name: "tokens", DType: "i32", Shape: []runtime.Affine{tokens}}},
		Outputs: []runtime.Port{{Name: "logits", DType: "f32", Offset: yAt, Shape: []runtime.Affine{rows}}},
	}
	bufs := map[string]runtime.Ref{
		"tokens": {Space: runtime.Arena, Bytes: 4 * toyChunk, DType: "i32"},
		"table":  {Space: runtime.Weight, Index: 1, DType: "f32"},
		"kv":     {Space: runtime.State, Index: 1, DType: "f32"},
		"y":      {Space: runtime.Arena, Offset: yAt, Bytes: 4 * toyChunk * toyVocab, DType: "f32"},
		"terms":  {Space: runtime.Arena, Offset: termsAt, Bytes: end - termsAt, DType: "f32"},
	}
	ints := map[string]runtime.Affine{"S": {Coef: []int64{1}}, "P": {Coef: []int64{0, 1}}}
	for _, k := range kernels {
		text, _ := kernel.Parse(toyTexts[k])
		l := runtime.Launch{Kernel: k, Node: "layers.0." + text.Name}
		for _, b := range text.Bufs {
			l.Bufs = append(l.Bufs, bufs[b.Name])
		}
		for _, n := range text.Ints {
			l.Ints = append(l.Ints, ints[n])
		}
		s.Launches = append(s.Launches, l)
	}
	return s
}

func toyTable(token, d int) float32 { return float32(token*token%5) - float32(d)/4 }

// toyWant computes the logits that follow tokens, from the definition.
func toyWant(tokens []int32) []float32 {
	out := make([]float32, toyVocab)
	for v := range out {
		sum := 0.0
		for i, tok := range tokens {
			sum += float64(toyTable(int(tok), v%toyDim)+float32(v%toyHeads)) * float64(v+i)
		}
		out[v] = float32(sum * 0.5)
	}
	return out
}

// weights are tensors by name.
type weights map[string][]byte

func (w weights) Data(t *runtime.Tensor) ([]byte, error) { return w[t.Name], nil }
func (w weights) Close() error                           { return nil }

func toyWeights() weights {
	table := make([]byte, 4*toyVocab*toyDim)
	for i := range toyVocab * toyDim {
		binary.LittleEndian.PutUint32(table[4*i:], math.Float32bits(toyTable(i/toyDim, i%toyDim)))
	}
	return weights{"unused": make([]byte, 12), "table": table}
}

// anyCode is code that the fake device takes.
func anyCode(device.Info) ([]byte, error) { return []byte("cubin"), nil }

// toyEngine runs p on a fake device.
func toyEngine(t testing.TB, p *runtime.Program) (*Picker, *fakeDevice) {
	d := newFakeDriver(p)
	e, err := NewPicker(p, toyWeights(), anyCode, d, Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, e.Close()) })
	return e, d.device()
}

func toyCache(t testing.TB, e *Picker) runtime.Cache {
	c, err := e.NewCache()
	require.NoError(t, err)
	return c
}
