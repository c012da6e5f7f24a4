package jinja

import (
	"slices"
	"strings"
)

// split is str.split and, from the right, str.rsplit.
func (e *evaluator) split(t Text, a arguments, right bool) Value {
	e.work(t.cost())
	b := a.bind(e, "split", 0, "sep", "maxsplit")
	n := e.integer("split's maxsplit", b[1], -1)
	switch sep := b[0].(type) {
	case absent, nil:
		if n >= 0 {
			e.failf("split with a maxsplit and no separator is not understood")
		}
		return &List{items: e.fields(t)}
	default:
		s := e.text("split", sep, "").s
		if s == "" {
			e.failf("cannot split at an empty str")
		}
		return &List{items: e.cut(t, s, n, right)}
	}
}

// fields are the parts of t between runs of white space.
func (e *evaluator) fields(t Text) []Value {
	var list []Value
	for t = t.strip(nil, true, false); t.s != ""; t = t.strip(nil, true, false) {
		e.work(64 + 16*len(t.input))
		end := strings.IndexFunc(t.s, isSpace)
		if end < 0 {
			end = len(t.s)
		}
		list = append(list, t.slice(0, end))
		t = t.slice(end, len(t.s))
	}
	return list
}

// cut splits t at a separator, at most n times unless n is negative.
func (e *evaluator) cut(t Text, separator string, n int64, right bool) []Value {
	var list []Value
	from, to := 0, len(t.s)
	for ; n != 0; n-- {
		var i int
		if right {
			i = strings.LastIndex(t.s[:to], separator)
		} else {
			i = strings.Index(t.s[from:], separator)
		}
		if i < 0 {
			break
		}
		e.work(64)
		if right {
			list = append(list, t.slice(i+len(separator), to))
			to = i
		} else {
			list = append(list, t.slice(from, from+i))
			from += i + len(separator)
		}
	}
	list = append(list, t.slice(from, to))
	if right {
		slices.Reverse(list)
	}
	return list
}
