package sample

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

var benchParams = []struct {
	name string
	Params
}{
	{"greedy", Params{}},
	{"typical", Params{Temperature: 0.8, TopK: 40, TopP: 0.95, MinP: 0.05, RepeatPenalty: 1.1}},
	{"topp", Params{Temperature: 0.8, TopP: 0.95}},
	{"minp", Params{Temperature: 0.8, MinP: 0.05}},
	{"plain", Params{Temperature: 0.8}},
}

// benchLogits have a few likely tokens over a broad tail, as a model's do.
func benchLogits(vocab int) []float32 {
	r := rand.New(rand.NewPCG(5, 6))
	logits := make([]float32, vocab)
	for i := range logits {
		logits[i] = float32(r.NormFloat64()*2 - 4)
	}
	for range 20 {
		logits[r.IntN(vocab)] = float32(10 + 4*r.Float64())
	}
	return logits
}

func BenchmarkSample(b *testing.B) {
	for _, vocab := range []int{32000, 128256} {
		logits := benchLogits(vocab)
		for _, p := range benchParams {
			b.Run(fmt.Sprintf("%s/vocab=%d", p.name, vocab), func(b *testing.B) {
				s := newSampler(b, p.Params, vocab)
				for id := range int32(64) {
					s.Accept(id * 7)
				}
				if _, err := s.Sample(logits); err != nil {
					b.Fatal(err)
				}
				b.ReportAllocs()
				for b.Loop() {
					if _, err := s.Sample(logits); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
