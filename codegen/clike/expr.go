package clike

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/llorch/llorch/ir/kernel"
)

// expr spells e, in parentheses if it is an operator that binds less tightly than prec.
func (p *printer) expr(e kernel.Expr, prec int) string {
	switch e := e.(type) {
	case *kernel.IntLit:
		return p.literal(e.V, prec)
	case *kernel.FloatLit:
		return floatText(e.V, prec)
	case *kernel.Var:
		return p.name(e.Name)
	case *kernel.Load:
		return p.load(e)
	case *kernel.Call:
		return p.call(e, prec)
	}
	p.fail("%T has no spelling", e)
	return ""
}

// literal spells an integer; one that needs the 32nd bit is a pattern of bits.
func (p *printer) literal(v int64, prec int) string {
	switch {
	case v > math.MaxUint32 || v <= math.MinInt32:
		p.fail("%d has more than 32 bits", v)
	case v > math.MaxInt32:
		return fmt.Sprintf("int(%#xu)", v)
	case v < 0 && prec > 0:
		return fmt.Sprintf("(%d)", v)
	}
	return strconv.FormatInt(v, 10)
}

func (p *printer) ints(e kernel.Expr) string { return p.expr(e, 0) }

func floatText(v float32, prec int) string {
	f := float64(v)
	switch {
	case math.IsNaN(f):
		return "NOT_A_NUMBER"
	case math.IsInf(f, 0):
		if f < 0 {
			return "(-INFINITE)"
		}
		return "INFINITE"
	}
	s := strconv.FormatFloat(f, 'g', -1, 32)
	if !strings.ContainsAny(s, ".e") {
		s += ".0"
	}
	s += "f"
	if f < 0 && prec > 0 {
		s = "(" + s + ")"
	}
	return s
}

func (p *printer) call(c *kernel.Call, prec int) string {
	own, operator := precedence[c.Fn.Name]
	if !operator || c.Fn.Infix == "" && c.Fn.Name != "choose" {
		return p.apply(c)
	}
	var s string
	switch {
	case c.Fn.Name == "choose":
		s = p.expr(c.Args[0], own+1) + " ? " + p.expr(c.Args[1], own+1) + " : " + p.expr(c.Args[2], own)
	default:
		s = p.operand(c, 0, own) + " " + c.Fn.Infix + " " + p.operand(c, 1, own+1)
	}
	if own < prec {
		return "(" + s + ")"
	}
	return s
}

// operand spells argument i of an operator.
func (p *printer) operand(c *kernel.Call, i, prec int) string {
	if arg, ok := c.Args[i].(*kernel.Call); ok && p.emitter.d.Strict && slices.Contains(confused[c.Fn.Name], arg.Fn.Name) {
		return "(" + p.expr(arg, 0) + ")"
	}
	return p.expr(c.Args[i], prec)
}

func (p *printer) apply(c *kernel.Call) string {
	var args []string
	for _, a := range c.Args {
		args = append(args, p.expr(a, 0))
	}
	list := strings.Join(args, ", ")
	if c.Fn.Name == "float" {
		return "float(" + list + ")"
	}
	name, ok := functions[c.Fn.Name+"/"+c.Args[0].Type().String()]
	if !ok {
		p.fail("function %s has no spelling", c.Fn.Name)
	}
	return name + "(" + list + ")"
}

// load reads an element: single ones by the prelude's load of their type, those of blocks by what the table of types says of them.
func (p *printer) load(l *kernel.Load) string {
	if len(p.loaded) > 0 {
		if name, ok := p.loaded[kernel.ExprString(l)]; ok {
			return name
		}
	}
	b, global := p.bufs[l.Buf]
	if p.joined != nil && l.Buf == p.joined.Parts {
		return p.joinedLoad(l)
	}
	if !global {
		return p.name(l.Buf) + "[" + p.ints(l.Index) + "]"
	}
	name, index := p.name(l.Buf), p.ints(l.Index)
	if p.turn != "" && isVar(l.Index, p.turn) {
		return ownName(name) + "[turn]"
	}
	if !blocks(b.DType) {
		if b.DType == kernel.F16 || b.DType == kernel.BF16 {
			return fmt.Sprintf("load_%s(%s + %s)", b.DType, name, p.expr(l.Index, precedence["add"]+1))
		}
		return name + "[" + index + "]"
	}
	if b.DType.Row().Rows == 1 {
		return fmt.Sprintf("%s(%s, %s)", p.element(b.DType), name, index)
	}
	elems := kernel.I(p.rowElems(l.Buf))
	r, k := p.n.fold(kernel.Div(l.Index, elems)), p.n.fold(kernel.Rem(l.Index, elems))
	return fmt.Sprintf("%s(%s, %s, %s, %s)", p.element(b.DType), name, p.ints(r), p.ints(k), p.ints(elems))
}

// element is the name of the function that reads a weight of blocks, which the table of types defines.
func (e *emitter) element(d kernel.DType) string {
	name := d.String() + "_at"
	if slices.ContainsFunc(e.elements, func(t string) bool { return strings.Contains(t, name) }) {
		return name
	}
	p := &printer{emitter: e}
	word := func(at kernel.Expr, bytes int) kernel.Expr {
		return kernel.IntVar(fmt.Sprintf("\x00word%d(w, %s)", 8*bytes, p.ints(at)))
	}
	what, params, r := "element k", "int k", kernel.I(0)
	if d.Row().Rows > 1 {
		what, params, r = "element k of row r, which has n,", "int r, int k, int n", kernel.IntVar("r")
	}
	value := d.Row().Element(word, r, kernel.IntVar("k"), kernel.IntVar("n"))
	if d.Row().Rows == 1 {
		value = d.Row().Element(word, r, kernel.IntVar("k"), kernel.I(0))
	}
	e.elements = append(e.elements, fmt.Sprintf("// %s is %s of a matrix in %s.\n%s float %s(%s w, %s) {\n  return %s;\n}\n",
		name, what, d, e.d.Inline, name, e.d.Weights, params, p.expr(value, 0)))
	return name
}

// blocks reports a type whose memory is bytes to the emitted code.
func blocks(d kernel.DType) bool {
	row := d.Row()
	return row.Panel != nil || row.Format != nil
}

// name is a name of the kernel's that means nothing else in the dialect. Text that stands for a scalar goes as it is.
func (p *printer) name(n string) string {
	if text, ok := strings.CutPrefix(n, "\x00"); ok {
		return text
	}
	if p.reserved[n] {
		return n + "_"
	}
	return n
}
