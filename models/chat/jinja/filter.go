package jinja

import (
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// A filter is v | name(arguments).
type filter func(e *evaluator, v Value, a arguments) Value

// lookupFilter finds a filter in the tables, nil where there is none.
func lookupFilter(name string) filter {
	if f := filters[name]; f != nil {
		return f
	}
	return appliers[name]
}

var filters = map[string]filter{
	"trim": func(e *evaluator, v Value, a arguments) Value { return e.strip(e.plain(v), a, true, true) },
	"upper": func(e *evaluator, v Value, a arguments) Value {
		a.bind(e, "upper", 0)
		return e.upper(e.plain(v))
	},
	"lower": func(e *evaluator, v Value, a arguments) Value {
		a.bind(e, "lower", 0)
		return e.lower(e.plain(v))
	},
	"capitalize": func(e *evaluator, v Value, a arguments) Value {
		a.bind(e, "capitalize", 0)
		return e.capitalize(e.plain(v))
	},
	"title": func(e *evaluator, v Value, a arguments) Value {
		a.bind(e, "title", 0)
		return e.title(e.plain(v), func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune("-({[<", r) })
	},
	"string": func(e *evaluator, v Value, a arguments) Value {
		a.bind(e, "string", 0)
		return e.plain(v)
	},
	"safe": func(e *evaluator, v Value, a arguments) Value {
		a.bind(e, "safe", 0)
		return markup{e.str(v)}
	},
	"replace": func(e *evaluator, v Value, a arguments) Value {
		b := a.bind(e, "replace", 2, "old", "new", "count")
		return e.replace(e.plain(v), e.plain(b[0]), e.plain(b[1]), e.integer("replace's count", b[2], -1))
	},
	"indent":  indent,
	"tojson":  tojson,
	"default": defaultFilter, "d": defaultFilter,
	"length": lengthFilter, "count": lengthFilter,
	"int":   intFilter,
	"float": floatFilter,
	"abs": func(e *evaluator, v Value, a arguments) Value {
		a.bind(e, "abs", 0)
		i, f, isInt, ok := number(v)
		switch {
		case !ok:
			e.failf("abs needs a number, not %s", kind(v))
		case isInt && i < 0:
			return e.arithmetic("-", 0, i)
		case isInt:
			return i
		}
		return max(f, -f)
	},
	"list": func(e *evaluator, v Value, a arguments) Value {
		a.bind(e, "list", 0)
		items := e.iterate(v)
		e.work(16 * len(items))
		return &List{items: slices.Clone(items)}
	},
	"first": func(e *evaluator, v Value, a arguments) Value {
		a.bind(e, "first", 0)
		if items := e.iterate(v); len(items) > 0 {
			return items[0]
		}
		return undefined{"the first item of nothing"}
	},
	"last": func(e *evaluator, v Value, a arguments) Value {
		a.bind(e, "last", 0)
		if items := e.iterate(v); len(items) > 0 {
			return items[len(items)-1]
		}
		return undefined{"the last item of nothing"}
	},
	"items": func(e *evaluator, v Value, a arguments) Value {
		a.bind(e, "items", 0)
		switch v := v.(type) {
		case undefined:
			return &List{}
		case *Dict:
			return dictMethods["items"](e, v, a)
		}
		e.failf("items needs a dict, not %s", kind(v))
		return nil
	},
	"reverse": func(e *evaluator, v Value, a arguments) Value {
		a.bind(e, "reverse", 0)
		items := slices.Clone(e.iterate(v))
		e.work(16 * len(items))
		slices.Reverse(items)
		if _, ok := v.(Text); !ok {
			return &List{items: items}
		}
		var b textBuilder
		for _, c := range items {
			b.add(c.(Text))
		}
		return b.text()
	},
}

func defaultFilter(e *evaluator, v Value, a arguments) Value {
	b := a.bind(e, "default", 0, "default_value", "boolean")
	if _, missing := v.(undefined); missing || flag(b[1], false) && !truth(v) {
		if b[0] == (absent{}) {
			return Text{}
		}
		return b[0]
	}
	return v
}

func lengthFilter(e *evaluator, v Value, a arguments) Value {
	a.bind(e, "length", 0)
	if t, ok := v.(Text); ok {
		e.work(len(t.s))
	}
	n, ok := length(v)
	if !ok {
		e.failf("a value of type %s has no length", kind(v))
	}
	return int64(n)
}

func intFilter(e *evaluator, v Value, a arguments) Value {
	b := a.bind(e, "int", 0, "default")
	if i, f, isInt, ok := number(v); ok {
		if isInt {
			return i
		}
		if f > -1<<53 && f < 1<<53 {
			return int64(f)
		}
		e.failf("the int of %v is not understood", f)
	}
	if t, ok := v.(Text); ok {
		s := e.numeral(t)
		if i, err := strconv.ParseInt(s, 10, 64); err == nil {
			return i
		}
		if f, err := strconv.ParseFloat(s, 64); err == nil && f > -1<<53 && f < 1<<53 {
			return int64(f)
		}
	}
	return e.integer("int's default", b[0], 0)
}

// numeral prepares t for strconv: what Go reads and Python does not becomes
// empty, and what only Python reads is refused.
func (e *evaluator) numeral(t Text) string {
	e.work(len(t.s))
	s := strings.TrimFunc(t.s, isSpace)
	if strings.ContainsFunc(s, func(r rune) bool { return r == '_' || r > unicode.MaxASCII && unicode.IsDigit(r) }) {
		e.failf("the number in %q is not understood", s)
	}
	if strings.ContainsAny(s, "xXpP") {
		return ""
	}
	return s
}

func floatFilter(e *evaluator, v Value, a arguments) Value {
	b := a.bind(e, "float", 0, "default")
	if _, f, _, ok := number(v); ok {
		return f
	}
	if t, ok := v.(Text); ok {
		if f, err := strconv.ParseFloat(e.numeral(t), 64); err == nil {
			return f
		}
	}
	if b[0] == (absent{}) {
		return 0.0
	}
	return b[0]
}

// indent puts spaces in front of each line but the first.
func indent(e *evaluator, v Value, a arguments) Value {
	b := a.bind(e, "indent", 0, "width", "first", "blank")
	prefix, ok := b[0].(Text)
	if !ok {
		prefix = e.repeat(TemplateText(" "), e.integer("indent's width", b[0], 4))
	}
	first, blank := flag(b[1], false), flag(b[2], false)
	t := e.plain(v)
	newline := TemplateText("\n")
	if strings.HasSuffix(t.s, "\r") { // splitlines would join it to the newline added
		e.failf("indenting a str that ends with a carriage return is not understood")
	}
	var out textBuilder
	for i, line := range e.lines(e.join(t, newline)) {
		line := line.(Text)
		e.work(1 + len(prefix.s) + line.cost())
		if i > 0 {
			out.add(newline)
		}
		if i == 0 && first || i > 0 && (blank || line.s != "") {
			out.add(prefix)
		}
		out.add(line)
	}
	return out.text()
}
