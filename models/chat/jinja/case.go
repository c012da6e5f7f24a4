package jinja

import (
	"strings"
	"unicode"
)

// multiple lists the letters whose other case is several letters, or depends on
// the letters around, so that mapping one by one would differ from Python.
var multiple = &unicode.RangeTable{
	R16: []unicode.Range16{
		{0x00df, 0x00df, 1}, {0x0130, 0x0130, 1}, {0x0149, 0x0149, 1}, {0x01f0, 0x01f0, 1},
		{0x0390, 0x0390, 1}, {0x03a3, 0x03a3, 1}, {0x03b0, 0x03b0, 1}, {0x0587, 0x0587, 1},
		{0x1e96, 0x1e9a, 1}, {0x1f50, 0x1f56, 2}, {0x1f80, 0x1faf, 1}, {0x1fb2, 0x1fb4, 1},
		{0x1fb6, 0x1fb7, 1}, {0x1fbc, 0x1fbc, 1}, {0x1fc2, 0x1fc4, 1}, {0x1fc6, 0x1fc7, 1},
		{0x1fcc, 0x1fcc, 1}, {0x1fd2, 0x1fd3, 1}, {0x1fd6, 0x1fd7, 1}, {0x1fe2, 0x1fe4, 1},
		{0x1fe6, 0x1fe7, 1}, {0x1ff2, 0x1ff4, 1}, {0x1ff6, 0x1ff7, 1}, {0x1ffc, 0x1ffc, 1},
		{0xfb00, 0xfb06, 1}, {0xfb13, 0xfb17, 1},
	},
	LatinOffset: 1,
}

// mapCase maps characters one by one.
func (e *evaluator) mapCase(t Text, f func(i int, r rune) rune) Text {
	e.work(len(t.s))
	if i := strings.IndexFunc(t.s, func(r rune) bool { return unicode.Is(multiple, r) }); i >= 0 {
		e.failf("the case of %q is not understood", []rune(t.s[i:])[0])
	}
	return t.mapRunes(f)
}

func (e *evaluator) upper(t Text) Text {
	return e.mapCase(t, func(_ int, r rune) rune { return unicode.ToUpper(r) })
}

func (e *evaluator) lower(t Text) Text {
	return e.mapCase(t, func(_ int, r rune) rune { return unicode.ToLower(r) })
}

func (e *evaluator) capitalize(t Text) Text {
	return e.mapCase(t, func(i int, r rune) rune {
		if i == 0 {
			return unicode.ToTitle(r)
		}
		return unicode.ToLower(r)
	})
}

// title raises the first letter of each word; starts tells whether a word
// starts after the character before.
func (e *evaluator) title(t Text, starts func(before rune) bool) Text {
	before := ' '
	return e.mapCase(t, func(i int, r rune) rune {
		first := starts(before)
		before = r
		if first {
			return unicode.ToTitle(r)
		}
		return unicode.ToLower(r)
	})
}
