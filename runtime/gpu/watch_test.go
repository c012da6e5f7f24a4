package gpu

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/llorch/llorch/codegen"
	"github.com/llorch/llorch/codegen/verify"
	"github.com/llorch/llorch/codegen/verify/mutant"
	"github.com/llorch/llorch/ir"
	"github.com/llorch/llorch/ir/kernel"
	"github.com/llorch/llorch/models"
	"github.com/llorch/llorch/runtime"
)

// TestWatch looks at what each launch left, one by one: nothing is captured and nothing overlaps then, and both come back.
func TestWatch(t *testing.T) {
	e, d := toyEngine(t, toyProgram(t))
	c := toyCache(t, e)
	feed(t, e, c, nil, prompt, 2)
	step := e.program.Step(runtime.Decode)
	overlaps, seen := d.overlaps, 0
	e.Watch(func(l runtime.Launched) error {
		require.Equal(t, runtime.Decode, l.Step)
		require.Equal(t, seen, l.Index)
		require.Equal(t, 2*time.Millisecond, l.Time)
		seen++
		kv, err := l.Read(runtime.Ref{Space: runtime.State, Index: 1})
		require.NoError(t, err)
		require.Equal(t, toyTable(int(prompt[2]), 1), floats(kv)[2*toyDim+1])
		part, err := l.Read(runtime.Ref{Space: runtime.State, Index: 1, Offset: 4, Bytes: 8})
		require.NoError(t, err)
		require.Equal(t, kv[4:12], part)
		table, err := l.Read(runtime.Ref{Space: runtime.Weight, Index: 1})
		require.NoError(t, err)
		require.Equal(t, []byte(toyWeights()["table"]), table)
		for _, r := range []runtime.Ref{
			{Space: runtime.Arena, Offset: step.Arena, Bytes: 4}, {Space: runtime.State, Index: 2}, {Space: runtime.Weight, Index: -1}, {Space: "disk"},
		} {
			_, err := l.Read(r)
			require.Error(t, err)
		}
		if seen == len(step.Launches) {
			y, err := l.Read(runtime.Ref{Space: runtime.Arena, Offset: step.Outputs[0].Offset, Bytes: 4 * toyVocab})
			require.NoError(t, err)
			require.Equal(t, toyWant(prompt[:3]), floats(y))
		}
		return nil
	})
	feed(t, e, c, prompt[:2], prompt[2:], 1)
	require.Equal(t, len(step.Launches), seen)
	require.Zero(t, d.captures)
	require.Equal(t, overlaps, d.overlaps)

	enough := errors.New("enough")
	e.Watch(func(runtime.Launched) error { return enough })
	_, err := e.Step(t.Context(), runtime.Decode, c, 2, prompt[2:3])
	require.ErrorIs(t, err, enough)
	e.Watch(nil)
	feed(t, e, c, prompt[:2], prompt[2:], 1, 1)
	require.Equal(t, 1, d.captures)
	require.Greater(t, d.overlaps, overlaps)
}

// waves are weights that no two elements of a tensor share.
type waves struct{ g *ir.Graph }

func (w waves) Data(path string) ([]byte, kernel.DType, error) {
	n := w.g.Node(path)
	elems, last := 1, 1
	for _, a := range n.Type.Axes {
		v, _ := a.Dim.Const()
		last = int(v)
		elems *= last
	}
	f := make([]float32, elems)
	for i := range f {
		f[i] = float32(math.Sin(float64(i*i+i+len(path))) * 1.4 / math.Sqrt(float64(last)))
		if len(n.Type.Axes) == 1 {
			f[i] = 1 + 0.2*float32(math.Sin(float64(i)))
		}
	}
	b := make([]byte, elems*n.Type.DType.Row().Bytes)
	n.Type.DType.Row().Encode(b, f)
	return b, n.Type.DType, nil
}

func (waves) Release([]byte) {}

// TestVerify holds a small Llama, compiled for CUDA and interpreted by the fake device, against the reference; then every kernel has a
// bug, which is found and named.
func TestVerify(t *testing.T) {
	g := models.Llama(models.Config{
		Arch: "llama", Vocab: 37, Embd: 64, Layers: 2, Heads: 4, KVHeads: 2, HeadDim: 16, FFN: 96, Context: 32, NormEps: 1e-5,
		Rope: models.Rope{Theta: 10000, Width: 16, Style: "half"},
	}, models.Options{KV: kernel.F16})
	require.NoError(t, ir.Verify(g))
	ref, err := verify.New(t.Context(), g, waves{g}, verify.Options{Prompt: []int32{3, 1, 4, 1, 5, 9}, Decode: 2})
	require.NoError(t, err)
	c, err := codegen.Compile(g, codegen.Options{Target: "cuda"})
	require.NoError(t, err)
	_, err = c.Target.Sources(c.Program, c.Kernels) // which says how kernels are launched
	require.NoError(t, err)
	check := func(text string, kernels int) *verify.Report {
		p := *c.Program
		d := newFakeDriver(&p)
		if text != "" {
			p.Kernels = append([]runtime.Kernel{}, p.Kernels...)
			p.Kernels[kernels].Text = text
			k, err := kernel.Parse(text)
			require.NoError(t, err)
			p.Kernels[kernels].Key = k.Key()
		}
		e, err := NewPicker(&p, c.Weights(waves{g}), anyCode, d, Options{})
		require.NoError(t, err)
		defer e.Close() // which a device that is lost survives
		on := *c
		on.Program = &p
		r, err := ref.Check(t.Context(), verify.Target{Compiled: &on, Engine: e, Device: e.DeviceName()})
		require.NoError(t, err)
		return r
	}
	r := check("", 0)
	require.True(t, r.Passed, "%+v %+v", r.First, r.Sessions)
	require.Equal(t, "Fake", r.Device)
	require.Len(t, r.Sessions, 6)
	for i, k := range c.Kernels {
		found := 0
		for _, m := range mutant.Of(k) {
			if strings.Contains(m.What, "grid(") || strings.Contains(m.What, "for ") || strings.Contains(m.What, " += ") {
				continue // what might not end
			}
			if r := check(m.Kernel.String(), i); !r.Passed {
				require.NotNil(t, r.First, m.What)
				require.Equal(t, k.Name, r.First.Kernel, m.What)
				require.Regexp(t, `^kernels\.cu:\d+$`, r.First.Source)
				if found++; found == 2 {
					break
				}
			}
		}
		require.Positive(t, found, k.Name)
	}
}
