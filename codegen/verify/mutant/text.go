package mutant

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Text is emitted source, Go's or a C-like language's, as far as mistakes need to know of it: its functions.
type Text struct {
	Source    string
	functions []function
}

// function is where one lies in a source: from its first line, or that of its template, to the end of its last.
type function struct {
	name           string
	from, body, to int
}

// begins is the first line of a function. Nothing else begins in the first column and has a parenthesis behind a name, but macros,
// which have no space there.
var begins = regexp.MustCompile(`(?m)^(?:template <.*>\n)?(?:\w+ )+(\w+)\(.*\{`)

// namespaces hold a dialect's tiles: functions of templates, which have no copies with mistakes. Their own tests plant those
// (codegen/clike/metal).
var namespaces = regexp.MustCompile(`(?ms)^namespace \w+ \{\n.*?^\}  // namespace`)

// ReadText finds the functions of a source, those in namespaces left out.
func ReadText(source string) *Text {
	t := &Text{Source: source}
	tiles := namespaces.FindAllStringIndex(source, -1)
	for _, m := range begins.FindAllStringSubmatchIndex(source, -1) {
		if slices.ContainsFunc(tiles, func(s []int) bool { return s[0] <= m[0] && m[0] < s[1] }) {
			continue
		}
		f := function{name: source[m[2]:m[3]], from: m[0], body: m[1]}
		line := f.body + strings.Index(source[f.body:], "\n")
		if f.to = line + 1; source[line-1] != '}' {
			f.to = line + strings.Index(source[line:], "\n}\n") + len("\n}\n")
		}
		t.functions = append(t.functions, f)
	}
	return t
}

// Functions are the names of the source's functions, in its order.
func (t *Text) Functions() []string {
	var names []string
	for _, f := range t.functions {
		names = append(names, f.name)
	}
	return names
}

// Mistake is one in a function of a Text.
type Mistake struct {
	Function string
	Rule     string // what it is: "+ becomes -"
	Line     int    // of the source, from 1
	Place    string // that line, with what becomes something else in «»
	from, to int
	into     string
}

// OfValue reports a mistake that is likely to change values, and nothing else: not where memory lies, or how often a loop runs.
func (m Mistake) OfValue() bool {
	before, _, _ := strings.Cut(m.Place, "«")
	switch {
	case m.Rule == "an element is the one before":
		return true
	case strings.HasSuffix(strings.TrimSpace(before), ", memory"): // a tile's, which it may not use
		return false
	case m.Rule == "an integer is one more", m.Rule == "a loop ends early", m.Rule == "a sum keeps its last term":
		return false
	case strings.HasPrefix(before, "for (int") && !strings.Contains(before, ") "), strings.HasPrefix(before, "const int"), strings.Contains(before, ":="):
		return false
	}
	return strings.Count(before, "[") == strings.Count(before, "]")
}

func (m Mistake) String() string {
	return fmt.Sprintf("%s: line %d: %s: %s", m.Function, m.Line, m.Rule, m.Place)
}

// number is a literal, whose signs and points are no operators.
var number = regexp.MustCompile(`\b\d+(?:\.\d+)?(?:e[+-]?\d+)?[fu]?\b|\b0x[0-9a-f]+u?\b`)

// operand is one in emitted source: a name, a number, a call or an element.
const operand = `(?:[\d.]+e[+-]\d+f?|[\w.]+)(?:\([^()]*\))?(?:\[[^\[\]]*\])?`

// textRule is a mistake: where in a line it can be made, and what it makes of that place, which is the first group or all of it.
type textRule struct {
	what string
	at   *regexp.Regexp
	make func(s string) string
}

var textRules = append(renamed(
	"min", "max", "max", "min", "fmin", "fmax", "fmax", "fmin", "sum", "max", "max", "sum", "simd_sum", "simd_max", "simd_max", "simd_sum",
	"sin", "cos", "cos", "sin", "rsqrt", "sqrt", "exp", "sin", "Rsqrt", "Sqrt", "Sin", "Cos", "Cos", "Sin", "Exp", "Sin",
), []textRule{
	{"+ becomes -", regexp.MustCompile(`[\w\])] ?(\+) ?[\w(]`), becomes("-")},
	{"- becomes +", regexp.MustCompile(`[\w\])] ?(-) ?[\w(]`), becomes("+")},
	{"* becomes +", regexp.MustCompile(`[\w\])] ?(\*) ?[\w(]`), becomes("+")},
	{"/ becomes *", regexp.MustCompile(`[\w\])] ?(/) ?[\w(]`), becomes("*")},
	{"% becomes /", regexp.MustCompile(`%`), becomes("/")},
	{"<< becomes >>", regexp.MustCompile(`<<`), becomes(">>")},
	{">> becomes <<", regexp.MustCompile(`>>`), becomes("<<")},
	{"& becomes |", regexp.MustCompile(`[\w)] ?(&) ?\w`), becomes("|")},
	{"< becomes <=", regexp.MustCompile(` (<) `), becomes("<=")},
	{"<= becomes <", regexp.MustCompile(`<=`), becomes("<")},
	{"== becomes !=", regexp.MustCompile(`==`), becomes("!=")},
	{"a loop ends early", regexp.MustCompile(`(?:; \w+ < ([^;]+);|:= range (\S.*) \{$)`), func(s string) string { return s + " - 1" }},
	{"a term is dropped", regexp.MustCompile(`[\w\])]( ?[+-] ?` + operand + `)`), becomes("")},
	{"a factor is dropped", regexp.MustCompile(`[\w\])]( ?\* ?` + operand + `)`), becomes("")},
	{"an element is the one before", regexp.MustCompile(`\w\[([^\[\]]+)\](?: [^=]|[^ ]|$)`), before},
	{"a sum keeps its last term", regexp.MustCompile(`\b(?:sum|total|v)\w* (\+=) `), becomes("=")},
	{"a value stays as it was", regexp.MustCompile(`^\s+(?:if \(lane == 0\) )?([\w.]+(?:\[.*\])? = [^=].*)$`), never},
	{"a value is not stored", regexp.MustCompile(`^\s+(\w+\.(?:Set|Encode|Dot\w*)\(.*\))$`), never},
	{"an integer is one more", regexp.MustCompile(`\b\d+\b`), more},
	{"a float is half as much again", regexp.MustCompile(`\b\d+\.\d+(?:e[+-]\d+)?|\b\d+e-\d+`), half},
}...)

// renamed are rules by which the first of two functions becomes the second.
func renamed(pairs ...string) (rules []textRule) {
	for p := range slices.Chunk(pairs, 2) {
		rules = append(rules, textRule{p[0] + " becomes " + p[1], regexp.MustCompile(`\b(` + p[0] + `)f?(?:_team|_group<\d+>)?\(`), becomes(p[1])})
	}
	return rules
}

// plain are lines without arithmetic of the kernel's: which thread it is, where its memory lies, which arguments are which, barriers,
// comments. Mistakes there are for the emulator's checks, or for the compiler.
var plain = regexp.MustCompile(`MAYBE_UNUSED|threadgroup float\* const|alignas|barrier\(\)|^\s*//|#pragma|a\.(?:Ints|Floats)\[|a\.\w+\(\d+\)|scratch\[.*:|_ =`)

// Mistakes are all that can be made in a function: every rule at every place of its body. They need not compile.
func (t *Text) Mistakes(name string) []Mistake {
	i := slices.IndexFunc(t.functions, func(f function) bool { return f.name == name })
	f := t.functions[i]
	var all []Mistake
	for at := f.body; at < f.to; {
		end := at + strings.IndexByte(t.Source[at:], '\n')
		line := t.Source[at:end]
		if !plain.MatchString(line) {
			literals := number.FindAllStringIndex(line, -1)
			for _, r := range textRules {
				all = append(all, r.of(line, literals, Mistake{Function: name, Line: 1 + strings.Count(t.Source[:at], "\n"), from: at})...)
			}
		}
		at = end + 1
	}
	return all
}

// of lists a rule's mistakes in a line.
func (r *textRule) of(line string, literals [][]int, in Mistake) []Mistake {
	var all []Mistake
	for at := 0; at < len(line); {
		m := r.at.FindStringSubmatchIndex(line[at:])
		if m == nil {
			break
		}
		from, to := m[0]+at, m[1]+at
		for g := len(m) - 2; g >= 2; g -= 2 {
			if m[g] >= 0 {
				from, to = m[g]+at, m[g+1]+at
			}
		}
		at = max(to, at+1)
		inside := slices.ContainsFunc(literals, func(l []int) bool { return l[0] <= from && to <= l[1] && l[1]-l[0] > to-from+1 })
		if x := in; !inside {
			x.Rule, x.into, x.from, x.to = r.what, r.make(line[from:to]), in.from+from, in.from+to
			x.Place = strings.TrimSpace(line[:from] + "«" + line[from:to] + "»" + line[to:])
			if x.into != line[from:to] && !zero.MatchString(x.Place) {
				all = append(all, x)
			}
		}
	}
	return all
}

// zero is a term that changes nothing, whatever its sign.
var zero = regexp.MustCompile(`«\+» 0,|« \+ 0»,`)

// never keeps a statement, so that what it uses is used, and does not execute it.
func never(s string) string { return "if (false) { " + s + " }" }

// before is the index before one, without leaving the array.
func before(index string) string {
	if index == "0" {
		return index
	}
	return "max(0, " + index + " - 1)"
}
