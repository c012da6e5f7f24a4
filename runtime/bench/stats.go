package bench

import "slices"

// Spread sums up repetitions.
type Spread struct{ Median, Min, Max float64 }

// spreadOf is the zero Spread without values.
func spreadOf(values []float64) Spread {
	if len(values) == 0 {
		return Spread{}
	}
	v := slices.Sorted(slices.Values(values))
	n := len(v)
	return Spread{Median: (v[(n-1)/2] + v[n/2]) / 2, Min: v[0], Max: v[n-1]}
}
