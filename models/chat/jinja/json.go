package jinja

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// A jsonWriter writes what Python's json.dumps writes.
type jsonWriter struct {
	e            *evaluator
	out          textBuilder
	item, key    string // separators
	indent       string // of one level; newlines are written where lines is set
	lines, ascii bool
	sorted       bool
}

// tojson is transformers' filter of that name: json.dumps, with letters beyond
// ASCII as they are.
func tojson(e *evaluator, v Value, a arguments) Value {
	b := a.bind(e, "tojson", 0, "ensure_ascii", "indent", "separators", "sort_keys")
	w := &jsonWriter{e: e, item: ", ", key: ": ", ascii: flag(b[0], false), sorted: flag(b[3], false)}
	switch indent := b[1].(type) {
	case absent, nil:
	case Text:
		w.lines, w.indent, w.item = true, indent.s, ","
	default:
		n := e.integer("tojson's indent", indent, 0)
		if n > 100 {
			e.failf("tojson's indent is %d, the limit is 100", n)
		}
		w.lines, w.indent, w.item = true, strings.Repeat(" ", int(max(n, 0))), ","
	}
	switch s := b[2].(type) {
	case absent, nil:
	default:
		pair := e.iterate(s)
		if len(pair) != 2 {
			e.failf("tojson's separators are %d values, not 2", len(pair))
		}
		w.item = e.text("tojson's separator", pair[0], "").s
		w.key = e.text("tojson's separator", pair[1], "").s
	}
	w.value(v, 0)
	return w.out.text()
}

func (w *jsonWriter) put(s string) {
	w.e.work(len(s))
	w.out.write(s, false)
}

func (w *jsonWriter) value(v Value, level int) {
	w.e.enter()
	defer w.e.leave()
	switch v := v.(type) {
	case nil:
		w.put("null")
	case bool:
		w.put(strconv.FormatBool(v))
	case int64:
		w.put(strconv.FormatInt(v, 10))
	case float64:
		w.put(map[string]string{"inf": "Infinity", "-inf": "-Infinity", "nan": "NaN"}[floatRepr(v)])
		if v-v == 0 {
			w.put(floatRepr(v))
		}
	case Text:
		w.text(v)
	case markup:
		w.text(v.Text)
	case *List:
		w.list("[", "]", len(v.items), level, func(i int) { w.value(v.items[i], level+1) })
	case *Dict:
		keys := v.keys
		if w.sorted {
			keys = slices.SortedFunc(slices.Values(keys), func(a, b Text) int { return cmp.Compare(a.s, b.s) })
		}
		w.list("{", "}", len(keys), level, func(i int) {
			w.text(keys[i])
			w.put(w.key)
			w.value(v.values[keys[i].s], level+1)
		})
	default:
		w.e.failf("a value of type %s has no JSON", kind(v))
	}
}

func (w *jsonWriter) list(open, end string, n, level int, write func(i int)) {
	w.put(open)
	for i := range n {
		if i > 0 {
			w.put(w.item)
		}
		w.newline(level + 1)
		write(i)
	}
	if n > 0 {
		w.newline(level)
	}
	w.put(end)
}

func (w *jsonWriter) newline(level int) {
	if w.lines {
		w.put("\n")
		for range level {
			w.put(w.indent)
		}
	}
}

func (w *jsonWriter) text(t Text) {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range t.s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case strings.ContainsRune("\n\r\t\b\f", r):
			b.WriteString(map[rune]string{'\n': `\n`, '\r': `\r`, '\t': `\t`, '\b': `\b`, '\f': `\f`}[r])
		case r < 0x20 || w.ascii && r > 0x7e && r < 0x10000:
			fmt.Fprintf(&b, `\u%04x`, r)
		case w.ascii && r >= 0x10000:
			r -= 0x10000
			fmt.Fprintf(&b, `\u%04x\u%04x`, 0xd800+r>>10, 0xdc00+r&0x3ff)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	w.e.work(b.Len())
	w.out.add(t.derived(b.String()))
}
