package gocpu

import "github.com/llorch/llorch/ir/kernel"

// operands are the expressions of s itself, without those of nested statements.
func operands(s kernel.Stmt) []kernel.Expr {
	switch s := s.(type) {
	case *kernel.Let:
		return []kernel.Expr{s.Value}
	case *kernel.Store:
		return []kernel.Expr{s.Index, s.Value}
	case *kernel.For:
		return []kernel.Expr{s.Lo, s.Hi, s.Step}
	case *kernel.Reduce:
		return []kernel.Expr{s.N, s.Value}
	case *kernel.If:
		return []kernel.Expr{s.Cond}
	case *kernel.Dot:
		return []kernel.Expr{s.AccAt, s.WAt, s.WStride, s.XAt, s.XStride, s.Rows, s.Cols, s.K}
	case *kernel.Mix:
		return operands((*kernel.Dot)(s))
	case *kernel.Encode:
		return []kernel.Expr{s.At, s.XAt, s.N}
	}
	return nil
}

// bodies are the statement lists inside s.
func bodies(s kernel.Stmt) [][]kernel.Stmt {
	switch s := s.(type) {
	case *kernel.For:
		return [][]kernel.Stmt{s.Body}
	case *kernel.If:
		return [][]kernel.Stmt{s.Then, s.Else}
	}
	return nil
}

// bound is the name that s gives to a scalar for what follows or, for a loop, for its body.
func bound(s kernel.Stmt) string {
	switch s := s.(type) {
	case *kernel.Let:
		return s.Name
	case *kernel.Reduce:
		return s.Name
	case *kernel.For:
		return s.Var
	}
	return ""
}

// walkStmts calls visit for every statement of body, outer before inner.
func walkStmts(body []kernel.Stmt, visit func(kernel.Stmt)) {
	for _, s := range body {
		visit(s)
		for _, b := range bodies(s) {
			walkStmts(b, visit)
		}
	}
}

// walkExpr calls visit for e and, where it returns true, for the expressions inside.
func walkExpr(e kernel.Expr, visit func(kernel.Expr) bool) {
	if e == nil || !visit(e) {
		return
	}
	switch e := e.(type) {
	case *kernel.Load:
		walkExpr(e.Index, visit)
	case *kernel.Call:
		for _, a := range e.Args {
			walkExpr(a, visit)
		}
	}
}
