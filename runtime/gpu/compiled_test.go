package gpu

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/llorch/llorch/codegen"
	"github.com/llorch/llorch/models"
	"github.com/llorch/llorch/runtime"
)

// TestCompiledModel runs a real model, compiled for CUDA, on the fake device: what its launches take must be what the engine gives.
func TestCompiledModel(t *testing.T) {
	dir := filepath.Join("..", "..", "..", "shared", "models", "stories260k")
	b, err := os.ReadFile(filepath.Join(dir, "expected.json"))
	if err != nil {
		t.Skipf("needs %s", dir)
	}
	var want struct {
		Greedy []struct {
			PromptIDs []int32 `json:"prompt_ids"`
			IDs       []int32 `json:"ids"`
		}
	}
	require.NoError(t, json.Unmarshal(b, &want))
	m, err := models.Open(filepath.Join(dir, "stories260k-f32.gguf"))
	require.NoError(t, err)
	defer m.Close()
	g, err := m.Graph(models.Options{})
	require.NoError(t, err)
	c, err := codegen.Compile(g, codegen.Options{Target: "cuda", Chunk: 8})
	require.NoError(t, err)
	_, err = c.Target.Sources(c.Program, c.Kernels) // which says how kernels are launched
	require.NoError(t, err)

	d := newFakeDriver(c.Program)
	e, err := NewPicker(c.Program, c.Weights(m), anyCode, d, Options{})
	require.NoError(t, err)
	defer e.Close()
	for _, w := range want.Greedy {
		s, err := runtime.NewSession(e, c.Program)
		require.NoError(t, err)
		var got []int32
		for tok, err := range runtime.Generate(t.Context(), s, w.PromptIDs, runtime.Options{MaxTokens: 40}) {
			require.NoError(t, err)
			got = append(got, tok.ID)
		}
		require.Equal(t, w.IDs[:40], got)
	}
	require.LessOrEqual(t, d.device().captures, len(want.Greedy), "one a session, or fewer where one takes the memory of another")
	require.Positive(t, d.device().captures)
}
