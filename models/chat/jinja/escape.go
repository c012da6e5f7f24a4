package jinja

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// unescape reads a string literal's escapes as Python does.
func (p *parser) unescape(t token) string {
	body := t.text[1 : len(t.text)-1]
	var b strings.Builder
	for {
		i := strings.IndexByte(body, '\\')
		if i < 0 {
			b.WriteString(body)
			return b.String()
		}
		b.WriteString(body[:i])
		text, n := escape(body[i+1:])
		if n == 0 {
			failAt(t.line, "the escape \\%c in a string is not understood", body[i+1])
		}
		b.WriteString(text)
		body = body[i+1+n:]
	}
}

// escape reads the escape after a backslash and returns its length, 0 for one
// that is malformed.
func escape(s string) (text string, n int) {
	simple := map[byte]string{'n': "\n", 't': "\t", 'r': "\r", '\\': `\`, '\'': "'", '"': `"`,
		'a': "\a", 'b': "\b", 'f': "\f", 'v': "\v", '\n': ""}
	if text, ok := simple[s[0]]; ok {
		return text, 1
	}
	digits := map[byte]int{'x': 2, 'u': 4, 'U': 8}[s[0]]
	if digits == 0 { // Python keeps the backslash of an escape it does not know
		if s[0] >= '0' && s[0] <= '9' || s[0] == 'N' {
			return "", 0
		}
		return `\` + s[:1], 1
	}
	if len(s) <= digits {
		return "", 0
	}
	r, err := strconv.ParseUint(s[1:1+digits], 16, 32)
	if err != nil || !utf8.ValidRune(rune(r)) {
		return "", 0
	}
	return string(rune(r)), 1 + digits
}
