package kernel

import (
	"go/ast"
	"go/token"
	"math"
	"strconv"
)

// expr reads an expression of type want.
func (p *textParser) expr(e ast.Expr, want Type) Expr {
	out := p.anyExpr(e)
	if out.Type() != want {
		p.fail(e, "%s is %v, want %v", ExprString(out), out.Type(), want)
	}
	return out
}

// anyExpr builds calls as they are written, without simplify, so that text round-trips.
func (p *textParser) anyExpr(e ast.Expr) Expr {
	defer p.enter(e)()
	switch e := e.(type) {
	case *ast.ParenExpr:
		return p.anyExpr(e.X)
	case *ast.BasicLit:
		return p.literal(e, e, "")
	case *ast.UnaryExpr:
		return p.negative(e)
	case *ast.Ident:
		return p.ident(e)
	case *ast.IndexExpr:
		buf := p.name(e.X)
		sym, err := p.scope.memory(buf)
		p.check(e, err)
		return &Load{Buf: buf, Index: p.expr(e.Index, Int), T: sym.T}
	case *ast.BinaryExpr:
		return p.binary(e)
	case *ast.CallExpr:
		return p.apply(e)
	}
	p.fail(e, "want an expression: a literal, name, element, operator or call")
	return nil
}

// literal reads a number; at is its first byte, which may be a sign.
func (p *textParser) literal(at ast.Node, lit *ast.BasicLit, sign string) Expr {
	switch lit.Kind {
	case token.INT:
		v, err := strconv.ParseInt(sign+lit.Value, 0, 64)
		if err != nil {
			p.fail(at, "integer %s%s: %v", sign, lit.Value, err.(*strconv.NumError).Err)
		}
		return &IntLit{v}
	case token.FLOAT:
		v, err := strconv.ParseFloat(sign+lit.Value, 32)
		if err != nil {
			p.fail(at, "float %s%s: %v", sign, lit.Value, err.(*strconv.NumError).Err)
		}
		return &FloatLit{float32(v)}
	}
	p.fail(at, "%s is no number", lit.Value)
	return nil
}

// negative reads a negative literal; there is no negation.
func (p *textParser) negative(e *ast.UnaryExpr) Expr {
	if e.Op == token.SUB {
		switch x := e.X.(type) {
		case *ast.BasicLit:
			return p.literal(e, x, "-")
		case *ast.Ident:
			if x.Name == "inf" {
				return &FloatLit{float32(math.Inf(-1))}
			}
		}
	}
	p.fail(e, "unary %s: write a literal, or 0 - x", e.Op)
	return nil
}

func (p *textParser) ident(id *ast.Ident) Expr {
	switch id.Name {
	case "inf":
		return &FloatLit{float32(math.Inf(1))}
	case "nan":
		return &FloatLit{float32(math.NaN())}
	}
	sym, err := p.scope.scalar(id.Name)
	p.check(id, err)
	return &Var{Name: id.Name, T: sym.T}
}

func (p *textParser) binary(e *ast.BinaryExpr) Expr {
	a := p.anyExpr(e.X)
	for _, f := range Fns {
		if f.Infix == e.Op.String() && f.Args[0] == a.Type() {
			return &Call{Fn: f, Args: []Expr{a, p.expr(e.Y, f.Args[1])}}
		}
	}
	p.fail(e, "no operator %s for %v", e.Op, a.Type())
	return nil
}

func (p *textParser) apply(e *ast.CallExpr) Expr {
	name, call := callName(e)
	if call == nil || len(e.Args) == 0 {
		p.fail(e, "want a function of the table and its arguments")
	}
	if !hasFunction(name) {
		p.fail(e, "unknown function %s", name)
	}
	first := p.anyExpr(e.Args[0])
	fn := Lookup(name, first.Type())
	if fn == nil {
		p.fail(e.Args[0], "%s takes no %v first", name, first.Type())
	}
	p.arity(e, len(fn.Args))
	args := []Expr{first}
	for i, a := range e.Args[1:] {
		args = append(args, p.expr(a, fn.Args[i+1]))
	}
	return &Call{Fn: fn, Args: args}
}

// hasFunction tells whether the table has a row that prints as a call of name.
func hasFunction(name string) bool {
	for _, f := range Fns {
		if f.Name == name && f.Infix == "" {
			return true
		}
	}
	return false
}
