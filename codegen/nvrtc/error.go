package nvrtc

import (
	"fmt"
	"regexp"
	"strings"
)

// CompileError is a source that does not compile.
type CompileError struct {
	Name string // of the source
	Log  string // all that the compiler says
}

// diagnostic is an error in a log: of the compiler, with its line of source, or of the assembler, which knows no lines of the source.
//
//	kernels.cu(3): error: identifier "x" is undefined
//	    y = x;
//	        ^
//	At end of source: error: expected a ";"
//	ptxas error   : Entry function 'k' uses too much shared data (0x61a80 bytes, 0xc000 max)
//	ptxas application ptx input, line 27; error   : Unknown modifier '.f'
var diagnostic = regexp.MustCompile(`(?m)^(?:(\S.*)\((\d+)\)|At end of source): (?:\w+ )?error(?: #[\w-]+)?: (.*)(?:\n(  +\S.*))?` +
	`|^(ptxas .*?\b(?:error|fatal) *: .*)`)

// Error is the first error, as kernels.cu:3: message, with its line of source, and how many more there are.
func (e *CompileError) Error() string {
	var found [][]string
	for _, d := range diagnostic.FindAllStringSubmatch(e.Log, -1) {
		if !strings.Contains(d[5], "aborted due to errors") { // which ones, ptxas has said
			found = append(found, d)
		}
	}
	if len(found) == 0 {
		return e.Name + ": " + oneLine(e.Log)
	}
	file, line, message, source, ptxas := found[0][1], found[0][2], found[0][3], found[0][4], found[0][5]
	var b strings.Builder
	switch {
	case ptxas != "":
		fmt.Fprintf(&b, "%s: %s", e.Name, oneLine(ptxas))
	case line == "":
		fmt.Fprintf(&b, "%s: at its end: %s", e.Name, message)
	default:
		fmt.Fprintf(&b, "%s:%s: %s", file, line, message)
	}
	if source != "" {
		b.WriteString("\n    " + strings.TrimSpace(source))
	}
	switch more := len(found) - 1; {
	case more == 1:
		b.WriteString("\nand 1 more error")
	case strings.Contains(e.Log, "\nError limit reached."):
		fmt.Fprintf(&b, "\nand at least %d more errors", more)
	case more > 1:
		fmt.Fprintf(&b, "\nand %d more errors", more)
	}
	return b.String()
}

// oneLine joins lines, and words that are set apart in columns.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
