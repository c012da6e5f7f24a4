package models

import "math"

// Frequencies are the angles a position turns each pair by, theta^(-2i/width), scaled as the model asks. Llama 3.1's scaling
// leaves wavelengths below OriginalContext/HighFreq, divides those over OriginalContext/LowFreq by Factor, and blends between.
func (r Rope) Frequencies() []float64 {
	f := make([]float64, r.Width/2)
	for i := range f {
		f[i] = math.Pow(r.Theta, -2*float64(i)/float64(r.Width))
		if r.Linear > 0 {
			f[i] /= r.Linear
		}
		if r.Llama3 != nil {
			f[i] = r.Llama3.scale(f[i])
		}
		if r.Factors != nil {
			f[i] /= r.Factors[i]
		}
	}
	return f
}

func (s *Llama3Scaling) scale(f float64) float64 {
	turns := float64(s.OriginalContext) * f / (2 * math.Pi)
	switch {
	case turns < s.LowFreq:
		return f / s.Factor
	case turns > s.HighFreq:
		return f
	}
	smooth := (turns - s.LowFreq) / (s.HighFreq - s.LowFreq)
	return (1-smooth)*f/s.Factor + smooth*f
}
