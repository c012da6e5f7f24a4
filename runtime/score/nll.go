package score

import (
	"fmt"
	"math"
	"slices"
)

// negLogProb is -ln of the probability that the softmax of logits gives to id. Subtracting the largest logit keeps exp from
// overflowing, and makes one term of the sum 1, so that its logarithm is finite.
func negLogProb(logits []float32, id int32) (float64, error) {
	most := float64(slices.Max(logits)) // NaN where any is
	if math.IsNaN(most) || math.IsInf(most, 0) {
		return 0, fmt.Errorf("the largest of the model's logits is %v", most)
	}
	own := float64(logits[id])
	if math.IsInf(own, -1) {
		return 0, fmt.Errorf("the model gives it a logit of %v, a probability of 0", own)
	}
	sum := 0.0
	for _, x := range logits {
		sum += math.Exp(float64(x) - most)
	}
	return math.Log(sum) + (most - own), nil
}
