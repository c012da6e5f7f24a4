package jinja

import (
	"fmt"
	"strings"
	"time"
)

// globals are the functions that every template sees.
var globals = map[string]function{
	"raise_exception": raise,
	"strftime_now":    strftimeNow,
	"range":           rangeOf,
	"namespace":       newNamespace,
	"dict": func(e *evaluator, a arguments) Value {
		d := NewDict()
		if len(a.positional) > 0 {
			e.failf("dict() of a value is not understood")
		}
		for i, name := range a.names {
			d.Set(name, a.named[i])
		}
		return d
	},
}

func raise(e *evaluator, a arguments) Value {
	panic(failure{&Raised{e.str(a.bind(e, "raise_exception", 1, "message")[0]).s}})
}

func newNamespace(e *evaluator, a arguments) Value {
	ns := &namespace{map[string]Value{}}
	if len(a.positional) > 0 {
		d, ok := a.positional[0].(*Dict)
		if !ok || len(a.positional) > 1 {
			e.failf("namespace takes one dict, and names")
		}
		for k, v := range d.values {
			ns.vars[k] = v
		}
	}
	for i, name := range a.names {
		ns.vars[name] = a.named[i]
	}
	return ns
}

// maxRange is the sandbox's limit on a range.
const maxRange = 100_000

func rangeOf(e *evaluator, a arguments) Value {
	b := a.bind(e, "range", 1, "start", "stop", "step")
	start, stop := int64(0), e.integer("range", b[0], 0)
	if b[1] != (absent{}) {
		start, stop = stop, e.integer("range", b[1], 0)
	}
	step := e.integer("range", b[2], 1)
	list := &List{}
	switch {
	case step == 0:
		e.failf("range's step cannot be 0")
	case max(start, stop) > 1<<53 || min(start, stop) < -1<<53 || max(step, -step) > 1<<53 || step < -1<<53:
		e.failf("range(%d, %d, %d) is too large", start, stop, step)
	}
	for i := start; step > 0 && i < stop || step < 0 && i > stop; i += step {
		if len(list.items) == maxRange {
			e.failf("range(%d, %d, %d) has more than %d values", start, stop, step, maxRange)
		}
		e.work(16)
		list.items = append(list.items, i)
	}
	return list
}

// strftimeNow is transformers' strftime_now in the C locale.
func strftimeNow(e *evaluator, a arguments) Value {
	format := e.text("strftime_now", a.bind(e, "strftime_now", 1, "format")[0], "")
	e.work(16 * len(format.s))
	var b strings.Builder
	rest := format.s
	for {
		i := strings.IndexByte(rest, '%')
		if i < 0 || i+1 == len(rest) {
			b.WriteString(rest)
			return format.derived(b.String())
		}
		b.WriteString(rest[:i])
		code := rest[i+1 : i+2]
		if code == "-" && i+2 < len(rest) {
			code = rest[i+1 : i+3]
		}
		text, ok := formatTime(e.env.Now, code)
		if !ok {
			e.failf("strftime_now: %%%s is not understood", code)
		}
		b.WriteString(text)
		rest = rest[i+1+len(code):]
	}
}

// formatTime is one conversion of strftime; %- drops the zeros in front.
func formatTime(t time.Time, code string) (string, bool) {
	layout := map[string]string{
		"d": "02", "-d": "2", "e": "_2", "m": "01", "-m": "1", "b": "Jan", "h": "Jan", "B": "January",
		"y": "06", "Y": "2006", "a": "Mon", "A": "Monday", "H": "15", "I": "03", "-I": "3", "M": "04", "-M": "4",
		"S": "05", "-S": "5", "p": "PM", "F": "2006-01-02", "T": "15:04:05", "R": "15:04", "D": "01/02/06",
	}[code]
	switch code {
	case "%":
		return "%", true
	case "j":
		return fmt.Sprintf("%03d", t.YearDay()), true
	case "-H":
		return fmt.Sprint(t.Hour()), true
	}
	return t.Format(layout), layout != ""
}
