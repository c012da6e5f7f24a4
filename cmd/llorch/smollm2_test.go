package main

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// smollm2 is the file that "make smollm2" fetches: SmolLM2-135M-Instruct in Q4_1 with a Q8_0 embedding.
func smollm2(t *testing.T) string {
	cache, err := os.UserCacheDir()
	require.NoError(t, err)
	path := filepath.Join(cache, "llorch", "SmolLM2-135M-Instruct.Q4_1.gguf")
	if _, err := os.Stat(path); err != nil {
		t.Skipf("needs %s: make smollm2", path)
	}
	return path
}

// expected is ../shared/models/smollm2/expected.json: a float64 reference over the dequantised weights.
type expected struct {
	Greedy []greedy
	Chat   struct {
		greedy
		Message string
	}
	Score struct {
		IDs       []int32
		Positions []struct {
			LogSumExp float64
			Top       [][2]float64 // id and logit
		}
	}
}

type greedy struct {
	Prompt    string
	PromptIDs []int32 `json:"prompt_ids"`
	IDs       []int32
	Text      string
	Margins   []float64
}

func smollm2Expected(t *testing.T) *expected {
	path := filepath.Join("..", "..", "..", "shared", "models", "smollm2", "expected.json")
	b, err := os.ReadFile(path)
	if err != nil {
		t.Skipf("needs %s", path)
	}
	var e expected
	require.NoError(t, json.Unmarshal(b, &e))
	require.Len(t, e.Greedy, 3)
	require.Len(t, e.Score.Positions, 77)
	return &e
}

// sure is a margin between the best two logits that rounding to 8 bits does not turn.
const sure = 0.5

// TestSmolLM2Score compares the distributions over 17 outcomes: the reference's 16 likeliest tokens, and the rest together.
func TestSmolLM2Score(t *testing.T) {
	model, want := smollm2(t), smollm2Expected(t)
	for activations, most := range map[string]float64{"a8": 3e-3, "a16": 1e-5, "f32": 1e-5} {
		logits := logitsOf(t, model, want.Score.IDs, "--activations", activations)
		vocab := len(logits) / len(want.Score.IDs)
		mean := 0.0
		for i, p := range want.Score.Positions {
			row := logits[i*vocab : (i+1)*vocab]
			mean += divergence(p.Top, p.LogSumExp, row) / float64(len(want.Score.Positions))
			if p.Top[0][1]-p.Top[1][1] > sure {
				require.Equal(t, int(p.Top[0][0]), argmax(row), "position %d", i)
			}
		}
		t.Logf("activations %s: mean divergence %.2e", activations, mean)
		require.Less(t, mean, most, activations)
	}
}

// divergence is KL(p || q) over the tokens of top and the rest; q is normalised over the whole vocabulary.
func divergence(top [][2]float64, logSumExp float64, row []float32) float64 {
	sum, most := 0.0, float64(row[argmax(row)])
	for _, v := range row {
		sum += math.Exp(float64(v) - most)
	}
	norm := most + math.Log(sum)
	kl, restP, restQ := 0.0, 1.0, 1.0
	for _, t := range top {
		p, q := math.Exp(t[1]-logSumExp), math.Exp(float64(row[int(t[0])])-norm)
		kl += p * math.Log(p/q)
		restP, restQ = restP-p, restQ-q
	}
	if restP > 0 {
		kl += restP * math.Log(restP/restQ)
	}
	return kl
}

// TestSmolLM2Greedy: the text is the reference's up to the first step where it was not sure, and each of its tokens is nearly the
// best for this model too.
func TestSmolLM2Greedy(t *testing.T) {
	model, want := smollm2(t), smollm2Expected(t)
	for _, g := range append(want.Greedy, want.Chat.greedy) {
		var got struct {
			PromptIDs []int32 `json:"prompt_ids"`
			IDs       []int32
		}
		args := []string{"run", model, "--temp", "0", "-n", fmt.Sprint(len(g.IDs)), "--ignore-eos", "--json"}
		if g.Text == want.Chat.Text {
			args = append(args, "--chat", want.Chat.Message)
		} else {
			args = append(args, g.Prompt)
		}
		require.NoError(t, json.Unmarshal(runOK(t, args...), &got))
		require.Equal(t, g.PromptIDs, got.PromptIDs)
		for i, margin := range g.Margins {
			if margin < sure {
				break
			}
			require.Equal(t, g.IDs[i], got.IDs[i], "%q: token %d", g.Prompt, i)
		}
		logits := logitsOf(t, model, append(g.PromptIDs, g.IDs...))
		vocab := len(logits) / (len(g.PromptIDs) + len(g.IDs))
		for i, id := range g.IDs {
			row := logits[(len(g.PromptIDs)+i-1)*vocab:][:vocab]
			require.Less(t, float64(row[argmax(row)]-row[id]), sure, "%q: token %d", g.Prompt, i)
		}
	}
}

// TestSmolLM2Chat asks a question through the model's own template.
func TestSmolLM2Chat(t *testing.T) {
	model := smollm2(t)
	text := string(runOK(t, "run", model, "--chat", "What is the capital of France?"))
	require.Contains(t, text, "Paris")
	require.NotContains(t, text, "<|im_end|>")
}

// logitsOf are the logits of every position.
func logitsOf(t *testing.T, model string, ids []int32, more ...string) []float32 {
	out := filepath.Join(t.TempDir(), "logits.f32")
	list := strings.Trim(strings.Join(strings.Fields(fmt.Sprint(ids)), ","), "[]")
	runOK(t, append([]string{"logits", model, "--ids", list, "-o", out}, more...)...)
	return readFloats(t, out)
}

func argmax(row []float32) int {
	best := 0
	for i, v := range row {
		if v > row[best] {
			best = i
		}
	}
	return best
}
