package dim

import "math"

// Max returns the least upper bound of d over the allowed assignments. It
// reports false where there is none to be had: d is unbounded, nothing is
// allowed, or a limit was reached. The bound is always one that d never
// exceeds; past the limits of the search it may not be the least.
func (b *Bounds) Max(d Dim) (int64, bool) {
	syms := b.symbols(d)
	point, st := b.witness(b.fixed, syms, Const(0))
	if st == empty {
		return 0, false
	}
	hi, ok := b.rationalMax(d, without(syms, b.fixed))
	if !ok || st != found {
		return hi, ok
	}
	lo, err := d.Eval(point)
	if err != nil {
		return hi, true
	}
	// Elimination rounds, so hi can lie above every value that integers give.
	for mid := hi; lo < hi; mid = middle(lo, hi) {
		above, st := b.witness(b.fixed, syms, d.Sub(Const(mid)))
		if st == empty {
			hi = mid - 1
			continue
		}
		if st == tooHard {
			return hi, true
		}
		if lo, err = d.Eval(above); err != nil {
			return hi, true
		}
	}
	return hi, true
}

// middle returns the number halfway from lo up to hi, the upper one of two.
func middle(lo, hi int64) int64 {
	width := uint64(hi) - uint64(lo) // fits where hi-lo does not
	return lo + int64(width-width/2)
}

// Min returns the greatest lower bound of d, as Max does the least upper one.
func (b *Bounds) Min(d Dim) (int64, bool) {
	hi, ok := b.Max(d.Mul(-1))
	if !ok || hi == math.MinInt64 {
		return 0, false
	}
	return -hi, true
}

// rationalMax returns the upper bound of d that elimination finds.
func (b *Bounds) rationalMax(d Dim, free []string) (int64, bool) {
	rows, ok := b.rows(b.fixed, free)
	value, okValue := rowOf(d.at(b.fixed), free)
	if !ok || !okValue {
		return 0, false
	}
	// Variable 0 is d itself.
	for i, r := range rows {
		rows[i].coef = append([]int64{0}, r.coef...)
	}
	n := len(free) + 1
	rows = append(rows, row{append([]int64{-1}, value.coef...), value.c})
	rows, st := project(rows, n, 1)
	if st != open {
		return 0, false
	}
	hi := int64(math.MaxInt64)
	bounded := false
	for _, r := range rows { // tidy: -d + c >= 0
		if r.coef[0] < 0 && r.c <= hi {
			hi, bounded = r.c, true
		}
	}
	return hi, bounded
}
