package tokenizer

import (
	"strings"
	"unicode/utf8"
)

// wellFormed returns text as characters that decode can read: a byte that
// begins none becomes U+FFFD, each by itself, and one written in more bytes
// than it needs is written anew. Halves of surrogate pairs stay. So does
// llama.cpp, whose ids this is to agree with; valid UTF-8 is as it was.
func wellFormed(text string) string {
	if utf8.ValidString(text) {
		return text
	}
	var b strings.Builder
	b.Grow(len(text) + 16)
	for at := 0; at < len(text); {
		n := charLen(text[at:])
		r := rune(utf8.RuneError)
		if isCharacter(text[at : at+n]) {
			r, _ = decode(text[at:])
		} else {
			n = 1
		}
		if r >= 0xD800 && r < 0xE000 {
			b.WriteString(text[at : at+n])
		} else {
			b.WriteRune(r)
		}
		at += n
	}
	return b.String()
}

// isCharacter reports whether char, of the length that its first byte asks
// for unless the text ends sooner, is a lead byte and its continuation bytes.
func isCharacter(char string) bool {
	lead := char[0]
	if lead < 0x80 {
		return true
	}
	if lead < 0xC0 || lead >= 0xF8 || len(char) < charBytes[lead>>4] {
		return false
	}
	for i := 1; i < len(char); i++ {
		if char[i]&0xC0 != 0x80 {
			return false
		}
	}
	r, _ := decode(char)
	return r <= utf8.MaxRune
}

// decode reads the first character of text, which is complete, and its length.
func decode(text string) (r rune, n int) {
	switch c := rune(text[0]); {
	case c < 0x80:
		return c, 1
	case c < 0xE0:
		return c&0x1F<<6 | rune(text[1]&0x3F), 2
	case c < 0xF0:
		return c&0x0F<<12 | rune(text[1]&0x3F)<<6 | rune(text[2]&0x3F), 3
	default:
		return c&0x07<<18 | rune(text[1]&0x3F)<<12 | rune(text[2]&0x3F)<<6 | rune(text[3]&0x3F), 4
	}
}
