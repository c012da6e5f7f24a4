package sample

import (
	"cmp"
	"math"
	"slices"
)

// Candidate is a token that may follow, with its logit.
type Candidate struct {
	ID    int32
	Logit float32
}

// Best says whether SampleBest may do without the other logits: nothing is penalised, and something limits the choice.
func (p Params) Best() bool {
	return p.Temperature > 0 && (p.RepeatPenalty == 0 || p.RepeatPenalty == 1) && (p.TopK > 0 || p.TopP > 0 && p.TopP < 1 || p.MinP > 0)
}

// SampleBest is Sample for who knows the best candidates alone, best first and by id among equals, and the logarithm of the sum of the
// exponentials of all logits. All says that there are no other candidates. It chooses what Sample would choose of all logits, or is not
// ok and leaves the sampler as it was, when that takes more than it was given.
func (s *Sampler) SampleBest(best []Candidate, logSumExp float64, all bool) (id int32, ok bool) {
	if len(best) == 0 || !s.params.Best() || len(s.history.ids) > 0 {
		return 0, false
	}
	s.candidates = s.candidates[:0]
	for _, c := range best {
		s.candidates = append(s.candidates, candidate{c.Logit, c.ID})
	}
	peak := float64(best[0].Logit)
	kept, ok := s.truncateBest(s.candidates, peak, logSumExp, all)
	if !ok {
		return 0, false
	}
	return s.draw(kept, peak), true
}

// truncateBest is truncate for the best candidates.
func (s *Sampler) truncateBest(kept []candidate, peak, logSumExp float64, all bool) ([]candidate, bool) {
	p := s.params
	switch {
	case p.TopK != 0:
		if p.TopK > len(kept) && !all {
			return nil, false
		}
		kept = kept[:min(p.TopK, len(kept))]
		if p.TopP != 0 {
			mass := 0.0
			for _, c := range kept {
				mass += expNeg(float64(c.logit) - peak)
			}
			kept = kept[:nucleus(kept, peak, p.TopP*mass)]
		}
	case p.TopP != 0:
		mass := p.TopP * math.Exp(logSumExp-peak)
		n, sum := 0, 0.0
		for n < len(kept) && sum < mass {
			sum += expNeg(float64(kept[n].logit) - peak)
			n++
		}
		if sum < mass && !all {
			return nil, false
		}
		kept = kept[:n]
	default: // min-p alone looks at candidates by their ids
		if last := kept[len(kept)-1]; !all && expNeg(float64(last.logit)-peak) >= p.MinP {
			return nil, false
		}
		kept = minP(kept, peak, p.MinP)
		slices.SortFunc(kept, func(a, b candidate) int { return cmp.Compare(a.id, b.id) })
		return kept, true
	}
	if p.MinP != 0 {
		kept = minP(kept, peak, p.MinP)
	}
	return kept, true
}
