package main

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// A node is a part of a regular expression.
type node struct {
	op       op
	set      runeSet // of opSet and opAhead
	end      bool    // opAhead: the end of the text will do
	kids     []*node // of opSeq, opAlt and opRepeat, which has one
	min, max int     // of opRepeat; max is -1 for any number
}

type op int

const (
	opSet    op = iota // one character of the set
	opAhead            // nothing, where the next character is one of the set
	opSeq              // the kids one after the other
	opAlt              // the first kid that leads to a match
	opRepeat           // the kid, as often as possible
)

// parse reads the dialect that the pre-tokenizers are written in, a part of what Oniguruma, Rust's regex and Perl have in
// common: classes with ranges, properties and &&; greedy and possessive quantifiers; groups, (?i:...) and lookahead at one
// character.
func parse(expr string) (n *node, err error) {
	p := &parser{rest: expr}
	defer func() {
		if e, ok := recover().(syntaxError); ok {
			err = fmt.Errorf("%q at byte %d: %s", expr, len(expr)-len(p.rest), string(e))
		}
	}()
	n = p.alternatives()
	if p.rest != "" {
		p.fail("found %q, want the end", p.rest[:1])
	}
	return n, nil
}

type parser struct {
	rest string
	fold bool // inside (?i:...)
}

type syntaxError string

func (p *parser) fail(format string, args ...any) { panic(syntaxError(fmt.Sprintf(format, args...))) }

func (p *parser) accept(text string) bool {
	rest, ok := strings.CutPrefix(p.rest, text)
	p.rest = rest
	return ok
}

func (p *parser) expect(text string) {
	if !p.accept(text) {
		p.fail("want %q", text)
	}
}

func (p *parser) rune() rune {
	r, n := utf8.DecodeRuneInString(p.rest)
	if n == 0 {
		p.fail("ends too early")
	}
	p.rest = p.rest[n:]
	return r
}

func (p *parser) alternatives() *node {
	alt := &node{op: opAlt, kids: []*node{p.sequence()}}
	for p.accept("|") {
		alt.kids = append(alt.kids, p.sequence())
	}
	if len(alt.kids) == 1 {
		return alt.kids[0]
	}
	return alt
}

func (p *parser) sequence() *node {
	seq := &node{op: opSeq}
	var possessive []int // indices of kids
	for p.rest != "" && p.rest[0] != '|' && p.rest[0] != ')' {
		kid, keeps := p.quantified()
		if keeps {
			possessive = append(possessive, len(seq.kids))
		}
		seq.kids = append(seq.kids, kid)
	}
	for _, i := range possessive {
		if !givesNothingBack(seq.kids[i].kids[0], seq.kids[i+1:]) {
			p.fail("a possessive quantifier differs from a greedy one here, which is not supported")
		}
	}
	return seq
}

// givesNothingBack reports whether what follows a repetition of one character can begin with none of its characters, so
// that backtracking into the repetition never helps.
func givesNothingBack(repeated *node, after []*node) bool {
	for _, n := range after {
		nullable := n.op == opRepeat && n.min == 0
		if n.op == opRepeat {
			n = n.kids[0]
		}
		if n.op != opSet || repeated.op != opSet || len(intersect(n.set, repeated.set)) > 0 {
			return false
		}
		if !nullable {
			return true
		}
	}
	return true
}

func (p *parser) quantified() (n *node, possessive bool) {
	n = p.atom()
	lo, hi := 0, -1
	switch {
	case p.accept("?"):
		hi = 1
	case p.accept("*"):
	case p.accept("+"):
		lo = 1
	case p.accept("{"):
		lo = p.number()
		hi = lo
		if p.accept(",") {
			hi = p.number()
		}
		p.expect("}")
	default:
		return n, false
	}
	if n.nullable() {
		p.fail("repeats what may be empty, which is not supported")
	}
	return &node{op: opRepeat, kids: []*node{n}, min: lo, max: hi}, p.accept("+")
}

func (p *parser) number() int {
	i := 0
	for i < len(p.rest) && p.rest[i] >= '0' && p.rest[i] <= '9' {
		i++
	}
	v, err := strconv.Atoi(p.rest[:i])
	if err != nil {
		p.fail("want a number")
	}
	p.rest = p.rest[i:]
	return v
}

// nullable reports whether the empty text matches.
func (n *node) nullable() bool {
	switch n.op {
	case opSet:
		return false
	case opRepeat:
		return n.min == 0
	case opAlt:
		for _, kid := range n.kids {
			if kid.nullable() {
				return true
			}
		}
		return false
	case opSeq:
		for _, kid := range n.kids {
			if !kid.nullable() {
				return false
			}
		}
	}
	return true
}

func (p *parser) atom() *node {
	switch {
	case p.accept("(?!"):
		set := p.ahead()
		return &node{op: opAhead, set: set.complement(), end: true}
	case p.accept("(?="):
		return &node{op: opAhead, set: p.ahead()}
	case p.accept("(?i:"):
		defer func(fold bool) { p.fold = fold }(p.fold)
		p.fold = true
		return p.group()
	case p.accept("(?:"):
		return p.group()
	case p.accept("("):
		return p.group()
	case p.accept("$"):
		return &node{op: opAhead, end: true}
	}
	set := p.characters()
	if p.fold {
		set = set.folded()
	}
	return &node{op: opSet, set: set}
}

func (p *parser) group() *node {
	n := p.alternatives()
	p.expect(")")
	return n
}

// ahead is the set of a lookahead, which must be of one character.
func (p *parser) ahead() runeSet {
	n := p.group()
	for n.op == opSeq && len(n.kids) == 1 {
		n = n.kids[0]
	}
	if n.op != opSet {
		p.fail("looks ahead at more than one character, which is not supported")
	}
	return n.set
}

// characters reads what stands for one character.
func (p *parser) characters() runeSet {
	if p.accept("[") {
		return p.class()
	}
	if strings.ContainsRune("*+?{}]^.", rune(p.rest[0])) {
		p.fail("found %q, want it escaped", p.rest[:1])
	}
	set, _ := p.one()
	return set
}

// class reads what follows [.
func (p *parser) class() runeSet {
	negate := p.accept("^")
	var set runeSet
	for !p.accept("]") {
		switch {
		case p.accept("&&"):
			rest := p.class() // takes the ] too
			set = intersect(set, rest)
			if negate {
				return set.complement()
			}
			return set
		case p.accept("["):
			set = union(set, p.class())
			continue
		}
		one, r := p.one()
		if r >= 0 && len(p.rest) > 1 && p.rest[0] == '-' && p.rest[1] != ']' {
			p.rest = p.rest[1:]
			_, hi := p.one()
			if hi < r {
				p.fail("a range ends before it begins")
			}
			one = runeSet{{r, hi}}
		}
		set = union(set, one)
	}
	if negate {
		return set.complement()
	}
	return set
}

// one reads a character or an escape; r is -1 for a set of several.
func (p *parser) one() (set runeSet, r rune) {
	r = p.rune()
	if r != '\\' {
		return runeSet{{r, r}}, r
	}
	switch r = p.rune(); r {
	case 'r':
		r = '\r'
	case 'n':
		r = '\n'
	case 't':
		r = '\t'
	case 's':
		return whitespace, -1
	case 'S':
		return whitespace.complement(), -1
	case 'p':
		p.expect("{")
		name, rest, _ := strings.Cut(p.rest, "}")
		set, ok := properties[name]
		if !ok {
			p.fail("property %q is not supported", name)
		}
		p.rest = rest
		return set, -1
	default:
		if r >= utf8.RuneSelf || r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' {
			p.fail("escape \\%c is not supported", r)
		}
	}
	return runeSet{{r, r}}, r
}
