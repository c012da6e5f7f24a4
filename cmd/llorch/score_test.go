package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestScoreIsLogits computes the score again from what llorch tokenize and llorch logits give, by the definition, and holds
// windows and chunks against it.
func TestScoreIsLogits(t *testing.T) {
	model := filepath.Join("..", "..", "..", "shared", "models", "stories260k", "stories260k-f32.gguf")
	if _, err := os.Stat(model); err != nil {
		t.Skipf("needs %s", model)
	}
	const text = "Once upon a time there was a café, and 12 little dogs ran to it.\nThey did not run back: \"No!\"\n"
	file := filepath.Join(t.TempDir(), "text")
	require.NoError(t, os.WriteFile(file, []byte(text), 0o644))
	ids := tokenIDs(t, model, text)
	for _, c := range []struct{ window, chunk int }{{0, 0}, {0, 5}, {16, 0}, {7, 3}, {1, 0}} {
		nats := 0.0
		window := c.window
		if window == 0 {
			window = 512
		}
		for at := 0; at < len(ids); at += window {
			nats += windowNats(t, model, ids[at:min(at+window, len(ids))])
		}
		line := runOK(t, "score", model, file, "--json", "--window", fmt.Sprint(c.window), "--chunk", fmt.Sprint(c.chunk))
		var got struct {
			BitsPerByte float64 `json:"bits_per_byte"`
			Perplexity  float64
			NLL         float64
			Bytes       int
			Tokens      int
			Windows     int
			Window      int
			Model, File string
		}
		require.NoError(t, json.Unmarshal(line, &got))
		require.Equal(t, len(text), got.Bytes)
		require.Equal(t, len(ids), got.Tokens)
		require.Equal(t, (len(ids)+window-1)/window, got.Windows)
		require.Equal(t, window, got.Window)
		require.Equal(t, file, got.File)
		require.Equal(t, "stories260K", got.Model)
		// Chunks of other sizes sum in another order, in f32.
		require.InDelta(t, nats/float64(len(ids)), got.NLL, 1e-5, "window %d, chunk %d", c.window, c.chunk)
		require.InDelta(t, nats/math.Ln2/float64(len(text)), got.BitsPerByte, 1e-5)
		require.InEpsilon(t, math.Exp(got.NLL), got.Perplexity, 1e-12)
	}
}

// tokenIDs is the text's tokens without BOS.
func tokenIDs(t *testing.T, model, text string) []string {
	var out, errs bytes.Buffer
	status := run(&env{context.Background(), strings.NewReader(text), &out, &errs}, []string{"tokenize", "--no-bos", model})
	require.Zero(t, status, errs.String())
	return strings.Fields(out.String())
}

// windowNats is -Σ ln p of the tokens behind BOS, by the softmax's definition.
func windowNats(t *testing.T, model string, ids []string) float64 {
	out := filepath.Join(t.TempDir(), "logits.f32")
	runOK(t, "logits", model, "-o", out, "--ids", strings.Join(append([]string{"1"}, ids[:len(ids)-1]...), ","))
	logits := readFloats(t, out)
	vocab := len(logits) / len(ids)
	nats := 0.0
	for i, word := range ids {
		var id int
		_, err := fmt.Sscan(word, &id)
		require.NoError(t, err)
		sum := 0.0
		for _, x := range logits[i*vocab:][:vocab] {
			sum += math.Exp(float64(x))
		}
		nats -= math.Log(math.Exp(float64(logits[i*vocab+id])) / sum)
	}
	return nats
}

// TestInterruptedScore: Ctrl-C ends it with exit status 130 and no numbers.
func TestInterruptedScore(t *testing.T) {
	status, out, errs := interrupted(t, "score", "-")
	require.Equal(t, 130, status)
	require.Empty(t, out)
	require.Equal(t, "llorch: interrupted\n", errs)
}

// interrupted runs a command of a tiny model with a context that has ended.
func interrupted(t *testing.T, command string, args ...string) (status int, stdout, stderr string) {
	model := filepath.Join(t.TempDir(), "m.gguf")
	require.NoError(t, os.WriteFile(model, tinyGGUF(), 0o644))
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	var out, errs bytes.Buffer
	status = run(&env{ctx, strings.NewReader("a b c"), &out, &errs}, append([]string{command, model}, args...))
	return status, out.String(), errs.String()
}
