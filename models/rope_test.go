package models

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// llama3Frequencies follows transformers' _compute_llama3_parameters: by wavelengths and masks, in float64.
func llama3Frequencies(theta, factor, low, high, original float64, dim int) []float64 {
	var out []float64
	for i := 0; i < dim; i += 2 {
		freq := 1 / math.Pow(theta, float64(i)/float64(dim))
		wavelen := 2 * math.Pi / freq
		lowWavelen, highWavelen := original/low, original/high
		scaled := freq
		if wavelen > lowWavelen {
			scaled = freq / factor
		}
		if !(wavelen < highWavelen) && !(wavelen > lowWavelen) {
			smooth := (original/wavelen - low) / (high - low)
			scaled = (1-smooth)*scaled/factor + smooth*scaled
		}
		out = append(out, scaled)
	}
	return out
}

func TestLlama3Frequencies(t *testing.T) {
	for _, test := range []struct {
		theta, factor, low, high, original float64
		dim                                int
	}{
		{500000, 8, 1, 4, 8192, 128}, // Llama 3.1
		{500000, 32, 1, 4, 8192, 64}, // Llama 3.2
		{10000, 2, 0.5, 3, 100, 16},
	} {
		r := Rope{Theta: test.theta, Width: test.dim, Llama3: &Llama3Scaling{test.factor, test.low, test.high, int(test.original)}}
		want := llama3Frequencies(test.theta, test.factor, test.low, test.high, test.original, test.dim)
		require.InEpsilonSlice(t, want, r.Frequencies(), 1e-12)
		require.Equal(t, 1.0, want[0])                                           // the shortest wave is left alone
		require.InEpsilon(t, want[len(want)-1], plainLast(r)/test.factor, 1e-12) // the longest one is stretched
	}
}

func plainLast(r Rope) float64 {
	return math.Pow(r.Theta, -float64(r.Width-2)/float64(r.Width))
}

func TestFrequencies(t *testing.T) {
	require.InEpsilonSlice(t, []float64{1, 0.1, 0.01, 0.001}, Rope{Theta: 10000, Width: 8}.Frequencies(), 1e-12)
	require.InEpsilonSlice(t, []float64{0.25, 0.025, 0.0025, 0.00025}, Rope{Theta: 10000, Width: 8, Linear: 4}.Frequencies(), 1e-12)
	require.InEpsilonSlice(t, []float64{1, 0.05, 0.01, 0.000125}, Rope{Theta: 10000, Width: 8, Factors: []float64{1, 2, 1, 8}}.Frequencies(), 1e-12)
}

// GGUF holds Llama 3's scaling as factors by which frequencies are divided; both ways must come out alike.
func TestFactorsAreLlama3(t *testing.T) {
	plain := Rope{Theta: 500000, Width: 64}
	scaled := plain
	scaled.Llama3 = &Llama3Scaling{32, 1, 4, 8192}
	factors := plain
	for i, f := range plain.Frequencies() {
		factors.Factors = append(factors.Factors, f/scaled.Frequencies()[i])
	}
	require.InEpsilonSlice(t, scaled.Frequencies(), factors.Frequencies(), 1e-12)
}
