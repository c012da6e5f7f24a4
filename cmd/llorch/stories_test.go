package main

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/llorch/llorch/ir/kernel"
)

// TestStories holds the real 260K-parameter Llama against files that other runtimes made: the greedy ids of each prompt, and
// the logits of every position of the first, whole and in chunks; from GGUF and from the Hugging Face folder.
func TestStories(t *testing.T) {
	dir := sharedModels(t, "stories260k")
	want := readExpected(t, dir)
	wantLogits := readFloats(t, filepath.Join(dir, "expected-logits.f32"))
	first := joinIDs(slices.Concat(want[0].PromptIDs, want[0].IDs))
	for _, model := range []string{filepath.Join(dir, "stories260k-f32.gguf"), dir} {
		for _, c := range want {
			for _, warm := range []string{"0", "2"} {
				var got struct {
					PromptIDs []int32 `json:"prompt_ids"`
					IDs       []int32 `json:"ids"`
				}
				line := runOK(t, "run", model, "--temp", "0", "-n", "200", "--json", "--warm-up", warm, c.Prompt)
				require.NoError(t, json.Unmarshal(line, &got))
				require.Equal(t, c.PromptIDs, got.PromptIDs)
				require.Equal(t, c.IDs, got.IDs)
			}
		}
		for _, chunk := range []string{"0", "1", "3", "7"} {
			out := filepath.Join(t.TempDir(), "logits.f32")
			runOK(t, "logits", model, "--ids", first, "--chunk", chunk, "-o", out)
			got := readFloats(t, out)
			require.Len(t, got, len(wantLogits))
			for i, w := range wantLogits {
				require.Less(t, math.Abs(float64(w-got[i])), 1e-4, "%s, chunk %s, element %d", model, chunk, i)
			}
		}
	}
}

func readFloats(t *testing.T, path string) []float32 {
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	v := make([]float32, len(b)/4)
	kernel.F32.Row().Decode(v, b)
	return v
}
