package ir

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/llorch/llorch/ir/dim"
)

// Parse reads the text form of one graph. Nodes without an @position get their own place in the text, called file. The
// result is not checked: Verify does.
func Parse(file, src string, table Table) (*Graph, error) {
	gs, err := ParseAll(file, src, table)
	if err != nil {
		return nil, err
	}
	if len(gs) != 1 {
		return nil, fmt.Errorf("%s: %d graphs, want one", file, len(gs))
	}
	return gs[0], nil
}

// ParseAll reads a text of several graphs: a module after specialisation.
func ParseAll(file, src string, table Table) ([]*Graph, error) {
	ts, err := lex(file, src)
	if err != nil {
		return nil, err
	}
	p := &parser{file: file, ts: ts, table: table}
	var gs []*Graph
	for p.peek().kind != 'e' && p.err == nil {
		gs = append(gs, p.graph())
	}
	if p.err == nil && len(gs) == 0 {
		return nil, fmt.Errorf("%s: no graph", file)
	}
	return gs, p.err
}

// parser is a recursive-descent parser; after the first error it only winds down.
type parser struct {
	file  string
	ts    []token
	at    int
	table Table
	g     *Graph
	err   error
}

func (p *parser) peek() token { return p.ts[p.at] }

func (p *parser) peek2() token { return p.ts[min(p.at+1, len(p.ts)-1)] }

func (p *parser) next() token {
	t := p.ts[p.at]
	if p.at < len(p.ts)-1 {
		p.at++
	}
	return t
}

func (p *parser) fail(t token, format string, args ...any) {
	if p.err == nil {
		p.err = fmt.Errorf("%s:%d: %s", p.file, t.line, fmt.Sprintf(format, args...))
		p.at = len(p.ts) - 1
	}
}

func (p *parser) want(kind byte, what string) token {
	t := p.next()
	if t.kind != kind {
		p.fail(t, "found %s, want %s", t.text, what)
	}
	return t
}

func (p *parser) name(what string) string { return p.want('a', what).text }

// accept consumes the punctuation if it comes next.
func (p *parser) accept(kind byte) bool {
	if p.peek().kind == kind {
		p.next()
		return true
	}
	return false
}

// inBraces reports that neither } nor the end comes next.
func (p *parser) inBraces() bool {
	k := p.peek().kind
	return p.err == nil && k != '}' && k != 'e'
}

func (p *parser) graph() *Graph {
	if t := p.next(); t.text != "graph" {
		p.fail(t, "found %s, want graph", t.text)
	}
	p.g = New(p.name("the graph's name"), p.table)
	p.want('{', "{")
	for p.inBraces() {
		p.statement()
	}
	p.want('}', "}")
	return p.g
}

// statement reads a line. A value may be called like a keyword: it is followed by : or =.
func (p *parser) statement() {
	t := p.peek()
	if k := p.peek2().kind; t.kind == 'a' && k != ':' && k != '=' {
		switch t.text {
		case "symbol":
			p.next()
			p.list(func() { p.g.Bounds.Declare(p.name("a symbol")) })
			return
		case "bound":
			p.next()
			p.bound()
			return
		case "step":
			p.next()
			if p.g.Step != nil {
				p.fail(t, "the graph has a step already")
			}
			p.step()
			return
		case "example":
			p.next()
			if len(p.g.Bounds.Example()) > 0 {
				p.fail(t, "the graph has an example already")
			}
			p.example()
			return
		case "output":
			p.next()
			p.list(func() { p.g.Output(p.ref()) })
			return
		case "kernel":
			p.next()
			p.group()
			return
		}
	}
	p.node(nil)
}

// list reads one or more of what f reads, with commas between.
func (p *parser) list(f func()) {
	for f(); p.err == nil && p.accept(','); {
		f()
	}
}

func (p *parser) bound() {
	l := p.dim()
	op := p.next()
	switch {
	case op.kind == '=':
		syms := l.Symbols()
		r := p.dim()
		if v, ok := r.Const(); ok && len(syms) == 1 && l.Same(dim.Sym(syms[0])) {
			p.g.Bounds.Fix(syms[0], v)
			return
		}
		p.fail(op, "an equality must be symbol = integer")
	case op.kind == '>' && p.accept('='):
		p.g.Bounds.AtLeast(l, p.dim())
	case op.kind == '<' && p.accept('='):
		p.g.Bounds.AtMost(l, p.dim())
	default:
		p.fail(op, "found %s, want <=, >= or =", op.text)
	}
}

func (p *parser) step() {
	n := p.dim()
	if t := p.next(); t.text != "after" {
		p.fail(t, "found %s, want after", t.text)
	}
	p.g.Step = &Step{New: n, Past: p.dim()}
}

func (p *parser) example() {
	env := map[string]int64{}
	p.list(func() {
		t := p.want('a', "a symbol")
		p.want('=', "=")
		env[t.text] = p.integer()
		if !slices.Contains(p.g.Bounds.Declared(), t.text) {
			p.fail(t, "symbol %s is not declared above", t.text)
		}
	})
	p.g.Bounds.SetExample(env)
}

func (p *parser) group() {
	gr := &Group{Name: p.name("the kernel's name")}
	t := p.next()
	role := -1
	for i, r := range roleNames {
		if r == t.text {
			role = i
		}
	}
	if role < 0 {
		p.fail(t, "unknown kernel role %s, want one of %s", t.text, strings.Join(roleNames[:], ", "))
		return
	}
	gr.Role = Role(role)
	p.want('{', "{")
	for p.inBraces() {
		p.node(gr)
	}
	p.want('}', "}")
	p.g.Groups = append(p.g.Groups, gr)
}

// ref reads the name of a value defined above.
func (p *parser) ref() *Node {
	t := p.want('a', "a value")
	n := p.g.Node(t.text)
	if n == nil && p.err == nil {
		p.fail(t, "no value %s is defined above", t.text)
	}
	return n
}

func (p *parser) node(gr *Group) {
	t := p.want('a', "a value's name")
	n := &Node{Name: t.text, Attrs: Attrs{}, Pos: Position{p.file, t.line}, Group: gr}
	if p.accept(':') {
		n.Type = p.typ()
	}
	p.want('=', "=")
	op := p.want('a', "an op")
	if p.err != nil {
		return
	}
	if n.Op = p.table[op.text]; n.Op == nil {
		p.fail(op, "unknown op %s", op.text)
		return
	}
	p.want('(', "(")
	if p.peek().kind != ')' {
		p.list(func() { n.In = append(n.In, p.ref()) })
	}
	p.want(')', ")")
	if p.accept('{') {
		p.list(func() { p.attr(n) })
		p.want('}', "}")
	}
	if p.peek().kind == '@' {
		n.Pos = p.position()
	}
	if p.err != nil {
		return
	}
	p.g.add(n)
	if gr != nil {
		gr.Nodes = append(gr.Nodes, n)
	}
}

func (p *parser) position() Position {
	t := p.next()
	file, line, ok := cutLast(t.text, ":")
	n, err := strconv.Atoi(line)
	if !ok || err != nil || n < 0 || file == "" {
		p.fail(t, "position @%s is not @file:line", t.text)
	}
	return Position{file, n}
}

func cutLast(s, sep string) (before, after string, ok bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}
