package models

import (
	"fmt"

	"github.com/llorch/llorch/ir/kernel"
)

// factors reads rope_freqs.weight: one divisor for each of the rotary frequencies. Nil without it.
func (m *metadata) factors(pairs int) ([]float64, error) {
	t, ok := m.f.Tensor(ropeFreqs)
	if !ok {
		return nil, nil
	}
	place := fmt.Sprintf("%s: %s", m.f.Name, ropeFreqs)
	if t.TypeName != kernel.F32.String() {
		return nil, fmt.Errorf("%s: found type %s, want f32", place, t.TypeName)
	}
	if len(t.Dims) != 1 || t.Dims[0] != int64(pairs) {
		return nil, fmt.Errorf("%s: found shape %v, want [%d], half of %s", place, t.Dims, pairs, m.format.width)
	}
	values := make([]float32, pairs)
	kernel.F32.Row().Decode(values, m.f.Data(t))
	factors := make([]float64, pairs)
	for i, v := range values {
		factors[i] = float64(v)
		if !positive(factors[i]) {
			return nil, fmt.Errorf("%s: element %d is %v, want a number above 0", place, i, v)
		}
	}
	return factors, nil
}
