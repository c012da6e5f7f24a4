package jinja

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// str is Python's str(v).
func (e *evaluator) str(v Value) Text {
	switch v := v.(type) {
	case Text:
		return v
	case markup:
		return v.Text
	case undefined:
		return Text{}
	}
	var b textBuilder
	e.repr(&b, v)
	return b.text()
}

// plain is str(v) for an operation that would escape other strs if v were a safe
// one.
func (e *evaluator) plain(v Value) Text {
	if _, safe := v.(markup); safe {
		e.failf("a safe str can only be printed here")
	}
	return e.str(v)
}

// repr writes Python's repr(v).
func (e *evaluator) repr(b *textBuilder, v Value) {
	e.enter()
	defer e.leave()
	switch v := v.(type) {
	case nil:
		b.write("None", false)
	case bool:
		b.write(map[bool]string{true: "True", false: "False"}[v], false)
	case int64:
		b.write(strconv.FormatInt(v, 10), false)
	case float64:
		b.write(floatRepr(v), false)
	case undefined:
		b.write("Undefined", false)
	case Text:
		e.work(len(v.s))
		b.add(v.derived(quote(v.s)))
	case *List:
		e.reprList(b, v)
	case *Dict:
		b.write("{", false)
		for i, k := range v.keys {
			if i > 0 {
				b.write(", ", false)
			}
			e.repr(b, k)
			b.write(": ", false)
			e.repr(b, v.values[k.s])
		}
		b.write("}", false)
	default:
		e.failf("a value of type %s cannot be printed", kind(v))
	}
}

func (e *evaluator) reprList(b *textBuilder, v *List) {
	open, end := "[", "]"
	if v.tuple {
		open, end = "(", ")"
	}
	b.write(open, false)
	for i, x := range v.items {
		if i > 0 {
			b.write(", ", false)
		}
		e.repr(b, x)
	}
	if v.tuple && len(v.items) == 1 {
		b.write(",", false)
	}
	b.write(end, false)
}

// floatRepr is the shortest text that reads back as f, in Python's form.
func floatRepr(f float64) string {
	switch {
	case math.IsInf(f, 1):
		return "inf"
	case math.IsInf(f, -1):
		return "-inf"
	case math.IsNaN(f):
		return "nan"
	}
	if m := math.Abs(f); m != 0 && (m < 1e-4 || m >= 1e16) {
		return strconv.FormatFloat(f, 'e', -1, 64)
	}
	s := strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}

// quote is Python's repr of a str.
func quote(s string) string {
	mark := byte('\'')
	if strings.Contains(s, "'") && !strings.Contains(s, `"`) {
		mark = '"'
	}
	var b strings.Builder
	b.WriteByte(mark)
	for at := 0; at < len(s); {
		r, size := utf8.DecodeRuneInString(s[at:])
		switch {
		case r == rune(mark) || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == ' ' || unicode.IsPrint(r):
			b.WriteString(s[at : at+size])
		case r < 0x100:
			fmt.Fprintf(&b, `\x%02x`, r)
		case r < 0x10000:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			fmt.Fprintf(&b, `\U%08x`, r)
		}
		at += size
	}
	b.WriteByte(mark)
	return b.String()
}
