package clike

import "github.com/llorch/llorch/ir/kernel"

// names is a set of what statements read and memory that they touch.
type names map[string]bool

// trim leaves out of a kernel what no statement needs: names that only others like them use, symbols, and group memory. What remains
// of the grid is in the result, with all else that is used.
func trim(k *kernel.Kernel) (*kernel.Kernel, names) {
	used, out := names{}, *k
	out.Body = used.block(k.Body)
	inner := false // a coordinate further out, whose value is reckoned with the extents of those within
	for i, a := range k.Grid {
		inner = inner || used[a.Var]
		if i > 0 && inner {
			used.expr(a.N)
		}
	}
	out.Ints, out.Group = nil, nil
	for _, s := range k.Ints {
		if used[s] {
			out.Ints = append(out.Ints, s)
		}
	}
	for _, l := range k.Group {
		if used[l.Name] {
			out.Group = append(out.Group, l)
		}
	}
	return &out, used
}

// block goes backwards, so that each name is known to be used before its declaration is met.
func (u names) block(body []kernel.Stmt) []kernel.Stmt {
	kept := make([]kernel.Stmt, len(body))
	first := len(body)
	for i := len(body) - 1; i >= 0; i-- {
		if s := u.stmt(body[i]); s != nil {
			first--
			kept[first] = s
		}
	}
	return kept[first:]
}

// stmt is a statement without what it does in vain, or nil.
func (u names) stmt(s kernel.Stmt) kernel.Stmt {
	switch s := s.(type) {
	case *kernel.Let:
		if !u[s.Name] {
			return nil
		}
		u.expr(s.Value)
	case *kernel.Reduce:
		if !u[s.Name] {
			return nil
		}
		u.expr(s.N, s.Value)
	case *kernel.Store:
		u[s.Buf] = true
		u.expr(s.Index, s.Value)
	case *kernel.For:
		l := *s
		l.Body = u.block(s.Body)
		u.expr(s.Lo, s.Hi, s.Step)
		return &l
	case *kernel.If:
		b := &kernel.If{Cond: s.Cond, Then: u.block(s.Then), Else: u.block(s.Else)}
		u.expr(s.Cond)
		return b
	case *kernel.Join:
		j := *s
		j.Body = u.block(s.Body)
		u[s.Parts], u[s.X] = true, true
		u.expr(s.Groups, s.Each, s.All)
		return &j
	case *kernel.Dot:
		u[s.Acc], u[s.W], u[s.X] = true, true, true
		u.expr(s.AccAt, s.WAt, s.WStride, s.XAt, s.XStride, s.Rows, s.Cols, s.K, s.AccStride)
	}
	return s
}

func (u names) expr(es ...kernel.Expr) {
	for _, e := range es {
		switch e := e.(type) {
		case *kernel.Var:
			u[e.Name] = true
		case *kernel.Load:
			u[e.Buf] = true
			u.expr(e.Index)
		case *kernel.Call:
			u.expr(e.Args...)
		}
	}
}
