package kernel

import (
	"fmt"
	"go/format"
	"math"
	"strconv"
	"strings"
)

var roleNames = [...]string{In: "in", Out: "out", State: "state", Weight: "weight"}

func (r Role) String() string {
	if int(r) < len(roleNames) {
		return roleNames[r]
	}
	return fmt.Sprintf("role(%d)", uint8(r))
}

// String prints the kernel as gofmt would. Doc stands a line above the function, where gofmt leaves comments alone.
func (k *Kernel) String() string {
	var doc strings.Builder
	for _, line := range k.Doc {
		doc.WriteString(strings.TrimRight("// "+line, " ") + "\n")
	}
	if len(k.Doc) > 0 {
		doc.WriteString("\n")
	}
	return doc.String() + gofmt(k.text(k.Name))
}

// ExprString prints an expression as String does.
func ExprString(e Expr) string {
	var p printer
	p.expr(e, 0)
	return gofmt(p.String())
}

// gofmt spaces operators by depth. Text that is no Go, from a kernel that Verify would refuse, stays as it is.
func gofmt(text string) string {
	out, err := format.Source([]byte(text))
	if err != nil {
		return text
	}
	return string(out)
}

func (k *Kernel) text(name string) string {
	var p printer
	var params []string
	for _, b := range k.Bufs {
		t := b.Role.String()
		if b.DType != Invalid {
			t += "_" + b.DType.String()
		}
		params = append(params, b.Name+" "+t)
	}
	for _, n := range k.Ints {
		params = append(params, n+" int")
	}
	for _, n := range k.Floats {
		params = append(params, n+" float")
	}
	p.line("func %s(%s) {", name, strings.Join(params, ", "))
	p.indent++
	for _, a := range k.Grid {
		p.call("grid", a.Var, a.N)
	}
	for _, l := range k.Group {
		p.call("group", l.Name, l.N)
	}
	p.stmts(k.Body)
	p.indent--
	p.line("}")
	return p.String()
}

// printer writes Go without regard to spacing, which gofmt settles.
type printer struct {
	strings.Builder
	indent int
}

func (p *printer) line(format string, args ...any) {
	p.tabs()
	fmt.Fprintf(p, format+"\n", args...)
}

func (p *printer) tabs() {
	for range p.indent {
		p.WriteByte('\t')
	}
}

func (p *printer) block(body []Stmt) {
	p.WriteString(" {\n")
	p.indent++
	p.stmts(body)
	p.indent--
	p.tabs()
	p.WriteString("}")
}

func (p *printer) stmts(body []Stmt) {
	for _, s := range body {
		p.stmt(s)
	}
}

func (p *printer) stmt(s Stmt) {
	if d, name := tile(s); d != nil {
		args := []any{d.Acc, d.AccAt, d.W, d.WAt, d.WStride, d.X, d.XAt, d.XStride, d.Rows, d.Cols, d.K}
		if d.AccStride != nil {
			args = append(args, d.AccStride)
		}
		p.call(name, args...)
		return
	}
	if e, ok := s.(*Encode); ok {
		p.call("encode", e.Buf, e.At, e.X, e.XAt, e.N)
		return
	}
	p.tabs()
	switch s := s.(type) {
	case *Let:
		p.parts(s.Name, " := ", s.Value)
	case *Store:
		p.parts(s.Buf, "[", s.Index, "] = ", s.Value)
	case *Reduce:
		p.parts(s.Name, " := ", s.Op.String(), "(", s.Var, ", ", s.N, ", ", s.Value, ")")
	case *For:
		switch {
		case s.Lanes:
			p.parts("for ", s.Var, " := range lanes(", s.Hi, ")")
		case s.Teams:
			p.parts("for ", s.Var, " := range teams(", s.Hi, ")")
		default:
			p.parts("for ", s.Var, " := ", s.Lo, "; ", s.Var, " < ", s.Hi, "; ", s.Var, " += ", s.Step)
		}
		p.block(s.Body)
	case *Join:
		p.parts("for ", s.Var, " := range joined(", s.Groups, ", ", s.Parts, ", ", s.X, ", ", s.Each, ", ", s.All, ")")
		p.block(s.Body)
	case *If:
		p.ifElse(s)
	default:
		p.parts(fmt.Sprintf("invalid(%T)", s))
	}
	p.WriteString("\n")
}

func (p *printer) ifElse(s *If) {
	p.parts("if ", s.Cond)
	p.block(s.Then)
	if len(s.Else) == 0 {
		return
	}
	p.WriteString(" else ")
	if inner, ok := s.Else[0].(*If); ok && len(s.Else) == 1 {
		p.ifElse(inner)
		return
	}
	p.block(s.Else)
}

// call prints a statement f(args), whose arguments are names and expressions.
func (p *printer) call(f string, args ...any) {
	p.tabs()
	p.WriteString(f + "(")
	for i, a := range args {
		if i > 0 {
			p.WriteString(", ")
		}
		p.parts(a)
	}
	p.WriteString(")\n")
}

func (p *printer) parts(parts ...any) {
	for _, x := range parts {
		if s, ok := x.(string); ok {
			p.WriteString(s)
			continue
		}
		e, _ := x.(Expr)
		p.expr(e, 0)
	}
}

// expr prints e, in parentheses if it is an operator that binds less tightly than prec.
func (p *printer) expr(e Expr, prec int) {
	switch e := e.(type) {
	case *IntLit:
		p.WriteString(strconv.FormatInt(e.V, 10))
	case *FloatLit:
		p.WriteString(floatText(e.V))
	case *Var:
		p.WriteString(e.Name)
	case *Load:
		p.parts(e.Buf, "[", e.Index, "]")
	case *Call:
		p.apply(e, prec)
	default:
		p.WriteString("invalid")
	}
}

func (p *printer) apply(c *Call, prec int) {
	if c.Fn.Infix == "" || len(c.Args) != 2 {
		p.WriteString(c.Fn.Name + "(")
		for i, a := range c.Args {
			if i > 0 {
				p.WriteString(", ")
			}
			p.expr(a, 0)
		}
		p.WriteString(")")
		return
	}
	if c.Fn.Prec < prec {
		p.WriteString("(")
		defer p.WriteString(")")
	}
	p.expr(c.Args[0], c.Fn.Prec)
	p.WriteString(" " + c.Fn.Infix + " ")
	p.expr(c.Args[1], c.Fn.Prec+1)
}

// floatText is the shortest text that reads back as v, never that of an integer; the values without digits are inf, -inf and nan.
func floatText(v float32) string {
	switch f := float64(v); {
	case math.IsNaN(f):
		return "nan"
	case math.IsInf(f, 1):
		return "inf"
	case math.IsInf(f, -1):
		return "-inf"
	}
	s := strconv.FormatFloat(float64(v), 'g', -1, 32)
	if !strings.ContainsAny(s, ".e") {
		s += ".0"
	}
	return s
}

// tile returns the fields of a Dot or Mix, which are the same, and the statement's name; otherwise nil.
func tile(s Stmt) (*Dot, string) {
	switch s := s.(type) {
	case *Dot:
		return s, "dot"
	case *Mix:
		return (*Dot)(s), "mix"
	}
	return nil, ""
}
