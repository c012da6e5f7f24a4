package main

import (
	"slices"
	"unicode"
)

// A runeSet is a set of code points as ascending spans that neither overlap nor touch.
type runeSet []span

type span struct{ lo, hi rune }

// runes is the set of all spans together, which may overlap and have any order.
func runes(spans ...span) runeSet {
	spans = slices.Clone(spans)
	slices.SortFunc(spans, func(a, b span) int { return int(a.lo - b.lo) })
	var s runeSet
	for _, p := range spans {
		if n := len(s); n > 0 && p.lo <= s[n-1].hi+1 {
			s[n-1].hi = max(s[n-1].hi, p.hi)
		} else {
			s = append(s, p)
		}
	}
	return s
}

func table(t *unicode.RangeTable) runeSet {
	var spans []span
	add := func(lo, hi, stride rune) {
		for r := lo; r <= hi; r += stride {
			spans = append(spans, span{r, r})
		}
	}
	for _, r := range t.R16 {
		add(rune(r.Lo), rune(r.Hi), rune(r.Stride))
	}
	for _, r := range t.R32 {
		add(rune(r.Lo), rune(r.Hi), rune(r.Stride))
	}
	return runes(spans...)
}

func union(sets ...runeSet) runeSet { return runes(slices.Concat(sets...)...) }

func (s runeSet) complement() runeSet {
	var c runeSet
	next := rune(0)
	for _, p := range s {
		if p.lo > next {
			c = append(c, span{next, p.lo - 1})
		}
		next = p.hi + 1
	}
	if next <= unicode.MaxRune {
		c = append(c, span{next, unicode.MaxRune})
	}
	return c
}

func intersect(a, b runeSet) runeSet { return union(a.complement(), b.complement()).complement() }

func (s runeSet) has(r rune) bool {
	_, found := slices.BinarySearchFunc(s, r, func(p span, r rune) int {
		switch {
		case p.hi < r:
			return -1
		case p.lo > r:
			return 1
		}
		return 0
	})
	return found
}

// folded adds the other cases of every rune, by simple folding.
func (s runeSet) folded() runeSet {
	spans := slices.Clone(s)
	for _, p := range s {
		for r := p.lo; r <= p.hi; r++ {
			for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
				spans = append(spans, span{f, f})
			}
		}
	}
	return runes(spans...)
}

// added are the characters that Unicode 15.1 has and Go's tables, of 15.0, lack: CJK extension I and five symbols.
const unicodeVersion = "15.1"

var added = struct{ lo, so runeSet }{runeSet{{0x2EBF0, 0x2EE5D}}, runeSet{{0x2FFC, 0x2FFF}, {0x31EF, 0x31EF}}}

// properties are the names of \p{...}.
var properties = map[string]runeSet{
	"L":   union(table(unicode.L), added.lo),
	"Lu":  table(unicode.Lu),
	"Ll":  table(unicode.Ll),
	"Lt":  table(unicode.Lt),
	"Lm":  table(unicode.Lm),
	"Lo":  union(table(unicode.Lo), added.lo),
	"M":   table(unicode.M),
	"N":   table(unicode.N),
	"P":   table(unicode.P),
	"S":   union(table(unicode.S), added.so),
	"Han": union(table(unicode.Han), added.lo),
}

// whitespace is \s: the property White_Space.
var whitespace = table(unicode.White_Space)
