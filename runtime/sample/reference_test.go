package sample

import (
	"math"
	"math/rand/v2"
	"sort"
)

// option is a token that the reference leaves possible.
type option struct {
	id    int32
	logit float64
	p     float64
}

// reference is the sampler written plainly: sort everything, softmax in float64 with math.Exp. It returns the options
// best first. When a truncation boundary is closer than rounding can tell, it reports unsure.
func reference(p Params, history []int32, logits []float32) (options []option, unsure bool) {
	for id, l := range refPenalise(p, history, logits) {
		if !math.IsInf(l, -1) {
			options = append(options, option{id: int32(id), logit: l})
		}
	}
	sort.SliceStable(options, func(i, j int) bool { return options[i].logit > options[j].logit })
	if p.Temperature == 0 {
		options = options[:1]
		refSoftmax(options, 1)
		return options, false
	}
	if p.TopK > 0 && p.TopK < len(options) {
		options = options[:p.TopK]
	}
	if p.TopP > 0 && p.TopP < 1 {
		refSoftmax(options, 1)
		sum := 0.0
		for i, o := range options {
			sum += o.p
			unsure = unsure || math.Abs(sum-p.TopP) < 1e-9
			if sum >= p.TopP {
				options = options[:i+1]
				break
			}
		}
	}
	if p.MinP > 0 {
		refSoftmax(options, 1)
		var kept []option
		for _, o := range options {
			ratio := o.p / options[0].p
			unsure = unsure || ratio != 1 && math.Abs(ratio-p.MinP) < 1e-9*p.MinP
			if ratio >= p.MinP {
				kept = append(kept, o)
			}
		}
		options = kept
	}
	refSoftmax(options, p.Temperature)
	return options, unsure
}

func refPenalise(p Params, history []int32, logits []float32) []float64 {
	out := make([]float64, len(logits))
	for i, l := range logits {
		out[i] = float64(l)
	}
	if p.RepeatPenalty == 0 {
		return out
	}
	last := p.RepeatLast
	if last == 0 {
		last = 64
	}
	seen := map[int32]bool{}
	for _, id := range history[max(0, len(history)-last):] {
		if seen[id] {
			continue
		}
		seen[id] = true
		if out[id] > 0 {
			out[id] /= p.RepeatPenalty
		} else {
			out[id] *= p.RepeatPenalty
		}
		out[id] = float64(float32(out[id]))
	}
	return out
}

func refSoftmax(options []option, temperature float64) {
	sum := 0.0
	for i := range options {
		options[i].p = math.Exp((options[i].logit - options[0].logit) / temperature)
		sum += options[i].p
	}
	for i := range options {
		options[i].p /= sum
	}
}

// refDraw picks the option that the stream's next number falls on, in the documented order.
func refDraw(p Params, vocab int, r *rand.Rand, options []option) (id int32, unsure bool) {
	if p.Temperature == 0 {
		return options[0].id, false
	}
	options = append([]option(nil), options...)
	if (p.TopK == 0 || p.TopK >= vocab) && (p.TopP == 0 || p.TopP == 1) {
		sort.Slice(options, func(i, j int) bool { return options[i].id < options[j].id })
	}
	u := r.Float64()
	sum := 0.0
	id = -1
	for _, o := range options {
		sum += o.p
		unsure = unsure || math.Abs(sum-u) < 1e-9
		if u < sum && id < 0 {
			id = o.id
		}
	}
	return id, unsure
}
