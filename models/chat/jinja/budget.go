package jinja

import (
	"fmt"
	"strings"
	"unicode"
)

// Limits that keep a source from nesting, and its parser from recursing, without
// end.
const (
	maxSource = 1 << 20 // bytes of a template
	maxNest   = 100     // nested brackets and blocks
)

// limits are what one rendering may take.
type limits struct {
	steps  int // nodes, and rounds of loops
	work   int // bytes read and written by operations
	depth  int // nested nodes, macro calls and values
	output int // bytes, beyond twice those of the variables
}

// standard leaves room for a conversation of a thousand turns even where the
// template has, for each, a loop over all.
var standard = limits{steps: 5_000_000, work: 256 << 20, depth: 500, output: 1 << 20}

// A Raised is the error of a template that called raise_exception.
type Raised struct{ Message string }

func (r *Raised) Error() string { return oneLine("the template refuses: " + r.Message) }

// oneLine makes a message that quotes a template fit for one line.
func oneLine(s string) string {
	s = strings.Join(strings.FieldsFunc(s, unicode.IsControl), " ")
	if len(s) > 300 {
		s = strings.ToValidUTF8(s[:300], "") + "..."
	}
	return s
}

// failure carries an error up to Parse or Render, as in text/template.
type failure struct{ err error }

// catch turns a failure into err; any other panic is a bug and goes on.
func catch(err *error) {
	switch r := recover().(type) {
	case nil:
	case failure:
		*err = r.err
	default:
		panic(r)
	}
}

func failAt(line int, format string, args ...any) {
	panic(failure{fmt.Errorf("line %d: %s", line, oneLine(fmt.Sprintf(format, args...)))})
}

func (e *evaluator) failf(format string, args ...any) { failAt(e.line, format, args...) }

// step counts one node or one round of a loop.
func (e *evaluator) step() {
	if e.steps++; e.steps > e.limits.steps {
		e.failf("stopped after %d steps", e.limits.steps)
	}
}

// work counts n bytes that an operation is about to read or write.
func (e *evaluator) work(n int) {
	if n > e.limits.work-e.worked {
		e.failf("stopped after handling %d bytes, the limit is %d", e.worked, e.limits.work)
	}
	e.worked += n
}

// enter counts one level of nesting; leave ends it. A failure needs no leave.
func (e *evaluator) enter() {
	e.step()
	if e.depth++; e.depth > e.limits.depth {
		e.failf("nested deeper than %d levels", e.limits.depth)
	}
}

func (e *evaluator) leave() { e.depth-- }
