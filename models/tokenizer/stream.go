package tokenizer

import (
	"strings"
	"unicode/utf8"
)

// A Stream decodes ids one by one. The text of all calls of Next and of Flush,
// joined, is always valid UTF-8: it has U+FFFD for each byte that is part of no
// character.
type Stream struct {
	t       *Tokenizer
	pending []byte // rendered, not handed out yet
	began   bool   // something was rendered, so a space in front is part of the text
}

// Stream begins to decode what follows prompt. A character whose bytes begin at
// the prompt's end comes whole.
func (t *Tokenizer) Stream(prompt []int32) *Stream {
	s := &Stream{t: t}
	for _, id := range prompt {
		s.Next(id)
	}
	return s
}

// Decode returns the text of ids. Control and unknown pieces render nothing,
// and the space that Encode puts in front is removed.
func (t *Tokenizer) Decode(ids []int32) string {
	s := Stream{t: t}
	for _, id := range ids {
		s.render(id)
	}
	return s.Flush()
}

// Next returns the text that id made certain: "" while a character is incomplete.
func (s *Stream) Next(id int32) string {
	s.render(id)
	return s.take(false)
}

// Flush ends the text: it returns U+FFFD for each byte of an incomplete character.
func (s *Stream) Flush() string { return s.take(true) }

// render appends a piece's bytes to what is pending; ids outside the vocabulary
// have none.
func (s *Stream) render(id int32) {
	if !s.t.has(id) {
		return
	}
	p := s.t.spec.Pieces[id]
	switch p.Type {
	case Control, Unknown:
		return
	case Byte:
		b, _ := byteValue(p.Text)
		s.pending = append(s.pending, b)
	case UserDefined:
		s.pending = append(s.pending, p.Text...)
	default:
		if s.t.spec.Model == BPE {
			s.pending = appendBytes(s.pending, p.Text)
			break
		}
		text := strings.ReplaceAll(p.Text, space, " ")
		if s.t.spec.AddSpacePrefix && !s.began {
			text = strings.TrimPrefix(text, " ")
		}
		s.pending = append(s.pending, text...)
	}
	s.began = s.began || p.Text != ""
}

// take removes the characters that are complete, or everything.
func (s *Stream) take(all bool) string {
	out := make([]byte, 0, len(s.pending))
	rest := s.pending
	for len(rest) > 0 && (all || utf8.FullRune(rest)) {
		r, n := utf8.DecodeRune(rest)
		out = utf8.AppendRune(out, r)
		rest = rest[n:]
	}
	s.pending = append(s.pending[:0], rest...)
	return string(out)
}
