package cpu

import (
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
//	logits[t, v]  = scale * Σ_{i <= P+t} kv[v%2, i, v%3] * (v + i)
const (
	toyVocab, toyContext, toyChunk = 7, 12, 4
	toyHeads, toyDim               = 2, 3
	toyScale                       = 0.5
)

const toyAppend = `func append(tokens in_i32, table weight, kv state_f32, S int, P int, C int, D int) {
	grid(h, 2)
	grid(t, S)
	for d := range lanes(D) {
		kv[(h*C+P+t)*D+d] = table[tokens[t]*D+d] + float(h)
	}
}
`

const toyLogits = `func logits(kv state_f32, y out_f32, S int, P int, C int, D int, N int, From int, V int, scale float) {
	grid(t, N)
	grid(v, V)
	group(acc, 1)
	x := sum(i, P+From+t+1, kv[(v%2*C+i)*D+v%D]*float(v+i))
	acc[0] = x*scale
	y[t*V+v] = acc[0]
}
`

// toyKernels are the same two kernels in Go, keyed like the texts.
func toyKernels(t testing.TB) map[string]*Kernel {
	appendKernel := &Kernel{
		Name:    "append",
		Groups:  func(a *Args) int { return 2 * a.Ints[0] },
		Scratch: func(*Args) int { return 0 },
		Run: func(a *Args, _ []float32, g int) {
			s, p, c, d := a.Ints[0], a.Ints[1], a.Ints[2], a.Ints[3]
			h, t := g/s, g%s
			tokens, table, kv := a.I32(0), a.Matrix(1), a.F32(2)
			for i := range d {
				kv[(h*c+p+t)*d+i] = table.At(int(tokens[t])*d+i) + float32(h)
			}
		},
	}
	logitsKernel := &Kernel{
		Name:    "logits",
		Groups:  func(a *Args) int { return a.Ints[4] * a.Ints[6] },
		Scratch: func(*Args) int { return 1 },
		Run: func(a *Args, scratch []float32, g int) {
			p, c, d, from, vocab := a.Ints[1], a.Ints[2], a.Ints[3], a.Ints[5], a.Ints[6]
			t, v := g/vocab, g%vocab
			kv, y := a.F32(0), a.F32(1)
			x := float32(0)
			for i := range p + from + t + 1 {
				x += kv[(v%2*c+i)*d+v%d] * float32(v+i)
			}
			scratch[0] = x * a.Floats[0]
			y[t*vocab+v] = scratch[0]
		},
	}
	return map[string]*Kernel{keyOf(t, toyAppend): appendKernel, keyOf(t, toyLogits): logitsKernel}
}

func keyOf(t testing.TB, text string) string {
	k, err := kernel.Parse(text)
	require.NoError(t, err)
	return k.Key()
}

// toyTiles has the one tile that the toy's compiled kernels read.
var toyTiles = []Tile{{DType: kernel.F32, Level: "portable", At: func(w []byte, _, i int) float32 { return view[float32](w)[i] }}}

// toyProgram is the toy's program: decode, prefill and logits.
func toyProgram(t testing.TB) *runtime.Program {
	p := &runtime.Program{
		Model: "toy", Context: toyContext, Vocab: toyVocab, Chunk: toyChunk, Symbols: []string{"S", "P"},
		Kernels: []runtime.Kernel{
			{Name: "append", Key: keyOf(t, toyAppend), Text: toyAppend},
			{Name: "logits", Key: keyOf(t, toyLogits), Text: toyLogits},
		},
		Weights: []runtime.Tensor{{Name: "table", DType: "f32", Shape: []int64{toyVocab, toyDim}, Bytes: 4 * toyVocab * toyDim}},
		States: []runtime.StateBuffer{
			{Name: "kv", DType: "f32", Shape: []int64{toyHeads, toyContext, toyDim}, Ctx: 1, Bytes: 4 * toyHeads * toyContext * toyDim},
		},
	}
	symbol := func(k ...int64) runtime.Affine { return runtime.Affine{Coef: k} }
	number := func(n int64) runtime.Affine { return runtime.Affine{Const: n} }
	for _, s := range []struct {
		name    string
		n, from runtime.Affine // rows of logits, the first of them
		rows    runtime.Affine // n*vocab
	}{
		{runtime.Decode, number(1), number(0), number(toyVocab)},
		{runtime.Prefill, number(1), runtime.Affine{Const: -1, Coef: []int64{1}}, number(toyVocab)},
		{runtime.Logits, symbol(1), number(0), symbol(toyVocab)},
	} {
		tokens := runtime.Ref{Space: runtime.Arena, Bytes: 4 * toyChunk, DType: "i32"}
		table := runtime.Ref{Space: runtime.Weight, DType: "f32"}
		kv := runtime.Ref{Space: runtime.State, DType: "f32"}
		y := runtime.Ref{Space: runtime.Arena, Offset: 64, Bytes: 4 * toyChunk * toyVocab, DType: "f32"}
		p.Steps = append(p.Steps, runtime.Step{
			Name: s.name, Arena: 64 + 4*toyChunk*toyVocab,
			Inputs:  []runtime.Port{{Name: "tokens", DType: "i32", Shape: []runtime.Affine{symbol(1)}}},
			Outputs: []runtime.Port{{Name: "logits", DType: "f32", Offset: 64, Shape: []runtime.Affine{s.rows}}},
			Launches: []runtime.Launch{
				{Kernel: 0, Node: "kv.append", Bufs: []runtime.Ref{tokens, table, kv},
					Ints: []runtime.Affine{symbol(1), symbol(0, 1), number(toyContext), number(toyDim)}},
				{Kernel: 1, Node: "head", Bufs: []runtime.Ref{kv, y}, Floats: []float32{toyScale},
					Ints: []runtime.Affine{symbol(1), symbol(0, 1), number(toyContext), number(toyDim), s.n, s.from, number(toyVocab)}},
			},
		})
	}
	return p
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
		out[v] = float32(sum * toyScale)
	}
	return out
}

// memory is weights by name.
type memory map[string][]byte

func (m memory) Data(t *runtime.Tensor) ([]byte, error) { return m[t.Name], nil }
func (m memory) Close() error                           { return nil }

func toyWeights() memory {
	table := alignedBytes(4 * toyVocab * toyDim)
	for i := range toyVocab * toyDim {
		binary.LittleEndian.PutUint32(table[4*i:], math.Float32bits(toyTable(i/toyDim, i%toyDim)))
	}
	return memory{"table": table}
}

// toyEngine runs the toy with compiled kernels, or in the interpreter.
func toyEngine(t testing.TB, compiled bool, threads int) *Engine {
	lib := Library{}
	if compiled {
		lib = Library{Kernels: toyKernels(t), Tiles: toyTiles}
	}
	e, err := New(toyProgram(t), toyWeights(), lib, Options{Threads: threads})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, e.Close()) })
	return e
}

func toyCache(t testing.TB, e *Engine) runtime.Cache {
	c, err := e.NewCache()
	require.NoError(t, err)
	return c
}
