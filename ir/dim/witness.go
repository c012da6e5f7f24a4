package dim

import "slices"

// witness returns the smallest allowed assignment of syms that agrees with env
// and at which one of the conditions is >= 0.
func (b *Bounds) witness(env map[string]int64, syms []string, conditions ...Dim) (map[string]int64, state) {
	free := without(syms, env)
	rows, ok := b.rows(env, free)
	if !ok {
		return nil, tooHard
	}
	var best []int64
	result := empty
	for _, d := range conditions {
		r, ok := rowOf(d.at(env), free)
		if !ok {
			result = tooHard
			continue
		}
		point, st := solve(append(slices.Clip(rows), r), len(free))
		if st == found && (best == nil || slices.Compare(point, best) < 0) {
			best = point
		}
		if st == tooHard {
			result = tooHard
		}
	}
	if best == nil {
		return nil, result
	}
	counter := make(map[string]int64, len(syms))
	for _, s := range syms {
		if i, isFree := slices.BinarySearch(free, s); isFree {
			counter[s] = best[1+i]
		} else {
			counter[s] = env[s]
		}
	}
	return counter, found
}

// solve refutes a system by elimination or else searches it, and returns what
// smallest does.
func solve(rows []row, n int) ([]int64, state) {
	if _, st := project(rows, n, 0); st == empty {
		return nil, empty
	}
	return smallest(rows, n)
}

// rows returns the constraints over the free symbols, the others having their
// values in env. It reports false where one exceeds int64.
func (b *Bounds) rows(env map[string]int64, free []string) ([]row, bool) {
	var rows []row
	for _, c := range b.constraints {
		for _, d := range c.nonNegative() {
			r, ok := rowOf(d.at(env), free)
			if !ok {
				return nil, false
			}
			rows = append(rows, r)
		}
	}
	return rows, true
}

// rowOf returns the row d >= 0, variable i being vars[i].
func rowOf(d Dim, vars []string) (row, bool) {
	r := row{make([]int64, len(vars)), d.offset}
	for i, s := range vars {
		r.coef[i] = d.Coef(s)
	}
	return r, d.err == nil
}

// without returns the symbols to which env gives no value.
func without(syms []string, env map[string]int64) []string {
	return slices.DeleteFunc(slices.Clone(syms), func(s string) bool {
		_, ok := env[s]
		return ok
	})
}
