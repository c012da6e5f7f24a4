package verify_test

import (
	"bytes"
	"context"
	"encoding/json"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/llorch/llorch/codegen"
	"github.com/llorch/llorch/codegen/verify"
	"github.com/llorch/llorch/gen"
	"github.com/llorch/llorch/ir/kernel"
	"github.com/llorch/llorch/passes"
	"github.com/llorch/llorch/runtime"
	"github.com/llorch/llorch/runtime/cpu"
)

// TestWrongPass has a pass change what a graph computes: its kernels do what it says, so only the model's own graph tells.
func TestWrongPass(t *testing.T) {
	s := newSetup(t, kernel.Q80, kernel.F16)
	c := s.compile(t, codegen.Options{Target: "cpu", Check: func(pass string, m *passes.Module) error {
		if pass == "specialise" {
			m.Graphs[1].Node("layers.1.attn.scaled").Attrs["by"] = 0.1767 // of 0.17678
		}
		return nil
	}})
	r, err := s.check(t, c)
	require.NoError(t, err)
	require.False(t, r.Passed)
	require.Equal(t, verify.OfPasses, r.First.Of)
	require.Equal(t, "layers.1.attn.scaled", r.First.Node)
	require.Equal(t, "prefill of 6 tokens", r.First.Step)
	require.Equal(t, "f32[q=6, kv_head=1, group=3, kv=6]", r.First.Type)
	require.Equal(t, "attnMixed", r.First.Kernel)
	for _, f := range r.Findings {
		require.Equal(t, verify.OfPasses, f.Of)
	}
}

// faulty is an engine that is wrong where nobody watches.
type faulty struct {
	*cpu.Engine
	watched bool
	caches  []runtime.Cache
	step    func(e *faulty, step string, c runtime.Cache, past int, tokens []int32) ([]float32, error)
	cache   func(e *faulty) (runtime.Cache, error)
}

func (f *faulty) Watch(see func(runtime.Launched) error) {
	f.watched = see != nil
	f.Engine.Watch(see)
}

func (f *faulty) NewCache() (runtime.Cache, error) {
	if f.cache != nil {
		return f.cache(f)
	}
	return f.Engine.NewCache()
}

func (f *faulty) Step(ctx context.Context, step string, c runtime.Cache, past int, tokens []int32) ([]float32, error) {
	if f.step != nil && !f.watched {
		return f.step(f, step, c, past, tokens)
	}
	return f.Engine.Step(ctx, step, c, past, tokens)
}

// TestWrongEngines are mistakes between steps, which the kernels have no part in: the seed's and its relatives.
func TestWrongEngines(t *testing.T) {
	s := newSetup(t, kernel.F32, kernel.F32)
	c := s.compile(t, codegen.Options{Target: "cpu"})
	total := 0
	// one is the same cache for every session; the first two caches are of the steps that are watched.
	one := func(e *faulty) (c runtime.Cache, err error) {
		if len(e.caches) < 3 {
			c, err = e.Engine.NewCache()
			e.caches = append(e.caches, c)
		}
		return e.caches[len(e.caches)-1], err
	}
	for name, x := range map[string]struct {
		engine faulty
		finds  []string
	}{
		"right": {},
		"the history is forgotten": {faulty{step: func(e *faulty, step string, c runtime.Cache, past int, tokens []int32) ([]float32, error) {
			return e.Engine.Step(context.Background(), step, c, 0, tokens)
		}}, []string{"a fork, which goes on by itself", "the prompt and what follows, in chunks", "the likeliest tokens"}},
		"one cache keeps everything, a warm-up too": {faulty{
			cache: one,
			step: func(e *faulty, step string, c runtime.Cache, _ int, tokens []int32) ([]float32, error) {
				total += len(tokens)
				return e.Engine.Step(context.Background(), step, c, total-len(tokens), tokens)
			},
		}, []string{"a warm-up, then the prompt", "two requests in turn"}},
		"requests share a cache": {faulty{cache: one}, []string{"two requests in turn", "a fork, which goes on by itself"}},
	} {
		t.Run(name, func(t *testing.T) {
			e, err := cpu.New(c.Program, c.Weights(s.src), gen.Library(), cpu.Options{Threads: 2})
			require.NoError(t, err)
			defer func() { require.NoError(t, e.Close()) }()
			x.engine.Engine = e
			r, err := s.ref.Check(t.Context(), verify.Target{Compiled: c, Engine: &x.engine})
			require.NoError(t, err)
			require.Empty(t, r.Findings)
			failed := map[string]bool{}
			for _, s := range r.Sessions {
				if !s.Passed {
					failed[s.Name] = true
				}
			}
			require.Equal(t, len(failed) == 0, r.Passed)
			for _, f := range x.finds {
				require.True(t, failed[f], "%s: %v", f, failed)
			}
			require.Equal(t, name == "right", r.Passed)
		})
	}
}

// TestReports has numbers that JSON has no word for.
func TestReports(t *testing.T) {
	r := &verify.Report{Model: "m", Target: "cpu", Findings: []verify.Finding{{Of: verify.OfKernel, Node: "layers.0.x", Got: verify.Number(math.NaN()), Error: verify.Number(math.Inf(1))}}}
	r.First = &r.Findings[0]
	b, err := json.Marshal(r)
	require.NoError(t, err)
	require.Contains(t, string(b), `"error":"+Inf"`)
	require.Contains(t, string(b), `"got":"NaN"`)
	var out bytes.Buffer
	require.NoError(t, r.Text(&out, true))
	require.Contains(t, out.String(), "layers.0.x is computed wrong")
	require.Contains(t, out.String(), "got NaN")
}

// TestRefuses is what cannot be run.
func TestRefuses(t *testing.T) {
	s := newSetup(t, kernel.F32, kernel.F32)
	for want, o := range map[string]verify.Options{
		"a prompt of 0 tokens":                      {},
		"do not fit a context of 32":                {Prompt: make([]int32, 30)},
		"id 37 is outside the vocabulary of 37":     {Prompt: []int32{1, 37}},
		"-1 tokens to decode":                       {Prompt: []int32{1}, Decode: -1},
		"prompt token 0: id -1 is outside the voca": {Prompt: []int32{-1}},
	} {
		_, err := verify.New(t.Context(), s.g, s.src, o)
		require.ErrorContains(t, err, want)
	}
	one, err := verify.New(t.Context(), s.g, s.src, verify.Options{Prompt: []int32{5}})
	require.NoError(t, err)
	c := s.compile(t, codegen.Options{Target: "cpu"})
	e, err := cpu.New(c.Program, c.Weights(s.src), gen.Library(), cpu.Options{})
	require.NoError(t, err)
	defer func() { require.NoError(t, e.Close()) }()
	r, err := one.Check(t.Context(), verify.Target{Compiled: c, Engine: e})
	require.NoError(t, err)
	require.True(t, r.Passed, "a single token: %+v", r.First)
	_, err = one.Check(t.Context(), verify.Target{Compiled: c, Engine: blind{e}})
	require.ErrorContains(t, err, "its engine shows no launches")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = one.Check(ctx, verify.Target{Compiled: c, Engine: e})
	require.ErrorIs(t, err, context.Canceled)
	_, err = verify.New(ctx, s.g, s.src, verify.Options{Prompt: []int32{1}})
	require.ErrorIs(t, err, context.Canceled)
}

// blind is an engine that cannot be watched.
type blind struct{ runtime.Engine }
