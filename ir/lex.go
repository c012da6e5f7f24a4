package ir

import (
	"fmt"
	"strings"
)

// token is a word of the text form. Kinds: a (name: letters, digits, _ .), 0 (number), @ (position), e (end), and each
// punctuation character as itself.
type token struct {
	kind byte
	text string
	line int
}

// lex splits the text form into tokens; # and // begin comments.
func lex(file, src string) ([]token, error) {
	var ts []token
	line := 1
	for i := 0; i < len(src); {
		c := src[i]
		j := i
		switch {
		case c == '\n':
			line++
			i++
			continue
		case blank(c):
			i++
			continue
		case c == '#' || strings.HasPrefix(src[i:], "//"):
			for i < len(src) && src[i] != '\n' {
				i++
			}
			continue
		case letter(c):
			for j < len(src) && (letter(src[j]) || digit(src[j]) || src[j] == '.') {
				j++
			}
			ts = append(ts, token{'a', src[i:j], line})
		case digit(c):
			for j < len(src) && (digit(src[j]) || strings.IndexByte(".eE", src[j]) >= 0 || exponentSign(src, j)) {
				j++
			}
			ts = append(ts, token{'0', src[i:j], line})
		case c == '@':
			j += positionLen(src[i:])
			ts = append(ts, token{'@', src[i+1 : j], line})
		case strings.IndexByte("{}[]()=,:+-*<>", c) >= 0:
			j++
			ts = append(ts, token{c, src[i:j], line})
		default:
			return nil, fmt.Errorf("%s:%d: unexpected character %q", file, line, c)
		}
		i = j
	}
	return append(ts, token{kind: 'e', text: "end of file", line: line}), nil
}

// positionLen is the length of "@my file.go:7", which ends with the first number before a blank: file names have blanks
// too. What has no number ends at the first blank.
func positionLen(s string) int {
	if end := strings.IndexByte(s, '\n'); end >= 0 {
		s = s[:end]
	}
	for i := 1; i <= len(s); i++ {
		if (i == len(s) || blank(s[i])) && colonNumber(s[:i]) {
			return i
		}
	}
	if first := strings.IndexAny(s, " \t\r"); first >= 0 {
		return first
	}
	return len(s)
}

// colonNumber reports that s ends with a colon and digits.
func colonNumber(s string) bool {
	file := strings.TrimRight(s, "0123456789")
	return len(file) < len(s) && strings.HasSuffix(file, ":")
}

// isName reports that s is one word of the text form.
func isName(s string) bool {
	for i := range len(s) {
		if !letter(s[i]) && (i == 0 || !digit(s[i]) && s[i] != '.') {
			return false
		}
	}
	return s != ""
}

func blank(c byte) bool  { return c == ' ' || c == '\t' || c == '\r' }
func letter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' }
func digit(c byte) bool  { return c >= '0' && c <= '9' }

// exponentSign reports that src[j] is the sign of 1e-05.
func exponentSign(src string, j int) bool {
	return (src[j] == '-' || src[j] == '+') && (src[j-1] == 'e' || src[j-1] == 'E') && j+1 < len(src) && digit(src[j+1])
}
