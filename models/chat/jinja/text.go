package jinja

import (
	"sort"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A Span is the bytes From up to To of a text.
type Span struct{ From, To int }

// A Text is a string that knows which of its bytes are input.
type Text struct {
	s     string
	input []Span // ascending, not empty, not touching one another
}

// TemplateText is a text that counts as the template's own.
func TemplateText(s string) Text { return Text{s: s} }

// InputText is a text from outside: a message, a document.
func InputText(s string) Text {
	if s == "" {
		return Text{}
	}
	return Text{s, []Span{{0, len(s)}}}
}

func (t Text) String() string { return t.s }

// Input lists the bytes that came from outside, ascending.
func (t Text) Input() []Span { return t.input }

// slice is t[from:to] in bytes.
func (t Text) slice(from, to int) Text {
	out := Text{s: t.s[from:to]}
	first := sort.Search(len(t.input), func(i int) bool { return t.input[i].To > from })
	for _, span := range t.input[first:] {
		a, b := max(span.From, from), min(span.To, to)
		if a >= b {
			break
		}
		out.input = append(out.input, Span{a - from, b - from})
	}
	return out
}

// cost is the bytes that a copy of t takes.
func (t Text) cost() int { return len(t.s) + 16*len(t.input) }

// A textBuilder joins texts.
type textBuilder struct {
	s     strings.Builder
	input []Span
}

func (b *textBuilder) write(s string, input bool) {
	from := b.s.Len()
	b.s.WriteString(s)
	to := b.s.Len()
	if !input || from == to {
		return
	}
	if n := len(b.input); n > 0 && b.input[n-1].To == from {
		b.input[n-1].To = to
		return
	}
	b.input = append(b.input, Span{from, to})
}

func (b *textBuilder) add(t Text) {
	done := 0
	for _, span := range t.input {
		b.write(t.s[done:span.From], false)
		b.write(t.s[span.From:span.To], true)
		done = span.To
	}
	b.write(t.s[done:], false)
}

func (b *textBuilder) text() Text { return Text{b.s.String(), b.input} }

// runeOffset is the byte at which the n-th character of s starts.
func runeOffset(s string, n int64) int {
	for at := range s {
		if n == 0 {
			return at
		}
		n--
	}
	return len(s)
}

// derived marks s, made from t in a way that keeps no positions, as input where
// any of t is.
func (t Text) derived(s string) Text {
	if len(t.input) > 0 {
		return InputText(s)
	}
	return Text{s: s}
}

// mapRunes replaces each character by f of its ordinal and itself. Bytes that
// are no UTF-8 stay.
func (t Text) mapRunes(f func(i int, r rune) rune) Text {
	var b textBuilder
	spans, n := t.input, 0
	for at := 0; at < len(t.s); n++ {
		r, size := utf8.DecodeRuneInString(t.s[at:])
		for len(spans) > 0 && spans[0].To <= at {
			spans = spans[1:]
		}
		input := len(spans) > 0 && spans[0].From < at+size
		if r == utf8.RuneError && size == 1 {
			b.write(t.s[at:at+1], input)
		} else {
			b.write(string(f(n, r)), input)
		}
		at += size
	}
	return b.text()
}

// isSpace is Python's str.isspace of one character.
func isSpace(r rune) bool { return unicode.IsSpace(r) || r >= 0x1c && r <= 0x1f }

// strip drops the characters of set (white space where set is nil) at the
// left, the right or both.
func (t Text) strip(set *string, left, right bool) Text {
	drop := isSpace
	if set != nil {
		drop = func(r rune) bool { return strings.ContainsRune(*set, r) }
	}
	from, to := 0, len(t.s)
	if left {
		from = to - len(strings.TrimLeftFunc(t.s, drop))
	}
	if right {
		to = from + len(strings.TrimRightFunc(t.s[from:], drop))
	}
	return t.slice(from, to)
}

// replace puts other in the place of the first n occurrences of old, all where
// n is negative.
func (t Text) replace(old string, other Text, n int) Text {
	var b textBuilder
	done := 0
	for ; n != 0; n-- {
		i := strings.Index(t.s[done:], old)
		if i < 0 {
			break
		}
		b.add(t.slice(done, done+i))
		b.add(other)
		done += i + len(old)
	}
	b.add(t.slice(done, len(t.s)))
	return b.text()
}
