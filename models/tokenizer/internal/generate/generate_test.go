package main

import (
	"math/rand/v2"
	"os"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

// The committed file is what the table gives, every time.
func TestGenerated(t *testing.T) {
	want, err := os.ReadFile("../../zwords.go")
	require.NoError(t, err)
	for range 2 {
		got, err := generate()
		require.NoError(t, err)
		require.Equal(t, string(want), string(got), "go generate ./models/tokenizer writes it anew")
	}
}

// backtrack is where a match of the program from pc on ends, -1 for none.
func (p program) backtrack(pc int, text []rune, at int) int {
	r := rune(endOfText)
	if at < len(text) {
		r = text[at]
	}
	switch i := p[pc]; i.kind {
	case match:
		return at
	case fork:
		if end := p.backtrack(i.next, text, at); end >= 0 {
			return end
		}
		return p.backtrack(i.other, text, at)
	case ahead:
		if r == endOfText && i.end || i.set.has(r) {
			return p.backtrack(i.next, text, at)
		}
	case take:
		if i.set.has(r) {
			return p.backtrack(i.next, text, at+1)
		}
	}
	return -1
}

// run is where the automaton's match ends, -1 for none.
func (a *automaton) run(k *kinds, text []rune) int {
	end, state := -1, 1
	for at := 0; at <= len(text); at++ {
		class := len(a.states[0]) - 1
		if at < len(text) {
			_, key := k.in(text[at])
			for kind, r := range k.sample {
				if _, other := k.in(r); other == key {
					class = a.classes[kind]
				}
			}
		}
		s := a.states[state][class]
		if s.match {
			end = at
		}
		if state = s.next; state == 0 {
			break
		}
	}
	return end
}

// The automaton finds what backtracking does, in texts of characters that the expression tells apart.
func TestAutomaton(t *testing.T) {
	exprs := []string{`a|ab|abc`, `(?:ab|a)(?:c|bcd)?`, `(a|ab)(c|bcd)(d*)`, `a*ab?`, `(?:a{2,3}){2}b?`, `a+(?!b)|a`, `(?=a)[^b]+$|\s?b`, `(?i:k|s)+x?`, `[a-c&&[^b]]+`, `a?+b`}
	for _, r := range rows {
		exprs = append(exprs, r.exprs...)
	}
	r := rand.New(rand.NewPCG(1, 1))
	for _, e := range exprs {
		n, err := parse(e)
		require.NoError(t, err)
		p := compile(n)
		var sets []runeSet
		for _, i := range p {
			sets = append(sets, i.set)
		}
		k := divide(sets)
		classes, sample := k.classes(p)
		a, err := determinise(p, classes, sample)
		require.NoError(t, err, e)
		for range 200 {
			text := make([]rune, r.IntN(12))
			for i := range text {
				text[i] = sample[r.IntN(len(sample))]
				if i > 0 && r.IntN(2) == 0 {
					text[i] = text[i-1]
				}
			}
			require.Equal(t, p.backtrack(len(p)-1, text, 0), a.run(k, text), "%q by %s", string(text), e)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for _, test := range []struct{ expr, want string }{
		{`a)`, `"a)" at byte 1: found ")", want the end`},
		{`(a`, `"(a" at byte 2: want ")"`},
		{`*a`, `"*a" at byte 0: found "*", want it escaped`},
		{`\d`, `"\\d" at byte 2: escape \d is not supported`},
		{`\p{Greek}`, `"\\p{Greek}" at byte 3: property "Greek" is not supported`},
		{`(?!ab)`, `"(?!ab)" at byte 6: looks ahead at more than one character, which is not supported`},
		{`a{2`, `"a{2" at byte 3: want "}"`},
		{`[b-a]`, `"[b-a]" at byte 4: a range ends before it begins`},
		{`(?:a?)*`, `"(?:a?)*" at byte 7: repeats what may be empty, which is not supported`},
		{`a?+a`, `"a?+a" at byte 4: a possessive quantifier differs from a greedy one here, which is not supported`},
		{`[ab`, `"[ab" at byte 3: ends too early`},
	} {
		_, err := parse(test.expr)
		require.EqualError(t, err, test.want)
	}
	n, err := parse(`a*`)
	require.NoError(t, err)
	p := compile(n)
	k := divide([]runeSet{{{'a', 'a'}}})
	classes, sample := k.classes(p)
	_, err = determinise(p, classes, sample)
	require.EqualError(t, err, "the empty text matches")
}

func TestRuneSets(t *testing.T) {
	require.Equal(t, runeSet{{0, 'z'}}, union(runeSet{{'c', 'z'}}, runeSet{{0, 'a'}, {'b', 'd'}}))
	require.Equal(t, runeSet{{'b', utf8.MaxRune}}, runeSet{{0, 'a'}}.complement())
	require.Equal(t, runeSet{{'b', 'c'}}, intersect(runeSet{{'a', 'c'}}, runeSet{{'b', 'z'}}))
	require.Equal(t, runeSet{{'S', 'S'}, {'s', 's'}, {'ſ', 'ſ'}}, runeSet{{'s', 's'}}.folded())
}
