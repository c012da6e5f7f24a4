package sample

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

var inf = float32(math.Inf(1))

func newSampler(t require.TestingT, p Params, vocab int) *Sampler {
	s, err := New(p, vocab)
	require.NoError(t, err)
	return s
}

// genLogits draws logits with ties and banned tokens, at least one of them possible.
func genLogits(t *rapid.T, vocab int) []float32 {
	step := rapid.SampledFrom([]float64{1, 0.25, 1e-3}).Draw(t, "step")
	spread := rapid.SampledFrom([]int{2, 20, 200}).Draw(t, "spread")
	logits := make([]float32, vocab)
	for i := range logits {
		logits[i] = float32(step * float64(rapid.IntRange(-spread, spread).Draw(t, "l")))
		if rapid.IntRange(0, 7).Draw(t, "ban") == 0 {
			logits[i] = -inf
		}
	}
	if i := rapid.IntRange(0, vocab-1).Draw(t, "possible"); logits[i] == -inf {
		logits[i] = 0.5
	}
	return logits
}

func genParams(t *rapid.T, vocab int) Params {
	return Params{
		Temperature:   rapid.OneOf(rapid.SampledFrom([]float64{0, 1, 1e-3}), rapid.Float64Range(0.05, 5)).Draw(t, "temperature"),
		TopK:          rapid.SampledFrom([]int{0, 1, 2, vocab / 2, vocab, vocab + 5}).Draw(t, "topk"),
		TopP:          rapid.OneOf(rapid.SampledFrom([]float64{0, 0, 1, 1 - 1e-7}), rapid.Float64Range(0.01, 0.999)).Draw(t, "topp"),
		MinP:          rapid.OneOf(rapid.SampledFrom([]float64{0, 0, 1}), rapid.Float64Range(0.001, 0.9)).Draw(t, "minp"),
		RepeatPenalty: rapid.SampledFrom([]float64{0, 1, 1.1, 2, 0.5}).Draw(t, "penalty"),
		RepeatLast:    rapid.SampledFrom([]int{0, 1, 3, 1000}).Draw(t, "last"),
		Seed:          rapid.Uint64().Draw(t, "seed"),
	}
}

// TestAgainstReference compares the set of possible tokens and each drawn token, through all stages together.
func TestAgainstReference(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		vocab := rapid.IntRange(1, 60).Draw(t, "vocab")
		p := genParams(t, vocab)
		s := newSampler(t, p, vocab)
		r := rand.New(rand.NewPCG(p.Seed, stream))
		history := rapid.SliceOfN(rapid.Int32Range(0, int32(vocab-1)), 0, 80).Draw(t, "history")
		for _, id := range history {
			s.Accept(id)
		}
		for range rapid.IntRange(1, 4).Draw(t, "steps") {
			logits := genLogits(t, vocab)
			before := slices.Clone(logits)
			got, err := s.Sample(logits)
			require.NoError(t, err)
			require.Equal(t, before, logits, "logits changed")

			options, unsure := reference(p, history, logits)
			want, unsureDraw := refDraw(p, vocab, r, options)
			if !unsure {
				requireKept(t, s, logits, options)
				require.True(t, slices.ContainsFunc(options, func(o option) bool { return o.id == got }), "%d is not allowed", got)
				if !unsureDraw {
					require.Equal(t, want, got)
				}
			}
			s.Accept(got)
			history = append(history, got)
		}
	})
}

// requireKept compares what truncate leaves with the reference's options, in the documented order.
func requireKept(t require.TestingT, s *Sampler, logits []float32, options []option) {
	if s.params.Temperature == 0 {
		return
	}
	logits, err := s.penalise(logits)
	require.NoError(t, err)
	var got, want []int32
	for _, c := range s.truncate(logits, float64(logits[Greedy(logits)])) {
		got = append(got, c.id)
	}
	for _, o := range options {
		want = append(want, o.id)
	}
	if s.params.TopK == 0 && s.params.TopP == 0 {
		slices.Sort(want)
	}
	require.Equal(t, want, got)
}

// TestStages checks every stage alone, on a distribution whose probabilities are known by hand.
func TestStages(t *testing.T) {
	ln := func(p float64) float32 { return float32(math.Log(p)) }
	logits := []float32{ln(0.05), ln(0.4), ln(0.15), ln(0.3), ln(0.1), -inf}
	tests := []struct {
		name string
		p    Params
		want []int32
	}{
		{"off", Params{}, []int32{0, 1, 2, 3, 4}},
		{"ones are off", Params{TopP: 1, RepeatPenalty: 1}, []int32{0, 1, 2, 3, 4}},
		{"top-k 2", Params{TopK: 2}, []int32{1, 3}},
		{"top-k beyond the possible", Params{TopK: 5}, []int32{1, 3, 2, 4, 0}},
		{"top-p within the best", Params{TopP: 0.3}, []int32{1}},
		{"top-p 0.8", Params{TopP: 0.8}, []int32{1, 3, 2}},
		{"top-p keeps the token that passes it", Params{TopP: 0.71}, []int32{1, 3, 2}},
		{"top-p after top-k is renormalised", Params{TopK: 2, TopP: 0.55}, []int32{1}},
		{"the same top-p without top-k", Params{TopP: 0.55}, []int32{1, 3}},
		{"min-p 0.3", Params{MinP: 0.3}, []int32{1, 2, 3}},
		{"min-p after top-p", Params{TopP: 0.9, MinP: 0.5}, []int32{1, 3}},
		{"min-p 1", Params{MinP: 1}, []int32{1}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, temperature := range []float64{0.1, 1, 50} { // truncation does not depend on it
				tt.p.Temperature = temperature
				s := newSampler(t, tt.p, len(logits))
				_, err := s.Sample(logits)
				require.NoError(t, err)
				var got []int32
				for _, c := range s.truncate(logits, float64(logits[1])) {
					got = append(got, c.id)
				}
				require.Equal(t, tt.want, got)
			}
		})
	}
}

func TestTiesKeepTheLowestIDs(t *testing.T) {
	logits := []float32{0, 1, 1, 0, 1, 1}
	for _, p := range []Params{{TopK: 3}, {TopP: 0.5}} {
		p.Temperature = 1
		s := newSampler(t, p, len(logits))
		_, err := s.Sample(logits)
		require.NoError(t, err)
		require.Equal(t, []candidate{{1, 1}, {1, 2}, {1, 4}}, s.truncate(logits, 1), "%+v", p)
	}
}

// TestExactNucleus has sums without rounding: two of four equal tokens are exactly half of the mass.
func TestExactNucleus(t *testing.T) {
	for _, p := range []Params{{TopP: 0.5}, {TopK: 4, TopP: 0.5}} {
		p.Temperature = 1
		logits := []float32{2, 2, -inf, 2, 2}
		s := newSampler(t, p, len(logits))
		_, err := s.Sample(logits)
		require.NoError(t, err)
		require.Equal(t, []candidate{{2, 0}, {2, 1}}, s.truncate(logits, 2), "%+v", p)
	}
}

// TestLargeVocabulary checks what is kept of model-like logits, where top-p looks at few tokens only.
func TestLargeVocabulary(t *testing.T) {
	logits := benchLogits(20_000)
	history := []int32{5, 6, 7}
	for _, p := range benchParams {
		for _, topP := range []float64{p.TopP, 0.5, 0.999, 1 - 1e-7} {
			p.TopP = topP
			s := newSampler(t, p.Params, len(logits))
			for _, id := range history {
				s.Accept(id)
			}
			_, err := s.Sample(logits)
			require.NoError(t, err)
			options, unsure := reference(p.Params, history, logits)
			if !unsure {
				requireKept(t, s, logits, options)
			}
		}
	}
}

func TestRepeatPenalty(t *testing.T) {
	tests := []struct {
		name    string
		p       Params
		history []int32
		want    []float32
	}{
		{"positive divided, negative multiplied", Params{RepeatPenalty: 2}, []int32{0, 1}, []float32{2, -4, 3, 0}},
		{"zero and -0 stay", Params{RepeatPenalty: 2}, []int32{3}, []float32{4, -2, 3, 0}},
		{"once for a repeated token", Params{RepeatPenalty: 2}, []int32{0, 0, 0}, []float32{2, -2, 3, 0}},
		{"below 1 favours", Params{RepeatPenalty: 0.5}, []int32{0, 1}, []float32{8, -1, 3, 0}},
		{"only the last ones", Params{RepeatPenalty: 2, RepeatLast: 2}, []int32{0, 1, 3, 2}, []float32{4, -2, 1.5, 0}},
		{"back in the window", Params{RepeatPenalty: 2, RepeatLast: 2}, []int32{0, 1, 0}, []float32{2, -4, 3, 0}},
		{"0 is off", Params{}, []int32{0, 1}, []float32{4, -2, 3, 0}},
		{"1 is off", Params{RepeatPenalty: 1}, []int32{0, 1}, []float32{4, -2, 3, 0}},
		{"no history", Params{RepeatPenalty: 2}, nil, []float32{4, -2, 3, 0}},
		{"default window", Params{RepeatPenalty: 2}, append([]int32{0}, slices.Repeat([]int32{2}, 64)...), []float32{4, -2, 1.5, 0}},
		{"default window, inside", Params{RepeatPenalty: 2}, append([]int32{0}, slices.Repeat([]int32{2}, 63)...), []float32{2, -2, 1.5, 0}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newSampler(t, tt.p, 4)
			for _, id := range tt.history {
				s.Accept(id)
			}
			got, err := s.penalise([]float32{4, -2, 3, 0})
			require.NoError(t, err)
			require.Equal(t, tt.want, got)
			id, err := s.Sample([]float32{4, -2, 3, 0})
			require.NoError(t, err)
			require.Equal(t, Greedy(tt.want), id, "greedy applies the penalty")
		})
	}
}

// TestFrequencies draws 20,000 tokens and compares their counts with the reference's probabilities by chi-square.
func TestFrequencies(t *testing.T) {
	logits := make([]float32, 50)
	r := rand.New(rand.NewPCG(1, 2))
	for i := range logits {
		logits[i] = float32(r.NormFloat64() * 2)
	}
	history := []int32{3, 17, 17, 40}
	for name, p := range map[string]Params{
		"plain":       {Temperature: 1},
		"hot":         {Temperature: 3},
		"cold":        {Temperature: 0.4},
		"top-k":       {Temperature: 0.8, TopK: 12},
		"top-p":       {Temperature: 1.2, TopP: 0.9},
		"min-p":       {Temperature: 1.5, MinP: 0.05},
		"everything":  {Temperature: 0.9, TopK: 30, TopP: 0.95, MinP: 0.02, RepeatPenalty: 1.3},
		"repetition":  {Temperature: 1, RepeatPenalty: 1.5, RepeatLast: 3},
		"rewards old": {Temperature: 1, RepeatPenalty: 0.5},
	} {
		t.Run(name, func(t *testing.T) {
			p.Seed = 7
			s := newSampler(t, p, len(logits))
			for _, id := range history {
				s.Accept(id)
			}
			const draws = 20_000
			counts := make([]int, len(logits))
			for range draws {
				id, err := s.Sample(logits)
				require.NoError(t, err)
				counts[id]++
			}
			options, unsure := reference(p, history, logits)
			require.False(t, unsure)
			chi, df := chiSquare(counts, options, draws)
			// Wilson and Hilferty's approximation of the quantile at 4 sigma, 1 in 30,000.
			q := 2 / (9 * df)
			limit := df * math.Pow(1-q+4*math.Sqrt(q), 3)
			require.Less(t, chi, limit, "%v degrees of freedom", df)
		})
	}
}

// chiSquare pools the options that are expected fewer than 5 times; a token that is no option makes it infinite.
func chiSquare(counts []int, options []option, draws int) (chi, df float64) {
	seen, pooled, pooledWant := 0, 0.0, 0.0
	add := func(got, want float64) {
		chi += (got - want) * (got - want) / want
		df++
	}
	for _, o := range options {
		seen += counts[o.id]
		if want := o.p * float64(draws); want >= 5 {
			add(float64(counts[o.id]), want)
		} else {
			pooled, pooledWant = pooled+float64(counts[o.id]), pooledWant+want
		}
	}
	if pooledWant > 0 {
		add(pooled, pooledWant)
	}
	if seen != draws {
		return math.Inf(1), df - 1
	}
	return chi, df - 1
}

func TestGreedy(t *testing.T) {
	nan := float32(math.NaN())
	for _, tt := range []struct {
		logits []float32
		want   int32
	}{
		{nil, -1},
		{[]float32{-3}, 0},
		{[]float32{1, 2, 2, 1}, 1},
		{[]float32{-inf, -inf}, 0},
		{[]float32{nan, -5, nan}, 1},
		{[]float32{float32(math.Copysign(0, -1)), 0}, 0},
	} {
		require.Equal(t, tt.want, Greedy(tt.logits), "%v", tt.logits)
	}
}

func TestExtremeLogits(t *testing.T) {
	tests := []struct {
		name   string
		p      Params
		logits []float32
		want   int32
	}{
		{"one possible token", Params{Temperature: 1}, []float32{-inf, -inf, -1e30, -inf}, 2},
		{"one possible token, top-k", Params{Temperature: 1, TopK: 3}, []float32{-inf, -inf, -1e30, -inf}, 2},
		{"one possible token, top-p", Params{Temperature: 1, TopP: 1 - 1e-16}, []float32{-inf, -inf, -1e30, -inf}, 2},
		{"the whole range", Params{Temperature: 1}, []float32{-math.MaxFloat32, 0, math.MaxFloat32, 1e38}, 2},
		{"smallest temperature", Params{Temperature: math.SmallestNonzeroFloat64}, []float32{1, 2, 3, 2.999999}, 2},
		{"smallest top-p", Params{Temperature: 9, TopP: math.SmallestNonzeroFloat64}, []float32{1, 2, 3, 2}, 2},
		{"smallest top-p after top-k", Params{Temperature: 9, TopK: 2, TopP: math.SmallestNonzeroFloat64}, []float32{1, 2, 3, 2}, 2},
		{"large logits, min-p", Params{Temperature: 1, MinP: 1e-300}, []float32{1e30, 2e30, 3e30, 0}, 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newSampler(t, tt.p, 4)
			for range 100 {
				id, err := s.Sample(tt.logits)
				require.NoError(t, err)
				require.Equal(t, tt.want, id)
			}
		})
	}
}

func TestSampleErrors(t *testing.T) {
	nan := float32(math.NaN())
	tests := []struct {
		p      Params
		accept int32
		logits []float32
		want   string
	}{
		{Params{}, 0, []float32{1, 2}, "sample: 2 logits for a vocabulary of 3 tokens"},
		{Params{}, 0, []float32{1, nan, 2}, "sample: logit 1 of 3 is NaN"},
		{Params{Temperature: 1}, 0, []float32{nan, nan, 2}, "sample: logit 0 of 3 is NaN"},
		{Params{Temperature: 1, TopK: 1}, 0, []float32{1, 2, inf}, "sample: logit 2 of 3 is +Inf"},
		{Params{}, 0, []float32{-inf, -inf, -inf}, "sample: logits 0 to 2 are all -Inf"},
		{Params{RepeatPenalty: 2}, 3, []float32{1, 2, 3}, "sample: token 3 in the history, want 0 to 2"},
		{Params{RepeatPenalty: 2}, -1, []float32{1, 2, 3}, "sample: token -1 in the history, want 0 to 2"},
		{Params{RepeatPenalty: 1e-30}, 1, []float32{1, 2e10, 3}, "sample: logit 1, 2e+10, overflows under repeat_penalty 1e-30"},
		{Params{RepeatPenalty: 1e300}, 1, []float32{1, -2, 3}, "sample: logit 1, -2, overflows under repeat_penalty 1e+300"},
	}
	for _, tt := range tests {
		s := newSampler(t, tt.p, 3)
		s.Accept(tt.accept)
		_, err := s.Sample(tt.logits)
		require.EqualError(t, err, tt.want)
	}
}
