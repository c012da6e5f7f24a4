package emulator

import (
	"fmt"
	"regexp"
	"strings"
)

// checkFunctions are those of the runner that checked kernels call (access.cc).
const checkFunctions = `declare ptr @msl_read(ptr, i64, i32, i32)
declare ptr @msl_write(ptr, i64, i32, i32)
declare ptr @msl_atomic(ptr, i64, i32, i32)
declare void @msl_divide(i64, i64, i64, i32)`

var (
	access     = regexp.MustCompile(`^(  (?:%\S+ = )?)(load|store|atomicrmw|cmpxchg)\b`)
	alignment  = regexp.MustCompile(`, align (\d+)`)
	spacedPtr  = regexp.MustCompile(`^ptr addrspace\([1-4]\) `)
	memory     = regexp.MustCompile(`^(  (?:tail )?call void @llvm\.(memcpy|memmove|memset)\.[\w.]+\()(.*)(\)[^)]*)$`)
	pointerArg = regexp.MustCompile(`^ptr(?: addrspace\(\d\))?((?: noundef| nonnull| align \d+| dereferenceable\(\d+\))*) (.+)$`)
	argAlign   = regexp.MustCompile(`align (\d+)`)
	division   = regexp.MustCompile(`^  %\S+ = ([su])(?:div|rem) (?:exact )?i(\d+) (\S+), (%[\w.]+)`)
	atomicRMW  = regexp.MustCompile(`^(.*?\b(?:atomicrmw (?:volatile )?\w+|cmpxchg(?: weak)?(?: volatile)?)) (ptr addrspace\([1-4]\) .*)$`)
)

// instrument puts a call before each access of a function to memory that may not be the thread's own, and takes its result for the
// address: a pointer says which memory it is of, and is no address of this machine.
//
//	%9 = load float, ptr addrspace(1) %8, align 4, !dbg !12
//	%msl.0 = call ptr @msl_read(ptr %8, i64 4, i32 4, i32 7)
//	%9 = load float, ptr %msl.0, align 4
func (m *module) instrument(text []string) ([]string, error) {
	w := &instrumenter{m: m, out: make([]string, 0, len(text)*3/2)}
	for i, line := range text {
		var ok bool
		var err error
		switch {
		case i == 0:
			ok = true
		case division.MatchString(line):
			w.division(line)
			ok = true
		case !strings.Contains(line, "addrspace("):
			ok = true
		case access.MatchString(line):
			line, ok, err = w.access(line)
		case memory.MatchString(line):
			line, ok = w.memory(line)
		default:
			ok = !strings.Contains(line, "llvm.masked") && !strings.Contains(line, "va_arg")
		}
		if err != nil || !ok {
			return nil, fmt.Errorf("metal emulator: clang's IR has an access that is not understood: %s (%v)", line, err)
		}
		w.out = append(w.out, line)
	}
	return w.out, nil
}

type instrumenter struct {
	m   *module
	out []string
	n   int // values so far
}

// check adds a call and names its result.
func (w *instrumenter) check(function, pointer string, size string, align string, line int) string {
	name := fmt.Sprintf("%%msl.%d", w.n)
	w.n++
	w.out = append(w.out, fmt.Sprintf("  %s = call ptr @msl_%s(ptr %s, i64 %s, i32 %s, i32 %d)", name, function, pointer, size, align, line))
	return name
}

// access is an instruction that touches one address.
func (w *instrumenter) access(line string) (string, bool, error) {
	a := access.FindStringSubmatch(line)
	parts := topLevel(line)
	align := alignment.FindStringSubmatch(line)
	at, typed, function := 1, "", "read"
	atomic := strings.Contains(parts[0], a[2]+" atomic ")
	switch a[2] {
	case "load", "store":
		typed = strings.TrimPrefix(line, a[0])
		typed = strings.TrimPrefix(strings.TrimPrefix(typed, " atomic"), " volatile")
		if a[2] == "store" {
			function = "write"
		}
	default:
		m := atomicRMW.FindStringSubmatch(parts[0])
		if m == nil {
			return line, !strings.Contains(parts[0], "addrspace("), nil
		}
		// The pointer comes first, and the value's type with what follows it.
		parts = append([]string{m[1], m[2]}, parts[1:]...)
		at, typed, atomic = 1, parts[2], true
	}
	if len(parts) <= at || !spacedPtr.MatchString(parts[at]) {
		// A pointer that is stored, or loaded from the thread's own memory, is no access to what it points at.
		return line, len(parts) > at && strings.HasPrefix(parts[at], "ptr ") && !spacedPtr.MatchString(parts[at]), nil
	}
	if align == nil {
		return line, false, nil
	}
	if atomic {
		function = "atomic"
	}
	l, _, err := w.m.types.read(typed)
	if err != nil {
		return line, false, err
	}
	pointer := strings.TrimPrefix(parts[at], spacedPtr.FindString(parts[at]))
	order := ""
	if atomic && a[2] == "load" || atomic && a[2] == "store" {
		if i := strings.LastIndexByte(pointer, ' '); i > 0 && !strings.HasSuffix(pointer, ")") {
			pointer, order = pointer[:i], pointer[i:]
		}
	}
	parts[at] = "ptr " + w.check(function, pointer, fmt.Sprint(l.store), align[1], w.m.line(line)) + order
	if a[2] == "load" || a[2] == "store" {
		return strings.Join(parts, ", "), true, nil
	}
	return parts[0] + " " + strings.Join(parts[1:], ", "), true, nil
}

// memory is a copy or a fill: its destination is written and its source read.
func (w *instrumenter) memory(line string) (string, bool) {
	m := memory.FindStringSubmatch(line)
	args := topLevel(m[3])
	size := strings.TrimPrefix(args[2], "i64 ")
	pointers := []string{"write", "read"}
	if m[2] == "memset" {
		pointers = pointers[:1]
	}
	for i, function := range pointers {
		if !strings.HasPrefix(args[i], "ptr addrspace(") {
			continue
		}
		p := pointerArg.FindStringSubmatch(args[i])
		if p == nil {
			return line, false
		}
		align := "1"
		if a := argAlign.FindStringSubmatch(p[1]); a != nil {
			align = a[1]
		}
		args[i] = "ptr" + p[1] + " " + w.check(function, p[2], size, align, w.m.line(line))
	}
	return m[1] + strings.Join(args, ", ") + m[4], true
}

// division by a value that is no constant. The smallest integer by -1 traps, too.
func (w *instrumenter) division(line string) {
	d := division.FindStringSubmatch(line)
	extend, smallest := "zext", "0"
	if d[1] == "s" {
		extend = "sext"
		smallest = map[string]string{"8": "-128", "16": "-32768", "32": "-2147483648", "64": "-9223372036854775808"}[d[2]]
	}
	wide := func(v string) string {
		if d[2] == "64" {
			return v
		}
		name := fmt.Sprintf("%%msl.%d", w.n)
		w.n++
		w.out = append(w.out, fmt.Sprintf("  %s = %s i%s %s to i64", name, extend, d[2], v))
		return name
	}
	a, b := wide(d[3]), wide(d[4])
	w.out = append(w.out, fmt.Sprintf("  call void @msl_divide(i64 %s, i64 %s, i64 %s, i32 %d)", a, b, smallest, w.m.line(line)))
}

// topLevel splits at the commas that are in no brackets.
func topLevel(text string) []string {
	var parts []string
	depth, start := 0, 0
	for i := range len(text) {
		switch text[i] {
		case '(', '[', '{', '<':
			depth++
		case ')', ']', '}', '>':
			depth--
		case ',':
			if depth == 0 {
				parts = append(parts, text[start:i])
				start = i + 1
				for start < len(text) && text[start] == ' ' {
					start++
				}
			}
		}
	}
	return append(parts, text[start:])
}
