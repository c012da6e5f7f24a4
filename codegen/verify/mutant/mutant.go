// Package mutant plants bugs in kernels: the small mistakes that a person, or an emitter, would make. Tests use it to find out
// whether verification sees them.
//
//	mutant.go  in kernel IR
//	text.go    in what a target emits: Go, or a language like C
//	plant.go   many of those in one source, which is compiled once
package mutant

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/llorch/llorch/ir/kernel"
)

// Mutant is a kernel with a bug.
type Mutant struct {
	What   string // "line 7: + becomes -: row*n-i"
	Kernel *kernel.Kernel
}

// rule is a mistake: where it can be made, and what it makes of that place. A place is the first group of the expression, or all of it.
type rule struct {
	what string
	at   *regexp.Regexp
	make func(s string) string
}

// term is an operand in a kernel's text: a name, a number or an element.
const term = `[\w.]+(?:\[[^\[\]]*\])?`

func becomes(to string) func(string) string { return func(string) string { return to } }

var rules = []rule{
	{"+ becomes -", regexp.MustCompile(`[\w\])] ?(\+) ?[\w(]`), becomes("-")},
	{"- becomes +", regexp.MustCompile(`[\w\])] ?(-) ?[\w(]`), becomes("+")},
	{"* becomes +", regexp.MustCompile(`\*`), becomes("+")},
	{"/ becomes *", regexp.MustCompile(`/`), becomes("*")},
	{"% becomes /", regexp.MustCompile(`%`), becomes("/")},
	{"<= becomes <", regexp.MustCompile(`<=`), becomes("<")},
	{"< becomes <=", regexp.MustCompile(` (<) `), becomes("<=")},
	{"== becomes !=", regexp.MustCompile(`==`), becomes("!=")},
	{"a term is dropped", regexp.MustCompile(` ?[+-] ?` + term), becomes("")},
	{"a factor is dropped", regexp.MustCompile(` ?\* ?` + term), becomes("")},
	{"operands are swapped", regexp.MustCompile(term + ` [-/] ` + term), func(s string) string {
		i := strings.LastIndexAny(s, "-/")
		return strings.TrimSpace(s[i+1:]) + " " + s[i:i+1] + " " + strings.TrimSpace(s[:i])
	}},
	{"a bound is one less", regexp.MustCompile(`lanes\(([^()]+)\)`), func(s string) string { return s + " - 1" }},
	{"a sum ends early", regexp.MustCompile(`sum\(\w+, (\w+),`), func(s string) string { return s + " - 1" }},
	{"an integer is one more", regexp.MustCompile(`\b\d+\b`), more},
	{"a float is half as much again", regexp.MustCompile(`\b\d+\.\d+(?:e[+-]\d+)?\b`), half},
	{"sin becomes cos", regexp.MustCompile(`\bsin\b`), becomes("cos")},
	{"cos becomes sin", regexp.MustCompile(`\bcos\b`), becomes("sin")},
	{"min becomes max", regexp.MustCompile(`\bmin\b`), becomes("max")},
	{"max becomes min", regexp.MustCompile(`\bmax\b`), becomes("min")},
	{"a maximum becomes a sum", regexp.MustCompile(`:= (max)\(\w+, \w+, `), becomes("sum")},
	{"a sum becomes a maximum", regexp.MustCompile(`\bsum\b`), becomes("max")},
	{"rsqrt becomes sqrt", regexp.MustCompile(`\brsqrt\b`), becomes("sqrt")},
}

func more(s string) string {
	n, _ := strconv.Atoi(s)
	return strconv.Itoa(n + 1)
}

func half(s string) string {
	f, _ := strconv.ParseFloat(s, 64)
	return strconv.FormatFloat(f*1.5+0.5, 'f', 3, 64)
}

// Of lists the mutants of a kernel: every mistake at every place of its body that leaves a kernel which is well formed, and not
// the same.
func Of(k *kernel.Kernel) []Mutant {
	text := k.String()
	body := strings.Index(text, "{\n") + 2
	seen := map[string]bool{k.Key(): true}
	var all []Mutant
	for _, r := range rules {
		for _, m := range r.at.FindAllStringSubmatchIndex(text[body:], -1) {
			from, to := m[0], m[1]
			if len(m) > 2 {
				from, to = m[2], m[3]
			}
			from, to = from+body, to+body
			if at := text[from:to]; strings.Contains(at, "=") && r.what != "<= becomes <" && r.what != "== becomes !=" {
				continue
			}
			mutated, err := kernel.Parse(text[:from] + r.make(text[from:to]) + text[to:])
			if err != nil || kernel.Verify(mutated) != nil || seen[mutated.Key()] {
				continue
			}
			seen[mutated.Key()] = true
			mutated.Name, mutated.Doc = k.Name, k.Doc
			line := strings.Count(text[:from], "\n")
			all = append(all, Mutant{What: fmt.Sprintf("line %d: %s: %s", line+1, r.what, strings.TrimSpace(strings.Split(text, "\n")[line])), Kernel: mutated})
		}
	}
	return all
}
