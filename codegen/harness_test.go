package codegen_test

import (
	"context"
	"encoding/binary"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/llorch/llorch/codegen"
	"github.com/llorch/llorch/ir"
	"github.com/llorch/llorch/ir/eval"
	"github.com/llorch/llorch/ir/kernel"
	"github.com/llorch/llorch/passes"
	"github.com/llorch/llorch/runtime"
	"github.com/llorch/llorch/runtime/cpu"
)

// trial is a graph with values for everything that it reads.
type trial struct {
	g    *ir.Graph
	env  map[string]int64
	seed uint64
}

// value is the same random array for a node whoever asks, rounded to the node's dtype.
func (tr *trial) value(n *ir.Node, env map[string]int64) (*ir.Array, error) {
	a, err := ir.NewArray(n.Type, env)
	if err != nil {
		return nil, err
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte(n.Name))
	rng := rand.New(rand.NewPCG(tr.seed, h.Sum64()))
	scale := 1.0
	if n.Op.Source == ir.FromWeights && len(a.Dims) > 1 {
		scale = 1 / math.Sqrt(float64(a.Dims[len(a.Dims)-1])) // products stay of unit size
	}
	for i := range a.Data {
		switch {
		case n.Type.DType == kernel.I32:
			a.Data[i] = float64(rng.IntN(4)) // ids of tables that have at least as many entries
		default:
			a.Data[i] = float64(float32(rng.NormFloat64() * scale))
		}
	}
	a.Round(n.Type.DType)
	return a, nil
}

// steps are the values of the symbols to run one after another: a case with past tokens runs those first.
func (tr *trial) steps() []map[string]int64 {
	if tr.g.Step == nil || tr.env["P"] == 0 {
		return []map[string]int64{tr.env}
	}
	first := map[string]int64{}
	for k, v := range tr.env {
		first[k] = v
	}
	first["S"], first["P"] = tr.env["P"], 0
	return []map[string]int64{first, tr.env}
}

// reference evaluates the steps in float64 and returns the last one's outputs.
func (tr *trial) reference(t testing.TB) [][]float64 {
	state := map[string]*ir.Array{}
	var out []*ir.Array
	for _, env := range tr.steps() {
		var err error
		out, err = eval.Eval(tr.g, eval.Run{Env: env, State: state, Value: func(n *ir.Node) (*ir.Array, error) { return tr.value(n, env) }})
		require.NoError(t, err)
	}
	var data [][]float64
	for _, a := range out {
		data = append(data, a.Data)
	}
	return data
}

// compile compiles the graph, verifying after each pass.
func (tr *trial) compile(t testing.TB) *codegen.Compiled {
	c, err := codegen.Compile(tr.g, codegen.Options{Target: "cpu", Check: verifyAll})
	require.NoError(t, err)
	return c
}

func verifyAll(_ string, m *passes.Module) error {
	for _, g := range m.Graphs {
		if err := ir.Verify(g); err != nil {
			return err
		}
	}
	return nil
}

// weights encodes the params.
func (tr *trial) weights(c *codegen.Compiled) runtime.Weights {
	return c.Weights(func(path string) ([]byte, kernel.DType, error) {
		n := tr.g.Node(path)
		a, err := tr.value(n, tr.env)
		if err != nil {
			return nil, 0, err
		}
		return encode(n.Type.DType, a.Data), n.Type.DType, nil
	})
}

// run executes the steps on an engine and returns the last one's outputs.
func (tr *trial) run(t testing.TB, p *runtime.Program, w runtime.Weights, lib cpu.Library, threads int) [][]float64 {
	e, err := cpu.New(p, w, lib, cpu.Options{Threads: threads, Warn: func(string) {}})
	require.NoError(t, err)
	defer func() { require.NoError(t, e.Close()) }()
	cache, err := e.NewCache()
	require.NoError(t, err)
	step := &p.Steps[len(p.Steps)-1] // logits, or the only one
	var out map[string][]byte
	for _, env := range tr.steps() {
		symbols := make([]int64, len(p.Symbols))
		for i, s := range p.Symbols {
			symbols[i] = env[s]
		}
		in := map[string][]byte{}
		for _, port := range step.Inputs { // an input that nothing reads is gone
			n := tr.g.Node(port.Name)
			a, err := tr.value(n, env)
			require.NoError(t, err)
			in[n.Name] = encode(n.Type.DType, a.Data)
		}
		out, err = e.RunStep(context.Background(), step.Name, symbols, in, cache)
		require.NoError(t, err)
	}
	var data [][]float64
	for _, port := range step.Outputs {
		data = append(data, decode(out[port.Name]))
	}
	return data
}

func encode(d kernel.DType, data []float64) []byte {
	if d == kernel.I32 {
		var b []byte
		for _, v := range data {
			b = binary.LittleEndian.AppendUint32(b, uint32(int32(v)))
		}
		return b
	}
	f := make([]float32, len(data))
	for i, v := range data {
		f[i] = float32(v)
	}
	b := make([]byte, len(f)*d.Row().Bytes)
	d.Row().Encode(b, f)
	return b
}

func decode(b []byte) []float64 {
	var out []float64
	for i := 0; i+4 <= len(b); i += 4 {
		out = append(out, float64(math.Float32frombits(binary.LittleEndian.Uint32(b[i:]))))
	}
	return out
}

// near demands that two results agree within a relative and absolute tolerance.
func near(t testing.TB, want, got [][]float64, tol float64, what string) {
	t.Helper()
	require.Len(t, got, len(want))
	for o := range want {
		require.Len(t, got[o], len(want[o]), what)
		for i, w := range want[o] {
			g := got[o][i]
			if w == g || math.Abs(w-g) <= tol*(1+math.Abs(w)) {
				continue
			}
			t.Fatalf("%s: output %d element %d is %g, want %g", what, o, i, g, w)
		}
	}
}
