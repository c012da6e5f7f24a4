package clike

import "github.com/llorch/llorch/ir/kernel"

// touches reports that a statement, with all in it, reads or writes memory that is.
func touches(s kernel.Stmt, is func(buf string) bool) bool {
	any := func(es ...kernel.Expr) bool {
		for _, e := range es {
			if e != nil && loads(e, is) {
				return true
			}
		}
		return false
	}
	all := func(body []kernel.Stmt) bool {
		for _, s := range body {
			if touches(s, is) {
				return true
			}
		}
		return false
	}
	switch s := s.(type) {
	case *kernel.Let:
		return any(s.Value)
	case *kernel.Store:
		return is(s.Buf) || any(s.Index, s.Value)
	case *kernel.For:
		return any(s.Lo, s.Hi, s.Step) || all(s.Body)
	case *kernel.Reduce:
		return any(s.N, s.Value)
	case *kernel.If:
		return any(s.Cond) || all(s.Then) || all(s.Else)
	case *kernel.Join:
		return is(s.Parts) || is(s.X) || any(s.Groups, s.Each, s.All) || all(s.Body)
	case *kernel.Dot:
		return is(s.Acc) || is(s.W) || is(s.X) || any(s.AccAt, s.WAt, s.WStride, s.XAt, s.XStride, s.Rows, s.Cols, s.K)
	}
	return true
}

// loads reports that an expression reads memory that is.
func loads(e kernel.Expr, is func(buf string) bool) bool {
	switch e := e.(type) {
	case *kernel.Load:
		return is(e.Buf) || loads(e.Index, is)
	case *kernel.Call:
		for _, a := range e.Args {
			if loads(a, is) {
				return true
			}
		}
	}
	return false
}
