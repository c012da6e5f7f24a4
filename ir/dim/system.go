package dim

import (
	"cmp"
	"math"
	"slices"
)

// maxRows bounds a system: elimination can square the number of rows with every
// variable, while the bounds of a graph need a dozen.
const maxRows = 1024

// A row is the inequality coef·x + c >= 0 over integers x.
type row struct {
	coef []int64
	c    int64
}

// A state is what is known about the integer points of a system.
type state int

const (
	open    state = iota // not shown to be empty
	found                // there is a point, and the search has it
	empty                // there is no point
	tooHard              // a limit was reached, or int64 was
)

// tidy divides each row by the gcd of its coefficients, rounding the constant
// down (the integer tightening: no integer point is lost), and keeps the
// tightest of rows that differ in the constant alone.
func tidy(rows []row) ([]row, state) {
	kept := make([]row, 0, len(rows))
	for _, r := range rows {
		var g uint64
		for _, k := range r.coef {
			if k == math.MinInt64 { // has no negative
				return nil, tooHard
			}
			g = gcd(g, magnitude(k))
		}
		switch {
		case g == 0 && r.c < 0:
			return nil, empty
		case g == 0:
			continue
		case g > 1:
			coef := make([]int64, len(r.coef))
			for i, k := range r.coef {
				coef[i] = k / int64(g)
			}
			r = row{coef, floorDiv(r.c, int64(g))}
		}
		kept = append(kept, r)
	}
	slices.SortFunc(kept, func(a, b row) int {
		return cmp.Or(slices.Compare(a.coef, b.coef), cmp.Compare(a.c, b.c))
	})
	kept = slices.CompactFunc(kept, func(a, b row) bool { return slices.Equal(a.coef, b.coef) })
	if len(kept) > maxRows {
		return nil, tooHard
	}
	return kept, open
}

// eliminate returns the rows that the others of a tidy system imply without the
// variable v: each lower bound on v is at most each upper bound.
func eliminate(rows []row, v int) ([]row, state) {
	var lower, upper, rest []row
	for _, r := range rows {
		switch {
		case r.coef[v] > 0:
			lower = append(lower, r)
		case r.coef[v] < 0:
			upper = append(upper, r)
		default:
			rest = append(rest, r)
		}
	}
	if len(rest)+len(lower)*len(upper) > maxRows {
		return nil, tooHard
	}
	for _, lo := range lower {
		for _, up := range upper {
			r, ok := cancel(lo, up, v)
			if !ok {
				return nil, tooHard
			}
			rest = append(rest, r)
		}
	}
	return tidy(rest)
}

// cancel adds the least positive multiples of lo and up in which v cancels. It
// reports whether the result fits in int64.
func cancel(lo, up row, v int) (row, bool) {
	a, b := magnitude(lo.coef[v]), magnitude(up.coef[v]) // below 1<<63, as tidy sees to
	g := gcd(a, b)
	byLo, byUp := int64(b/g), int64(a/g)
	sum := func(x, y int64) (int64, bool) {
		x, ok := mulInt(byLo, x)
		if !ok {
			return 0, false
		}
		return mulAddInt(byUp, y, x)
	}
	r := row{coef: make([]int64, len(lo.coef))}
	var ok bool
	for i := range r.coef {
		if r.coef[i], ok = sum(lo.coef[i], up.coef[i]); !ok {
			return row{}, false
		}
	}
	r.c, ok = sum(lo.c, up.c)
	return r, ok
}

// project eliminates all of n variables but those below keep, at each step the
// one that makes the fewest rows.
func project(rows []row, n, keep int) ([]row, state) {
	rows, st := tidy(rows)
	left := make([]int, 0, n)
	for v := keep; v < n; v++ {
		left = append(left, v)
	}
	for st == open && len(left) > 0 {
		best := 0
		for i := range left {
			if growth(rows, left[i]) < growth(rows, left[best]) {
				best = i
			}
		}
		rows, st = eliminate(rows, left[best])
		left = slices.Delete(left, best, best+1)
	}
	return rows, st
}

// growth returns how many rows eliminating v would add, less what it removes.
func growth(rows []row, v int) int {
	lower, upper := 0, 0
	for _, r := range rows {
		if r.coef[v] > 0 {
			lower++
		} else if r.coef[v] < 0 {
			upper++
		}
	}
	return lower*upper - lower - upper
}
