package codegen_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/llorch/llorch/codegen"
	"github.com/llorch/llorch/ir/kernel"
	"github.com/llorch/llorch/runtime"
	"github.com/llorch/llorch/runtime/gpu"
	"github.com/llorch/llorch/runtime/gpu/device"
	"github.com/llorch/llorch/runtime/metal"
)

// mutations are mistakes that an emitter may make: what they change, and into what.
var mutations = []struct {
	name string
	at   *regexp.Regexp
	into string
}{
	{"a dropped barrier", regexp.MustCompile(`(?m)^ +group_barrier\(\);\n`), ""},
	{"a wrong index", regexp.MustCompile(`(?m)^( +(?:if \(\w+ == 0\) )?\w+\[.*)\] = `), "$1 + 1] = "},
	{"a missing bound", regexp.MustCompile(`(?m)^( +const int \w+ = )min\((\d+), .*\);$`), "$1$2;"},
}

// TestMetalMutants plants mistakes in the shaders of a small Llama: in every kernel that has room for one, it is a fault in the emulator,
// or makes other logits. Some are harmless, as where the same thread reads what it wrote: then the one before is tried.
func TestMetalMutants(t *testing.T) {
	needEmulator(t)
	c := llamaCase{shape: "gqa", config: shapes()["gqa"], w: kernel.F32, kv: kernel.F32}
	g := c.graph(t)
	compile := func() (*codegen.Compiled, string) {
		compiled, err := codegen.Compile(g, codegen.Options{Target: "metal", Chunk: 4})
		require.NoError(t, err)
		files, err := compiled.Files(nil)
		require.NoError(t, err)
		return compiled, string(files[codegen.MetalSource])
	}
	compiled, src := compile()
	tr := &trial{g: g, seed: 5, target: "metal"}
	weights := tr.weights(compiled)
	// logits of a prefill and of decode steps, or the fault
	logits := func(source string, order uint64) (all []float32, err error) {
		d, err := metal.Emulated(metal.EmulateOptions{Checked: true, Order: order})
		require.NoError(t, err)
		e, err := gpu.New(compiled.Program, weights, func(device.Info) ([]byte, error) { return []byte(source), nil }, d, gpu.Options{})
		require.NoError(t, err)
		defer func() { require.NoError(t, e.Close()) }()
		s, err := runtime.NewSession(e, compiled.Program)
		require.NoError(t, err)
		for _, part := range [][]int32{prompt[:3], prompt[3:4], prompt[4:6]} {
			var last []float32
			if last, err = s.Append(t.Context(), part, 0); err != nil {
				return nil, err
			}
			all = append(all, last...)
		}
		more, err := s.Logits(t.Context(), prompt[:2], 0)
		return append(all, more...), err
	}
	want, err := logits(src, 0)
	require.NoError(t, err)
	begin := strings.Index(src, "kernel void ")
	begin = strings.LastIndex(src[:begin], "}\n")
	kernels := strings.SplitAfter(src[begin:], "\n}\n")
	for _, m := range mutations {
		planted, harmless := 0, 0
		for i, text := range kernels {
			sites := m.at.FindAllStringSubmatchIndex(text, -1)
			if len(sites) == 0 {
				continue
			}
			caught := false
			for len(sites) > 0 && !caught {
				at := sites[len(sites)-1]
				sites = sites[:len(sites)-1]
				mutant := text[:at[0]] + string(m.at.ExpandString(nil, m.into, text, at)) + text[at[1]:]
				parts := append(append(append([]string{src[:begin]}, kernels[:i]...), mutant), kernels[i+1:]...)
				for order := uint64(0); order < 3 && !caught; order++ {
					got, err := logits(strings.Join(parts, ""), order)
					caught = err != nil || !equalFloats(want, got)
				}
				planted++
				if !caught {
					harmless++
				}
			}
			if !caught && !strings.Contains(text, "INFINITE") { // a mask takes away the weight of keys that are read without need
				t.Errorf("%s is seen nowhere in\n%s", m.name, text)
			}
		}
		t.Logf("%s: planted %d times, harmless %d times", m.name, planted, harmless)
		require.Positive(t, planted)
	}
}

func equalFloats(a, b []float32) bool {
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}
