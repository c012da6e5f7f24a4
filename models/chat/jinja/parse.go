package jinja

import "strings"

// A Template is a parsed template. It may be rendered by many goroutines.
type Template struct{ body []stmt }

// Parse reads a template. Its error names the line and what is not understood.
func Parse(source string) (t *Template, err error) {
	defer catch(&err)
	p := &parser{tokens: lex(source)}
	return &Template{p.body()}, nil
}

type parser struct {
	tokens []token
	at     int
	nest   int
	loops  int // for loops around, within the same macro
	ifs    int // if blocks around
}

func (p *parser) peek() token { return p.tokens[p.at] }

func (p *parser) next() token {
	t := p.tokens[p.at]
	if t.kind != endOfSource {
		p.at++
	}
	return t
}

func (p *parser) failf(format string, args ...any) { failAt(p.peek().line, format, args...) }

// enter counts nesting in the source.
func (p *parser) enter() {
	if p.nest++; p.nest > maxNest {
		p.failf("nested deeper than %d levels", maxNest)
	}
}

func (p *parser) leave() { p.nest-- }

// is tells whether the next token is the operator or name text.
func (p *parser) is(k tokenKind, text string) bool {
	t := p.peek()
	return t.kind == k && t.text == text
}

// skip moves over the operator or name text if it is next.
func (p *parser) skip(k tokenKind, text string) bool {
	if !p.is(k, text) {
		return false
	}
	p.at++
	return true
}

func (p *parser) op(text string) bool   { return p.skip(operatorToken, text) }
func (p *parser) word(text string) bool { return p.skip(nameToken, text) }

func (p *parser) expect(k tokenKind, text, what string) token {
	t := p.peek()
	if t.kind != k || text != "" && t.text != text {
		p.failf("expected %s, found %s", what, t.describe())
	}
	return p.next()
}

func (p *parser) expectOp(text string)    { p.expect(operatorToken, text, "'"+text+"'") }
func (p *parser) name(what string) string { return p.expect(nameToken, "", what).text }
func (p *parser) endBlock()               { p.expect(blockEnd, "", "the end of the tag") }

// body reads statements up to a block tag of one of the given names, whose name
// is then the next token; with none given, up to the end of the source.
func (p *parser) body(ends ...string) []stmt {
	p.enter()
	defer p.leave()
	var list []stmt
	start := p.peek().line
	for {
		switch t := p.next(); t.kind {
		case dataToken:
			list = append(list, &dataStmt{t.text})
		case variableBegin:
			list = append(list, &outputStmt{t.line, p.tuple(true)})
			p.expect(variableEnd, "", "the end of the tag")
		case blockBegin:
			for _, end := range ends {
				if p.is(nameToken, end) {
					return list
				}
			}
			list = append(list, p.statement())
		case endOfSource:
			if len(ends) > 0 {
				failAt(start, "the block has no %s", strings.Join(ends, " or "))
			}
			return list
		}
	}
}

// statement reads a block tag, from its name on.
func (p *parser) statement() stmt {
	line := p.peek().line
	switch name := p.name("the tag's name"); name {
	case "if":
		return p.ifStmt()
	case "for":
		return p.forStmt(line)
	case "set":
		return p.setStmt(line)
	case "macro":
		return p.macroStmt(line)
	case "filter":
		filters := append([]filterCall{p.filter()}, p.filters()...)
		return &setBlockStmt{line: line, filters: filters, body: p.captured("endfilter")}
	case "with":
		return p.withStmt(line)
	case "generation": // transformers' mark of the assistant's words
		return &withStmt{line: line, body: p.captured("endgeneration")}
	case "break", "continue":
		if p.loops == 0 {
			failAt(line, "%s outside a for loop", name)
		}
		p.endBlock()
		return &jumpStmt{line, map[string]flow{"break": breakLoop, "continue": continueLoop}[name]}
	default:
		failAt(line, "the tag '%s' is not understood here", name)
		return nil
	}
}

// captured is a block that runs apart from the loop around it, which it
// therefore cannot leave.
func (p *parser) captured(end string) []stmt {
	loops := p.loops
	p.loops = 0
	body := p.block(end)
	p.loops = loops
	return body
}

// block reads the rest of a tag, a body and its end tag.
func (p *parser) block(end string) []stmt {
	p.endBlock()
	body := p.body(end)
	p.next()
	p.endBlock()
	return body
}

func (p *parser) ifStmt() stmt {
	s := &ifStmt{}
	p.ifs++
	defer func() { p.ifs-- }()
	for {
		line := p.peek().line
		test := p.tuple(false)
		p.endBlock()
		s.branches = append(s.branches, branch{line, test, p.body("elif", "else", "endif")})
		switch p.next().text {
		case "elif":
			continue
		case "else":
			s.otherwise = p.block("endif")
		default:
			p.endBlock()
		}
		return s
	}
}

func (p *parser) forStmt(line int) stmt {
	s := &forStmt{line: line, targets: p.targets()}
	p.expect(nameToken, "in", "'in'")
	s.over = p.tuple(false)
	if p.word("if") {
		s.filter = p.expr()
	}
	if p.is(nameToken, "recursive") {
		p.failf("recursive loops are not understood")
	}
	p.endBlock()
	p.loops++
	s.body = p.body("else", "endfor")
	p.loops--
	if p.next().text == "else" {
		s.otherwise = p.block("endfor")
	} else {
		p.endBlock()
	}
	return s
}

// targets reads the names that a for or set assigns to.
func (p *parser) targets() []string {
	paren := p.op("(")
	names := []string{p.target()}
	for p.op(",") && p.peek().kind == nameToken && !p.is(nameToken, "in") {
		names = append(names, p.target())
	}
	if paren {
		p.expectOp(")")
	}
	return names
}

func (p *parser) target() string {
	switch name := p.name("a name to assign to"); name {
	case "true", "false", "none", "True", "False", "None":
		p.failf("cannot assign to '%s'", name)
		return ""
	default:
		return name
	}
}

func (p *parser) setStmt(line int) stmt {
	targets := p.targets()
	attr := ""
	if len(targets) == 1 && p.op(".") {
		attr = p.name("the attribute's name")
	}
	if p.op("=") {
		s := &setStmt{line, targets, attr, p.tuple(true)}
		p.endBlock()
		return s
	}
	if len(targets) > 1 {
		p.failf("expected '=', found %s", p.peek().describe())
	}
	s := &setBlockStmt{line: line, target: targets[0], attr: attr, filters: p.filters()}
	s.body = p.captured("endset")
	return s
}

func (p *parser) withStmt(line int) stmt {
	s := &withStmt{line: line}
	for p.peek().kind != blockEnd {
		if len(s.names) > 0 {
			p.expectOp(",")
		}
		s.names = append(s.names, p.target())
		p.expectOp("=")
		s.values = append(s.values, p.expr())
	}
	s.body = p.block("endwith")
	return s
}

func (p *parser) macroStmt(line int) stmt {
	start := p.at
	s := &macroStmt{line: line, name: p.target()}
	p.expectOp("(")
	for !p.op(")") {
		if len(s.params) > 0 {
			p.expectOp(",")
		}
		param := param{name: p.target()}
		if p.op("=") {
			param.value = p.expr()
		} else if n := len(s.params); n > 0 && s.params[n-1].value != nil {
			p.failf("parameter '%s' without a default follows one with", param.name)
		}
		s.params = append(s.params, param)
	}
	s.body = p.captured("endmacro")
	for _, t := range p.tokens[start:p.at] {
		if t.kind == nameToken && (t.text == "caller" || t.text == "varargs" || t.text == "kwargs") {
			failAt(t.line, "'%s' in a macro is not understood", t.text)
		}
	}
	return s
}
