package sample

import (
	"math"
	"slices"
)

// all is the threshold below which no finite logit lies, relative to the largest.
const all = -math.MaxFloat64

// truncate returns the tokens that top-k, top-p and min-p keep, from the best down after top-k or top-p and else by id.
// The best token, whose logit is peak, is always among them; a token of logit -Inf never is.
func (s *Sampler) truncate(logits []float32, peak float64) []candidate {
	var kept []candidate
	switch p := s.params; {
	case p.TopK != 0:
		kept = topK(s.candidates, logits, p.TopK)
		if p.TopP != 0 {
			mass := 0.0
			for _, c := range kept {
				mass += expNeg(float64(c.logit) - peak)
			}
			kept = kept[:nucleus(kept, peak, p.TopP*mass)]
		}
	case p.TopP != 0:
		mass := 0.0
		for _, l := range logits {
			mass += expNeg(float64(l) - peak)
		}
		kept = collect(s.candidates, logits, peak, nucleusThreshold(p.TopP, mass, len(logits)))
		kept = popNucleus(kept, peak, p.TopP*mass)
	case p.MinP != 0:
		// The margin is far above the rounding of both functions: minP below decides.
		kept = collect(s.candidates, logits, peak, math.Log(p.MinP)-1e-9)
	default:
		kept = collect(s.candidates, logits, peak, all)
	}
	if s.params.MinP != 0 {
		kept = minP(kept, peak, s.params.MinP)
	}
	return kept
}

// collect appends to buf[:0], by id, the tokens whose logit is at least threshold + peak.
func collect(buf []candidate, logits []float32, peak, threshold float64) []candidate {
	buf = buf[:0]
	for id, l := range logits {
		if float64(l)-peak >= threshold {
			buf = append(buf, candidate{l, int32(id)})
		}
	}
	return buf
}

// topK returns the k best tokens in buf, best first; fewer if fewer are above -Inf.
func topK(buf []candidate, logits []float32, k int) []candidate {
	buf = buf[:0]
	id := 0
	for ; id < len(logits) && len(buf) < k; id++ {
		if !math.IsInf(float64(logits[id]), -1) {
			buf = append(buf, candidate{logits[id], int32(id)})
		}
	}
	heapify(buf, worse)
	for ; id < len(logits); id++ {
		// A tie stays out: its id is higher than any in the heap.
		if logits[id] > buf[0].logit {
			buf[0] = candidate{logits[id], int32(id)}
			siftDown(buf, 0, worse)
		}
	}
	for n := len(buf) - 1; n > 0; n-- {
		buf[0], buf[n] = buf[n], buf[0]
		siftDown(buf[:n], 0, worse)
	}
	return buf
}

// nucleus returns how many of the candidates, best first, it takes to hold the mass.
func nucleus(best []candidate, peak, mass float64) int {
	sum := 0.0
	for i, c := range best {
		if sum += expNeg(float64(c.logit) - peak); sum >= mass {
			return i + 1
		}
	}
	return len(best)
}

// nucleusThreshold returns a threshold for collect that loses no token of the nucleus. Of n tokens, those of weight below
// (1-topP)*mass/n hold less than (1-topP)*mass together, so the others hold the nucleus. Half of that weight leaves
// (1-topP)/2 for rounding, which for two sums of 2^31 weights is below 5e-7.
func nucleusThreshold(topP, mass float64, n int) float64 {
	if 1-topP < 1e-6 {
		return all
	}
	return math.Log((1 - topP) * mass / float64(2*n))
}

// popNucleus returns the fewest best candidates that hold the mass, best first, ordering no others.
func popNucleus(c []candidate, peak, mass float64) []candidate {
	heapify(c, better)
	n, sum := len(c), 0.0
	for n > 0 && sum < mass {
		sum += expNeg(float64(c[0].logit) - peak)
		n--
		c[0], c[n] = c[n], c[0]
		siftDown(c[:n], 0, better)
	}
	slices.Reverse(c[n:])
	return c[n:]
}

// minP keeps, in place and in order, the candidates of at least the fraction of the best one's probability.
func minP(c []candidate, peak, fraction float64) []candidate {
	kept := c[:0]
	for _, x := range c {
		if expNeg(float64(x.logit)-peak) >= fraction {
			kept = append(kept, x)
		}
	}
	return kept
}
