package packaged

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/llorch/llorch/runtime"
	"github.com/llorch/llorch/runtime/sample"
)

// Option changes how text is generated.
type Option func(*settings)

// settings are what options change.
type settings struct {
	sample    sample.Params
	seeded    bool // otherwise every call draws a seed
	maxTokens int
	stop      []string
	threads   int
}

// defaults are those of llorch run.
func defaults() settings {
	return settings{
		sample:    sample.Params{Temperature: 0.8, TopK: 40, TopP: 0.95, MinP: 0.05, RepeatPenalty: 1},
		maxTokens: 256,
	}
}

// Temperature divides the logits, 0.8 unless given; 0 always takes the likeliest token.
func Temperature(t float64) Option { return func(s *settings) { s.sample.Temperature = t } }

// TopK samples from the k likeliest tokens, 40 unless given; 0 is off.
func TopK(k int) Option { return func(s *settings) { s.sample.TopK = k } }

// TopP samples from the likeliest tokens that have probability p together, 0.95 unless given; 1 is off.
func TopP(p float64) Option { return func(s *settings) { s.sample.TopP = p } }

// MinP drops tokens less likely than p times the likeliest, 0.05 unless given; 0 is off.
func MinP(p float64) Option { return func(s *settings) { s.sample.MinP = p } }

// RepeatPenalty is the penalty on the last 64 tokens; 1 is off, and the default.
func RepeatPenalty(p float64) Option { return func(s *settings) { s.sample.RepeatPenalty = p } }

// Seed makes calls repeatable; without it each call draws a seed.
func Seed(n uint64) Option { return func(s *settings) { s.sample.Seed, s.seeded = n, true } }

// MaxTokens is the most tokens to generate, 256 unless given; 0 is as many as the context takes.
func MaxTokens(n int) Option { return func(s *settings) { s.maxTokens = n } }

// Stop ends the text before the first of these strings.
func Stop(texts ...string) Option {
	texts = slices.Clone(texts)
	return func(s *settings) { s.stop = texts }
}

// Threads is the number of worker threads, one a processor unless given. It is for the whole model, not for one call.
func Threads(n int) Option { return func(s *settings) { s.threads = n } }

// with is s changed by opts, and what is wrong with that.
func (s settings) with(opts []Option) (settings, error) {
	for _, o := range opts {
		o(&s)
	}
	if err := s.sample.Validate(); err != nil {
		return s, err
	}
	for _, c := range []struct {
		name string
		n    int
	}{{"MaxTokens", s.maxTokens}, {"Threads", s.threads}} {
		if c.n < 0 {
			return s, fmt.Errorf("%s is %d, want 0 or more", c.name, c.n)
		}
	}
	return s, nil
}

// generation is s in the runtime's terms.
func (s settings) generation() runtime.Options {
	if !s.seeded {
		s.sample.Seed = rand.Uint64()
	}
	return runtime.Options{MaxTokens: s.maxTokens, Sample: s.sample, Stop: s.stop}
}
