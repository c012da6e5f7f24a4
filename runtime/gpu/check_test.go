package gpu

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/llorch/llorch/runtime"
)

// TestCheck breaks the toy's program in one place at a time. What a kernel would not notice, New does.
func TestCheck(t *testing.T) {
	head := func(p *runtime.Program) *runtime.Launch { return &p.Steps[0].Launches[1] }
	const launch = "step decode: launch 1 (layers.0.head_one): "
	for want, edit := range map[string]func(p *runtime.Program){
		"chunk -1 and vocabulary 7: want 0 to 16777216": func(p *runtime.Program) { p.Chunk = -1 },
		"weight table: -4 bytes, outside [0, 1099511627776]": func(p *runtime.Program) {
			p.Weights[1].Bytes = -4
		},
		"state kv: 280 bytes, but f32 [2 12 3] has 288":      func(p *runtime.Program) { p.States[1].Bytes = 280 },
		"state kv: context axis 3 of shape [2 12 3]":         func(p *runtime.Program) { p.States[1].Ctx = 3 },
		"state kv: a dimension of 0 in its shape [2 0 3]":    func(p *runtime.Program) { p.States[1].Shape[1] = 0 },
		`state kv: its dtype is "q4_0"`:                      func(p *runtime.Program) { p.States[1].DType = "q4_0" },
		"kernel 2 (head_one): ":                              func(p *runtime.Program) { p.Kernels[2].Text = "func" },
		"step 1 is named decode like one before it":          func(p *runtime.Program) { p.Steps[1].Name = "decode" },
		"step decode: an arena of -1 bytes":                  func(p *runtime.Program) { p.Steps[0].Arena = -1 },
		`step decode: port tokens: unknown dtype "i31"`:      func(p *runtime.Program) { p.Steps[0].Inputs[0].DType = "i31" },
		"step decode: port logits: offset 4 of an arena of ": func(p *runtime.Program) { p.Steps[0].Outputs[0].Offset = 4 },
		"step decode: port logits: 3 coefficients for 2 symbols": func(p *runtime.Program) {
			p.Steps[0].Outputs[0].Shape[0].Coef = []int64{1, 2, 3}
		},
		launch + "kernel 7 of 7":                                              func(p *runtime.Program) { head(p).Kernel = 7 },
		launch + "kernel head_one: 1 floats for the 0 that it takes":          func(p *runtime.Program) { head(p).Floats = []float32{1} },
		launch + "kernel head_one: 0 ints, it takes 1":                        func(p *runtime.Program) { head(p).Ints = nil },
		launch + "kernel head_one: 1 buffers, it takes 2":                     func(p *runtime.Program) { head(p).Bufs = head(p).Bufs[:1] },
		launch + "kernel head_one: 3 coefficients for 2 symbols":              func(p *runtime.Program) { head(p).Ints[0].Coef = make([]int64, 3) },
		launch + "kernel head_one: buffer y: 112 bytes at 8 of an arena of":   func(p *runtime.Program) { head(p).Bufs[1].Offset = 8 },
		launch + "kernel head_one: buffer y: 112 bytes at -16 of an arena of": func(p *runtime.Program) { head(p).Bufs[1].Offset = -16 },
		launch + "kernel head_one: buffer y: 9223372036854775807 bytes at 64 of an arena of": func(p *runtime.Program) {
			head(p).Bufs[1].Bytes = 1<<63 - 1
		},
		launch + "kernel head_one: buffer y: weight memory of f32 for out of f32": func(p *runtime.Program) {
			head(p).Bufs[1] = runtime.Ref{Space: runtime.Weight, DType: "f32"}
		},
		launch + "kernel head_one: buffer kv: state memory of f16 for state of f32": func(p *runtime.Program) { head(p).Bufs[0].DType = "f16" },
		launch + "kernel head_one: buffer kv: state 2 of 2":                         func(p *runtime.Program) { head(p).Bufs[0].Index = 2 },
		launch + "kernel head_one: buffer kv: state 1 is used whole, not from 16 on": func(p *runtime.Program) {
			head(p).Bufs[0].Offset = 16
		},
		"step decode: launch 0 (layers.0.append_one): kernel append_one: buffer table: weight 1 is f16, not f32": func(p *runtime.Program) {
			p.Weights[1].DType = "f16"
		},
		"kernel append: groups of 0 threads with 0 bytes of group memory, and device 0 (Fake) has up to 1024 with 232448": func(p *runtime.Program) {
			p.Kernels[1].Threads = 0
		},
		"kernel append: groups of 256 threads with 240000 bytes": func(p *runtime.Program) { p.Kernels[1].Shared = 240000 },
	} {
		p := toyProgram(t)
		edit(p)
		_, err := NewPicker(p, toyWeights(), anyCode, newFakeDriver(toyProgram(t)), Options{})
		require.ErrorContains(t, err, want)
	}
}

// TestNotTokens has steps that Step refuses and RunStep runs.
func TestNotTokens(t *testing.T) {
	for want, edit := range map[string]func(p *runtime.Program, s *runtime.Step){
		"step prefill does not take tokens alone":    func(_ *runtime.Program, s *runtime.Step) { s.Inputs[0].Name = "ids" },
		"step prefill does not make logits alone":    func(_ *runtime.Program, s *runtime.Step) { s.Outputs[0].DType = "f16" },
		"step prefill has the symbols [S P B], want": func(p *runtime.Program, _ *runtime.Step) { p.Symbols = []string{"S", "P", "B"} },
		"step prefill: input tokens has 12 bytes for 4 tokens": func(_ *runtime.Program, s *runtime.Step) {
			s.Inputs[0].Shape = []runtime.Affine{{Const: 3}}
		},
		"step prefill: 13 tokens at once in a context of 12": func(p *runtime.Program, _ *runtime.Step) { p.Chunk = 13 },
		"step prefill: port logits: 300 elements of f32 at 64 leave the arena of 1024 bytes": func(_ *runtime.Program, s *runtime.Step) {
			s.Outputs[0].Shape = []runtime.Affine{{Const: 300}}
		},
	} {
		p := toyProgram(t)
		edit(p, &p.Steps[1])
		e, _ := toyEngine(t, p)
		_, err := e.Step(t.Context(), runtime.Prefill, toyCache(t, e), 0, prompt[:2])
		require.ErrorContains(t, err, want)
	}
}
