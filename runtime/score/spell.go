package score

import (
	"unicode/utf8"

	"github.com/llorch/llorch/models/tokenizer"
)

// spell finds where in text the characters that each of ids completes end, and whether the ids spell all of it from the byte
// at on. A space that the tokenizer put in belongs to no byte. From where the ids do not spell the text the ends stay where they
// are.
func spell(t *tokenizer.Tokenizer, ids []int32, text string, at int) (ends []int, whole bool) {
	ends = make([]int, len(ids))
	stream := t.Stream(nil)
	same := true
	advance := func(rendered string) {
		for _, got := range rendered {
			want, n := utf8.DecodeRuneInString(text[at:]) // n is 1 for a byte that is part of no character, as a stream renders it
			switch {
			case same && got == want && n > 0:
				at += n
			case got != ' ':
				same = false
			}
		}
	}
	for i, id := range ids {
		advance(stream.Next(id))
		ends[i] = at
	}
	advance(stream.Flush())
	if len(ids) > 0 {
		ends[len(ids)-1] = at
	}
	return ends, same && at == len(text)
}

// unrendered is the number of bytes in front of text that a stream takes for a space that the tokenizer put there, while the
// tokenizer left it out because there was one.
func unrendered(s *tokenizer.Spec, text string) int {
	if s != nil && s.AddSpacePrefix && s.SpacePrefixMissing && text[0] == ' ' {
		return 1
	}
	return 0
}

// endBefore is where the token before the i-th ends.
func endBefore(ends []int, i int) int {
	if i == 0 {
		return 0
	}
	return ends[i-1]
}
