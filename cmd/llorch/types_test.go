package main

import (
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/llorch/llorch/ir/kernel"
)

// TestTypesRun holds models of real shapes with random weights of every file type against the float64 reference: SmolLM2-135M, and
// TinyLlama-1.1B where blocks are longer than SmolLM2's rows. It takes minutes and makes 4 GB, so it asks to be asked:
// LLORCH_TYPES_RUN=1.
func TestTypesRun(t *testing.T) {
	if os.Getenv("LLORCH_TYPES_RUN") == "" {
		t.Skip("takes minutes and 1 GB at a time: set LLORCH_TYPES_RUN=1")
	}
	ids := []int32{1, 9038, 2501, 263, 931}
	for i := range kernel.DTypes {
		row := &kernel.DTypes[i]
		if !row.Weight || row.Panel != nil {
			continue
		}
		t.Run(row.Name, func(t *testing.T) {
			shape := "smollm2-135m"
			if row.Elems > 32 {
				shape = "tinyllama-1.1b"
			}
			model := mkgguf(t, shape, row.Name)
			var at []float64
			for _, id := range ids {
				at = append(at, float64(id))
			}
			want := reference(t, model, at)
			for _, acts := range []string{"a16", "f32", "a8"} {
				var flag []string
				if row.Elems > 1 {
					flag = []string{"--activations", acts}
				}
				got := logitsOf(t, model, ids, flag...)
				require.Len(t, got, len(want))
				worst, kl, vocab := 0.0, 0.0, len(want)/len(ids)
				for i := range want {
					worst = max(worst, math.Abs(want[i]-float64(got[i])))
				}
				for i := range ids {
					kl += distance(want[i*vocab:(i+1)*vocab], got[i*vocab:(i+1)*vocab]) / float64(len(ids))
				}
				t.Logf("%s, activations %s: logits within %.2g, mean divergence %.2g", shape, acts, worst, kl)
				switch {
				case row.Elems == 1 || acts == "f32":
					require.Less(t, worst, 1e-3)
				case acts == "a16": // rounding turns the rounding of an f16 key or value now and then
					require.Less(t, kl, 1e-5)
				default:
					require.Less(t, kl, 3e-3)
				}
				if row.Elems == 1 {
					break // there is nothing to round
				}
			}
		})
	}
}

// mkgguf makes a model of a real shape with random weights.
func mkgguf(t *testing.T, shape, dtype string) string {
	shared, err := filepath.Abs("../../../shared")
	require.NoError(t, err)
	if _, err := os.Stat(shared); err != nil {
		t.Skipf("needs %s", shared)
	}
	path := filepath.Join(t.TempDir(), shape+"-"+dtype+".gguf")
	cmd := exec.Command("go", "run", ".", "-shape", shape, "-type", dtype, "-vocab", filepath.Join(shared, "data/vocab-llama-spm.gguf"), "-o", path)
	cmd.Dir = filepath.Join(shared, "tools/mkgguf")
	msg, err := cmd.CombinedOutput()
	require.NoError(t, err, string(msg))
	return path
}

// distance is KL(softmax(p) || softmax(q)).
func distance(p []float64, q []float32) float64 {
	norm := func(at func(i int) float64) float64 {
		most, sum := math.Inf(-1), 0.0
		for i := range p {
			most = max(most, at(i))
		}
		for i := range p {
			sum += math.Exp(at(i) - most)
		}
		return most + math.Log(sum)
	}
	np, nq := norm(func(i int) float64 { return p[i] }), norm(func(i int) float64 { return float64(q[i]) })
	kl := 0.0
	for i := range p {
		kl += math.Exp(p[i]-np) * (p[i] - np - (float64(q[i]) - nq))
	}
	return kl
}
