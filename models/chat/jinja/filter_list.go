package jinja

import (
	"slices"
	"strings"
)

// appliers are the filters that apply others to the items of a list. They lie in
// a table of their own, which Go's order of initialisation demands.
var appliers = map[string]filter{
	"map":        mapFilter,
	"join":       joinFilter,
	"sort":       sortFilter,
	"dictsort":   dictsort,
	"unique":     unique,
	"select":     func(e *evaluator, v Value, a arguments) Value { return e.selectItems(v, a, false, true) },
	"reject":     func(e *evaluator, v Value, a arguments) Value { return e.selectItems(v, a, false, false) },
	"selectattr": func(e *evaluator, v Value, a arguments) Value { return e.selectItems(v, a, true, true) },
	"rejectattr": func(e *evaluator, v Value, a arguments) Value { return e.selectItems(v, a, true, false) },
}

// path reads a.b.0 off v, as jinja2's attribute arguments do.
func (e *evaluator) path(v Value, attribute Value) Value {
	name := e.text("an attribute's name", attribute, "")
	e.work(len(name.s))
	for part := range strings.SplitSeq(name.s, ".") {
		e.step()
		if strings.Trim(part, "0123456789") == "" && part != "" {
			v = e.item(v, intFilter(e, TemplateText(part), arguments{}))
		} else {
			v = e.item(v, TemplateText(part))
		}
	}
	return v
}

func mapFilter(e *evaluator, v Value, a arguments) Value {
	out := &List{}
	items := e.iterate(v)
	if len(a.positional) == 0 {
		b := a.bind(e, "map", 1, "attribute", "default")
		for _, item := range items {
			x := e.path(item, b[0])
			if _, missing := x.(undefined); missing && b[1] != (absent{}) {
				x = b[1]
			}
			out.items = append(out.items, x)
		}
		return out
	}
	name := e.text("map", a.positional[0], "").s
	f := filters[name]
	if f == nil {
		e.failf("the filter '%s' is not understood in map", name)
	}
	rest := arguments{a.positional[1:], a.names, a.named}
	for _, item := range items {
		e.step()
		out.items = append(out.items, f(e, item, rest))
	}
	return out
}

func (e *evaluator) selectItems(v Value, a arguments, attr, want bool) Value {
	what := "select"
	if attr {
		what = "selectattr"
	}
	args := a.positional
	var attribute Value
	if attr {
		if len(args) == 0 {
			e.failf("%s needs the attribute's name", what)
		}
		attribute, args = args[0], args[1:]
	}
	holds := func(e *evaluator, v Value, _ arguments) bool { return truth(v) }
	if len(args) > 0 {
		name := e.text(what, args[0], "").s
		if holds = tests[name]; holds == nil {
			e.failf("the test '%s' is not understood", name)
		}
		args = args[1:]
	}
	out := &List{}
	for _, item := range e.iterate(v) {
		e.step()
		x := item
		if attr {
			x = e.path(item, attribute)
		}
		if holds(e, x, arguments{args, a.names, a.named}) == want {
			out.items = append(out.items, item)
		}
	}
	return out
}

func joinFilter(e *evaluator, v Value, a arguments) Value {
	b := a.bind(e, "join", 0, "d", "attribute")
	separator := Text{}
	if b[0] != (absent{}) {
		separator = e.plain(b[0])
	}
	var out textBuilder
	for i, item := range e.iterate(v) {
		if b[1] != (absent{}) && b[1] != nil {
			item = e.path(item, b[1])
		}
		e.joinOne(&out, i, separator, e.plain(item))
	}
	return out.text()
}

// sortKey is what v is ordered by: itself, or its lower case.
func (e *evaluator) sortKey(v Value, caseSensitive bool) Value {
	if t, ok := v.(Text); ok && !caseSensitive {
		return e.lower(t)
	}
	return v
}

// sorted orders items by their keys, of which there are as many.
func (e *evaluator) sorted(items, keys []Value, reverse bool) []Value {
	index := make([]int, len(items))
	for i := range index {
		index[i] = i
	}
	slices.SortStableFunc(index, func(i, j int) int {
		e.step()
		if reverse {
			i, j = j, i
		}
		return e.order(keys[i], keys[j])
	})
	out := make([]Value, len(items))
	for i, j := range index {
		out[i] = items[j]
	}
	return out
}

func sortFilter(e *evaluator, v Value, a arguments) Value {
	b := a.bind(e, "sort", 0, "reverse", "case_sensitive", "attribute")
	items := e.iterate(v)
	keys := make([]Value, len(items))
	for i, item := range items {
		if b[2] != (absent{}) && b[2] != nil {
			item = e.path(item, b[2])
		}
		keys[i] = e.sortKey(item, flag(b[1], false))
	}
	return &List{items: e.sorted(items, keys, flag(b[0], false))}
}

func dictsort(e *evaluator, v Value, a arguments) Value {
	b := a.bind(e, "dictsort", 0, "case_sensitive", "by", "reverse")
	d, ok := v.(*Dict)
	if !ok {
		e.failf("dictsort needs a dict, not %s", kind(v))
	}
	at := 0
	switch by := e.text("dictsort", b[1], "key").s; by {
	case "key":
	case "value":
		at = 1
	default:
		e.failf("dictsort orders by key or value, not by '%s'", by)
	}
	items := d.pairs()
	keys := make([]Value, len(items))
	for i, item := range items {
		keys[i] = e.sortKey(item.(*List).items[at], flag(b[0], false))
	}
	return &List{items: e.sorted(items, keys, flag(b[2], false))}
}

func unique(e *evaluator, v Value, a arguments) Value {
	b := a.bind(e, "unique", 0, "case_sensitive")
	out := &List{}
	var seen []Value
	for _, item := range e.iterate(v) {
		key := e.sortKey(item, flag(b[0], false))
		if !slices.ContainsFunc(seen, func(x Value) bool { return e.equal(x, key) }) {
			seen = append(seen, key)
			out.items = append(out.items, item)
		}
	}
	return out
}
