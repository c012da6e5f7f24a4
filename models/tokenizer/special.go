package tokenizer

import (
	"slices"
	"strings"
	"unicode"
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

// split cuts text at its special pieces: user-defined ones, and where Special
// is set the control and unknown ones too, unless they are foreign. A longer piece wins over a shorter
// one that it overlaps, wherever either begins.
func (t *Tokenizer) split(text string, opt Options) []fragment {
	var found []match
	var taken []bool // bytes of text inside a match
	for _, id := range t.special {
		p := t.spec.Pieces[id]
		control := p.Type != UserDefined
		if control && !opt.Special {
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
			if control && opt.Foreign != nil && opt.Foreign(at, end) {
				at++
				continue
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

// fragments lists the matches in order with the text between them, without the
// whitespace that a match takes along.
func (t *Tokenizer) fragments(text string, found []match) []fragment {
	var list []fragment
	done, strip := 0, Strip(0) // of the match before
	between := func(text string, after Strip) {
		if strip&StripRight != 0 {
			text = strings.TrimLeftFunc(text, unicode.IsSpace)
		}
		if after&StripLeft != 0 {
			text = strings.TrimRightFunc(text, unicode.IsSpace)
		}
		if text != "" {
			list = append(list, fragment{text, -1})
		}
	}
	for _, m := range found {
		p := t.spec.Pieces[m.id]
		between(text[done:m.at], p.Strip)
		list = append(list, fragment{id: m.id})
		done, strip = m.at+len(p.Text), p.Strip
	}
	between(text[done:], 0)
	return list
}
