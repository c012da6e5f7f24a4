package main

import (
	"fmt"
	"math/rand/v2"

	"github.com/llorch/llorch/runtime"
	"github.com/llorch/llorch/runtime/sample"
)

// samplingFlags say how tokens are chosen, and when they end.
type samplingFlags struct {
	N             int      `short:"n" default:"256" help:"Tokens to generate at most; 0 for as many as the context takes."`
	Temp          *float64 `help:"Temperature; 0 always takes the likeliest token. Unless given, 0 in conversations and 0.8 otherwise."`
	TopK          int      `default:"40" help:"Sample from the K likeliest tokens; 0 is off."`
	TopP          float64  `default:"0.95" help:"Sample from the likeliest tokens that have this probability together; 1 is off."`
	MinP          float64  `default:"0.05" help:"Drop tokens less likely than this times the likeliest; 0 is off."`
	RepeatPenalty float64  `default:"1" help:"Penalty on the last 64 tokens; 1 is off."`
	Seed          *uint64  `help:"Seed of the sampler; random unless given."`
	Stop          []string `sep:"none" help:"End the text before this string; may be repeated."`
}

// options are the flags'. The temperature is usual unless one is given.
func (f *samplingFlags) options(usual float64) (runtime.Options, error) {
	seed := rand.Uint64()
	if f.Seed != nil {
		seed = *f.Seed
	}
	if f.Temp != nil {
		usual = *f.Temp
	}
	p := sample.Params{Temperature: usual, TopK: f.TopK, TopP: f.TopP, MinP: f.MinP, RepeatPenalty: f.RepeatPenalty, Seed: seed}
	if err := p.Validate(); err != nil {
		return runtime.Options{}, err
	}
	if f.N < 0 {
		return runtime.Options{}, fmt.Errorf("-n is %d, want 0 or more", f.N)
	}
	if _, err := sample.NewStops(f.Stop); err != nil {
		return runtime.Options{}, err
	}
	return runtime.Options{MaxTokens: f.N, Sample: p, Stop: f.Stop}, nil
}
