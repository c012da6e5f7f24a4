package dim

import "math/bits"

// addInt returns a+b and whether it fits in an int64.
func addInt(a, b int64) (int64, bool) {
	s := a + b
	return s, (s > a) == (b > 0)
}

// mulInt returns a*b and whether it fits in an int64.
func mulInt(a, b int64) (int64, bool) {
	hi, lo := bits.Mul64(magnitude(a), magnitude(b))
	if hi != 0 {
		return 0, false
	}
	if (a < 0) != (b < 0) {
		return -int64(lo), lo <= 1<<63
	}
	return int64(lo), lo < 1<<63
}

// mulAddInt returns a*b+c and whether both steps fit in an int64.
func mulAddInt(a, b, c int64) (int64, bool) {
	p, ok := mulInt(a, b)
	if !ok {
		return 0, false
	}
	return addInt(p, c)
}

// magnitude returns |a|, which for the least int64 only an unsigned number holds.
func magnitude(a int64) uint64 {
	if a < 0 {
		return -uint64(a)
	}
	return uint64(a)
}

// floorDiv returns a/b rounded down, for b > 0.
func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// gcd returns the greatest common divisor, and the other number when one is 0.
func gcd(a, b uint64) uint64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}
