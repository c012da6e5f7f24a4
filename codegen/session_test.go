package codegen_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/llorch/llorch/codegen"
	"github.com/llorch/llorch/gen"
	"github.com/llorch/llorch/ir"
	"github.com/llorch/llorch/ir/eval"
	"github.com/llorch/llorch/ir/kernel"
	"github.com/llorch/llorch/runtime"
	"github.com/llorch/llorch/runtime/cpu"
)

// model is a compiled small Llama on an engine of gen's kernels, with the reference at hand.
type model struct {
	llamaCase
	g       *ir.Graph
	tr      *trial
	program *runtime.Program
	engine  runtime.Engine
	tol     float64
	known   map[string][]float64 // reference logits by tokens
}

func newModel(t *testing.T, c llamaCase, chunk, threads int) *model {
	m := &model{llamaCase: c, g: c.graph(t), tol: c.tolerance(), known: map[string][]float64{}}
	m.tr = &trial{g: m.g, seed: 5}
	compiled, err := codegen.Compile(m.g, codegen.Options{Target: "cpu", Chunk: chunk})
	require.NoError(t, err)
	m.program = compiled.Program
	m.engine, err = cpu.New(m.program, m.tr.weights(compiled), gen.Library(), cpu.Options{Threads: threads, Warn: func(w string) { t.Error(w) }})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, m.engine.Close()) })
	return m
}

func (m *model) session(t rapid.TB) *runtime.Session {
	s, err := runtime.NewSession(m.engine, m.program)
	require.NoError(t, err)
	return s
}

// reference is the float64 logits of each of ids, from the start in one step.
func (m *model) reference(t rapid.TB, ids []int32) []float64 {
	key := fmt.Sprint(ids)
	if m.known[key] == nil {
		env := map[string]int64{"S": int64(len(ids)), "P": 0}
		out, err := eval.Eval(m.g, eval.Run{Env: env, State: map[string]*ir.Array{}, Value: func(n *ir.Node) (*ir.Array, error) {
			a, err := m.tr.value(n, env)
			for i := range ids {
				if n.Name == "tokens" {
					a.Data[i] = float64(ids[i])
				}
			}
			return a, err
		}})
		require.NoError(t, err)
		m.known[key] = out[0].Data
	}
	return m.known[key]
}

// holds demands that logits are those of the last tokens of a history, which the reference computes in one step.
func (m *model) holds(t rapid.TB, history []int32, logits []float32, what string) {
	all := m.reference(t, history)
	near(t, [][]float64{all[len(all)-len(logits):]}, [][]float64{widen(logits)}, m.tol, what)
}

func widen(v []float32) []float64 {
	out := make([]float64, len(v))
	for i, x := range v {
		out[i] = float64(x)
	}
	return out
}

// eachModel runs a test on grouped queries with either cache, on one thread and two.
func eachModel(t *testing.T, f func(t *testing.T, m *model)) {
	for _, kv := range []kernel.DType{kernel.F32, kernel.F16} {
		for _, threads := range []int{1, 2} {
			t.Run(fmt.Sprintf("kv %s, %d threads", kv, threads), func(t *testing.T) {
				t.Parallel()
				f(t, newModel(t, llamaCase{"gqa", shapes()["gqa"], kernel.F16, kv}, 4, threads))
			})
		}
		if d := findDevice(); d != nil {
			t.Run(fmt.Sprintf("kv %s, cuda", kv), func(t *testing.T) {
				f(t, newDeviceModel(t, d, llamaCase{"gqa", shapes()["gqa"], kernel.F16, kv}, 4))
			})
		}
	}
}

var prompt = []int32{3, 36, 0, 7, 7, 21, 14, 2, 30, 11, 5}

// TestChunks: a prompt in chunks of any size, token by token, or all at once has the same logits.
func TestChunks(t *testing.T) {
	eachModel(t, func(t *testing.T, m *model) {
		for chunk := range 5 {
			logits, err := m.session(t).Logits(t.Context(), prompt, chunk)
			require.NoError(t, err)
			require.Len(t, logits, len(prompt)*m.program.Vocab)
			m.holds(t, prompt, logits, fmt.Sprintf("logits in chunks of %d", chunk))
			last, err := m.session(t).Append(t.Context(), prompt, chunk)
			require.NoError(t, err)
			m.holds(t, prompt, last, fmt.Sprintf("prompt in chunks of %d", chunk))
		}
		serial := m.session(t)
		for i := range prompt {
			last, err := serial.Append(t.Context(), prompt[i:i+1], 0)
			require.NoError(t, err)
			m.holds(t, prompt[:i+1], last, fmt.Sprintf("decode of token %d", i))
		}
	})
}

// TestWarmUp is the customer's bug: 2 tokens to warm up, then a prompt of 5.
func TestWarmUp(t *testing.T) {
	eachModel(t, func(t *testing.T, m *model) {
		cold := slices.Clone(m.mustAppend(t, m.session(t), prompt[:5]))
		for _, n := range []int{1, 2, 9, m.program.Context} {
			s := m.session(t)
			require.NoError(t, runtime.WarmUp(t.Context(), m.engine, m.program, n))
			require.Equal(t, cold, m.mustAppend(t, s, prompt[:5]), "after a warm-up of %d tokens", n)
			m.holds(t, prompt[:5], cold, "prompt")
		}
	})
}

// TestTwoPrompts: after Reset a prompt is as it would be alone, to the bit.
func TestTwoPrompts(t *testing.T) {
	eachModel(t, func(t *testing.T, m *model) {
		a, b := prompt, []int32{9, 9, 8}
		aloneA, aloneB := slices.Clone(m.mustAppend(t, m.session(t), a)), slices.Clone(m.mustAppend(t, m.session(t), b))
		s := m.session(t)
		for range 2 {
			require.Equal(t, aloneA, m.mustAppend(t, s, a))
			s.Reset()
			require.Equal(t, aloneB, m.mustAppend(t, s, b))
			s.Reset()
		}
		m.holds(t, a, aloneA, "a")
		m.holds(t, b, aloneB, "b")
	})
}

func (m *model) mustAppend(t rapid.TB, s *runtime.Session, ids []int32) []float32 {
	logits, err := s.Append(context.Background(), ids, 0)
	require.NoError(t, err)
	return logits
}

// TestSessions drives sessions of one engine at random: append, logits, reset, truncate, fork; after each step the logits
// are those of the session's history from the start.
func TestSessions(t *testing.T) {
	eachModel(t, func(t *testing.T, m *model) {
		rapid.Check(t, func(t *rapid.T) {
			sessions, histories := []*runtime.Session{m.session(t)}, [][]int32{nil}
			for range rapid.IntRange(1, 6).Draw(t, "steps") {
				i := rapid.IntRange(0, len(sessions)-1).Draw(t, "session")
				switch rapid.IntRange(0, 4).Draw(t, "action") {
				case 1:
					sessions[i].Reset()
					histories[i] = nil
				case 2:
					n := rapid.IntRange(0, len(histories[i])).Draw(t, "keep")
					require.NoError(t, sessions[i].Truncate(n))
					histories[i] = histories[i][:n:n]
				case 3:
					f, err := sessions[i].Fork()
					require.NoError(t, err)
					sessions, histories = append(sessions, f), append(histories, slices.Clone(histories[i]))
				default:
					room := m.program.Context - len(histories[i])
					if room == 0 {
						continue
					}
					ids := rapid.SliceOfN(rapid.Int32Range(0, int32(m.program.Vocab-1)), 1, min(room, 9)).Draw(t, "ids")
					chunk := rapid.IntRange(0, 4).Draw(t, "chunk")
					step := sessions[i].Append
					if rapid.Bool().Draw(t, "all logits") {
						step = sessions[i].Logits
					}
					logits, err := step(context.Background(), ids, chunk)
					require.NoError(t, err)
					histories[i] = slices.Concat(histories[i], ids)
					m.holds(t, histories[i], logits, "session")
				}
				require.Equal(t, len(histories[i]), sessions[i].Len())
			}
		})
	})
}
