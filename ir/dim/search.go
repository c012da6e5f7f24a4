package dim

import (
	"math"
	"slices"
)

const (
	maxVisits = 1 << 15 // values tried in one search
	maxSplits = 4       // symbols of unknown sign; each doubles the searches
)

// smallest returns the integer point of a system over n variables that has the
// least sum of magnitudes, and of those the lexicographically least: the point
// that a reader finds easiest to follow. The sum stands before the point.
//
// The sum becomes a variable of its own that is chosen first, so that the order
// sought is the lexicographic one. To be linear it needs every variable's sign,
// so the space is searched once for each combination of signs not known.
func smallest(rows []row, n int) ([]int64, state) {
	signs, unknown := knownSigns(rows, n)
	if len(unknown) > maxSplits {
		return nil, tooHard
	}
	var best []int64
	result := empty
	for mask := range 1 << len(unknown) {
		for i, v := range unknown {
			signs[v] = 1 - 2*int64(mask>>i&1)
		}
		x, st := firstPoint(withSum(rows, signs), n+1)
		if st == found && (best == nil || slices.Compare(x, best) < 0) {
			best = x
		}
		if st == tooHard {
			result = tooHard
		}
	}
	if best == nil {
		return nil, result
	}
	return best, found
}

// knownSigns returns for each variable 1 where no point has it negative, -1
// where none has it positive, and lists the others. A variable in no row is
// best 0, which positive values begin with.
func knownSigns(rows []row, n int) (signs []int64, unknown []int) {
	signs = make([]int64, n)
	for v := range signs {
		occurs := func(r row) bool { return r.coef[v] != 0 }
		switch {
		case !slices.ContainsFunc(rows, occurs) || excludes(rows, n, v, -1):
			signs[v] = 1
		case excludes(rows, n, v, 1):
			signs[v] = -1
		default:
			unknown = append(unknown, v)
		}
	}
	return signs, unknown
}

// excludes reports whether sign*v >= 1 contradicts the rows.
func excludes(rows []row, n, v int, sign int64) bool {
	coef := make([]int64, n)
	coef[v] = sign
	_, st := project(append(slices.Clip(rows), row{coef, -1}), n, 0)
	return st == empty
}

// withSum puts a variable before the others that is the sum of their
// magnitudes, given their signs.
func withSum(rows []row, signs []int64) []row {
	n := len(signs) + 1
	out := make([]row, 0, len(rows)+n+1)
	for _, r := range rows {
		out = append(out, row{slices.Concat([]int64{0}, r.coef), r.c})
	}
	above, below := make([]int64, n), make([]int64, n)
	above[0], below[0] = 1, -1
	for v, sign := range signs {
		above[v+1], below[v+1] = -sign, sign
		coef := make([]int64, n)
		coef[v+1] = sign
		out = append(out, row{coef, 0})
	}
	return append(out, row{above, 0}, row{below, 0})
}

// A walk chooses the variables in order. levels[k] holds the rows in which
// variable k is the last that occurs.
type walk struct {
	levels [][]row
	x      []int64
	visits int
}

// firstPoint returns the lexicographically least integer point. Elimination
// from the last variable down leaves for each one its range given those before
// it; rationally that range is exact, so the walk rarely has to turn back.
func firstPoint(rows []row, n int) ([]int64, state) {
	w := walk{levels: make([][]row, n), x: make([]int64, n)}
	rows, st := tidy(rows)
	for k := n - 1; k >= 0 && st == open; k-- {
		for _, r := range rows {
			if r.coef[k] != 0 {
				w.levels[k] = append(w.levels[k], r)
			}
		}
		rows, st = eliminate(rows, k)
	}
	if st == open {
		st = w.from(0)
	}
	return w.x, st
}

// from completes the point whose variables before k are chosen.
func (w *walk) from(k int) state {
	if k == len(w.levels) {
		return found
	}
	lo, hi, ok := w.interval(k)
	if !ok {
		return tooHard
	}
	for v := lo; v <= hi; v++ {
		if w.visits++; w.visits > maxVisits {
			return tooHard
		}
		w.x[k] = v
		if st := w.from(k + 1); st != empty {
			return st
		}
	}
	return empty
}

// interval returns the least and greatest value of variable k given those
// before it; without a greatest, hi is one that no walk reaches. It reports
// false where there is no least value or int64 does not hold them all.
func (w *walk) interval(k int) (lo, hi int64, ok bool) {
	const far = math.MaxInt64 - 2*maxVisits
	lo, hi = math.MinInt64, math.MaxInt64-1
	for _, r := range w.levels[k] {
		rest := r.c
		for i, v := range w.x[:k] {
			if rest, ok = mulAddInt(r.coef[i], v, rest); !ok {
				return 0, 0, false
			}
		}
		if rest == math.MinInt64 { // has no negative
			return 0, 0, false
		}
		if a := r.coef[k]; a > 0 { // v >= -rest/a, rounded up
			lo = max(lo, -floorDiv(rest, a))
		} else { // v <= rest/|a|, rounded down
			hi = min(hi, floorDiv(rest, -a))
		}
	}
	return lo, hi, lo != math.MinInt64 && lo < far
}
