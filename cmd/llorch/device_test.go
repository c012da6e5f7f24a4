package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/llorch/llorch/runtime/cuda/driver"
)

func hasDevice() bool {
	d, err := driver.Load()
	if err != nil {
		return false
	}
	all, err := d.Devices()
	return err == nil && len(all) > 0
}

// TestDeviceStories holds the real 260K-parameter Llama on the GPU against files that other runtimes made, from the model and from an
// artifact: 200 greedy ids of each prompt, with a warm-up and without, and the logits of every position, whole and in chunks.
func TestDeviceStories(t *testing.T) {
	if !hasDevice() {
		t.Skip("needs an NVIDIA GPU with its driver")
	}
	dir := sharedModels(t, "stories260k")
	want := readExpected(t, dir)
	wantLogits := readFloats(t, filepath.Join(dir, "expected-logits.f32"))
	first := joinIDs(slices.Concat(want[0].PromptIDs, want[0].IDs))
	model := filepath.Join(dir, "stories260k-f32.gguf")
	built := filepath.Join(t.TempDir(), "built")
	runOK(t, "compile", model, "--target", "cuda", "-o", built)
	for _, args := range [][]string{{model, "--target", "cuda"}, {built}} {
		for _, c := range want {
			for _, warm := range []string{"0", "2"} {
				var got struct{ IDs []int32 }
				line := runOK(t, slices.Concat([]string{"run"}, args, []string{"--temp", "0", "-n", "200", "--json", "--warm-up", warm, c.Prompt})...)
				require.NoError(t, json.Unmarshal(line, &got))
				require.Equal(t, c.IDs, got.IDs)
			}
		}
		for _, chunk := range []string{"0", "1", "3", "7"} {
			out := filepath.Join(t.TempDir(), "logits.f32")
			runOK(t, slices.Concat([]string{"logits"}, args, []string{"--ids", first, "--chunk", chunk, "-o", out})...)
			worst := largestDifference(t, wantLogits, readFloats(t, out))
			t.Logf("logits in chunks of %s are off by %.2g at most", chunk, worst)
			require.Less(t, worst, 2e-4)
		}
	}
}

// TestDeviceSeed is the run that failed in the seed's bug report, on the GPU and held against the CPU: TinyLlama-1.1B in F32, a
// warm-up of 2 tokens, a prompt of 5, then 50 more. LLORCH_SEED_MODEL names the model, which ../shared/tools/mkgguf makes.
func TestDeviceSeed(t *testing.T) {
	model := os.Getenv("LLORCH_SEED_MODEL")
	if !hasDevice() || model == "" {
		t.Skip("needs an NVIDIA GPU with its driver, and a TinyLlama-1.1B in F32 that LLORCH_SEED_MODEL names")
	}
	const ids = "1,9038,2501,263,931"
	cpu := generate(t, model, "--ids", ids, "--warm-up", "2")
	cold := generate(t, model, "--target", "cuda", "--ids", ids)
	warm := generate(t, model, "--target", "cuda", "--ids", ids, "--warm-up", "2")
	require.Equal(t, cold, warm)
	require.Equal(t, cpu, warm)
	require.Len(t, warm, 50)
	long := ids + "," + joinIDs(warm)
	var logits [2][]float32
	for i, target := range []string{"cpu", "cuda"} {
		out := filepath.Join(t.TempDir(), target)
		runOK(t, "logits", model, "--target", target, "--ids", long, "-o", out)
		logits[i] = readFloats(t, out)
	}
	worst := largestDifference(t, logits[0], logits[1])
	t.Logf("logits of 55 positions differ from the CPU's by %.2g at most", worst)
	require.Less(t, worst, 1e-3)
}

func largestDifference(t *testing.T, want, got []float32) float64 {
	require.Len(t, got, len(want))
	worst := 0.0
	for i, w := range want {
		d := math.Abs(float64(w - got[i]))
		if math.IsNaN(d) {
			return d
		}
		worst = max(worst, d)
	}
	return worst
}

type greedyRun struct {
	Prompt    string
	PromptIDs []int32 `json:"prompt_ids"`
	IDs       []int32
}

// readExpected is what other runtimes generated greedily.
func readExpected(t *testing.T, dir string) []greedyRun {
	b, err := os.ReadFile(filepath.Join(dir, "expected.json"))
	require.NoError(t, err)
	var want struct{ Greedy []greedyRun }
	require.NoError(t, json.Unmarshal(b, &want))
	require.Len(t, want.Greedy, 3)
	return want.Greedy
}

// sharedModels is a folder of models that other runtimes were run on, in shared/ beside the repository or where LLORCH_SHARED says.
func sharedModels(t *testing.T, name string) string {
	dir := filepath.Join(cmp.Or(os.Getenv("LLORCH_SHARED"), filepath.Join("..", "..", "..", "shared")), "models", name)
	if _, err := os.Stat(filepath.Join(dir, "expected.json")); err != nil {
		t.Skipf("needs %s", dir)
	}
	return dir
}

func joinIDs(ids []int32) string {
	return strings.Trim(strings.Join(strings.Fields(fmt.Sprint(ids)), ","), "[]")
}
