package jinja

import (
	"slices"
	"unicode/utf8"
)

// A Value is a template's value; the package comment lists the types.
type Value = any

// An undefined stands for a name, attribute or item that is not there. It is
// false, empty and prints as nothing; most other uses fail, naming it.
type undefined struct{ name string }

// A List is a list, or a tuple, which only prints differently.
type List struct {
	items []Value
	tuple bool
}

// NewList makes a list.
func NewList(items ...Value) *List { return &List{items: items} }

// A Dict maps strings to values in the order of their insertion.
type Dict struct {
	keys   []Text
	values map[string]Value
}

// NewDict makes an empty dict.
func NewDict() *Dict { return &Dict{values: map[string]Value{}} }

// Set adds or replaces the value of key.
func (d *Dict) Set(key string, v Value) { d.set(TemplateText(key), v) }

func (d *Dict) set(key Text, v Value) {
	if _, ok := d.values[key.s]; !ok {
		d.keys = append(d.keys, key)
	}
	d.values[key.s] = v
}

// pairs lists the dict's (key, value) tuples.
func (d *Dict) pairs() []Value {
	list := make([]Value, len(d.keys))
	for i, k := range d.keys {
		list[i] = &List{[]Value{k, d.values[k.s]}, true}
	}
	return list
}

func (d *Dict) keyList() []Value {
	list := make([]Value, len(d.keys))
	for i, k := range d.keys {
		list[i] = k
	}
	return list
}

// A namespace is the one value that a template can change, by set ns.name.
type namespace struct{ vars map[string]Value }

// A function is a macro, a method bound to its value, or a global.
type function func(e *evaluator, a arguments) Value

// markup is what the safe filter returns. jinja2 would escape whatever joins
// it, so that it can only be printed here.
type markup struct{ Text }

func truth(v Value) bool {
	switch v := v.(type) {
	case nil, undefined:
		return false
	case bool:
		return v
	case int64:
		return v != 0
	case float64:
		return v != 0
	case Text:
		return v.s != ""
	case markup:
		return v.s != ""
	case *List:
		return len(v.items) > 0
	case *Dict:
		return len(v.keys) > 0
	}
	return true
}

// kind names the type of v for an error.
func kind(v Value) string {
	switch v := v.(type) {
	case nil:
		return "none"
	case undefined:
		return "undefined"
	case bool:
		return "bool"
	case int64:
		return "int"
	case float64:
		return "float"
	case Text:
		return "str"
	case markup:
		return "safe str"
	case *List:
		if v.tuple {
			return "tuple"
		}
		return "list"
	case *Dict:
		return "dict"
	case *namespace:
		return "namespace"
	case *loop:
		return "loop"
	}
	return "function"
}

// iterate lists what a for loop over v would see.
func (e *evaluator) iterate(v Value) []Value {
	switch v := v.(type) {
	case undefined:
		return nil
	case *List:
		return v.items
	case *Dict:
		e.work(16 * len(v.keys))
		return v.keyList()
	case Text:
		e.work(64 * len(v.s))
		list := make([]Value, 0, len(v.s))
		for at := 0; at < len(v.s); {
			_, size := utf8.DecodeRuneInString(v.s[at:])
			list = append(list, v.slice(at, at+size))
			at += size
		}
		return list
	}
	e.failf("a value of type %s cannot be iterated", kind(v))
	return nil
}

// length is Python's len, false for values without one.
func length(v Value) (int, bool) {
	switch v := v.(type) {
	case undefined:
		return 0, true
	case Text:
		return utf8.RuneCountInString(v.s), true
	case *List:
		return len(v.items), true
	case *Dict:
		return len(v.keys), true
	}
	return 0, false
}

// number turns int, float and bool into the first or the second result.
func number(v Value) (i int64, f float64, isInt, ok bool) {
	switch v := v.(type) {
	case int64:
		return v, float64(v), true, true
	case bool:
		if v {
			return 1, 1, true, true
		}
		return 0, 0, true, true
	case float64:
		return 0, v, false, true
	}
	return 0, 0, false, false
}

// equal is Python's ==.
func (e *evaluator) equal(a, b Value) bool {
	e.enter()
	defer e.leave()
	if _, safe := b.(markup); safe {
		e.failf("a safe str cannot be compared here")
	}
	if i, f, isInt, ok := number(a); ok {
		j, g, jsInt, ok := number(b)
		if isInt && jsInt {
			return ok && i == j
		}
		return ok && f == g
	}
	switch a := a.(type) {
	case nil:
		return b == nil
	case undefined:
		_, ok := b.(undefined)
		return ok
	case Text:
		b, ok := b.(Text)
		if !ok || len(a.s) != len(b.s) {
			return false
		}
		e.work(len(a.s))
		return a.s == b.s
	case *List:
		b, ok := b.(*List)
		return ok && a.tuple == b.tuple && slices.EqualFunc(a.items, b.items, e.equal)
	case *Dict:
		b, ok := b.(*Dict)
		return ok && e.equalDicts(a, b)
	case *namespace, *loop:
		return a == b
	}
	e.failf("values of type %s cannot be compared", kind(a))
	return false
}

func (e *evaluator) equalDicts(a, b *Dict) bool {
	if len(a.keys) != len(b.keys) {
		return false
	}
	for _, k := range a.keys {
		v, ok := b.values[k.s]
		if !ok || !e.equal(a.values[k.s], v) {
			return false
		}
	}
	return true
}
