package ir

import (
	"strconv"
	"strings"

	"github.com/llorch/llorch/ir/dim"
	"github.com/llorch/llorch/ir/kernel"
)

func (p *parser) attr(n *Node) {
	t := p.want('a', "an attribute")
	p.want('=', "=")
	for _, s := range n.Op.Attrs {
		if s.Name == t.text {
			if _, twice := n.Attrs[s.Name]; twice {
				p.fail(t, "attribute %s is given twice", s.Name)
			}
			n.Attrs[s.Name] = p.attrValue(s)
			return
		}
	}
	p.fail(t, "op %s has no attribute %s", n.Op.Name, t.text)
}

func (p *parser) attrValue(s AttrSpec) any {
	switch s.Kind {
	case AttrAxis, AttrWord:
		return p.name("a name")
	case AttrAxes:
		var axes []Axis
		p.bracketed(func() { axes = append(axes, p.axis()) })
		return axes
	case AttrNames:
		var names []string
		p.bracketed(func() { names = append(names, p.name("an axis")) })
		return names
	case AttrDim:
		return p.dim()
	case AttrFloat:
		return p.float()
	case AttrFloats:
		var fs []float64
		p.bracketed(func() { fs = append(fs, p.float()) })
		return fs
	}
	return p.dtype()
}

func (p *parser) bracketed(f func()) {
	p.want('[', "[")
	if p.peek().kind != ']' {
		p.list(f)
	}
	p.want(']', "]")
}

func (p *parser) typ() Type {
	var t Type
	if p.peek().text == "state" {
		p.next()
		t.State = true
	}
	t.DType = p.dtype()
	p.bracketed(func() { t.Axes = append(t.Axes, p.axis()) })
	if p.peek().kind == 'a' && p.peek().text == "from" {
		p.next()
		d := p.dim()
		t.From = &d
	}
	return t
}

func (p *parser) axis() Axis {
	a := Axis{Name: p.name("an axis")}
	p.want('=', "=")
	a.Dim = p.dim()
	return a
}

func (p *parser) dtype() DType {
	t := p.want('a', "a dtype")
	d, ok := kernel.ParseDType(t.text)
	if !ok {
		p.fail(t, "unknown dtype %s", t.text)
	}
	return d
}

// dim reads the terms of an affine expression and leaves their meaning to package dim.
func (p *parser) dim() dim.Dim {
	var b strings.Builder
	first := p.peek()
	term := true // an operand is due
	for {
		t := p.peek()
		switch {
		case term && t.kind == '-':
		case term && (t.kind == 'a' || t.kind == '0'):
			term = false
		case !term && (t.kind == '+' || t.kind == '-' || t.kind == '*'):
			term = true
		default:
			d, err := dim.Parse(b.String())
			if err != nil && p.err == nil {
				p.fail(first, "%v", err)
			}
			return d
		}
		b.WriteString(t.text)
		p.next()
	}
}

func (p *parser) integer() int64 {
	sign := ""
	if p.accept('-') {
		sign = "-"
	}
	t := p.want('0', "an integer")
	v, err := strconv.ParseInt(sign+t.text, 10, 64)
	if err != nil {
		p.fail(t, "%s is not an integer", t.text)
	}
	return v
}

func (p *parser) float() float64 {
	sign := 1.0
	if p.accept('-') {
		sign = -1
	}
	t := p.want('0', "a number")
	v, err := strconv.ParseFloat(t.text, 64)
	if err != nil {
		p.fail(t, "%s is not a number", t.text)
	}
	return sign * v
}
