package tokenizer

import (
	"slices"
	"unicode/utf8"
)

// space is how SentencePiece writes a space within pieces.
const space = "\u2581"

// charBytes gives a character's length by the high four bits of its first byte.
// A stray continuation byte is a character of its own, and a lead byte takes
// what follows unseen, so broken UTF-8 ends up in byte pieces.
var charBytes = [16]int{1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 3, 4}

func charLen(text string) int { return min(charBytes[text[0]>>4], len(text)) }

// encodeSPM appends the ids of text, which is not empty and has its spaces escaped. It merges within
// stretches that no piece crosses, mostly words, which gives the same ids as
// merging the whole and keeps the queue short.
func (t *Tokenizer) encodeSPM(ids []int32, text string) []int32 {
	m := merger{t: t, ids: ids}
	start := 0
	for at := 0; at < len(text); at += charLen(text[at:]) {
		if at > start && !t.joins.has(text[at-1], text[at]) {
			m.encode(text[start:at])
			start = at
		}
	}
	m.encode(text[start:])
	return m.ids
}

// bytePairs is a set of (last byte of a character, first byte of the next).
type bytePairs [1 << 16 / 64]uint64

func (s *bytePairs) add(text string) {
	for at := charLen(text); at < len(text); at += charLen(text[at:]) {
		i := uint(text[at-1])<<8 | uint(text[at])
		s[i/64] |= 1 << (i % 64)
	}
}

func (s *bytePairs) has(last, first byte) bool {
	i := uint(last)<<8 | uint(first)
	return s[i/64]>>(i%64)&1 != 0
}

// A symbol is a character, later a piece, in the list of what a stretch has
// been merged into so far.
type symbol struct {
	at, n      int // bytes text[at:at+n]; n is 0 once merged into its left neighbour
	prev, next int // -1 at the ends
}

// A merger encodes stretches of text one after the other.
type merger struct {
	t       *Tokenizer
	ids     []int32
	unknown bool // the last id is an unknown piece, which stands for a whole run

	text    string
	symbols []symbol
	queue   mergeQueue
	unused  map[int32]int // bytes of the left part that an unused piece was last merged from
}

// encode appends the ids of one stretch, which is not empty.
func (m *merger) encode(text string) {
	count := utf8.RuneCountInString(text) // about as many symbols
	m.text, m.symbols, m.queue = text, slices.Grow(m.symbols[:0], count), slices.Grow(m.queue, count)
	for at := 0; at < len(text); {
		n, i := charLen(text[at:]), len(m.symbols)
		m.symbols = append(m.symbols, symbol{at: at, n: n, prev: i - 1, next: i + 1})
		at += n
	}
	m.symbols[len(m.symbols)-1].next = -1
	for i := 1; i < len(m.symbols); i++ {
		m.propose(i-1, i)
	}
	for len(m.queue) > 0 {
		m.merge(m.queue.pop())
	}
	for i := 0; i >= 0; i = m.symbols[i].next {
		s := m.symbols[i]
		m.emit(text[s.at : s.at+s.n])
	}
}

// propose queues the merge of two neighbours if together they are a piece.
func (m *merger) propose(left, right int) {
	if left < 0 || right < 0 {
		return
	}
	l, n := m.symbols[left], m.symbols[left].n+m.symbols[right].n
	if n > m.t.longest {
		return
	}
	id, ok := m.t.id[m.text[l.at:l.at+n]]
	if !ok {
		return
	}
	p := &m.t.spec.Pieces[id]
	m.queue.push(merge{score: p.Score, left: left, right: right, n: n})
	if p.Type == Unused {
		if m.unused == nil {
			m.unused = make(map[int32]int)
		}
		m.unused[id] = l.n
	}
}

// merge makes a proposed merge and proposes what it makes possible.
func (m *merger) merge(c merge) {
	if !join(m.symbols, c) {
		return
	}
	l := &m.symbols[c.left]
	m.propose(l.prev, c.left)
	m.propose(c.left, l.next)
}

// join joins the right symbol to the left one, unless either has changed since
// it was proposed: symbols only grow or vanish, so the sum of lengths tells.
func join(symbols []symbol, c merge) bool {
	l, r := &symbols[c.left], &symbols[c.right]
	if l.n == 0 || r.n == 0 || l.n+r.n != c.n {
		return false
	}
	l.n, r.n = c.n, 0
	l.next = r.next
	if r.next >= 0 {
		symbols[r.next].prev = c.left
	}
	return true
}

// emit appends the ids of a finished symbol.
func (m *merger) emit(text string) {
	t := m.t
	id, ok := t.id[text]
	if n, split := m.unused[id]; ok && split {
		m.emit(text[:n])
		m.emit(text[n:])
		return
	}
	if ok {
		m.ids, m.unknown = append(m.ids, id), false
		return
	}
	for i := range len(text) {
		if id := t.byteID[text[i]]; id >= 0 {
			m.ids, m.unknown = append(m.ids, id), false
		} else if !m.unknown {
			m.ids, m.unknown = append(m.ids, t.spec.UNK), true
		}
	}
}
