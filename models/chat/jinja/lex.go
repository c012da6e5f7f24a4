package jinja

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

type tokenKind int

const (
	dataToken tokenKind = iota
	nameToken
	stringToken
	intToken
	floatToken
	operatorToken
	variableBegin
	variableEnd
	blockBegin
	blockEnd
	endOfSource
)

type token struct {
	kind tokenKind
	text string
	line int
}

// describe names the token for an error.
func (t token) describe() string {
	switch t.kind {
	case endOfSource:
		return "the end of the template"
	case variableEnd, blockEnd:
		return "the end of the tag"
	case dataToken:
		return "text"
	}
	return "'" + t.text + "'"
}

// A lexer cuts a source into tokens. White space around tags is settled here, as
// jinja2 does under trim_blocks and lstrip_blocks: a block's or comment's tag
// eats the newline after it and the indentation before it, - eats all white
// space on its side, + none.
type lexer struct {
	src       string
	pos, line int
	lineStart bool // the last token ended with a newline
	tokens    []token
}

func lex(source string) []token {
	if len(source) > maxSource {
		failAt(1, "the template has %d bytes, the limit is %d", len(source), maxSource)
	}
	src := strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(source)
	l := &lexer{src: strings.TrimSuffix(src, "\n"), line: 1, lineStart: true}
	for l.pos < len(l.src) {
		l.next()
	}
	l.emit(endOfSource, "")
	return l.tokens
}

func (l *lexer) rest() string { return l.src[l.pos:] }

func (l *lexer) emit(k tokenKind, text string) {
	l.tokens = append(l.tokens, token{k, text, l.line})
}

// skip moves over n bytes.
func (l *lexer) skip(n int) {
	if n == 0 {
		return
	}
	text := l.src[l.pos : l.pos+n]
	l.line += strings.Count(text, "\n")
	l.lineStart = strings.HasSuffix(text, "\n")
	l.pos += n
}

// tagStart finds the next {{, {% or {#.
func tagStart(s string) int {
	for at := 0; ; at++ {
		i := strings.IndexByte(s[at:], '{')
		if i < 0 || at+i+1 >= len(s) {
			return -1
		}
		at += i
		if strings.IndexByte("{%#", s[at+1]) >= 0 {
			return at
		}
	}
}

// next reads the text up to a tag, and the tag.
func (l *lexer) next() {
	open := tagStart(l.rest())
	if open < 0 {
		l.emit(dataToken, l.rest())
		l.pos = len(l.src)
		return
	}
	tag, sign := l.rest()[open+1], sign(l.rest()[open+2:])
	l.data(open, sign, tag != '{')
	l.skip(2 + len(sign))
	switch tag {
	case '#':
		l.comment()
	case '%':
		if head := rawBegin.FindString(l.rest()); head != "" {
			l.skip(len(head))
			l.raw()
			return
		}
		l.emit(blockBegin, "")
		l.tag(blockEnd, "%}")
	default:
		l.emit(variableBegin, "")
		l.tag(variableEnd, "}}")
	}
}

func sign(s string) string {
	if s != "" && (s[0] == '-' || s[0] == '+') {
		return s[:1]
	}
	return ""
}

// data emits the n bytes of text before a tag whose sign is given.
func (l *lexer) data(n int, sign string, block bool) {
	text := l.rest()[:n]
	if sign == "-" {
		text = strings.TrimRightFunc(text, isSpace)
	} else if at := strings.LastIndexByte(text, '\n') + 1; sign == "" && block && (at > 0 || l.lineStart) {
		if strings.TrimLeftFunc(text[at:], isSpace) == "" {
			text = text[:at]
		}
	}
	if text != "" {
		l.emit(dataToken, text)
	}
	l.skip(n)
}

// close moves over white space that the end of a block or comment eats.
func (l *lexer) close(sign string) {
	if sign == "-" {
		l.skip(len(l.rest()) - len(strings.TrimLeftFunc(l.rest(), isSpace)))
	} else if sign == "" && strings.HasPrefix(l.rest(), "\n") {
		l.skip(1)
	}
}

func (l *lexer) comment() {
	end := strings.Index(l.rest(), "#}")
	if end < 0 {
		failAt(l.line, "the comment that starts here has no #}")
	}
	mark := ""
	if end > 0 {
		mark = sign(l.rest()[end-1:])
	}
	l.skip(end + 2)
	l.close(mark)
}

var (
	rawBegin = regexp.MustCompile(`^\s*raw\s*(-%\}\s*|%\})`)
	rawEnd   = regexp.MustCompile(`\{%([-+]?)\s*endraw\s*([-+]?)%\}`)
)

func (l *lexer) raw() {
	m := rawEnd.FindStringSubmatchIndex(l.rest())
	if m == nil {
		failAt(l.line, "the raw block that starts here has no endraw")
	}
	rest := l.rest()
	l.data(m[0], rest[m[2]:m[3]], true)
	l.skip(m[1] - m[0])
	l.close(rest[m[4]:m[5]])
}

// tag reads the tokens up to the closing mark.
func (l *lexer) tag(end tokenKind, mark string) {
	start := l.line
	var open []byte // brackets whose partner has not come
	for {
		l.skip(len(l.rest()) - len(strings.TrimLeftFunc(l.rest(), isSpace)))
		if l.pos == len(l.src) {
			failAt(start, "the tag that starts here has no %s", mark)
		}
		if len(open) == 0 {
			s := sign(l.rest())
			if strings.HasPrefix(l.rest()[len(s):], mark) && (s != "+" || end == blockEnd) {
				l.emit(end, "")
				l.skip(len(s) + len(mark))
				if end == blockEnd || s == "-" {
					l.close(s)
				}
				return
			}
		}
		open = l.expression(open)
	}
}

var (
	floatText   = regexp.MustCompile(`^[0-9]+(_[0-9]+)*((\.[0-9]+(_[0-9]+)*)?[eE][+-]?[0-9]+(_[0-9]+)*|\.[0-9]+(_[0-9]+)*)`)
	intText     = regexp.MustCompile(`^(0[bB](_?[01])+|0[oO](_?[0-7])+|0[xX](_?[0-9a-fA-F])+|[1-9](_?[0-9])*|0(_?0)*)`)
	stringStart = regexp.MustCompile(`^('([^'\\]|\\(?s:.))*'|"([^"\\]|\\(?s:.))*")`)
	operators   = []string{"//", "**", "==", "!=", ">=", "<=", "+", "-", "/", "*", "%", "~", "[", "]", "(", ")", "{", "}", ">", "<", "=", ".", ":", "|", ","}
)

// expression reads one token of an expression and returns the open brackets.
func (l *lexer) expression(open []byte) []byte {
	rest := l.rest()
	take := func(k tokenKind, text string) []byte {
		l.emit(k, text)
		l.skip(len(text))
		return open
	}
	if m := floatText.FindString(rest); m != "" && !strings.HasSuffix(l.src[:l.pos], ".") {
		return take(floatToken, m)
	}
	if m := intText.FindString(rest); m != "" {
		return take(intToken, m)
	}
	if n := nameLength(rest); n > 0 {
		return take(nameToken, rest[:n])
	}
	if m := stringStart.FindString(rest); m != "" {
		return take(stringToken, m)
	}
	for _, op := range operators {
		if strings.HasPrefix(rest, op) {
			open = l.bracket(open, op[0])
			return take(operatorToken, op)
		}
	}
	r, _ := utf8.DecodeRuneInString(rest)
	failAt(l.line, "unexpected character %q", r)
	return nil
}

func nameLength(s string) int {
	for i, r := range s {
		if r != '_' && !unicode.IsLetter(r) && (i == 0 || !unicode.IsDigit(r)) {
			return i
		}
	}
	return len(s)
}

func (l *lexer) bracket(open []byte, op byte) []byte {
	switch op {
	case '(', '[', '{':
		return append(open, op)
	case ')', ']', '}':
		opener := map[byte]byte{')': '(', ']': '[', '}': '{'}[op]
		if len(open) == 0 || open[len(open)-1] != opener {
			failAt(l.line, "'%c' closes no '%c'", op, opener)
		}
		return open[:len(open)-1]
	}
	return open
}
