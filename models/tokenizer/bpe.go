package tokenizer

import "slices"

// bpe is what encoding by rank takes, beside the pieces.
type bpe struct {
	ranks  *ranks
	pre    *preTokenizer    // nil for Ranked
	byteID [256]int32       // the piece of each byte, -1 where there is none
	words  map[string]int32 // pieces by their bytes, where a word that is one is not merged
}

func (s *Spec) newBPE() (*bpe, error) {
	r, err := s.rankMerges()
	if err != nil {
		return nil, err
	}
	b := &bpe{ranks: r, pre: preTokenizerNamed(s.Pre)}
	for i := range b.byteID {
		b.byteID[i] = -1
	}
	if s.IgnoreMerges {
		b.words = make(map[string]int32, len(s.Pieces))
	}
	var bytes []byte
	for i, p := range s.Pieces {
		if !p.Type.mergeable() {
			continue
		}
		if c, ok := byteOf(p.Text); ok {
			b.byteID[c] = int32(i)
		}
		if s.IgnoreMerges {
			bytes = appendBytes(bytes[:0], p.Text)
			b.words[string(bytes)] = int32(i)
		}
	}
	return b, nil
}

// encodeBPE appends the ids of text. A byte that the vocabulary has no piece
// for is left out, as llama.cpp does and Hugging Face without an unknown piece.
func (t *Tokenizer) encodeBPE(ids []int32, text string) []int32 {
	b := t.bpe
	m := rankMerger{ranks: b.ranks, ids: ids, done: len(ids)}
	if text = wellFormed(text); t.spec.NFC {
		text = nfc(text)
	}
	words(b.pre.automata, text, func(word string) {
		if id, ok := b.words[word]; ok {
			m.ids, m.done = append(m.ids, id), len(m.ids)+1
			return
		}
		for i := range len(word) {
			m.ids = append(m.ids, b.byteID[word[i]])
		}
		m.merge()
	})
	return m.ids
}

// encodeRanked appends the ids of text, which has its spaces escaped. It merges
// within stretches that no piece crosses, as encodeSPM does.
func (t *Tokenizer) encodeRanked(ids []int32, text string) []int32 {
	start := len(ids)
	m := rankMerger{ranks: t.bpe.ranks, ids: ids, done: start}
	for at := 0; at < len(text); {
		if at > 0 && !t.joins.has(text[at-1], text[at]) {
			m.merge()
		}
		n := charLen(text[at:])
		m.ids = t.appendChar(m.ids, start, text[at:at+n])
		at += n
	}
	m.merge()
	return m.ids
}

// appendChar appends the id of a character, or those of its bytes; one that has
// neither becomes the unknown piece, which stands for a whole run since start.
func (t *Tokenizer) appendChar(ids []int32, start int, char string) []int32 {
	if id, ok := t.id[char]; ok {
		return append(ids, id)
	}
	n := len(ids)
	for i := range len(char) {
		id := t.byteID[char[i]]
		if id < 0 {
			ids = ids[:n]
			if n == start || ids[n-1] != t.spec.UNK {
				ids = append(ids, t.spec.UNK)
			}
			return ids
		}
		ids = append(ids, id)
	}
	return ids
}

// A rankMerger merges ids in place, where they stand behind those before them.
type rankMerger struct {
	ranks *ranks
	ids   []int32
	done  int     // how many of ids are merged
	rank  []int32 // of each pair of neighbours

	symbols []symbol
	queue   mergeQueue
}

// scanned is how many ids are merged by looking through all of them each time.
// More go through a queue, which takes longer to set up.
const scanned = 48

// merge merges what is not merged yet.
func (m *rankMerger) merge() {
	word := m.ids[m.done:]
	if len(word) > scanned {
		word = m.mergeByQueue(word)
	} else if len(word) > 1 {
		word = m.mergeByScan(word)
	}
	n := m.done
	for _, id := range word {
		if id >= 0 {
			m.ids[n] = id
			n++
		}
	}
	m.ids, m.done = m.ids[:n], n
}

// mergeByScan merges the pair of the lowest rank, the leftmost among equals,
// until nothing merges.
func (m *rankMerger) mergeByScan(word []int32) []int32 {
	rank := m.rank[:0]
	for i := 1; i < len(word); i++ {
		rank = append(rank, m.ranks.of(word[i-1], word[i]))
	}
	m.rank = rank
	for {
		best, at := int32(noRank), 0
		for i, r := range rank {
			if r < best {
				best, at = r, i
			}
		}
		if best == noRank {
			return word
		}
		word[at] = m.ranks.made[best]
		word = append(word[:at+1], word[at+2:]...)
		rank = append(rank[:at], rank[at+1:]...)
		if at > 0 {
			rank[at-1] = m.ranks.of(word[at-1], word[at])
		}
		if at < len(rank) {
			rank[at] = m.ranks.of(word[at], word[at+1])
		}
	}
}

// mergeByQueue does the same for many. A symbol stands for word[s.at], which
// was made of s.n ids.
func (m *rankMerger) mergeByQueue(word []int32) []int32 {
	m.symbols, m.queue = slices.Grow(m.symbols[:0], len(word)), slices.Grow(m.queue[:0], len(word))
	for i := range word {
		m.symbols = append(m.symbols, symbol{at: i, n: 1, prev: i - 1, next: i + 1})
	}
	m.symbols[len(word)-1].next = -1
	for i := 1; i < len(word); i++ {
		m.propose(word, i-1, i)
	}
	for len(m.queue) > 0 {
		c := m.queue.pop()
		if !join(m.symbols, c) {
			continue
		}
		word[c.left] = m.ranks.made[int(-c.score)]
		l := &m.symbols[c.left]
		m.propose(word, l.prev, c.left)
		m.propose(word, c.left, l.next)
	}
	n := 0
	for i := 0; i >= 0; i = m.symbols[i].next {
		word[n] = word[i]
		n++
	}
	return word[:n]
}

func (m *rankMerger) propose(word []int32, left, right int) {
	if left < 0 || right < 0 {
		return
	}
	if r := m.ranks.of(word[left], word[right]); r != noRank {
		m.queue.push(merge{score: -float32(r), left: left, right: right, n: m.symbols[left].n + m.symbols[right].n})
	}
}
