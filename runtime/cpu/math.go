package cpu

import "math"

// The functions below are the float rows of kernel.Fns that Go's language lacks, under their names.

// Log is the natural logarithm.
func Log(x float32) float32 { return float32(math.Log(float64(x))) }

// Sin is the sine of radians.
func Sin(x float32) float32 { return float32(math.Sin(float64(x))) }

// Cos is the cosine of radians.
func Cos(x float32) float32 { return float32(math.Cos(float64(x))) }

// Sqrt is the square root.
func Sqrt(x float32) float32 { return float32(math.Sqrt(float64(x))) }

// Rsqrt is 1/√x.
func Rsqrt(x float32) float32 { return float32(1 / math.Sqrt(float64(x))) }

// Tanh is the hyperbolic tangent.
func Tanh(x float32) float32 { return float32(math.Tanh(float64(x))) }

// Signed16 is the two's complement value of x's low 16 bits.
func Signed16(x int) int { return int(int16(x)) }

// Frombits is the float of x's low 32 bits.
func Frombits(x int) float32 { return math.Float32frombits(uint32(x)) }

// Choose is a when c, else b.
func Choose(c bool, a, b float32) float32 {
	if c {
		return a
	}
	return b
}

// Exp is eˣ. With n the integer nearest to 32x/ln 2, it is 2^(n/32) from a table times e^r, |r| <= ln 2/64, from the first
// terms of its series; those are 6e-10 short, so the result is nearly always the nearest float32.
func Exp(x float32) float32 {
	if !(x > -128 && x < 128) {
		return expFar(x)
	}
	const shift = 0x1.8p52 // leaves the sum's last place worth 1
	z := float64(x) * (expSteps / math.Ln2)
	s := z + shift
	n := math.Float64bits(s)
	r := (z - (s - shift)) * (math.Ln2 / expSteps)
	scale := math.Float64frombits(expTable[n%expSteps] + n<<(52-5))
	return float32(scale * (1 + r + r*r*(0.5+r*(1.0/6))))
}

// expFar is Exp of what leaves f32's range on either side, and of NaN.
func expFar(x float32) float32 {
	switch {
	case x > 0:
		return float32(math.Inf(1))
	case x < 0:
		return 0
	}
	return x
}

const expSteps = 1 << 5

// expTable holds the bits of 2^(i/32), less i where Exp adds n to the exponent.
var expTable = func() (t [expSteps]uint64) {
	for i := range t {
		t[i] = math.Float64bits(math.Exp2(float64(i)/expSteps)) - uint64(i)<<(52-5)
	}
	return t
}()
