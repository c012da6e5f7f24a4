package tokenizer

import (
	"slices"
	"strings"
	"sync"
	"unicode/utf8"
)

// nfcRange are characters of one combining class.
type nfcRange struct {
	first, last rune
	class       uint8
}

// nfcTables are znfc.go's as maps.
type nfcTables struct {
	apart map[rune][]rune
	pairs map[[2]rune]rune
}

var nfcTable = sync.OnceValue(func() *nfcTables {
	t := &nfcTables{map[rune][]rune{}, map[[2]rune]rune{}}
	for c := []rune(nfcComposed); len(c) > 0; c = c[3:] {
		t.apart[c[0]] = c[1:3]
		t.pairs[[2]rune{c[1], c[2]}] = c[0]
	}
	for _, row := range strings.Split(strings.TrimSuffix(nfcDecomposed, "\x00"), "\x00") {
		c := []rune(row)
		t.apart[c[0]] = c[1:]
	}
	return t
})

// Hangul's syllables are composed by arithmetic: the first of them, of their three parts, and how many there are.
const (
	hangulS, hangulL, hangulV, hangulT = 0xAC00, 0x1100, 0x1161, 0x11A7
	countL, countV, countT             = 19, 21, 28
)

// nfc returns text in Unicode's normal form C: characters come apart, their marks are ordered, and what composes is composed.
// text is what wellFormed returns.
func nfc(text string) string {
	// No character before U+0300 is changed, or changes another; what Go cannot read is U+FFFD to it.
	if strings.IndexFunc(text, func(r rune) bool { return r >= 0x300 }) < 0 {
		return text
	}
	t := nfcTable()
	var cs []rune
	for at := 0; at < len(text); {
		r, n := decode(text[at:])
		cs = t.appendApart(cs, r)
		at += n
	}
	for from := 0; from < len(cs); {
		to := from + 1
		if classOf(cs[from]) > 0 {
			for to < len(cs) && classOf(cs[to]) > 0 {
				to++
			}
			slices.SortStableFunc(cs[from:to], func(a, b rune) int { return int(classOf(a)) - int(classOf(b)) })
		}
		from = to
	}
	b := make([]byte, 0, len(text))
	for _, r := range t.compose(cs) {
		b = appendRune(b, r)
	}
	return string(b)
}

func classOf(r rune) uint8 {
	i, found := slices.BinarySearchFunc(nfcClasses[:], r, func(c nfcRange, r rune) int {
		switch {
		case c.last < r:
			return -1
		case c.first > r:
			return 1
		}
		return 0
	})
	if !found {
		return 0
	}
	return nfcClasses[i].class
}

// appendApart appends the parts of r, to the last.
func (t *nfcTables) appendApart(cs []rune, r rune) []rune {
	if s := r - hangulS; s >= 0 && s < countL*countV*countT {
		cs = append(cs, hangulL+s/(countV*countT), hangulV+s%(countV*countT)/countT)
		if s%countT > 0 {
			cs = append(cs, hangulT+s%countT)
		}
		return cs
	}
	parts, ok := t.apart[r]
	if !ok {
		return append(cs, r)
	}
	for _, p := range parts {
		cs = t.appendApart(cs, p)
	}
	return cs
}

// compose joins each character to the last one of class 0 before it, unless one between them is in its way.
func (t *nfcTables) compose(cs []rune) []rune {
	out := cs[:0]
	starter, last := -1, uint8(0) // of out: the place of the one of class 0, and the class of the character before
	for _, r := range cs {
		class := classOf(r)
		if starter >= 0 && (len(out) == starter+1 || last < class && last > 0) {
			if c, ok := t.pair(out[starter], r); ok {
				out[starter] = c
				continue
			}
		}
		if class == 0 {
			starter = len(out)
		}
		last = class
		out = append(out, r)
	}
	return out
}

func (t *nfcTables) pair(a, b rune) (rune, bool) {
	if l, v := a-hangulL, b-hangulV; l >= 0 && l < countL && v >= 0 && v < countV {
		return hangulS + (l*countV+v)*countT, true
	}
	if s, f := a-hangulS, b-hangulT; s >= 0 && s < countL*countV*countT && s%countT == 0 && f > 0 && f < countT {
		return a + f, true
	}
	c, ok := t.pairs[[2]rune{a, b}]
	return c, ok
}

// appendRune writes r, which may be half of a surrogate pair.
func appendRune(b []byte, r rune) []byte {
	if r >= 0xD800 && r < 0xE000 {
		return append(b, 0xE0|byte(r>>12), 0x80|byte(r>>6)&0xBF, 0x80|byte(r)&0xBF)
	}
	return utf8.AppendRune(b, r)
}
