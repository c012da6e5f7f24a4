package sample

import (
	"encoding/json"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestParamsErrors(t *testing.T) {
	nan, posInf := math.NaN(), math.Inf(1)
	tests := []struct {
		p    Params
		want string
	}{
		{Params{Temperature: -0.5}, "sample: temperature is -0.5, want a finite number, 0 (greedy) or more"},
		{Params{Temperature: nan}, "sample: temperature is NaN, want a finite number, 0 (greedy) or more"},
		{Params{Temperature: posInf}, "sample: temperature is +Inf, want a finite number, 0 (greedy) or more"},
		{Params{TopK: -1}, "sample: top_k is -1, want 0 (off) or more"},
		{Params{TopP: 1.5}, "sample: top_p is 1.5, want 0 (off) to 1 (off)"},
		{Params{TopP: nan}, "sample: top_p is NaN, want 0 (off) to 1 (off)"},
		{Params{MinP: -0.1}, "sample: min_p is -0.1, want 0 (off) to 1"},
		{Params{MinP: nan}, "sample: min_p is NaN, want 0 (off) to 1"},
		{Params{RepeatPenalty: -1}, "sample: repeat_penalty is -1, want a finite number, 0 (off) or more"},
		{Params{RepeatPenalty: posInf}, "sample: repeat_penalty is +Inf, want a finite number, 0 (off) or more"},
		{Params{RepeatLast: -1}, "sample: repeat_last_n is -1, want 0 (the default, 64) or more"},
		{Params{TopK: -1, TopP: 2}, "sample: top_k is -1, want 0 (off) or more"},
	}
	for _, tt := range tests {
		require.EqualError(t, tt.p.Validate(), tt.want)
		_, err := New(tt.p, 10)
		require.EqualError(t, err, tt.want)
	}
	for _, vocab := range []int{0, -4} {
		_, err := New(Params{}, vocab)
		require.ErrorContains(t, err, "want 1 to 2147483647")
	}
	require.NoError(t, Params{Temperature: 1, TopK: math.MaxInt, TopP: 1, MinP: 1, RepeatPenalty: 2, RepeatLast: math.MaxInt}.Validate())
}

func TestParamsJSON(t *testing.T) {
	p := Params{Temperature: 0.8, TopK: 40, TopP: 0.95, MinP: 0.05, RepeatPenalty: 1.1, RepeatLast: 32, Seed: math.MaxUint64}
	data, err := json.Marshal(p)
	require.NoError(t, err)
	require.JSONEq(t, `{"temperature":0.8,"top_k":40,"top_p":0.95,"min_p":0.05,"repeat_penalty":1.1,"repeat_last_n":32,"seed":18446744073709551615}`, string(data))
	var back Params
	require.NoError(t, json.Unmarshal(data, &back))
	require.Equal(t, p, back)
}
