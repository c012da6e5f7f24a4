package cpu

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/llorch/llorch/runtime"
)

var prompt = []int32{3, 1, 4, 1, 5, 6, 2, 6, 5, 3}

// eachToy runs f for both kinds of kernels and several thread counts.
func eachToy(t *testing.T, f func(t *testing.T, e *Engine)) {
	for _, compiled := range []bool{true, false} {
		for _, threads := range []int{1, 2, 5} {
			t.Run(fmt.Sprintf("compiled=%v/threads=%d", compiled, threads), func(t *testing.T) { f(t, toyEngine(t, compiled, threads)) })
		}
	}
}

// TestStep compares each way through a prompt with the definition: all logits, chunks, one token at a time.
func TestStep(t *testing.T) {
	eachToy(t, func(t *testing.T, e *Engine) {
		for _, chunk := range []int{1, 2, 3, 4} {
			c := toyCache(t, e)
			for past := 0; past < len(prompt); past += chunk {
				tokens := prompt[past:min(past+chunk, len(prompt))]
				logits, err := e.Step(t.Context(), runtime.Logits, c, past, tokens)
				require.NoError(t, err)
				require.Len(t, logits, len(tokens)*toyVocab)
				for i := range tokens {
					require.Equal(t, toyWant(prompt[:past+i+1]), logits[i*toyVocab:(i+1)*toyVocab])
				}
				logits, err = e.Step(t.Context(), runtime.Prefill, c, past, tokens)
				require.NoError(t, err)
				require.Equal(t, toyWant(prompt[:past+len(tokens)]), logits)
			}
			logits, err := e.Step(t.Context(), runtime.Decode, c, len(prompt), []int32{0})
			require.NoError(t, err)
			require.Equal(t, toyWant(append(prompt[:len(prompt):len(prompt)], 0)), logits)
		}
	})
}

// TestCopyFrom forks a sequence in the middle: the fork is as if it had been run alone.
func TestCopyFrom(t *testing.T) {
	eachToy(t, func(t *testing.T, e *Engine) {
		c, fork := toyCache(t, e), toyCache(t, e)
		_, err := e.Step(t.Context(), runtime.Prefill, c, 0, prompt[:4])
		require.NoError(t, err)
		_, err = e.Step(t.Context(), runtime.Prefill, fork, 0, []int32{6, 6, 6, 6}) // warm-up
		require.NoError(t, err)
		require.NoError(t, fork.CopyFrom(c, 3))

		logits, err := e.Step(t.Context(), runtime.Decode, fork, 3, []int32{2})
		require.NoError(t, err)
		require.Equal(t, toyWant([]int32{3, 1, 4, 2}), logits)
		logits, err = e.Step(t.Context(), runtime.Decode, c, 4, []int32{5})
		require.NoError(t, err)
		require.Equal(t, toyWant([]int32{3, 1, 4, 1, 5}), logits, "the fork changed its source")

		require.EqualValues(t, 4*toyHeads*toyContext*toyDim, c.Bytes())
		require.EqualError(t, fork.CopyFrom(c, toyContext+1), "copy of 13 positions of a cache that has room for 12")
		require.EqualError(t, fork.CopyFrom(c, -1), "copy of -1 positions of a cache that has room for 12")
	})
}

// TestCopyPositions copies along each axis of an array and compares element by element.
func TestCopyPositions(t *testing.T) {
	shape := []int64{2, 3, 4}
	for axis := range shape {
		s := &runtime.StateBuffer{DType: "f16", Shape: shape, Ctx: axis, Bytes: 2 * 2 * 3 * 4}
		for n := range int(shape[axis]) + 1 {
			src, dst := make([]byte, s.Bytes), make([]byte, s.Bytes)
			for i := range src {
				src[i] = byte(i + 1)
			}
			copyPositions(s, dst, src, n)
			for i := range dst {
				e := int64(i / 2)
				at := []int64{e / 12, e / 4 % 3, e % 4}
				want := byte(0)
				if at[axis] < int64(n) {
					want = src[i]
				}
				require.Equal(t, want, dst[i], "axis %d, %d positions, element %v", axis, n, at)
			}
		}
	}
}

func TestStepRefuses(t *testing.T) {
	e := toyEngine(t, true, 2)
	c := toyCache(t, e)
	foreign := toyCache(t, toyEngine(t, true, 1))
	for _, x := range []struct {
		want   string
		step   string
		cache  runtime.Cache
		past   int
		tokens []int32
	}{
		{`the program has no step "score"`, "score", c, 0, prompt[:1]},
		{"step decode takes 1 to 1 tokens, got 2", runtime.Decode, c, 0, prompt[:2]},
		{"step decode takes 1 to 1 tokens, got 0", runtime.Decode, c, 0, nil},
		{"step prefill takes 1 to 4 tokens, got 5", runtime.Prefill, c, 0, prompt[:5]},
		{"step prefill: 3 tokens after 10 do not fit the context of 12", runtime.Prefill, c, 10, prompt[:3]},
		{"step prefill: 3 tokens after -1 do not fit the context of 12", runtime.Prefill, c, -1, prompt[:3]},
		{"step prefill: 1 tokens after 9223372036854775807 do not fit the context of 12", runtime.Prefill, c, math.MaxInt64, prompt[:1]},
		{"step prefill: token 1 is 7, outside the vocabulary of 7", runtime.Prefill, c, 0, []int32{6, 7}},
		{"step prefill: token 0 is -1, outside the vocabulary of 7", runtime.Prefill, c, 0, []int32{-1}},
		{"the cache (<nil>) is of another engine", runtime.Decode, nil, 0, prompt[:1]},
		{"the cache (*cpu.cache) is of another engine", runtime.Decode, foreign, 0, prompt[:1]},
	} {
		_, err := e.Step(t.Context(), x.step, x.cache, x.past, x.tokens)
		require.EqualError(t, err, x.want)
	}
	require.NoError(t, e.Close())
	_, err := e.Step(t.Context(), runtime.Decode, c, 0, prompt[:1])
	require.ErrorIs(t, err, errClosed)
}

// TestCancel cancels from within the first launch: the step ends there, and past positions are as they were.
func TestCancel(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	var ran []string
	opt := Options{Threads: 2, Profile: func(node, kernel string, _ time.Duration) {
		ran = append(ran, node+" "+kernel)
		if len(ran) == 3 {
			cancel()
		}
	}}
	e, err := New(toyProgram(t), toyWeights(), Library{}, opt)
	require.NoError(t, err)
	defer e.Close()
	c := toyCache(t, e)
	_, err = e.Step(ctx, runtime.Prefill, c, 0, prompt[:3])
	require.NoError(t, err)
	_, err = e.Step(ctx, runtime.Prefill, c, 3, prompt[3:6])
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, []string{"kv.append append", "head logits", "kv.append append"}, ran)
	logits, err := e.Step(t.Context(), runtime.Decode, c, 3, []int32{1})
	require.NoError(t, err)
	require.Equal(t, toyWant([]int32{3, 1, 4, 1}), logits)
}

func TestKernelPanic(t *testing.T) {
	lib := Library{Kernels: toyKernels(t), Tiles: toyTiles}
	lib.Kernels[keyOf(t, toyLogits)].Run = func(a *Args, _ []float32, g int) {
		if a.Ints[1] == 4 && g == 5 {
			panic("division of a negative")
		}
	}
	e, err := New(toyProgram(t), toyWeights(), lib, Options{Threads: 3})
	require.NoError(t, err)
	defer e.Close()
	c := toyCache(t, e)
	_, err = e.Step(t.Context(), runtime.Prefill, c, 4, prompt[:2])
	require.EqualError(t, err, "step prefill: launch 1 (head): kernel logits: group 5: division of a negative")
	_, err = e.Step(t.Context(), runtime.Prefill, c, 5, prompt[:2])
	require.NoError(t, err)
}

func TestWarn(t *testing.T) {
	kernels := toyKernels(t)
	key := keyOf(t, toyLogits)
	delete(kernels, key)
	var warned []string
	e, err := New(toyProgram(t), toyWeights(), Library{Kernels: kernels, Tiles: toyTiles}, Options{Warn: func(m string) { warned = append(warned, m) }})
	require.NoError(t, err)
	defer e.Close()
	require.Equal(t, []string{"kernel logits (key " + key + ") is not among the built-in kernels and runs in the interpreter, slowly; compile --target go makes a package with all of its kernels"}, warned)
}

// TestStepAllocatesNothing holds for compiled kernels and a pool with workers.
func TestStepAllocatesNothing(t *testing.T) {
	for _, threads := range []int{1, 2, 4} {
		e := toyEngine(t, true, threads)
		c := toyCache(t, e)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		token := []int32{1}
		for _, name := range []string{runtime.Decode, runtime.Prefill, runtime.Logits} {
			allocs := testing.AllocsPerRun(100, func() {
				if _, err := e.Step(ctx, name, c, 5, token); err != nil {
					t.Fatal(err)
				}
			})
			require.Zero(t, allocs, "%s with %d threads", name, threads)
		}
	}
}

// BenchmarkStep is the toy's decode: two small launches.
func BenchmarkStep(b *testing.B) {
	for _, threads := range []int{1, 2} {
		b.Run(fmt.Sprintf("threads=%d", threads), func(b *testing.B) {
			e := toyEngine(b, true, threads)
			c := toyCache(b, e)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := e.Step(b.Context(), runtime.Decode, c, 5, prompt[:1]); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

const scaleText = `func scale(x in_f32, y out_f32, n int, k float) {
	grid(i, n)
	y[i] = x[i]*k
}
`

// bareProgram is y[n] = 3*x[n] for n <= 8: a program without tokens.
func bareProgram(t testing.TB) *runtime.Program {
	n := runtime.Affine{Coef: []int64{1}}
	return &runtime.Program{
		Symbols: []string{"n"},
		Kernels: []runtime.Kernel{{Name: "scale", Key: keyOf(t, scaleText), Text: scaleText}},
		Steps: []runtime.Step{{
			Name: "main", Arena: 128,
			Inputs:  []runtime.Port{{Name: "x", DType: "f32", Shape: []runtime.Affine{n}}},
			Outputs: []runtime.Port{{Name: "y", DType: "f32", Offset: 64, Shape: []runtime.Affine{n}}},
			Launches: []runtime.Launch{{Node: "y", Ints: []runtime.Affine{n}, Floats: []float32{3}, Bufs: []runtime.Ref{
				{Space: runtime.Arena, Bytes: 64, DType: "f32"}, {Space: runtime.Arena, Offset: 64, Bytes: 64, DType: "f32"}}}},
		}},
	}
}

func TestRunStep(t *testing.T) {
	e, err := New(bareProgram(t), nil, Library{}, Options{Threads: 2})
	require.NoError(t, err)
	defer e.Close()
	floats := func(v ...float32) (b []byte) {
		for _, x := range v {
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(x))
		}
		return b
	}
	out, err := e.RunStep(t.Context(), "main", []int64{3}, map[string][]byte{"x": floats(1, -2, 0.5)}, nil)
	require.NoError(t, err)
	require.Equal(t, map[string][]byte{"y": floats(3, -6, 1.5)}, out)
	out, err = e.RunStep(t.Context(), "main", []int64{0}, map[string][]byte{"x": nil}, nil)
	require.NoError(t, err)
	require.Equal(t, map[string][]byte{"y": nil}, out)

	for _, x := range []struct {
		want    string
		step    string
		symbols []int64
		inputs  map[string][]byte
	}{
		{`the program has no step "decode"`, "decode", []int64{1}, nil},
		{"step main: 2 values for the 1 symbols [n]", "main", []int64{1, 2}, nil},
		{"step main: input x has 0 bytes, want 4", "main", []int64{1}, nil},
		{"step main: input x has 8 bytes, want 4", "main", []int64{1}, map[string][]byte{"x": floats(1, 2)}},
		{"step main: 2 inputs, want the 1 that it has", "main", []int64{1}, map[string][]byte{"x": floats(1), "z": nil}},
		{"step main: port x: -1 elements of f32 at 0 leave the arena of 128 bytes", "main", []int64{-1}, nil},
		{"step main: port x: 33 elements of f32 at 0 leave the arena of 128 bytes", "main", []int64{33}, nil},
	} {
		_, err := e.RunStep(t.Context(), x.step, x.symbols, x.inputs, nil)
		require.EqualError(t, err, x.want)
	}
	_, err = e.Step(t.Context(), "main", nil, 0, prompt[:1])
	require.EqualError(t, err, "step main has no input tokens")
}

// TestInterpreterFault has a kernel leave its buffer; the interpreter's message names kernel and group, once.
func TestInterpreterFault(t *testing.T) {
	p := bareProgram(t)
	p.Steps[0].Launches[0].Bufs[0].Bytes = 8
	e, err := New(p, nil, Library{}, Options{Threads: 2})
	require.NoError(t, err)
	defer e.Close()
	_, err = e.RunStep(t.Context(), "main", []int64{3}, map[string][]byte{"x": make([]byte, 12)}, nil)
	require.ErrorContains(t, err, "step main: launch 0 (y): kernel scale, group 2: ")
}

func TestRunStepWithState(t *testing.T) {
	e := toyEngine(t, false, 2)
	tokens := map[string][]byte{"tokens": {3, 0, 0, 0}}
	_, err := e.RunStep(t.Context(), runtime.Decode, []int64{1, 0}, tokens, nil)
	require.EqualError(t, err, "the cache (<nil>) is of another engine")
	out, err := e.RunStep(t.Context(), runtime.Decode, []int64{1, 0}, tokens, toyCache(t, e))
	require.NoError(t, err)
	require.Equal(t, toyWant([]int32{3}), []float32(view[float32](out["logits"])))
}
