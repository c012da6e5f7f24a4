package runtime

import (
	"strconv"
	"time"
)

// StopReason says why a generation ended; it is "" before that, and after an error.
type StopReason string

const (
	StopEOS       StopReason = "eos"       // the model chose an end-of-generation token
	StopLength    StopReason = "length"    // Options.MaxTokens were generated
	StopString    StopReason = "stop"      // one of Options.Stop was found
	StopContext   StopReason = "context"   // the last token does not fit the context
	StopCancelled StopReason = "cancelled" // the context.Context ended, or the caller broke out of the loop
)

// Result is a generation's summary, in the JSON form that `llorch run --json` prints last.
type Result struct {
	PromptIDs    []int32    `json:"prompt_ids"`
	IDs          []int32    `json:"ids"`  // generated; without the end-of-generation token, with those of a stop string
	Text         string     `json:"text"` // of IDs, joined to the prompt; without the stop string
	StopReason   StopReason `json:"stop_reason"`
	PastTokens   int        `json:"past_tokens"` // in the session before the prompt
	PromptTokens int        `json:"prompt_tokens"`
	Tokens       int        `json:"tokens"`
	Steps        int        `json:"decode_steps"` // generated tokens that were fed: steps that Decode took
	Prefill      Duration   `json:"prefill_ms"`   // the prompt, until its logits
	Decode       Duration   `json:"decode_ms"`    // sampling and decode steps, without the caller's time
}

func newResult(past int, prompt []int32) Result {
	return Result{PromptIDs: append([]int32{}, prompt...), IDs: []int32{}, PastTokens: past, PromptTokens: len(prompt)}
}

// DecodeRate is decode steps a second, 0 without any.
func (r *Result) DecodeRate() float64 { return rate(r.Steps, r.Decode) }

// PrefillRate is prompt tokens a second, 0 without any.
func (r *Result) PrefillRate() float64 { return rate(r.PromptTokens, r.Prefill) }

func rate(n int, d Duration) float64 {
	if n == 0 || d.Duration <= 0 {
		return 0
	}
	return float64(n) / d.Seconds()
}

// Duration is a time.Duration whose JSON form is milliseconds.
type Duration struct{ time.Duration }

func (d Duration) MarshalJSON() ([]byte, error) {
	return strconv.AppendFloat(nil, float64(d.Microseconds())/1000, 'f', -1, 64), nil
}
