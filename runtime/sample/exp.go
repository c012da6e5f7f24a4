package sample

import "math"

const (
	// ln2Hi has 32 significant bits, so that its product with a number of 32nds is exact; ln2Lo is the rest.
	ln2Hi = 0x1.62e42feep-1
	ln2Lo = math.Ln2 - ln2Hi
)

// exp2 holds 2^(j/32), correctly rounded.
var exp2 = [32]float64{
	0x1.0000000000000p0, 0x1.059b0d3158574p0, 0x1.0b5586cf9890fp0, 0x1.11301d0125b51p0,
	0x1.172b83c7d517bp0, 0x1.1d4873168b9aap0, 0x1.2387a6e756238p0, 0x1.29e9df51fdee1p0,
	0x1.306fe0a31b715p0, 0x1.371a7373aa9cbp0, 0x1.3dea64c123422p0, 0x1.44e086061892dp0,
	0x1.4bfdad5362a27p0, 0x1.5342b569d4f82p0, 0x1.5ab07dd485429p0, 0x1.6247eb03a5585p0,
	0x1.6a09e667f3bcdp0, 0x1.71f75e8ec5f74p0, 0x1.7a11473eb0187p0, 0x1.82589994cce13p0,
	0x1.8ace5422aa0dbp0, 0x1.93737b0cdc5e5p0, 0x1.9c49182a3f090p0, 0x1.a5503b23e255dp0,
	0x1.ae89f995ad3adp0, 0x1.b7f76f2fb5e47p0, 0x1.c199bdd85529cp0, 0x1.cb720dcef9069p0,
	0x1.d5818dcfba487p0, 0x1.dfc97337b9b5fp0, 0x1.ea4afa2a490dap0, 0x1.f50765b6e4540p0,
}

// expNeg returns e^x for x <= 0, to 2 units in the last place, and 0 below -708, where e^x leaves the normal numbers. Its
// bits are the same on every platform: each product is rounded by a conversion, which forbids fusing it into an addition.
func expNeg(x float64) float64 {
	if x < -708 {
		return 0
	}
	// x = k*ln(2)/32 + r, |r| <= ln(2)/64.
	k := int(float64(x*(32*math.Log2E)) - 0.5)
	r := x - float64(float64(k)*(ln2Hi/32)) - float64(float64(k)*(ln2Lo/32))

	// e^r - 1, by the Taylor series up to r^6.
	z := float64(r * r)
	high := 1.0/24 + float64(r*(1.0/120)) + float64(z*(1.0/720))
	low := 0.5 + float64(r*(1.0/6)) + float64(z*high)
	p := r + float64(z*low)

	root := exp2[k&31]
	return (root + float64(root*p)) * math.Float64frombits(uint64(k>>5+1023)<<52)
}
