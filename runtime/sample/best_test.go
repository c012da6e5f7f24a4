package sample

import (
	"cmp"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// TestSampleBest: of enough candidates SampleBest chooses what Sample chooses of all logits, and goes on with the same random
// numbers; of all of them it always can, but with a penalty.
func TestSampleBest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		vocab := rapid.IntRange(1, 40).Draw(t, "vocab")
		p := Params{
			Temperature: rapid.Float64Range(0.1, 3).Draw(t, "temperature"), TopK: rapid.IntRange(0, 12).Draw(t, "top k"),
			TopP: rapid.SampledFrom([]float64{0, 0.31, 0.77, 0.983}).Draw(t, "top p"),
			MinP: rapid.SampledFrom([]float64{0, 0.013, 0.41}).Draw(t, "min p"), Seed: 3,
		}
		whole, err := New(p, vocab)
		require.NoError(t, err)
		few, err := New(p, vocab)
		require.NoError(t, err)
		for range 4 {
			logits := genLogits(t, vocab)
			var all []Candidate
			sum := 0.0
			for id, l := range logits {
				if !math.IsInf(float64(l), -1) {
					all = append(all, Candidate{int32(id), l})
					sum += math.Exp(float64(l))
				}
			}
			slices.SortFunc(all, func(a, b Candidate) int { return cmp.Or(cmp.Compare(b.Logit, a.Logit), cmp.Compare(a.ID, b.ID)) })
			n := rapid.IntRange(1, len(all)).Draw(t, "candidates")
			id, ok := few.SampleBest(all[:n], math.Log(sum), n == len(all))
			if n == len(all) {
				require.Equal(t, few.params.Best(), ok)
			}
			if !ok { // the sampler is as it was
				id, err = few.Sample(logits)
				require.NoError(t, err)
			}
			want, err := whole.Sample(logits)
			require.NoError(t, err)
			require.Equal(t, want, id, "%+v, %d of %v", p, n, all)
		}
	})
}

func TestSampleBestLeavesPenaltiesAlone(t *testing.T) {
	s, err := New(Params{Temperature: 1, TopK: 2, RepeatPenalty: 1.5}, 4)
	require.NoError(t, err)
	_, ok := s.SampleBest([]Candidate{{0, 3}, {1, 2}}, 4, false)
	require.False(t, ok)
	_, ok = s.SampleBest(nil, 0, true)
	require.False(t, ok)
}
