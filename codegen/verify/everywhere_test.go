package verify_test

import (
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/llorch/llorch/codegen"
	"github.com/llorch/llorch/codegen/verify"
	"github.com/llorch/llorch/codegen/verify/mutant"
	"github.com/llorch/llorch/gen"
	"github.com/llorch/llorch/ir/kernel"
	"github.com/llorch/llorch/runtime"
	"github.com/llorch/llorch/runtime/cpu"
)

// TestEverywhere has a kernel that leaves out the newest key where a tile begins with it. No step decodes there; the sessions do, and then the
// node is named.
func TestEverywhere(t *testing.T) {
	s := setupOf(t, small(kernel.F32), kernel.F32, kernel.F32, verify.Options{Prompt: []int32{3, 1, 4, 1, 5}, Decode: 1})
	c := s.compile(t, codegen.Options{Target: "tiny cpu"})
	for i, k := range c.Kernels {
		text := k.String()
		if k.Name != "attnMixed" || strings.Contains(text, "nQ") { // that of one token
			continue
		}
		wrong, err := kernel.Parse(strings.Replace(text, "j := 0; j < nKv;", "j := 0; j < nKv - 1;", 1))
		require.NoError(t, err)
		require.NotEqual(t, k.Key(), wrong.Key())
		wrong.Name, wrong.Doc = k.Name, k.Doc
		r, err := s.check(t, with(c, i, mutant.Mutant{Kernel: wrong}))
		require.NoError(t, err)
		require.False(t, r.Passed)
		require.NotNil(t, r.First)
		require.Equal(t, "attnMixed", r.First.Kernel)
		require.Equal(t, "layers.0.attn.mixed", r.First.Node)
		require.Equal(t, "decode of 1 token", r.First.Step)
		return
	}
	t.Fatal("there is no kernel of one token")
}

// TestLostDevice has a session end with the device, as a bad access of a kernel does: the report says which kernel.
func TestLostDevice(t *testing.T) {
	s := newSetup(t, kernel.F32, kernel.F32)
	c := s.compile(t, codegen.Options{Target: "cpu"})
	for name, after := range map[string]int{"the first session": 0, "a later one": 4} {
		t.Run(name, func(t *testing.T) {
			var lost error
			engine := faulty{
				step: func(e *faulty, step string, cache runtime.Cache, past int, tokens []int32) ([]float32, error) {
					if after--; after < 0 {
						lost = errors.New("device 0 is lost since: kernel attnMixed for layers.0.attn.mixed: access out of bounds")
						return nil, lost
					}
					return e.Engine.Step(t.Context(), step, cache, past, tokens)
				},
				cache: func(e *faulty) (runtime.Cache, error) {
					if lost != nil {
						return nil, lost
					}
					return e.Engine.NewCache()
				},
			}
			var err error
			engine.Engine, err = cpu.New(c.Program, c.Weights(s.src), gen.Library(), cpu.Options{Threads: 2})
			require.NoError(t, err)
			defer func() { require.NoError(t, engine.Close()) }()
			r, err := s.ref.Check(t.Context(), verify.Target{Compiled: c, Engine: &engine})
			require.NoError(t, err)
			require.False(t, r.Passed)
			require.Equal(t, verify.OfEngine, r.First.Of)
			require.Equal(t, "attnMixed", r.First.Kernel)
			require.Equal(t, "layers.0.attn.mixed", r.First.Node)
			require.Regexp(t, `^kernels\.go:\d+$`, r.First.Source)
			var out strings.Builder
			require.NoError(t, r.Text(&out, false))
			require.Contains(t, out.String(), "layers.0.attn.mixed is not computed, in a session\n")
		})
	}
}

// damaged has a number in a weight.
type damaged struct {
	source
	path  string
	value float32
}

func (d damaged) Data(path string) ([]byte, kernel.DType, error) {
	b, typ, err := d.source.Data(path)
	if path == d.path {
		typ.Row().Encode(b[40:], []float32{d.value})
	}
	return b, typ, err
}

// TestDamagedWeights: where the reference is no number, a kernel that is none either would pass.
func TestDamagedWeights(t *testing.T) {
	s := newSetup(t, kernel.F32, kernel.F32)
	for _, v := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		_, err := verify.New(t.Context(), s.g, damaged{s.src, "layers.1.mlp.wdown", float32(v)}, verify.Options{Prompt: []int32{1}})
		require.ErrorContains(t, err, "weight layers.1.mlp.wdown: element [embd=0, ffn=10] is ")
		require.ErrorContains(t, err, "nothing that follows from it can be verified")
	}
	_, err := verify.New(t.Context(), s.g, damaged{s.src, "layers.1.mlp.wdown", 3e38}, verify.Options{Prompt: []int32{1}})
	require.NoError(t, err)
}
