package emulator

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// CompileError is a source that does not compile, or that Metal would not take.
type CompileError struct {
	Name    string // of the source
	Line    int    // 0 if unknown
	Message string
	Source  string // that line
	More    int    // errors that follow
	Log     string // all that clang says, if it was clang
}

// Error is name:line: message, with the line of source.
func (e *CompileError) Error() string {
	var b strings.Builder
	b.WriteString(e.Name)
	if e.Line > 0 {
		fmt.Fprintf(&b, ":%d", e.Line)
	}
	b.WriteString(": " + e.Message)
	if e.Source != "" {
		b.WriteString("\n    " + strings.TrimSpace(e.Source))
	}
	switch {
	case e.More == 1:
		b.WriteString("\nand 1 more error")
	case e.More > 1:
		fmt.Fprintf(&b, "\nand %d more errors", e.More)
	}
	return b.String()
}

// source is a text to compile.
type source struct {
	name, text string
}

// line is the n-th line of the text, from 1.
func (s source) line(n int) string {
	if n < 1 {
		return ""
	}
	lines := strings.SplitN(s.text, "\n", n+1)
	if n > len(lines) {
		return ""
	}
	return lines[n-1]
}

func (s source) fail(line int, format string, args ...any) error {
	return &CompileError{Name: s.name, Line: line, Message: fmt.Sprintf(format, args...), Source: s.line(line)}
}

// lineAt is the line of a byte.
func lineAt(text string, at int) int { return 1 + strings.Count(text[:at], "\n") }

var (
	clangDiagnostic = regexp.MustCompile(`(?m)^(\S[^\n]*?):(\d+):\d+: (fatal error|error|note): (.*)$`)
	warningFlag     = regexp.MustCompile(` \[(-Werror,)?-W[^\]]*\]$`)
)

// diagnose makes an error of the source of what clang says about it. An error within metal_stdlib is one of the line that a note
// names, where what failed was called or instantiated.
func (s source) diagnose(err error) error {
	var c *clangError
	if !errors.As(err, &c) {
		return err
	}
	var first *CompileError
	more := 0
	for _, m := range clangDiagnostic.FindAllStringSubmatch(c.text, -1) {
		line, _ := strconv.Atoi(m[2])
		here := m[1] == s.name
		switch {
		case m[3] == "note":
			if here && first != nil && first.Line == 0 && more == 0 {
				first.Line, first.Source = line, s.line(line)
			}
		case first != nil:
			more++
		default:
			first = &CompileError{Name: s.name, Message: warningFlag.ReplaceAllString(m[4], ""), Log: c.text}
			if here {
				first.Line, first.Source = line, s.line(line)
			}
		}
	}
	if first == nil {
		return fmt.Errorf("%s: %w", s.name, err)
	}
	first.More = more
	return first
}
