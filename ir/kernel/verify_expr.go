package kernel

import "strings"

// uniform checks an expression that has to be the same in every lane.
func (v *verifier) uniform(what string, e Expr, want Type) {
	if v.expr(e, want) {
		v.fail("%s %s differs between lanes", what, ExprString(e))
	}
}

// expr checks an expression of type want and reports whether it may differ between lanes.
func (v *verifier) expr(e Expr, want Type) (lane bool) {
	switch e := e.(type) {
	case nil:
		v.fail("an expression is missing")
		return false
	case *Var:
		sym, err := v.scope.scalar(e.Name)
		if v.check(err); err == nil && sym.T != e.T {
			v.fail("%s is %v, used as %v", e.Name, sym.T, e.T)
		}
		lane = sym.Lane
	case *Load:
		lane = v.load(e)
	case *Call:
		if !v.call(e) {
			return false
		}
		for i, a := range e.Args {
			lane = v.expr(a, e.Fn.Args[i]) || lane
		}
	}
	if t := e.Type(); t != want {
		v.fail("%s is %v, want %v", ExprString(e), t, want)
	}
	return lane
}

func (v *verifier) load(l *Load) (lane bool) {
	lane = v.expr(l.Index, Int)
	v.early(l.Buf)
	sym, err := v.scope.memory(l.Buf)
	switch {
	case err != nil:
		v.fail("%v", err)
	case sym.Buf != nil && sym.Buf.Role == Out:
		v.fail("%s is loaded, but its role is out", l.Buf)
	case sym.T != l.T:
		v.fail("%s holds %v, loaded as %v", l.Buf, sym.T, l.T)
	}
	return lane
}

// call checks that the function is a row of the table with as many arguments.
func (v *verifier) call(c *Call) bool {
	if c.Fn == nil || len(c.Fn.Args) == 0 || Lookup(c.Fn.Name, c.Fn.Args[0]) != c.Fn {
		v.fail("a call's function is not of the table")
		return false
	}
	if len(c.Args) != len(c.Fn.Args) {
		v.fail("%s takes %d arguments, not %d", c.Fn.Name, len(c.Fn.Args), len(c.Args))
		return false
	}
	return true
}

// maxHead bounds what an error quotes: a statement may be as long as the kernel and have as many errors as operands.
const maxHead = 200

// head is the first line of a statement's text, for errors.
func head(s Stmt) string {
	var p printer
	switch s := s.(type) {
	case *For:
		short := *s
		short.Body = nil
		p.stmt(&short)
	case *Join:
		short := *s
		short.Body = nil
		p.stmt(&short)
	case *If:
		p.stmt(&If{Cond: s.Cond})
	default:
		p.stmt(s)
	}
	line, _, _ := strings.Cut(gofmt(p.String()), "\n")
	line = strings.TrimSuffix(line, " {")
	if len(line) > maxHead {
		line = line[:maxHead] + "..."
	}
	return line
}

// loads calls f for every load in e, inner ones first.
func loads(e Expr, f func(*Load)) {
	switch e := e.(type) {
	case *Load:
		loads(e.Index, f)
		f(e)
	case *Call:
		for _, a := range e.Args {
			loads(a, f)
		}
	}
}
