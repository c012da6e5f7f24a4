package verify_test

import (
	"hash/fnv"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/llorch/llorch/codegen"
	"github.com/llorch/llorch/codegen/verify"
	"github.com/llorch/llorch/codegen/verify/mutant"
	"github.com/llorch/llorch/gen"
	"github.com/llorch/llorch/ir"
	"github.com/llorch/llorch/ir/kernel"
	"github.com/llorch/llorch/models"
	"github.com/llorch/llorch/runtime"
	"github.com/llorch/llorch/runtime/cpu"
)

// TestMain adds targets with tiles so small that a few tokens take several of them, also cut off. The kernels of the CPU's have sizes for
// parameters.
func TestMain(m *testing.M) {
	for _, name := range []string{"cpu", "go", "metal"} {
		target, err := codegen.Lookup(name)
		if err != nil {
			panic(err)
		}
		t := *target
		s := &t.Schedule
		t.Name = "tiny " + name
		s.Rows, s.Tokens, s.KVBlock = 5, 2, 4
		if name == "metal" {
			s.Rows, s.ManyRows, s.MostTokens, s.Columns, s.Splits = 8, 16, 2, 6, 2
			s.KVBlock = 2 // two blocks of keys in a part
		}
		codegen.Targets = append(codegen.Targets, &t)
	}
	m.Run()
}

// small is a Llama with sizes that divide by nothing, but for blocks.
func small(w kernel.DType) models.Config {
	c := models.Config{
		Arch: "llama", Vocab: 37, Embd: 24, Layers: 2, Heads: 6, KVHeads: 2, HeadDim: 8, FFN: 29, Context: 32, NormEps: 1e-5,
		Rope: models.Rope{Theta: 10000, Width: 8, Style: "half"},
	}
	if w.Row().Elems > 1 {
		c.Embd, c.FFN, c.Heads, c.KVHeads, c.HeadDim, c.Rope.Width = 96, 160, 3, 1, 32, 20
	}
	return c
}

// source is random weights of a graph.
type source struct{ g *ir.Graph }

func (s source) Data(path string) ([]byte, kernel.DType, error) {
	n := s.g.Node(path)
	row := n.Type.DType.Row()
	h := fnv.New64a()
	_, _ = h.Write([]byte(path))
	rng := rand.New(rand.NewPCG(1, h.Sum64()))
	elems, last := 1, 1
	for _, a := range n.Type.Axes {
		v, _ := a.Dim.Const()
		last = int(v)
		elems *= last
	}
	if row.Elems > 1 { // q8_0: a scale in f16, and codes
		b := make([]byte, elems/row.Elems*row.Bytes)
		for i := range b {
			b[i] = byte(rng.Uint32())
		}
		for at := 0; at < len(b); at += row.Bytes {
			kernel.F16.Row().Encode(b[at:], []float32{float32((0.5 + rng.Float64()) / (73 * math.Sqrt(float64(last))))})
		}
		return b, row.DType, nil
	}
	f := make([]float32, elems)
	for i := range f {
		f[i] = float32(rng.NormFloat64() / math.Sqrt(float64(last)))
		if len(n.Type.Axes) == 1 {
			f[i] = float32(1 + 0.2*rng.NormFloat64())
		}
	}
	b := make([]byte, elems*row.Bytes)
	row.Encode(b, f)
	return b, row.DType, nil
}

func (s source) Release([]byte) {}

// setup is a model with its reference.
type setup struct {
	g   *ir.Graph
	src source
	ref *verify.Reference
}

func newSetup(t testing.TB, w, kv kernel.DType) *setup {
	return setupOf(t, small(w), w, kv, verify.Options{Prompt: []int32{3, 1, 4, 1, 5, 9}, Decode: 3})
}

func setupOf(t testing.TB, c models.Config, w, kv kernel.DType, o verify.Options) *setup {
	g := models.Llama(c, models.Options{KV: kv, Weight: func(path string) ir.DType {
		if strings.HasSuffix(path, "norm_w") {
			return kernel.F32
		}
		return w
	}})
	require.NoError(t, ir.Verify(g))
	s := &setup{g: g, src: source{g}}
	var err error
	s.ref, err = verify.New(t.Context(), g, s.src, o)
	require.NoError(t, err)
	return s
}

func (s *setup) compile(t testing.TB, o codegen.Options) *codegen.Compiled {
	c, err := codegen.Compile(s.g, o)
	require.NoError(t, err)
	return c
}

// check runs a compiled model on the CPU: what gen has no kernel for is interpreted, mutants too. It returns an engine's refusal.
func (s *setup) check(t testing.TB, c *codegen.Compiled) (*verify.Report, error) {
	e, err := cpu.New(c.Program, c.Weights(s.src), gen.Library(), cpu.Options{Threads: 2})
	if err != nil {
		return nil, err
	}
	defer func() { require.NoError(t, e.Close()) }()
	r, err := s.ref.Check(t.Context(), verify.Target{Compiled: c, Engine: e, Device: "test"})
	require.NoError(t, err)
	return r, nil
}

// with is a compiled model, one kernel of which is a mutant.
func with(c *codegen.Compiled, i int, m mutant.Mutant) *codegen.Compiled {
	d, p := *c, *c.Program
	d.Program, d.Kernels, p.Kernels = &p, slices.Clone(c.Kernels), slices.Clone(p.Kernels)
	d.Kernels[i] = m.Kernel
	p.Kernels[i].Text, p.Kernels[i].Key = m.Kernel.String(), m.Kernel.Key()
	return &d
}

// models of the tests: with floats and with blocks, whose activations are rounded.
var weights = map[string]struct{ w, kv kernel.DType }{
	"f32": {kernel.F32, kernel.F32}, "f16": {kernel.F16, kernel.F16}, "q8_0": {kernel.Q80, kernel.F16},
}

func TestPasses(t *testing.T) {
	for name, x := range weights {
		t.Run(name, func(t *testing.T) {
			s := newSetup(t, x.w, x.kv)
			r, err := s.check(t, s.compile(t, codegen.Options{Target: "cpu"}))
			require.NoError(t, err)
			require.True(t, r.Passed, "%+v", r.First)
			require.Len(t, r.Steps, 7)
			require.Greater(t, r.Compared, 100)
			require.Len(t, r.Sessions, 6)
			require.Len(t, r.Layers, 3)
			for _, n := range r.Nodes {
				require.Less(t, float64(n.Error), 2e-3, n.Name)
			}
		})
	}
}

// TestMutants plants small mistakes in every kernel, and all of them where LLORCH_MUTANTS is set. Some change nothing that can be seen
// (a grid with a group too many, a first maximum of -3e38 or half of that); most are found, and none is blamed on another kernel.
func TestMutants(t *testing.T) {
	for name, x := range weights {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSetup(t, x.w, x.kv)
			c := s.compile(t, codegen.Options{Target: "tiny cpu"})
			found, all, bySessions := 0, 0, 0
			for i, k := range c.Kernels {
				ms := mutant.Of(k)
				if os.Getenv("LLORCH_MUTANTS") == "" {
					ms = some(ms, 4)
				}
				var unseen []string
				for _, m := range ms {
					r, err := s.check(t, with(c, i, m))
					if err != nil { // a grid that is none
						require.ErrorContains(t, err, "kernel "+k.Name)
						continue
					}
					if r.Passed {
						unseen = append(unseen, m.What)
						continue
					}
					f := r.First
					if f == nil { // it reads memory of others, which had the right values while each launch was looked at
						require.Contains(t, k.Name, "attnMixed", m.What)
						bySessions++
						continue
					}
					require.Equal(t, k.Name, f.Kernel, "%s: %s", m.What, f)
					require.Equal(t, i, kernelOf(c.Program, f), "%s: %s", m.What, f)
					require.Regexp(t, `^kernels\.go:\d+$`, f.Source)
				}
				require.NotEmpty(t, ms, k.Name)
				require.Less(t, len(unseen), len(ms), "%s: %s", k.Name, strings.Join(unseen, "\n"))
				found, all = found+len(ms)-len(unseen), all+len(ms)
				if len(unseen) > 0 {
					t.Logf("%s: %d of %d mutants change nothing:\n  %s", k.Name, len(unseen), len(ms), strings.Join(unseen, "\n  "))
				}
			}
			t.Logf("%d of %d mutants of %d kernels are found, %d of them by sessions alone", found, all, len(c.Kernels), bySessions)
			require.LessOrEqual(t, 100*bySessions, found)
			require.Greater(t, 4*found, 3*all)
		})
	}
}

// some are n of the mutants, from all over the kernel.
func some[M any](ms []M, n int) []M {
	if len(ms) <= n {
		return ms
	}
	var out []M
	for i := range n {
		out = append(out, ms[(2*i+1)*len(ms)/(2*n)])
	}
	return out
}

// kernelOf is the kernel of a finding's launch.
func kernelOf(p *runtime.Program, f *verify.Finding) int {
	step, _, _ := strings.Cut(f.Step, " ")
	return p.Step(step).Launches[f.Launch].Kernel
}
