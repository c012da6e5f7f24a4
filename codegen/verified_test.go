package codegen_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/llorch/llorch/codegen/verify"
	"github.com/llorch/llorch/gen"
	"github.com/llorch/llorch/runtime/cpu"
)

// TestVerified has `llorch verify`'s checks pass for Llamas of several structures, on the CPU and under the schedules of GPUs: its
// tolerances hold where nothing is wrong, also where prompts are multiplied in 16 bits.
func TestVerified(t *testing.T) {
	wanted := map[string]bool{"biases": true, "gemma2": true, "qwen2": true, "qwen3": true, "odd blocks": true, "mixed": true}
	for _, c := range llamaCases() {
		if !wanted[c.shape] {
			continue
		}
		wanted[c.shape] = false // one of each
		t.Run(c.String(), func(t *testing.T) {
			t.Parallel()
			tr := &trial{g: c.graph(t), env: map[string]int64{"S": 3, "P": 5}, seed: 3}
			ref, err := verify.New(t.Context(), tr.g, tr, verify.Options{Prompt: []int32{3, 1, 4, 1, 5, 9}, Decode: 2})
			require.NoError(t, err)
			for _, tr.target = range []string{"cpu", "gpu", "narrow"} {
				compiled := tr.compile(t)
				lib := gen.Library()
				if tr.target != "cpu" {
					lib = hostile(t, compiled.Kernels)
				}
				e, err := cpu.New(compiled.Program, tr.weights(compiled), lib, cpu.Options{Threads: 2})
				require.NoError(t, err)
				r, err := ref.Check(t.Context(), verify.Target{Compiled: compiled, Engine: e})
				require.NoError(t, err)
				require.NoError(t, e.Close())
				require.True(t, r.Passed, "%s: %v %+v", tr.target, r.First, r.Sessions)
				for _, s := range r.Steps {
					require.Less(t, s.Logits, s.Tolerance)
				}
			}
		})
	}
}
