package codegen_test

import (
	"cmp"
	"context"
	"encoding/binary"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/llorch/llorch/codegen"
	"github.com/llorch/llorch/gen"
	"github.com/llorch/llorch/ir"
	"github.com/llorch/llorch/ir/eval"
	"github.com/llorch/llorch/ir/kernel"
	"github.com/llorch/llorch/passes"
	"github.com/llorch/llorch/passes/lower"
	"github.com/llorch/llorch/runtime"
	"github.com/llorch/llorch/runtime/cpu"
)

// trial is a graph with values for everything that it reads.
type trial struct {
	g      *ir.Graph
	env    map[string]int64
	seed   uint64
	target string       // "" is cpu
	acts   kernel.DType // what block weights are multiplied with; Invalid: as the target likes
	rounds bool         // f32 values are rounded to f16 on the way, whose last bits differ
}

// TestMain adds targets whose schedules have tiles so small that small graphs have several of them, full and cut off: of a CPU, of a
// GPU, of a GPU that multiplies many tokens in 16 bits, and of one whose groups have too little memory for heads side by side.
func TestMain(m *testing.M) {
	gpu := lower.Schedule{
		Rows: 4, ManyRows: 6, RowUnit: 2, Tokens: 3, Tiled: true, KVBlock: 2, Columns: 5, Splits: 3, Joint: true,
		Norms: true, Factors: true, Teams: true, Banks: true, Pack: lower.CUDA.Pack,
	}
	narrow := gpu
	narrow.Narrow = lower.CUDA.Narrow
	small := gpu
	small.Joint, small.Norms, small.Results, small.Scores, small.Pack = false, false, 80, 200, lower.Metal.Pack
	for name, s := range map[string]lower.Schedule{
		"tiny": {Rows: 3, Tokens: 2, KVBlock: 2, Norms: true, Pack: kernel.DType.Panels, Acts: kernel.A8},
		"gpu":  gpu, "narrow": narrow, "small": small,
	} {
		t := *codegen.Targets[0]
		t.Name, t.Schedule, t.Bound = name, s, s.Teams
		codegen.Targets = append(codegen.Targets, &t)
	}
	m.Run()
}

// blocks is the same random bytes for a param of a block type whoever asks: any bits are codes and small scales, but factors must
// be of unit size in sum.
func (tr *trial) blocks(n *ir.Node, elems int) []byte {
	f := n.Type.DType.Row().Format
	h := fnv.New64a()
	_, _ = h.Write([]byte(n.Name))
	rng := rand.New(rand.NewPCG(tr.seed, h.Sum64()))
	b := make([]byte, elems/f.Elems*f.Bytes)
	for i := range b {
		b[i] = byte(rng.Uint32())
	}
	factors := []int{0} // d, and m
	if f.Offsets {
		factors = append(factors, 2)
	}
	if f.Name == "q6_k" {
		factors[0] = f.Bytes - 2
	}
	for at := 0; at < len(b); at += f.Bytes {
		for _, i := range factors {
			kernel.F16.Row().Encode(b[at+i:], []float32{float32(rng.NormFloat64()) / float32(int(1)<<(f.Bits+4))})
			if f.Nested {
				kernel.F16.Row().Encode(b[at+i:], []float32{float32(rng.NormFloat64()) / float32(int(1)<<(f.Bits+8))})
			}
		}
	}
	return b
}

// value is the same random array for a node whoever asks, rounded to the node's dtype.
func (tr *trial) value(n *ir.Node, env map[string]int64) (*ir.Array, error) {
	a, err := ir.NewArray(n.Type, env)
	if err != nil {
		return nil, err
	}
	if row := n.Type.DType.Row(); row.Format != nil {
		v := make([]float32, len(a.Data))
		row.Decode(v, tr.blocks(n, len(v)))
		for i := range v {
			a.Data[i] = float64(v[i])
		}
		return a, nil
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
func (tr *trial) reference(t rapid.TB) [][]float64 {
	want, _ := tr.evaluate(t)
	return want
}

// evaluate also tells the largest magnitude of any value on the way, which bounds how far f32 may be off.
func (tr *trial) evaluate(t rapid.TB) (data [][]float64, most float64) {
	state := map[string]*ir.Array{}
	var out []*ir.Array
	for _, env := range tr.steps() {
		var err error
		out, err = eval.Eval(tr.g, eval.Run{Env: env, State: state, Value: func(n *ir.Node) (*ir.Array, error) { return tr.value(n, env) },
			Each: func(_ *ir.Node, a *ir.Array) error {
				for _, v := range a.Data {
					if v = math.Abs(v); !math.IsInf(v, 0) {
						most = max(most, v)
					}
				}
				return nil
			}})
		require.NoError(t, err)
	}
	for _, a := range out {
		data = append(data, a.Data)
	}
	return data, most
}

// compile compiles the graph, verifying after each pass.
func (tr *trial) compile(t rapid.TB) *codegen.Compiled {
	c, err := codegen.Compile(tr.g, codegen.Options{Target: cmp.Or(tr.target, "cpu"), Activations: tr.acts, Check: verifyAll})
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
func (tr *trial) weights(c *codegen.Compiled) runtime.Weights { return c.Weights(tr) }

// Data and Release make a trial a codegen.Source.
func (tr *trial) Data(path string) ([]byte, kernel.DType, error) {
	n := tr.g.Node(path)
	a, err := tr.value(n, tr.env)
	if err != nil {
		return nil, 0, err
	}
	if n.Type.DType.Row().Format != nil {
		return tr.blocks(n, len(a.Data)), n.Type.DType, nil
	}
	return encode(n.Type.DType, a.Data), n.Type.DType, nil
}

func (tr *trial) Release(data []byte) { clear(data) }

// run executes the steps on an engine and returns the last one's outputs, of the specialisation that gives all logits.
func (tr *trial) run(t rapid.TB, p *runtime.Program, w runtime.Weights, lib cpu.Library, threads int) [][]float64 {
	return tr.runStep(t, p, w, lib, threads, p.Steps[len(p.Steps)-1].Name)
}

// runStep is run with another specialisation for the last step.
func (tr *trial) runStep(t rapid.TB, p *runtime.Program, w runtime.Weights, lib cpu.Library, threads int, last string) [][]float64 {
	e, err := cpu.New(p, w, lib, cpu.Options{Threads: threads, Warn: func(string) {}})
	require.NoError(t, err)
	defer func() { require.NoError(t, e.Close()) }()
	cache, err := e.NewCache()
	require.NoError(t, err)
	var out map[string][]byte
	for _, s := range tr.calls(t, p, last) {
		out, err = e.RunStep(context.Background(), s.Name, s.Symbols, s.In, cache)
		require.NoError(t, err)
	}
	return results(t, p.Step(last), out)
}

// call is a step of a program with its arguments.
type call struct {
	Name    string
	Symbols []int64
	In      map[string][]byte
}

// calls are the steps to run: the past by the last specialisation, which any number of tokens fits, then the one asked for.
func (tr *trial) calls(t rapid.TB, p *runtime.Program, last string) []call {
	var calls []call
	for i, env := range tr.steps() {
		step := &p.Steps[len(p.Steps)-1]
		if i == len(tr.steps())-1 {
			step = p.Step(last)
		}
		c := call{Name: step.Name, In: map[string][]byte{}}
		for _, s := range p.Symbols {
			c.Symbols = append(c.Symbols, env[s])
		}
		for _, port := range step.Inputs { // an input that nothing reads is gone
			n := tr.g.Node(port.Name)
			a, err := tr.value(n, env)
			require.NoError(t, err)
			c.In[n.Name] = encode(n.Type.DType, a.Data)
		}
		calls = append(calls, c)
	}
	return calls
}

// results are a step's outputs in order.
func results(t rapid.TB, step *runtime.Step, out map[string][]byte) [][]float64 {
	var data [][]float64
	for _, port := range step.Outputs {
		data = append(data, decode(t, port.DType, out[port.Name]))
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

func decode(t rapid.TB, dtype string, b []byte) []float64 {
	d, ok := kernel.ParseDType(dtype)
	require.True(t, ok, dtype)
	f := make([]float32, len(b)/d.Row().Bytes)
	d.Row().Decode(f, b)
	out := make([]float64, len(f))
	for i, v := range f {
		out[i] = float64(v)
	}
	return out
}

// near demands that two results agree within a relative and absolute tolerance.
func near(t rapid.TB, want, got [][]float64, tol float64, what string) {
	t.Helper()
	require.Len(t, got, len(want))
	for o := range want {
		if len(got[o]) != len(want[o]) {
			t.Fatalf("%s: output %d has %d elements, want %d", what, o, len(got[o]), len(want[o]))
		}
		for i, w := range want[o] {
			if g := got[o][i]; w != g && !(math.Abs(w-g) <= tol*(1+math.Abs(w))) { // not <=, so that NaN is no match
				t.Fatalf("%s: output %d element %d is %g, want %g", what, o, i, g, w)
			}
		}
	}
}

// hostile interprets kernels the way a careless target would run them: lanes backwards, group memory full of NaN.
func hostile(t rapid.TB, ks []*kernel.Kernel) cpu.Library {
	lib := cpu.Library{Kernels: map[string]*cpu.Kernel{}, Tiles: slices.Clone(gen.Library().Tiles)}
	for i := range kernel.DTypes { // the interpreter reads fragments, which no CPU has a tile for
		if row := &kernel.DTypes[i]; row.Fragment() {
			tile := cpu.BlockTiles()[0]
			tile.DType = row.DType
			lib.Tiles = append(lib.Tiles, tile)
		}
	}
	for _, k := range ks {
		p, err := kernel.Interpret(k, kernel.Options{Poison: true, ReverseLanes: true})
		require.NoError(t, err)
		wide := func(a *cpu.Args) []int64 {
			out := make([]int64, len(a.Ints))
			for i, v := range a.Ints {
				out[i] = int64(v)
			}
			return out
		}
		must := func(n int, err error) int {
			if err != nil {
				panic(err)
			}
			return n
		}
		lib.Kernels[k.Key()] = &cpu.Kernel{
			Name:    k.Name,
			Groups:  func(a *cpu.Args) int { return must(p.Groups(wide(a))) },
			Scratch: func(a *cpu.Args) int { return must(p.Scratch(wide(a))) },
			Run: func(a *cpu.Args, scratch []float32, g int) {
				var bufs []*kernel.Mem
				for _, b := range a.Bufs {
					bufs = append(bufs, &kernel.Mem{DType: b.DType, Data: b.Data, Row: int64(b.Row)})
				}
				must(0, p.Run(bufs, wide(a), a.Floats, scratch, g))
			},
		}
	}
	return lib
}
