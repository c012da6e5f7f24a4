package jinja

import (
	"math/bits"
	"strings"
	"unicode"
	"unicode/utf8"
)

// textMethods are the methods of str.
var textMethods = map[string]func(e *evaluator, t Text, a arguments) Value{
	"strip":  func(e *evaluator, t Text, a arguments) Value { return e.strip(t, a, true, true) },
	"lstrip": func(e *evaluator, t Text, a arguments) Value { return e.strip(t, a, true, false) },
	"rstrip": func(e *evaluator, t Text, a arguments) Value { return e.strip(t, a, false, true) },
	"split":  func(e *evaluator, t Text, a arguments) Value { return e.split(t, a, false) },
	"rsplit": func(e *evaluator, t Text, a arguments) Value { return e.split(t, a, true) },
	"splitlines": func(e *evaluator, t Text, a arguments) Value {
		a.bind(e, "splitlines", 0)
		return &List{items: e.lines(t)}
	},
	"upper": func(e *evaluator, t Text, a arguments) Value {
		a.bind(e, "upper", 0)
		return e.upper(t)
	},
	"lower": func(e *evaluator, t Text, a arguments) Value {
		a.bind(e, "lower", 0)
		return e.lower(t)
	},
	"capitalize": func(e *evaluator, t Text, a arguments) Value {
		a.bind(e, "capitalize", 0)
		return e.capitalize(t)
	},
	"title": func(e *evaluator, t Text, a arguments) Value {
		a.bind(e, "title", 0)
		return e.title(t, func(r rune) bool { return !unicode.IsLetter(r) })
	},
	"startswith": func(e *evaluator, t Text, a arguments) Value {
		return e.affix(t, a, "startswith", strings.HasPrefix)
	},
	"endswith": func(e *evaluator, t Text, a arguments) Value {
		return e.affix(t, a, "endswith", strings.HasSuffix)
	},
	"removeprefix": func(e *evaluator, t Text, a arguments) Value {
		p := e.text("removeprefix", a.bind(e, "removeprefix", 1, "prefix")[0], "")
		return t.slice(len(t.s)-len(strings.TrimPrefix(t.s, p.s)), len(t.s))
	},
	"removesuffix": func(e *evaluator, t Text, a arguments) Value {
		p := e.text("removesuffix", a.bind(e, "removesuffix", 1, "suffix")[0], "")
		return t.slice(0, len(strings.TrimSuffix(t.s, p.s)))
	},
	"replace": func(e *evaluator, t Text, a arguments) Value {
		b := a.bind(e, "replace", 2, "old", "new", "count")
		return e.replace(t, b[0], b[1], e.integer("replace's count", b[2], -1))
	},
	"find": func(e *evaluator, t Text, a arguments) Value {
		return e.find(t, e.text("find", a.bind(e, "find", 1, "sub")[0], ""), strings.Index)
	},
	"rfind": func(e *evaluator, t Text, a arguments) Value {
		return e.find(t, e.text("rfind", a.bind(e, "rfind", 1, "sub")[0], ""), strings.LastIndex)
	},
	"count": func(e *evaluator, t Text, a arguments) Value {
		e.work(len(t.s))
		return int64(strings.Count(t.s, e.text("count", a.bind(e, "count", 1, "sub")[0], "").s))
	},
	"join": func(e *evaluator, t Text, a arguments) Value {
		var b textBuilder
		for i, x := range e.iterate(a.bind(e, "join", 1, "iterable")[0]) {
			e.joinOne(&b, i, t, e.text("join", x, ""))
		}
		return b.text()
	},
	"isdigit": func(e *evaluator, t Text, a arguments) Value { return e.isDigit(t) },
	"isalpha": func(e *evaluator, t Text, a arguments) Value { return e.every(t, unicode.IsLetter) },
	"isspace": func(e *evaluator, t Text, a arguments) Value { return e.every(t, isSpace) },
}

var listMethods = map[string]func(e *evaluator, l *List, a arguments) Value{
	"index": func(e *evaluator, l *List, a arguments) Value {
		x := a.bind(e, "index", 1, "value")[0]
		for i, item := range l.items {
			if e.equal(item, x) {
				return int64(i)
			}
		}
		e.failf("the value is not in the list")
		return nil
	},
	"count": func(e *evaluator, l *List, a arguments) Value {
		x, n := a.bind(e, "count", 1, "value")[0], int64(0)
		for _, item := range l.items {
			if e.equal(item, x) {
				n++
			}
		}
		return n
	},
}

var dictMethods = map[string]func(e *evaluator, d *Dict, a arguments) Value{
	"items": func(e *evaluator, d *Dict, a arguments) Value {
		e.work(64 * len(d.keys))
		return &List{items: d.pairs()}
	},
	"keys": func(e *evaluator, d *Dict, a arguments) Value {
		e.work(16 * len(d.keys))
		return &List{items: d.keyList()}
	},
	"values": func(e *evaluator, d *Dict, a arguments) Value {
		e.work(16 * len(d.keys))
		list := &List{}
		for _, k := range d.keys {
			list.items = append(list.items, d.values[k.s])
		}
		return list
	},
	"get": func(e *evaluator, d *Dict, a arguments) Value {
		b := a.bind(e, "get", 1, "key", "default")
		if k, ok := b[0].(Text); ok {
			if v, ok := d.values[k.s]; ok {
				return v
			}
		}
		if _, missing := b[1].(absent); missing {
			return nil
		}
		return b[1]
	},
}

func (e *evaluator) strip(t Text, a arguments, left, right bool) Value {
	e.work(len(t.s))
	switch set := a.bind(e, "strip", 0, "chars")[0].(type) {
	case absent, nil:
		return t.strip(nil, left, right)
	default:
		s := e.text("strip", set, "").s
		e.work(len(t.s) * len(s))
		return t.strip(&s, left, right)
	}
}

func (e *evaluator) affix(t Text, a arguments, what string, has func(s, affix string) bool) Value {
	switch x := a.bind(e, what, 1, "prefix")[0].(type) {
	case *List:
		for _, item := range x.items {
			e.step()
			affix := e.text(what, item, "").s
			e.work(len(affix))
			if has(t.s, affix) {
				return true
			}
		}
		return false
	default:
		affix := e.text(what, x, "").s
		e.work(len(affix))
		return has(t.s, affix)
	}
}

func (e *evaluator) every(t Text, f func(rune) bool) bool {
	e.work(len(t.s))
	return t.s != "" && strings.IndexFunc(t.s, func(r rune) bool { return !f(r) }) < 0
}

// isDigit refuses digits such as a superscript two, of which Go and Python think
// differently.
func (e *evaluator) isDigit(t Text) bool {
	if strings.ContainsFunc(t.s, func(r rune) bool { return r > unicode.MaxASCII && unicode.IsNumber(r) }) {
		e.failf("isdigit of %q is not understood", t.s)
	}
	return e.every(t, unicode.IsDigit)
}

func (e *evaluator) find(t, sub Text, index func(s, sub string) int) Value {
	e.work(len(t.s))
	i := index(t.s, sub.s)
	if i < 0 {
		return int64(-1)
	}
	return int64(utf8.RuneCountInString(t.s[:i]))
}

func (e *evaluator) replace(t Text, old, other Value, n int64) Text {
	o, with := e.text("replace", old, ""), e.text("replace", other, "")
	if o.s == "" {
		e.failf("replacing the empty str is not understood")
	}
	found := strings.Count(t.s, o.s)
	if n >= 0 {
		found = int(min(int64(found), n))
	}
	e.work(t.cost())
	hi, size := bits.Mul64(uint64(found), uint64(with.cost()))
	if hi > 0 || size > uint64(e.limits.work) {
		e.failf("cannot replace %d times by %d bytes", found, len(with.s))
	}
	e.work(int(size))
	return t.replace(o.s, with, found)
}

// lines is Python's splitlines.
func (e *evaluator) lines(t Text) []Value {
	e.work(64 * len(t.s))
	var list []Value
	for from := 0; from < len(t.s); {
		n := strings.IndexFunc(t.s[from:], func(r rune) bool {
			return r >= '\n' && r <= '\r' || r >= 0x1c && r <= 0x1e || r == 0x85 || r == 0x2028 || r == 0x2029
		})
		if n < 0 {
			return append(list, t.slice(from, len(t.s)))
		}
		list = append(list, t.slice(from, from+n))
		_, size := utf8.DecodeRuneInString(t.s[from+n:])
		if strings.HasPrefix(t.s[from+n:], "\r\n") {
			size = 2
		}
		from += n + size
	}
	return list
}

// joinOne appends the i-th item of a join.
func (e *evaluator) joinOne(b *textBuilder, i int, separator, item Text) {
	e.step()
	if i > 0 {
		e.work(separator.cost())
		b.add(separator)
	}
	e.work(item.cost())
	b.add(item)
}
