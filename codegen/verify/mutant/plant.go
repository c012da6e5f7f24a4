package mutant

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Planted is a source in which functions with mistakes stand behind those without, so that compiling it once is enough for all of them.
type Planted struct {
	Source string
	text   *Text
	clones []clones
}

// clones are the functions that one mistake changes, with the lines of the source that they take.
type clones struct {
	names    map[string]string // by the names that they have without it
	from, to int
}

// Plant adds, for each mistake, its function, and those that call it, under other names.
func (t *Text) Plant(ms []Mistake) *Planted {
	p := &Planted{text: t}
	var b strings.Builder
	b.WriteString(t.Source)
	line := 1 + strings.Count(t.Source, "\n")
	for i, m := range ms {
		c := clones{names: map[string]string{}, from: line}
		for _, name := range t.callers(m.Function) {
			c.names[name] = fmt.Sprintf("%s_m%d", name, i)
		}
		for _, f := range t.functions {
			if c.names[f.name] == "" {
				continue
			}
			src := t.Source[f.from:f.to]
			if f.name == m.Function {
				src = src[:m.from-f.from] + m.into + src[m.to-f.from:]
			}
			src = "\n" + call.ReplaceAllStringFunc(src, func(s string) string {
				name := s[:len(s)-1]
				if to := c.names[name]; to != "" {
					name = to
				}
				return name + s[len(s)-1:]
			})
			b.WriteString(src)
			line += strings.Count(src, "\n")
		}
		c.to = line
		p.clones = append(p.clones, c)
	}
	p.Source = b.String()
	return p
}

// call is a name that is called, or defined.
var call = regexp.MustCompile(`\b\w+[(<]`)

// callers are a function and all that call it, or one that does.
func (t *Text) callers(name string) []string {
	all := []string{name}
	for _, f := range t.functions { // a function stands behind those that it calls
		calls := call.FindAllString(t.Source[f.body:f.to], -1)
		if slices.ContainsFunc(calls, func(s string) bool { return slices.Contains(all, s[:len(s)-1]) }) && !slices.Contains(all, f.name) {
			all = append(all, f.name)
		}
	}
	return all
}

// Renamed tells how a function is called with mistake i, and whether it has it.
func (p *Planted) Renamed(i int, function string) (string, bool) {
	name, ok := p.clones[i].names[function]
	return name, ok
}

// At is the mistake whose functions have a line of the source, or -1.
func (p *Planted) At(line int) int {
	return slices.IndexFunc(p.clones, func(c clones) bool { return c.from <= line && line < c.to })
}
