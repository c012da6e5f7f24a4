package tokenizer

import (
	"slices"
	"strings"
)

// A fragment is a stretch of text, or the special piece that stood there.
type fragment struct {
	text string
	id   int32 // -1 for text
}

// A match is a special piece found at a byte of the text.
type match struct {
	at int
	id int32
}

// split cuts text at its special pieces: user-defined ones, and where control
// is set the control and unknown ones too. A longer piece wins over a shorter
// one that it overlaps, wherever either begins.
func (t *Tokenizer) split(text string, control bool) []fragment {
	var found []match
	var taken []bool // bytes of text inside a match
	for _, id := range t.special {
		p := t.spec.Pieces[id]
		if p.Type != UserDefined && !control {
			continue
		}
		for at := 0; ; {
			i := strings.Index(text[at:], p.Text)
			if i < 0 {
				break
			}
			at += i
			end := at + len(p.Text)
			if taken == nil {
				taken = make([]bool, len(text))
			}
			// Earlier matches are no shorter, so one that overlaps covers an end.
			if taken[at] || taken[end-1] {
				at++
				continue
			}
			for j := at; j < end; j++ {
				taken[j] = true
			}
			found = append(found, match{at, id})
			at = end
		}
	}
	slices.SortFunc(found, func(a, b match) int { return a.at - b.at })
	return t.fragments(text, found)
}

// fragments lists the matches in order with the text between them.
func (t *Tokenizer) fragments(text string, found []match) []fragment {
	var list []fragment
	done := 0
	for _, m := range found {
		if m.at > done {
			list = append(list, fragment{text[done:m.at], -1})
		}
		list = append(list, fragment{id: m.id})
		done = m.at + len(t.spec.Pieces[m.id].Text)
	}
	if done < len(text) {
		list = append(list, fragment{text[done:], -1})
	}
	return list
}
