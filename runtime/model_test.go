package runtime

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestResultJSON(t *testing.T) {
	e := scripted(2, a)
	m, err := NewModel(e.p, e)
	require.NoError(t, err)
	r, err := m.Complete(t.Context(), "b", Options{MaxTokens: 1})
	require.NoError(t, err)
	r.Prefill.Duration, r.Decode.Duration = 1_234_567, 0
	line, err := json.Marshal(struct {
		Result
		Model string `json:"model"`
	}{r, "fake"})
	require.NoError(t, err)
	require.Equal(t, `{"prompt_ids":[1,6,4],"ids":[4],"text":"b","stop_reason":"length","past_tokens":0,"prompt_tokens":3,`+
		`"tokens":1,"decode_steps":0,"prefill_ms":1.234,"decode_ms":0,"model":"fake"}`, string(line))

	line, err = json.Marshal(newResult(0, nil))
	require.NoError(t, err)
	require.Contains(t, string(line), `"prompt_ids":[],"ids":[],`)
}

func TestModel(t *testing.T) {
	e := scripted(3, a, eos)
	m, err := NewModel(e.p, e)
	require.NoError(t, err)
	text := ""
	for tok, err := range m.Generate(t.Context(), "c", Options{}) {
		require.NoError(t, err)
		text += tok.Text
	}
	require.Equal(t, "a", text)

	_, err = m.Complete(t.Context(), "c", Options{Result: new(Result)})
	require.EqualError(t, err, "complete: the result is returned, Options.Result must be nil")
	_, err = m.Complete(t.Context(), "c", Options{Chunk: -1})
	require.ErrorContains(t, err, "chunk of -1 tokens")

	m.Tokenizer = nil
	_, err = m.Complete(t.Context(), "c", Options{})
	require.EqualError(t, err, "model fake has no tokenizer: a prompt must be ids")

	e.p.Tokenizer.Model = "wordpiece"
	_, err = NewModel(e.p, e)
	require.ErrorContains(t, err, `model fake: tokenizer: tokenizer model "wordpiece" is not supported`)
}

func TestRates(t *testing.T) {
	r := Result{PromptTokens: 30, Steps: 10, Prefill: Duration{3 * time.Second}, Decode: Duration{500 * time.Millisecond}}
	require.Equal(t, []float64{10, 20}, []float64{r.PrefillRate(), r.DecodeRate()})
	require.Zero(t, (&Result{Steps: 10}).DecodeRate(), "no time was taken")
}
