package models

import (
	"fmt"
	"math"
	"slices"
)

// Limits on what a file may claim. They are far beyond every model, and keep what is allocated from a Config in bounds.
const (
	maxCount   = 1 << 31 // of anything
	maxHeadDim = 1 << 16 // the rotary frequencies are a table of half as many
	maxTheta   = 1e15
	maxTurn    = 1e6   // radians from one position to the next
	minReal    = 1e-30 // of what kernels multiply by and divide by, in 32 bits
	maxReal    = 1e30
)

// validate checks what involves several keys, and the ranges of those that are no counts. file is where they stand.
func (c *Config) validate(file string, f *format) error {
	bad := func(key, form string, args ...any) error {
		return fmt.Errorf("%s: %s: %s", file, key, fmt.Sprintf(form, args...))
	}
	switch {
	case c.Heads%c.KVHeads != 0:
		return bad(f.heads, "found %d, want a multiple of %s, which is %d", c.Heads, f.kvHeads, c.KVHeads)
	case c.HeadDim > maxHeadDim:
		return bad(f.headDim, "found %d, want at most %d", c.HeadDim, maxHeadDim)
	case c.HeadDim%2 != 0:
		return bad(f.headDim, "found %d, want an even number: rotary embeddings turn pairs of elements", c.HeadDim)
	case int64(c.Heads)*int64(c.HeadDim) > maxCount:
		return bad(f.heads, "%d heads of %d (%s) have %d elements, want at most %d",
			c.Heads, c.HeadDim, f.headDim, int64(c.Heads)*int64(c.HeadDim), int64(maxCount))
	case c.Rope.Width < 2 || c.Rope.Width%2 != 0 || c.Rope.Width > c.HeadDim:
		return bad(f.width, "rotates %d elements of a head, want an even number of 2 to %d (%s)", c.Rope.Width, c.HeadDim, f.headDim)
	case !(c.NormEps > 0 && c.NormEps < 1):
		return bad(f.eps, "found %v, want a number between 0 and 1", c.NormEps)
	case !(c.Rope.Theta > 0 && c.Rope.Theta <= maxTheta):
		return bad(f.theta, "found %v, want a number above 0, at most %g", c.Rope.Theta, maxTheta)
	case !(slices.Max(c.Rope.Frequencies()) <= maxTurn):
		return bad(f.theta, "found %v, which with the scaling turns a pair by %.3g radians a position, want at most %g",
			c.Rope.Theta, slices.Max(c.Rope.Frequencies()), maxTurn)
	}
	for _, real := range []struct {
		key   string
		value float64 // 0: the model has none
	}{
		{"query_pre_attn_scalar", math.Pow(c.AttnScale, 2)}, // of which it is the inverse
		{"attn_logit_softcapping", c.AttnCap},
		{"final_logit_softcapping", c.LogitCap},
	} {
		if real.value != 0 && !(real.value >= minReal && real.value <= maxReal) {
			return bad(f.prefix+real.key, "found a number that 32 bits do not hold well, want %g to %g", minReal, maxReal)
		}
	}
	return nil
}

// positive reports a finite number above zero.
func positive(v float64) bool { return v > 0 && !math.IsInf(v, 0) }
