package kernel

import (
	"go/ast"
	"go/token"
)

func (p *textParser) block(b *ast.BlockStmt) []Stmt {
	defer p.scope.open()()
	return p.stmts(b.List)
}

func (p *textParser) stmts(list []ast.Stmt) []Stmt {
	var out []Stmt
	for _, s := range list {
		out = append(out, p.stmt(s))
	}
	return out
}

func (p *textParser) stmt(s ast.Stmt) Stmt {
	defer p.enter(s)()
	switch s := s.(type) {
	case *ast.AssignStmt:
		return p.assign(s)
	case *ast.RangeStmt:
		return p.lanes(s)
	case *ast.ForStmt:
		return p.loop(s)
	case *ast.IfStmt:
		return p.ifElse(s)
	}
	switch word, call := callStmt(s); word {
	case "dot":
		return p.tile(call)
	case "mix":
		return (*Mix)(p.tile(call))
	case "encode":
		return p.encode(call)
	case "grid", "group":
		p.fail(s, "%s lines come first: grids, then groups", word)
	}
	p.fail(s, "want a statement: a := or b[i] = assignment, for, if, dot, mix or encode")
	return nil
}

func (p *textParser) assign(s *ast.AssignStmt) Stmt {
	if len(s.Lhs) != 1 || len(s.Rhs) != 1 {
		p.fail(s, "assign one value at a time")
	}
	switch s.Tok {
	case token.DEFINE:
		return p.define(s, p.name(s.Lhs[0]), s.Rhs[0])
	case token.ASSIGN:
		target, ok := s.Lhs[0].(*ast.IndexExpr)
		if !ok {
			p.fail(s, "scalars are assigned once, with :=")
		}
		buf := p.name(target.X)
		sym, err := p.scope.memory(buf)
		p.check(target, err)
		return &Store{Buf: buf, Index: p.expr(target.Index, Int), Value: p.expr(s.Rhs[0], sym.T)}
	}
	p.fail(s, "%s is no assignment here: use := or =", s.Tok)
	return nil
}

// define reads a Let or a Reduce; max is a Reduce when it has three arguments.
func (p *textParser) define(s ast.Stmt, name string, value ast.Expr) Stmt {
	word, call := callName(value)
	if word == Sum.String() || word == Max.String() && len(call.Args) == 3 {
		r := p.reduce(call, name)
		p.check(s, p.scope.declare(name, scalar(Float)))
		return r
	}
	e := p.anyExpr(value)
	p.check(s, p.scope.declare(name, scalar(e.Type())))
	return &Let{Name: name, Value: e}
}

func (p *textParser) reduce(call *ast.CallExpr, name string) *Reduce {
	p.arity(call, 3)
	op := Sum
	if word, _ := callName(call); word == Max.String() {
		op = Max
	}
	r := &Reduce{Name: name, Op: op, Var: p.name(call.Args[0]), N: p.expr(call.Args[1], Int)}
	if r.Var == name {
		p.fail(call.Args[0], "%s names both the result and the index", name)
	}
	defer p.scope.open()()
	p.check(call.Args[0], p.scope.declare(r.Var, scalar(Int)))
	r.Value = p.expr(call.Args[2], Float)
	return r
}

func (p *textParser) lanes(s *ast.RangeStmt) Stmt {
	word, call := callName(s.X)
	if s.Tok != token.DEFINE || s.Value != nil || word != "lanes" && word != "teams" && word != "joined" {
		p.fail(s, "want for i := range lanes(n), teams(n) or joined(groups, parts, x, each, all)")
	}
	if word == "joined" {
		return p.joined(s, call)
	}
	p.arity(call, 1)
	f := &For{Var: p.name(s.Key), Lo: I(0), Hi: p.expr(call.Args[0], Int), Step: I(1), Lanes: word == "lanes", Teams: word == "teams"}
	f.Body = p.loopBody(s.Key, f.Var, s.Body)
	return f
}

func (p *textParser) joined(s *ast.RangeStmt, call *ast.CallExpr) Stmt {
	p.arity(call, 5)
	j := &Join{
		Var: p.name(s.Key), Groups: p.expr(call.Args[0], Int),
		Parts: p.memory(call.Args[1]), X: p.memory(call.Args[2]), Each: p.expr(call.Args[3], Int), All: p.expr(call.Args[4], Int),
	}
	j.Body = p.loopBody(s.Key, j.Var, s.Body)
	return j
}

func (p *textParser) loop(s *ast.ForStmt) Stmt {
	lo, _ := s.Init.(*ast.AssignStmt)
	hi, _ := s.Cond.(*ast.BinaryExpr)
	step, _ := s.Post.(*ast.AssignStmt)
	ok := lo != nil && hi != nil && step != nil &&
		lo.Tok == token.DEFINE && hi.Op == token.LSS && step.Tok == token.ADD_ASSIGN &&
		len(lo.Lhs) == 1 && len(lo.Rhs) == 1 && len(step.Lhs) == 1 && len(step.Rhs) == 1
	if !ok {
		p.fail(s, "want for i := lo; i < hi; i += step")
	}
	name := p.name(lo.Lhs[0])
	if p.name(hi.X) != name || p.name(step.Lhs[0]) != name {
		p.fail(s, "the loop counts %s throughout: for i := lo; i < hi; i += step", name)
	}
	f := &For{Var: name, Lo: p.expr(lo.Rhs[0], Int), Hi: p.expr(hi.Y, Int), Step: p.expr(step.Rhs[0], Int)}
	f.Body = p.loopBody(lo, name, s.Body)
	return f
}

func (p *textParser) loopBody(at ast.Node, name string, body *ast.BlockStmt) []Stmt {
	defer p.scope.open()()
	p.check(at, p.scope.declare(name, scalar(Int)))
	return p.stmts(body.List)
}

func (p *textParser) ifElse(s *ast.IfStmt) Stmt {
	if s.Init != nil {
		p.fail(s.Init, "if takes a condition alone")
	}
	out := &If{Cond: p.expr(s.Cond, Bool), Then: p.block(s.Body)}
	switch e := s.Else.(type) {
	case *ast.BlockStmt:
		out.Else = p.block(e)
	case *ast.IfStmt:
		out.Else = p.stmts([]ast.Stmt{e})
	}
	return out
}

// tile reads the arguments of dot and mix, which are the same.
func (p *textParser) tile(call *ast.CallExpr) *Dot {
	n := 11
	if word, _ := callName(call); word == "dot" && len(call.Args) > n {
		n++
	}
	p.arity(call, n)
	mem := func(i int) string { return p.memory(call.Args[i]) }
	arg := func(i int) Expr { return p.expr(call.Args[i], Int) }
	d := &Dot{
		Acc: mem(0), AccAt: arg(1),
		W: mem(2), WAt: arg(3), WStride: arg(4),
		X: mem(5), XAt: arg(6), XStride: arg(7),
		Rows: arg(8), Cols: arg(9), K: arg(10),
	}
	if n > 11 {
		d.AccStride = arg(11)
	}
	return d
}

func (p *textParser) encode(call *ast.CallExpr) *Encode {
	p.arity(call, 5)
	return &Encode{
		Buf: p.memory(call.Args[0]), At: p.expr(call.Args[1], Int),
		X: p.memory(call.Args[2]), XAt: p.expr(call.Args[3], Int), N: p.expr(call.Args[4], Int),
	}
}

// memory is the name of a buffer or of group memory.
func (p *textParser) memory(e ast.Expr) string {
	name := p.name(e)
	_, err := p.scope.memory(name)
	p.check(e, err)
	return name
}
