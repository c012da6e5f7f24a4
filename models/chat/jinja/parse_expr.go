package jinja

import (
	"slices"
	"strconv"
	"strings"
)

// The methods below go from the loosest binding to the tightest, as jinja2's
// parser does: or, and, not, comparison, + -, ~, * / // %, **, unary, postfix.

// expr reads an expression with its inline if.
func (p *parser) expr() expr {
	p.enter()
	defer p.leave()
	x := p.or()
	for p.is(nameToken, "if") {
		line := p.next().line
		c := &condExpr{line: line, then: x, test: p.or()}
		if p.word("else") {
			c.otherwise = p.expr()
		}
		x = c
	}
	return x
}

// tuple reads one expression, or several with commas, which make a tuple. In
// the head of a for or if, an if belongs to the tag and not to the expression.
func (p *parser) tuple(inlineIf bool) expr {
	read := p.or
	if inlineIf {
		read = p.expr
	}
	line := p.peek().line
	first := read()
	if !p.is(operatorToken, ",") {
		return first
	}
	list := &listExpr{line: line, items: []expr{first}, tuple: true}
	for p.op(",") && !p.endsTuple() {
		list.items = append(list.items, read())
	}
	return list
}

func (p *parser) endsTuple() bool {
	t := p.peek()
	return t.kind == variableEnd || t.kind == blockEnd || p.is(operatorToken, ")") || p.is(nameToken, "recursive")
}

func (p *parser) or() expr {
	x := p.and()
	for p.is(nameToken, "or") {
		x = &logicExpr{p.next().line, x, p.and(), true}
	}
	return x
}

func (p *parser) and() expr {
	x := p.not()
	for p.is(nameToken, "and") {
		x = &logicExpr{p.next().line, x, p.not(), false}
	}
	return x
}

func (p *parser) not() expr {
	if p.is(nameToken, "not") {
		p.enter()
		defer p.leave()
		return &notExpr{p.next().line, p.not()}
	}
	return p.comparison()
}

func (p *parser) comparison() expr {
	x := p.sum()
	c := &compareExpr{first: x}
	for {
		t := p.peek()
		switch {
		case t.kind == operatorToken && slices.Contains([]string{"==", "!=", "<", "<=", ">", ">="}, t.text):
			p.next()
			c.rest = append(c.rest, comparison{t.line, t.text, p.sum()})
		case p.word("in"):
			c.rest = append(c.rest, comparison{t.line, "in", p.sum()})
		case p.is(nameToken, "not") && p.tokens[p.at+1].kind == nameToken && p.tokens[p.at+1].text == "in":
			p.at += 2
			c.rest = append(c.rest, comparison{t.line, "not in", p.sum()})
		case c.rest == nil:
			return x
		default:
			return c
		}
	}
}

// binary reads operands of the next tighter level with the given operators
// between them.
func (p *parser) binary(operand func() expr, ops ...string) expr {
	x := operand()
	for p.peek().kind == operatorToken && slices.Contains(ops, p.peek().text) {
		t := p.next()
		x = &binaryExpr{t.line, t.text, x, operand()}
	}
	return x
}

func (p *parser) sum() expr     { return p.binary(p.concat, "+", "-") }
func (p *parser) concat() expr  { return p.binary(p.product, "~") }
func (p *parser) product() expr { return p.binary(p.power, "*", "/", "//", "%") }
func (p *parser) power() expr {
	return p.binary(func() expr { return p.unary(true) }, "**")
}

func (p *parser) unary(withFilter bool) expr {
	var x expr
	if t := p.peek(); p.op("-") || p.op("+") {
		p.enter()
		x = &signExpr{t.line, t.text == "-", p.unary(false)}
		p.leave()
	} else {
		x = p.primary()
	}
	x = p.postfix(x)
	for withFilter {
		switch {
		case p.is(operatorToken, "|"):
			for _, f := range p.filters() {
				x = &filterExpr{x, f}
			}
		case p.is(nameToken, "is"):
			x = p.test(x)
		case p.is(operatorToken, "("):
			x = p.call(x)
		default:
			return x
		}
	}
	return x
}

func (p *parser) primary() expr {
	t := p.next()
	switch t.kind {
	case nameToken:
		switch t.text {
		case "true", "True":
			return &constExpr{true}
		case "false", "False":
			return &constExpr{false}
		case "none", "None":
			return &constExpr{nil}
		}
		return &nameExpr{t.line, t.text}
	case stringToken:
		text := p.unescape(t)
		for p.peek().kind == stringToken {
			text += p.unescape(p.next())
		}
		return &constExpr{TemplateText(text)}
	case intToken:
		n, err := strconv.ParseInt(t.text, 0, 64)
		if err != nil {
			failAt(t.line, "the integer %s does not fit in 64 bits", t.text)
		}
		return &constExpr{n}
	case floatToken:
		f, err := strconv.ParseFloat(strings.ReplaceAll(t.text, "_", ""), 64)
		if err != nil {
			failAt(t.line, "the number %s is out of range", t.text)
		}
		return &constExpr{f}
	case operatorToken:
		switch t.text {
		case "(":
			return p.parenthesised(t.line)
		case "[":
			return &listExpr{line: t.line, items: p.items("]")}
		case "{":
			return p.dict(t.line)
		}
	}
	failAt(t.line, "expected an expression, found %s", t.describe())
	return nil
}

func (p *parser) parenthesised(line int) expr {
	if p.op(")") {
		return &listExpr{line: line, tuple: true}
	}
	x := p.tuple(true)
	p.expectOp(")")
	return x
}

// items reads expressions with commas up to the closing bracket.
func (p *parser) items(end string) []expr {
	var list []expr
	for !p.op(end) {
		if len(list) > 0 {
			p.expectOp(",")
			if p.op(end) {
				break
			}
		}
		list = append(list, p.expr())
	}
	return list
}

func (p *parser) dict(line int) expr {
	d := &dictExpr{line: line}
	for !p.op("}") {
		if len(d.keys) > 0 {
			p.expectOp(",")
			if p.op("}") {
				break
			}
		}
		d.keys = append(d.keys, p.expr())
		p.expectOp(":")
		d.values = append(d.values, p.expr())
	}
	return d
}

// postfix reads attributes, subscripts and calls.
func (p *parser) postfix(x expr) expr {
	for {
		switch t := p.peek(); {
		case p.op("."):
			if n := p.peek(); n.kind == intToken {
				x = &itemExpr{t.line, x, p.primary()}
			} else {
				x = &attrExpr{t.line, x, p.name("the attribute's name")}
			}
		case p.op("["):
			x = p.subscript(t.line, x)
		case p.is(operatorToken, "("):
			x = p.call(x)
		default:
			return x
		}
	}
}

func (p *parser) subscript(line int, x expr) expr {
	var bounds [3]expr
	colons := 0
	for !p.op("]") {
		switch {
		case colons < 2 && p.op(":"):
			colons++
		case bounds[colons] == nil:
			bounds[colons] = p.expr()
		default:
			p.failf("expected ']', found %s", p.peek().describe())
		}
	}
	if colons > 0 {
		return &sliceExpr{line, x, bounds}
	}
	if bounds[0] == nil {
		failAt(line, "the subscript is empty")
	}
	return &itemExpr{line, x, bounds[0]}
}

func (p *parser) call(x expr) expr {
	return &callExpr{p.peek().line, x, p.arguments()}
}

// arguments reads ( ... ) after a function, filter or test.
func (p *parser) arguments() argList {
	var a argList
	p.expectOp("(")
	for n := 0; !p.op(")"); n++ {
		if n > 0 {
			p.expectOp(",")
			if p.op(")") {
				break
			}
		}
		if p.is(operatorToken, "*") || p.is(operatorToken, "**") {
			p.failf("'%s' in a call is not understood", p.peek().text)
		}
		if p.peek().kind == nameToken && p.tokens[p.at+1].kind == operatorToken && p.tokens[p.at+1].text == "=" {
			a.names = append(a.names, p.next().text)
			p.next()
			a.named = append(a.named, p.expr())
			continue
		}
		if len(a.names) > 0 {
			p.failf("an argument without a name follows one with")
		}
		a.positional = append(a.positional, p.expr())
	}
	return a
}

// filters reads | name | name(...) as far as it goes.
func (p *parser) filters() []filterCall {
	var list []filterCall
	for p.op("|") {
		list = append(list, p.filter())
	}
	return list
}

func (p *parser) filter() filterCall {
	t := p.expect(nameToken, "", "the filter's name")
	f := filterCall{line: t.line, name: t.text, apply: lookupFilter(t.text)}
	if f.apply == nil {
		refuse := p.unknown("filter", t)
		f.apply = func(*evaluator, Value, arguments) Value { refuse(); return nil }
	}
	if p.is(operatorToken, "(") {
		f.args = p.arguments()
	}
	return f
}

// unknown refuses a filter or test that has no row in its table: at once, or
// inside an if, as jinja2 does, only when it runs.
func (p *parser) unknown(what string, t token) (refuse func()) {
	refuse = func() { failAt(t.line, "the %s '%s' is not understood", what, t.text) }
	if p.ifs == 0 {
		refuse()
	}
	return refuse
}

// test reads is [not] name, with arguments in brackets or one without.
func (p *parser) test(x expr) expr {
	p.next()
	negate := p.word("not")
	t := p.expect(nameToken, "", "the test's name")
	s := &testExpr{line: t.line, x: x, name: t.text, apply: tests[t.text], negate: negate}
	if s.apply == nil {
		refuse := p.unknown("test", t)
		s.apply = func(*evaluator, Value, arguments) bool { refuse(); return false }
	}
	switch n := p.peek(); {
	case p.is(operatorToken, "("):
		s.args = p.arguments()
	case n.kind == nameToken && !slices.Contains([]string{"else", "or", "and", "is", "if", "in", "not"}, n.text),
		n.kind == stringToken, n.kind == intToken, n.kind == floatToken,
		p.is(operatorToken, "["), p.is(operatorToken, "{"):
		s.args.positional = []expr{p.postfix(p.primary())}
	}
	return s
}
