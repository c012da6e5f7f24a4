package gocpu

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/dave/jennifer/jen"

	"github.com/llorch/llorch/ir/kernel"
)

// longCall is the length of an exprKey above which a call's arguments stand on lines of their own.
const longCall = 100

// unary is the precedence of an operand that never needs parentheses.
const unary = 6

// expr spells e.
func (f *function) expr(e kernel.Expr) *jen.Statement { return f.operand(e, 0) }

// operand spells e where operators below precedence prec need parentheses.
func (f *function) operand(e kernel.Expr, prec int) *jen.Statement {
	if name, ok := f.hoisted[exprKey(e)]; ok {
		return jen.Id(name)
	}
	if l, ok := literal(e); ok {
		return spell(l)
	}
	switch e := e.(type) {
	case *kernel.Var:
		return jen.Id(f.ids[e.Name])
	case *kernel.Load:
		return f.load(e)
	case *kernel.Call:
		if e.Fn.Infix == "" {
			return f.call(e)
		}
		return f.infix(e, prec)
	}
	return f.fail("an expression of unknown type %T", e)
}

// infix spells an operator.
func (f *function) infix(e *kernel.Call, prec int) *jen.Statement {
	left := f.operand(e.Args[0], e.Fn.Prec)
	l, constant := e.Args[1].(*kernel.IntLit)
	switch e.Fn.Infix {
	case "/", "%":
		if constant && l.V == 0 {
			return f.fail("%s by the constant 0", e.Fn.Name)
		}
	case "<<", ">>":
		if constant && l.V < 0 {
			return f.fail("%s by the constant %d", e.Fn.Name, l.V)
		}
		if _, ok := literal(e.Args[0]); ok { // it would take its type from what is around the shift
			left = jen.Int().Call(left)
		}
	}
	s := left.Op(e.Fn.Infix)
	switch {
	case constant && l.V > 9 && (masks(e) || e.Fn.Result == kernel.Bool && masks(e.Args[0])):
		s.Id(fmt.Sprintf("%#x", l.V))
	case associative(e):
		s.Add(f.operand(e.Args[1], e.Fn.Prec))
	default:
		s.Add(f.operand(e.Args[1], e.Fn.Prec+1))
	}
	if e.Fn.Prec < prec {
		return jen.Parens(s)
	}
	return s
}

// masks reports whether e is an operation on bits, whose constants read best in hexadecimal.
func masks(e kernel.Expr) bool {
	c, ok := e.(*kernel.Call)
	return ok && (c.Fn.Infix == "&" || c.Fn.Infix == "|")
}

// associative reports whether e's right operand needs no parentheses though it is of e's own precedence: a+(b-c) of integers
// is a+b-c, and of floats is not. Without them e's left operand joins the leftmost of the right one's: a*(b/c*d) is not a*b/c*d.
func associative(e *kernel.Call) bool {
	switch e.Fn.Infix {
	case "+", "*", "&&", "||", "&", "|":
	default:
		return false
	}
	inner, ok := e.Args[1].(*kernel.Call)
	for ok && inner.Fn.Infix != "" && inner.Fn.Prec == e.Fn.Prec {
		if inner.Fn != e.Fn && (e.Fn.Infix != "+" || inner.Fn.Infix != "-") || inner.Fn.Result == kernel.Float {
			return false
		}
		inner, ok = inner.Args[0].(*kernel.Call)
	}
	return true
}

// call spells a row that is no operator: Go's own min, max and conversion, otherwise package cpu's function of its name.
func (f *function) call(e *kernel.Call) *jen.Statement {
	var args []jen.Code
	for _, a := range e.Args {
		args = append(args, f.expr(a))
	}
	switch e.Fn.Name {
	case "min", "max":
		return jen.Id(e.Fn.Name).Call(args...)
	case "float":
		return jen.Float32().Call(args...)
	case "signed16":
		return jen.Int().Call(jen.Int16().Call(args...))
	case "frombits":
		return jen.Qual("math", "Float32frombits").Call(jen.Uint32().Call(args...))
	}
	fn := jen.Qual(cpuPath, title(e.Fn.Name))
	if len(args) > 1 && len(exprKey(e)) > longCall {
		return fn.Custom(jen.Options{Open: "(", Close: ")", Separator: ",", Multi: true}, args...)
	}
	return fn.Call(args...)
}

// load reads group memory or a buffer through the accessor that its dtype demands.
func (f *function) load(e *kernel.Load) *jen.Statement {
	v := jen.Id(f.ids[e.Buf])
	switch f.access[e.Buf] {
	case "F16", "BF16", "Matrix":
		return v.Dot("At").Call(f.expr(e.Index))
	case "I32":
		return jen.Int().Call(v.Index(f.expr(e.Index)))
	}
	return v.Index(f.expr(e.Index))
}

// literal folds e to one literal, which Go's own constant arithmetic, being exact, would not round as f32 does.
func literal(e kernel.Expr) (kernel.Expr, bool) {
	switch e := e.(type) {
	case *kernel.IntLit, *kernel.FloatLit:
		return e, true
	case *kernel.Call:
		args := make([]kernel.Value, len(e.Args))
		for i, a := range e.Args {
			switch l, _ := literal(a); l := l.(type) {
			case *kernel.IntLit:
				args[i].I = l.V
			case *kernel.FloatLit:
				args[i].F = l.V
			default:
				return nil, false
			}
		}
		if (e.Fn.Name == "div" || e.Fn.Name == "rem") && e.Fn.Result == kernel.Int && args[1].I == 0 {
			return nil, false
		}
		v := e.Fn.Eval(args)
		switch e.Fn.Result {
		case kernel.Int:
			return &kernel.IntLit{V: v.I}, true
		case kernel.Float:
			return &kernel.FloatLit{V: v.F}, true
		}
	}
	return nil, false
}

// spell writes a literal. Go's -0.0 is 0, and infinities and NaN have no literal.
func spell(e kernel.Expr) *jen.Statement {
	switch e := e.(type) {
	case *kernel.IntLit:
		return jen.Lit(int(e.V))
	case *kernel.FloatLit:
		switch v := float64(e.V); {
		case math.IsNaN(v):
			return jen.Float32().Call(jen.Qual("math", "NaN").Call())
		case math.IsInf(v, 1):
			return jen.Float32().Call(jen.Qual("math", "Inf").Call(jen.Lit(1)))
		case math.IsInf(v, -1):
			return jen.Float32().Call(jen.Qual("math", "Inf").Call(jen.Lit(-1)))
		case v == 0 && math.Signbit(v):
			return jen.Float32().Call(jen.Qual("math", "Copysign").Call(jen.Lit(0), jen.Lit(-1)))
		}
		return jen.Id(floatText(e.V))
	}
	return jen.Empty()
}

// floatText is the shortest text of v with a point or an exponent; a far power of two is one.
func floatText(v float32) string {
	if m, e := math.Frexp(float64(v)); m == 0.5 && (e > 32 || e < -32) {
		return fmt.Sprintf("0x1p%d", e-1)
	}
	s := strconv.FormatFloat(float64(v), 'g', -1, 32)
	if !strings.ContainsAny(s, ".e") {
		s += ".0"
	}
	return s
}

// typed spells e so that its Go type is its own even when it is a literal, which := would make a float64.
func (f *function) typed(e kernel.Expr) *jen.Statement {
	if l, ok := literal(e); ok {
		if l, ok := l.(*kernel.FloatLit); ok && l.V-l.V == 0 { // the others are typed already
			return jen.Float32().Call(spell(l))
		}
	}
	return f.expr(e)
}

// exprKey is a text that equal expressions share.
func exprKey(e kernel.Expr) string {
	switch e := e.(type) {
	case *kernel.IntLit:
		return strconv.FormatInt(e.V, 10)
	case *kernel.FloatLit:
		return "f" + strconv.FormatUint(uint64(math.Float32bits(e.V)), 16)
	case *kernel.Var:
		return e.Name
	case *kernel.Load:
		return e.Buf + "[" + exprKey(e.Index) + "]"
	case *kernel.Call:
		parts := []string{e.Fn.Name}
		for _, a := range e.Args {
			parts = append(parts, exprKey(a))
		}
		return "(" + strings.Join(parts, " ") + ")"
	}
	return ""
}
