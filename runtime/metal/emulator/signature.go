package emulator

import (
	"regexp"
	"strconv"
	"strings"
)

// signature is a kernel as its source declares it.
type signature struct {
	Kernel
	line   int
	params []param
}

// param is one parameter of a kernel.
type param struct {
	attr string // without its argument, such as "buffer"
	arg  string // of the attribute, such as "0"; "" if it has none
	typ  string // as written
	name string
}

// position describes an attribute of a thread's position: what the runner's Place says of it, for each dimension.
type position struct {
	values [3]string
	dims   int
}

// positions of threads: a grid has one dimension here.
var positions = map[string]position{
	"thread_position_in_grid":        {[3]string{"c->group * c->threads + c->thread", "0", "0"}, 3},
	"thread_position_in_threadgroup": {[3]string{"c->thread", "0", "0"}, 3},
	"threadgroup_position_in_grid":   {[3]string{"c->group", "0", "0"}, 3},
	"threads_per_threadgroup":        {[3]string{"c->threads", "1", "1"}, 3},
	"threads_per_grid":               {[3]string{"c->groups * c->threads", "1", "1"}, 3},
	"threadgroups_per_grid":          {[3]string{"c->groups", "1", "1"}, 3},
	"thread_index_in_threadgroup":    {[3]string{"c->thread"}, 1},
	"thread_index_in_simdgroup":      {[3]string{"c->lane"}, 1},
	"simdgroup_index_in_threadgroup": {[3]string{"c->simdgroup"}, 1},
	"simdgroups_per_threadgroup":     {[3]string{"c->simdgroups"}, 1},
	"threads_per_simdgroup":          {[3]string{"32"}, 1},
}

var (
	kernelHead  = regexp.MustCompile(`(?:\[\[\s*max_total_threads_per_threadgroup\s*\(\s*(\d+)\s*\)\s*\]\]\s*)?(?:\[\[\s*kernel\s*\]\]|\bkernel)\s+(?:\[\[\s*max_total_threads_per_threadgroup\s*\(\s*(\d+)\s*\)\s*\]\]\s*)?void\s+(\w+)\s*\(`)
	attribute   = regexp.MustCompile(`\[\[\s*(\w+)\s*(?:\(\s*(\w+)\s*\))?\s*\]\]`)
	comment     = regexp.MustCompile(`(?s)//[^\n]*|/\*.*?\*/`)
	indexType   = regexp.MustCompile(`^(?:uint|ushort)([23]?)$`)
	readOnly    = regexp.MustCompile(`\b(?:const|constant)\b`)
	addressable = regexp.MustCompile(`\b(?:device|constant)\b`)
	include     = regexp.MustCompile(`(?m)^[ \t]*#[ \t]*(?:include|import|embed)\b[ \t]*(.*)$`)
	known       = regexp.MustCompile(`^<(?:metal_(?:stdlib|atomic|common|compute|geometric|integer|limits|math|simdgroup|simdgroup_matrix)|simd/simd\.h)>\s*$`)
)

// bare is the text with its comments blanked, so that nothing moves to another line.
func (s source) bare() string {
	return comment.ReplaceAllStringFunc(s.text, func(c string) string {
		if n := strings.Count(c, "\n"); n > 0 {
			return strings.Repeat("\n", n)
		}
		return " "
	})
}

// withoutIncludes is the text for clang, which gets the library before it.
func (s source) withoutIncludes() (string, error) {
	for _, m := range include.FindAllStringSubmatchIndex(s.bare(), -1) {
		if what := s.bare()[m[2]:m[3]]; !known.MatchString(what) {
			return "", s.fail(lineAt(s.bare(), m[0]), "cannot include %s: a source is one file, and the library is <metal_stdlib>", strings.TrimSpace(what))
		}
	}
	return include.ReplaceAllString(s.text, ""), nil
}

// kernels finds the kernels of a text and checks the attributes of their parameters. It sees none that come out of a macro.
func (s source) kernels() ([]*signature, error) {
	text := s.bare()
	var found []*signature
	for _, m := range kernelHead.FindAllStringSubmatchIndex(text, -1) {
		k := &signature{line: lineAt(text, m[6])}
		k.Name, k.MaxThreads = text[m[6]:m[7]], MaxThreads
		for _, g := range []int{2, 4} {
			if m[g] >= 0 {
				n, err := strconv.Atoi(text[m[g]:m[g+1]])
				if err != nil || n < 1 || n > MaxThreads {
					return nil, s.fail(k.line, "kernel %s: a group has 1 to %d threads", k.Name, MaxThreads)
				}
				k.MaxThreads = n
			}
		}
		line := lineAt(text, m[1])
		for _, part := range parameters(text[m[1]:]) {
			at := line + strings.Count(part[:len(part)-len(strings.TrimLeft(part, " \t\r\n"))], "\n")
			line += strings.Count(part, "\n")
			if err := k.add(part); err != "" {
				return nil, s.fail(at, "kernel %s: %s", k.Name, err)
			}
		}
		found = append(found, k)
	}
	return found, nil
}

// parameters splits a list of parameters at its commas. The text begins after the opening parenthesis and goes on after the closing.
func parameters(text string) []string {
	var parts []string
	depth, start := 0, 0
	for i := range len(text) {
		switch c := text[i]; {
		case c == ')' && depth == 0:
			return append(parts, text[start:i])
		case c == '(' || c == '[' || c == '<':
			depth++
		case c == ')' || c == ']' || c == '>':
			depth--
		case c == ',' && depth == 0:
			parts = append(parts, text[start:i])
			start = i + 1
		}
	}
	return parts
}

// add parses a parameter; what is wrong with it is the result.
func (k *signature) add(text string) (wrong string) {
	var p param
	if m := attribute.FindStringSubmatchIndex(text); m != nil {
		p.attr = text[m[2]:m[3]]
		if m[4] >= 0 {
			p.arg = text[m[4]:m[5]]
		}
		text = text[:m[0]] + text[m[1]:]
	}
	words := strings.Fields(text)
	if len(words) == 0 {
		return "" // a kernel without parameters
	}
	last := len(words) - 1
	p.name = strings.TrimLeft(words[last], "*&")
	p.typ = strings.TrimPrefix(strings.Join(words[:last], " "), "const ")
	star := strings.LastIndexAny(text, "*&")
	pos, isPosition := positions[p.attr]
	switch {
	case p.attr == "buffer":
		index, err := strconv.Atoi(p.arg)
		if err != nil || index < 0 || index >= MaxBuffers {
			return "parameter " + p.name + ": the index of a buffer is a number from 0 to 30, not " + strconv.Quote(p.arg)
		}
		for _, b := range k.Buffers {
			if b.Index == index {
				return "buffers " + b.Name + " and " + p.name + " have the same index, " + p.arg
			}
		}
		if star < 0 || !addressable.MatchString(text) {
			return "parameter " + p.name + ": a buffer is a pointer or a reference to device or constant memory"
		}
		k.Buffers = append(k.Buffers, Parameter{index, p.name, !readOnly.MatchString(text[:star])})
	case p.attr == "threadgroup":
		return "parameter " + p.name + ": the emulator has no [[threadgroup]] parameters: declare the memory in the kernel"
	case isPosition:
		m := indexType.FindStringSubmatch(p.typ)
		if m == nil || pos.dims == 1 && m[1] != "" {
			return "parameter " + p.name + ": [[" + p.attr + "]] has no type " + p.typ
		}
	case p.attr == "":
		return "parameter " + p.name + ": it has no attribute such as [[buffer(0)]]"
	default:
		return "parameter " + p.name + ": [[" + p.attr + "]] is unknown"
	}
	k.params = append(k.params, p)
	return ""
}
