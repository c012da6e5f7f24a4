package kernel

import "math"

// simplify folds calls of literals through the function table and drops identities, so that kernels built from general
// skeletons read as if written for their case. Float identities disregard the sign of zero; a result that is not finite,
// and a division that the table leaves undefined, are not folded.
func simplify(c *Call) Expr {
	if e := foldLiterals(c); e != nil {
		return e
	}
	if len(c.Args) != 2 || c.Fn.Infix == "" {
		return c
	}
	if e := dropIdentity(c); e != nil {
		return e
	}
	if e := joinConstants(c); e != nil {
		return e
	}
	return c
}

// foldLiterals evaluates a call whose arguments are all literals, or returns nil. There are no boolean literals.
func foldLiterals(c *Call) Expr {
	args := make([]Value, len(c.Args))
	for i, a := range c.Args {
		switch a := a.(type) {
		case *IntLit:
			args[i].I = a.V
		case *FloatLit:
			args[i].F = a.V
		default:
			return nil
		}
	}
	if c.Fn.partial() && c.Fn.undefined(args) {
		return nil
	}
	switch c.Fn.Result {
	case Int:
		return &IntLit{c.Fn.Eval(args).I}
	case Float:
		v := c.Fn.Eval(args).F
		if f := float64(v); !math.IsNaN(f) && !math.IsInf(f, 0) {
			return &FloatLit{v}
		}
	}
	return nil
}

// dropIdentity removes an operand that changes nothing, or returns nil.
func dropIdentity(c *Call) Expr {
	a, b, zero := c.Args[0], c.Args[1], I(0)
	integer := c.Fn.Result == Int
	switch c.Fn.Name {
	case "add":
		if isLit(a, 0) {
			return b
		}
		if isLit(b, 0) {
			return a
		}
	case "sub":
		if isLit(b, 0) {
			return a
		}
	case "mul":
		switch {
		case integer && (isLit(a, 0) || isLit(b, 0)):
			return zero
		case isLit(a, 1):
			return b
		case isLit(b, 1):
			return a
		}
	case "div":
		if isLit(b, 1) {
			return a
		}
	case "rem":
		if isLit(b, 1) {
			return zero
		}
	}
	return nil
}

// joinConstants rewrites (a ± c1) ± c2 of integers to a ± c, or returns nil.
func joinConstants(c *Call) Expr {
	inner, c2, ok := addend(c)
	if !ok {
		return nil
	}
	call, ok := inner.(*Call)
	if !ok {
		return nil
	}
	a, c1, ok := addend(call)
	if !ok {
		return nil
	}
	switch sum := c1 + c2; {
	case sum == 0:
		return a
	case sum < 0:
		return &Call{Lookup("sub", Int), []Expr{a, I(-sum)}}
	default:
		return &Call{Lookup("add", Int), []Expr{a, I(sum)}}
	}
}

// addend splits an integer sum into its variable part and its literal.
func addend(c *Call) (Expr, int64, bool) {
	if c.Fn.Result != Int || c.Fn.Name != "add" && c.Fn.Name != "sub" {
		return nil, 0, false
	}
	if lit, ok := c.Args[1].(*IntLit); ok {
		if c.Fn.Name == "sub" {
			return c.Args[0], -lit.V, true
		}
		return c.Args[0], lit.V, true
	}
	if lit, ok := c.Args[0].(*IntLit); ok && c.Fn.Name == "add" {
		return c.Args[1], lit.V, true
	}
	return nil, 0, false
}

func isLit(e Expr, v int64) bool {
	switch e := e.(type) {
	case *IntLit:
		return e.V == v
	case *FloatLit:
		return e.V == float32(v)
	}
	return false
}
