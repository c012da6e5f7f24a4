package jinja

import "slices"

func (x *sliceExpr) eval(e *evaluator) Value {
	v := e.eval(x.x)
	var bounds [3]Value
	for i, b := range x.bounds {
		if b != nil {
			bounds[i] = e.eval(b)
		}
	}
	e.line = x.line
	n, ok := length(v)
	switch t := v.(type) {
	case undefined:
		e.failf("%s is undefined, so it has no slices", t.name)
	case *Dict:
		ok = false
	}
	if !ok {
		e.failf("a value of type %s cannot be sliced", kind(v))
	}
	from, to, step := e.sliceBounds(bounds, int64(n))
	if t, ok := v.(Text); ok && step == 1 {
		e.work(t.cost())
		at := runeOffset(t.s, from)
		return t.slice(at, at+runeOffset(t.s[at:], max(to-from, 0)))
	}
	items := e.iterate(v)
	var out []Value
	if step == 1 {
		out = slices.Clone(items[from:max(from, to)])
	} else {
		for i := from; step > 0 && i < to || step < 0 && i > to; i += step {
			out = append(out, items[i])
		}
	}
	e.work(16 * len(out))
	if list, ok := v.(*List); ok {
		return &List{out, list.tuple}
	}
	var b textBuilder
	for _, c := range out {
		b.add(c.(Text))
	}
	return b.text()
}

// sliceBounds is Python's slice.indices.
func (e *evaluator) sliceBounds(bounds [3]Value, n int64) (from, to, step int64) {
	read := func(v Value, absence, low, high int64) int64 {
		if v == nil {
			return absence
		}
		i, _, isInt, _ := number(v)
		if !isInt {
			e.failf("a slice needs ints, not %s", kind(v))
		}
		if i < 0 {
			i += n
		}
		return min(max(i, low), high)
	}
	step = 1
	if bounds[2] != nil {
		step = e.integer("a slice's step", bounds[2], 1)
	}
	if step == 0 {
		e.failf("a slice's step cannot be 0")
	}
	if step < 0 {
		step = max(step, -n-1)
		return read(bounds[0], n-1, -1, n-1), read(bounds[1], -1, -1, n-1), step
	}
	step = min(step, n+1)
	return read(bounds[0], 0, 0, n), read(bounds[1], n, 0, n), step
}
