package sample

import (
	"fmt"
	"math"
	"math/rand/v2"
)

// stream is the second half of the PCG's seed: an arbitrary constant (the golden ratio's bits), part of the output's definition.
const stream = 0x9e3779b97f4a7c15

// A Sampler chooses the tokens of one sequence. It is not safe for concurrent use.
type Sampler struct {
	params  Params // normalised: off is 0
	vocab   int
	random  rand.PCG
	history history

	// Scratch of Sample, made by its first call.
	penalised  []float32
	candidates []candidate
	weights    []float64
}

// New makes a sampler for logits over vocab tokens.
func New(p Params, vocab int) (*Sampler, error) {
	if err := p.Validate(); err != nil {
		return nil, err
	}
	if vocab < 1 || vocab > math.MaxInt32 {
		return nil, fmt.Errorf("sample: the vocabulary has %d tokens, want 1 to %d", vocab, math.MaxInt32)
	}
	s := &Sampler{params: p.normalised(vocab), vocab: vocab}
	s.history.limit = s.params.RepeatLast
	s.Reset()
	return s, nil
}

// Reset takes the history and the random stream back to the start.
func (s *Sampler) Reset() {
	s.random.Seed(s.params.Seed, stream)
	s.history.reset()
}

// Accept appends a token, of the prompt or generated, to the history that the repetition penalty looks at. An id outside
// the vocabulary is reported by the next Sample.
func (s *Sampler) Accept(id int32) {
	if s.params.RepeatPenalty != 0 {
		s.history.add(id)
	}
}

// Sample chooses the token that follows. The logits are not changed; -Inf bans a token, and NaN, +Inf, or nothing but
// -Inf is an error. The token is not yet part of the history: the caller accepts it.
func (s *Sampler) Sample(logits []float32) (int32, error) {
	if len(logits) != s.vocab {
		return 0, fmt.Errorf("sample: %d logits for a vocabulary of %d tokens", len(logits), s.vocab)
	}
	logits, err := s.penalise(logits)
	if err != nil {
		return 0, err
	}
	best, err := check(logits)
	if err != nil || s.params.Temperature == 0 {
		return best, err
	}
	if s.candidates == nil {
		n := s.vocab
		if s.params.TopK != 0 {
			n = s.params.TopK
		}
		s.candidates, s.weights = make([]candidate, 0, n), make([]float64, 0, n)
	}
	peak := float64(logits[best])
	return s.draw(s.truncate(logits, peak), peak), nil
}

// penalise returns the logits after the repetition penalty: in scratch memory, unless there is nothing to change.
func (s *Sampler) penalise(logits []float32) ([]float32, error) {
	if len(s.history.ids) == 0 {
		return logits, nil
	}
	if s.penalised == nil {
		s.penalised = make([]float32, s.vocab)
	}
	copy(s.penalised, logits)
	for _, id := range s.history.ids {
		if id < 0 || int(id) >= s.vocab {
			return nil, fmt.Errorf("sample: token %d in the history, want 0 to %d", id, s.vocab-1)
		}
		// From the logits as given, so that a token which occurs twice is penalised once.
		was := float64(logits[id])
		now := was / s.params.RepeatPenalty
		if was <= 0 {
			now = was * s.params.RepeatPenalty
		}
		s.penalised[id] = float32(now)
		if math.IsInf(float64(s.penalised[id]), 0) && !math.IsInf(was, 0) {
			return nil, fmt.Errorf("sample: logit %d, %g, overflows under repeat_penalty %g", id, was, s.params.RepeatPenalty)
		}
	}
	return s.penalised, nil
}

// check returns the best token of logits that have a softmax.
func check(logits []float32) (int32, error) {
	best, max := -1, float32(math.Inf(-1))
	for id, l := range logits {
		if l > max {
			best, max = id, l
		} else if l != l {
			return 0, fmt.Errorf("sample: logit %d of %d is NaN", id, len(logits))
		}
	}
	if best < 0 {
		return 0, fmt.Errorf("sample: logits 0 to %d are all -Inf", len(logits)-1)
	}
	if math.IsInf(float64(max), 1) {
		return 0, fmt.Errorf("sample: logit %d of %d is +Inf", best, len(logits))
	}
	return int32(best), nil
}

// draw picks a candidate by its probability at the temperature; peak is the largest logit.
func (s *Sampler) draw(candidates []candidate, peak float64) int32 {
	s.weights = s.weights[:0]
	total := 0.0
	for _, c := range candidates {
		w := expNeg((float64(c.logit) - peak) / s.params.Temperature)
		s.weights = append(s.weights, w)
		total += w
	}
	u := float64(s.random.Uint64()<<11>>11) / (1 << 53) // as rand.Rand.Float64 does
	target := u * total
	sum := 0.0
	last := 0 // the last possible token, for a target that rounds up to the total
	for i, w := range s.weights {
		sum += w
		if target < sum {
			return candidates[i].id
		}
		if w > 0 {
			last = i
		}
	}
	return candidates[last].id
}

// Greedy returns the id of the largest logit, the lowest id among equals. NaN counts as -Inf. It is -1 without logits.
func Greedy(logits []float32) int32 {
	if len(logits) == 0 {
		return -1
	}
	best, max := 0, float32(math.Inf(-1))
	for id, l := range logits {
		if l > max {
			best, max = id, l
		}
	}
	return int32(best)
}
