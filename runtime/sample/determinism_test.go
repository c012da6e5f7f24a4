package sample

import (
	"hash/fnv"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// goldenTokens samples 16 tokens, each accepted, from logits that every platform computes alike.
func goldenTokens(t *testing.T, s *Sampler, vocab int) []int32 {
	r := rand.New(rand.NewPCG(11, 12))
	logits := make([]float32, vocab)
	var ids []int32
	for range 16 {
		for i := range logits {
			logits[i] = float32(r.IntN(4000)-2000) / 256
		}
		id, err := s.Sample(logits)
		require.NoError(t, err)
		s.Accept(id)
		ids = append(ids, id)
	}
	return ids
}

func TestDeterminismGolden(t *testing.T) {
	tests := []struct {
		name string
		p    Params
		want []int32
	}{
		{"greedy", Params{Seed: 1}, []int32{163, 357, 233, 159, 219, 423, 268, 433, 188, 179, 499, 96, 222, 239, 495, 496}},
		{"plain", Params{Temperature: 1, Seed: 1}, []int32{59, 226, 18, 341, 134, 208, 352, 446, 418, 258, 136, 469, 282, 280, 147, 236}},
		{"another seed", Params{Temperature: 1, Seed: 2}, []int32{483, 474, 454, 165, 190, 69, 311, 297, 208, 329, 191, 26, 407, 455, 86, 457}},
		{"typical", Params{Temperature: 0.8, TopK: 40, TopP: 0.95, MinP: 0.05, RepeatPenalty: 1.1, Seed: 1}, []int32{136, 489, 213, 324, 294, 424, 399, 248, 492, 202, 358, 358, 154, 262, 86, 426}},
		{"top-p", Params{Temperature: 1.3, TopP: 0.9, Seed: 1}, []int32{201, 197, 467, 212, 174, 211, 421, 409, 386, 138, 342, 482, 4, 463, 290, 273}},
		{"min-p", Params{Temperature: 1.3, MinP: 0.1, Seed: 1}, []int32{59, 227, 18, 342, 134, 200, 352, 446, 418, 263, 136, 470, 282, 280, 140, 236}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newSampler(t, tt.p, 500)
			require.Equal(t, tt.want, goldenTokens(t, s, 500))
			s.Reset()
			require.Equal(t, tt.want, goldenTokens(t, s, 500), "after Reset")
		})
	}
}

// TestExpGolden pins expNeg's bits, so that a platform where they differ fails by name.
func TestExpGolden(t *testing.T) {
	h := fnv.New64a()
	r := rand.New(rand.NewPCG(3, 4))
	for range 100_000 {
		bits := math.Float64bits(expNeg(-30 * r.Float64()))
		for shift := 0; shift < 64; shift += 8 {
			h.Write([]byte{byte(bits >> shift)})
		}
	}
	require.Equal(t, uint64(0xdbced021fd72d48d), h.Sum64())
}

func TestExpAgainstMath(t *testing.T) {
	for x, want := range map[float64]float64{0: 1, math.Copysign(0, -1): 1, math.Inf(-1): 0, -709: 0, -1e300: 0, -5e-324: 1} {
		require.Equal(t, want, expNeg(x), "%g", x)
	}
	rapid.Check(t, func(t *rapid.T) {
		x := rapid.OneOf(rapid.Float64Range(-708, 0), rapid.Float64Range(-1, 0)).Draw(t, "x")
		require.InEpsilon(t, math.Exp(x), expNeg(x), 5e-16)
	})
}

func TestSampleDoesNotAllocate(t *testing.T) {
	logits := benchLogits(1000)
	for _, p := range benchParams {
		s := newSampler(t, p.Params, len(logits))
		for id := range int32(100) {
			s.Accept(id)
		}
		_, err := s.Sample(logits)
		require.NoError(t, err)
		allocs := testing.AllocsPerRun(100, func() {
			id, _ := s.Sample(logits)
			s.Accept(id)
		})
		require.Zero(t, allocs, p.name)
	}
}
