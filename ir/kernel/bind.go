package kernel

import (
	"fmt"
	"slices"
)

// Binding says what takes the place of a kernel's parameters. The lists are in the order of the parameters; a nil keeps one.
type Binding struct {
	Ints    []Expr   // expressions of Symbols alone
	Floats  []Expr   // literals
	Symbols []string // integer parameters that stand behind those that are kept
	Weights []DType  // by buffer: the type of a weight, Invalid keeps it open
}

// Bind is k with parameters replaced: by the sizes of a model, say, so that a compiler sees them. Expressions fold on the way;
// grid axes, loops and branches that this leaves no choice disappear. k itself does not change.
func Bind(k *Kernel, b Binding) (*Kernel, error) {
	s := &substitution{env: map[string]Expr{}, declared: map[string]int{}}
	s.count(k.Body)
	for i, v := range b.Ints {
		if v != nil {
			s.env[k.Ints[i]] = v
		}
	}
	for i, v := range b.Floats {
		if v != nil {
			s.env[k.Floats[i]] = v
		}
	}
	out := &Kernel{Name: k.Name, Doc: k.Doc, Bufs: slices.Clone(k.Bufs), Ints: append(kept(k.Ints, b.Ints), b.Symbols...), Floats: kept(k.Floats, b.Floats)}
	for i, d := range b.Weights {
		if d != Invalid {
			out.Bufs[i].DType = d
		}
	}
	for _, a := range k.Grid {
		n := s.expr(a.N)
		if isInt(n, 1) {
			s.env[a.Var] = I(0)
			continue
		}
		out.Grid = append(out.Grid, Axis{Var: a.Var, N: n})
	}
	for _, l := range k.Group {
		out.Group = append(out.Group, Local{Name: l.Name, N: s.expr(l.N)})
	}
	out.Body = s.stmts(k.Body)
	return out, s.err
}

// kept are the names that nothing replaces.
func kept(names []string, by []Expr) []string {
	var rest []string
	for i, n := range names {
		if i >= len(by) || by[i] == nil {
			rest = append(rest, n)
		}
	}
	return rest
}

// substitution replaces names by literals. No name of a kernel hides another, so one environment serves all of it; blocks that follow
// each other may use the same name, so a declaration begins it anew.
type substitution struct {
	env      map[string]Expr
	declared map[string]int // how often the body declares a name
	err      error
}

// count counts the declarations in body.
func (s *substitution) count(body []Stmt) {
	for _, st := range body {
		switch st := st.(type) {
		case *Let:
			s.declared[st.Name]++
		case *Reduce:
			s.declared[st.Name]++
			s.declared[st.Var]++
		case *For:
			s.declared[st.Var]++
			s.count(st.Body)
		case *Join:
			s.declared[st.Var]++
			s.count(st.Body)
		case *If:
			s.count(st.Then)
			s.count(st.Else)
		}
	}
}

func (s *substitution) expr(e Expr) Expr {
	switch e := e.(type) {
	case *Var:
		if v, ok := s.env[e.Name]; ok {
			return v
		}
	case *Load:
		return &Load{Buf: e.Buf, Index: s.expr(e.Index), T: e.T}
	case *Call:
		args := make([]Expr, len(e.Args))
		for i, a := range e.Args {
			args[i] = s.expr(a)
		}
		if x := decide(e.Fn.Name, args); x != nil {
			return x
		}
		return joinFactors(Apply(e.Fn.Name, args...))
	}
	return e
}

// decide is what is left of a choice, and of a condition of two, when one condition is known; or nil.
func decide(fn string, args []Expr) Expr {
	switch fn {
	case "choose":
		switch yes, ok := known(args[0]); {
		case ok && yes:
			return args[1]
		case ok:
			return args[2]
		}
	case "and", "or":
		for i, a := range args {
			if yes, ok := known(a); ok && yes == (fn == "and") { // the other one decides
				return args[1-i]
			}
		}
	}
	return nil
}

// joinFactors rewrites x*c1*c2 of integers to x*c.
func joinFactors(e Expr) Expr {
	x, c2, ok := factor(e)
	if !ok {
		return e
	}
	x, c1, ok := factor(x)
	if !ok {
		return e
	}
	return Mul(x, I(c1*c2))
}

// factor splits an integer product into its variable part and its literal.
func factor(e Expr) (Expr, int64, bool) {
	if c, ok := e.(*Call); ok && c.Fn.Name == "mul" && c.Fn.Result == Int {
		if l, ok := c.Args[1].(*IntLit); ok {
			return c.Args[0], l.V, true
		}
	}
	return nil, 0, false
}

func (s *substitution) stmts(body []Stmt) []Stmt {
	var out []Stmt
	for _, st := range body {
		out = append(out, s.stmt(st)...)
	}
	return out
}

func (s *substitution) stmt(st Stmt) []Stmt {
	switch st := st.(type) {
	case *Let:
		return s.let(st)
	case *Store:
		return []Stmt{&Store{Buf: st.Buf, Index: s.expr(st.Index), Value: s.expr(st.Value)}}
	case *Reduce:
		n := s.expr(st.N)
		s.keep(st.Name, st.Var)
		return []Stmt{&Reduce{Name: st.Name, Op: st.Op, Var: st.Var, N: n, Value: s.expr(st.Value)}}
	case *Encode:
		return []Stmt{&Encode{Buf: st.Buf, At: s.expr(st.At), X: st.X, XAt: s.expr(st.XAt), N: s.expr(st.N)}}
	case *Join:
		groups, each, all := s.expr(st.Groups), s.expr(st.Each), s.expr(st.All)
		s.keep(st.Var)
		return []Stmt{&Join{Var: st.Var, Groups: groups, Parts: st.Parts, X: st.X, Each: each, All: all, Body: s.stmts(st.Body)}}
	case *For:
		return s.loop(st)
	case *If:
		return s.branch(st)
	case *Dot:
		return []Stmt{s.tile(st)}
	case *Mix:
		return []Stmt{(*Mix)(s.tile((*Dot)(st)))}
	}
	if s.err == nil {
		s.err = fmt.Errorf("a statement of unknown type %T", st)
	}
	return nil
}

func (s *substitution) tile(d *Dot) *Dot {
	out := &Dot{
		Acc: d.Acc, AccAt: s.expr(d.AccAt), W: d.W, WAt: s.expr(d.WAt), WStride: s.expr(d.WStride),
		X: d.X, XAt: s.expr(d.XAt), XStride: s.expr(d.XStride), Rows: s.expr(d.Rows), Cols: s.expr(d.Cols), K: s.expr(d.K),
	}
	if d.AccStride != nil {
		out.AccStride = s.expr(d.AccStride)
	}
	return out
}

// let replaces a name for an integer literal by that.
func (s *substitution) let(l *Let) []Stmt {
	v := s.expr(l.Value)
	if _, ok := v.(*IntLit); ok {
		s.env[l.Name] = v
		return nil
	}
	s.keep(l.Name)
	return []Stmt{&Let{Name: l.Name, Value: v}}
}

// keep makes names that a statement declares stand for themselves, whatever an earlier block used them for.
func (s *substitution) keep(names ...string) {
	for _, n := range names {
		delete(s.env, n)
	}
}

// loop unrolls what runs once: a single iteration has nothing to divide.
func (s *substitution) loop(f *For) []Stmt {
	lo, hi, step := s.expr(f.Lo), s.expr(f.Hi), s.expr(f.Step)
	if isInt(lo, 0) && isInt(hi, 1) && s.joins(f.Body) {
		s.env[f.Var] = lo
		return s.stmts(f.Body)
	}
	s.keep(f.Var)
	return []Stmt{&For{Var: f.Var, Lo: lo, Hi: hi, Step: step, Lanes: f.Lanes, Teams: f.Teams, Body: s.stmts(f.Body)}}
}

// branch takes the side that is always taken.
func (s *substitution) branch(b *If) []Stmt {
	cond := s.expr(b.Cond)
	if yes, ok := known(cond); ok {
		taken := b.Else
		if yes {
			taken = b.Then
		}
		if s.joins(taken) {
			return s.stmts(taken)
		}
	}
	return []Stmt{&If{Cond: cond, Then: s.stmts(b.Then), Else: s.stmts(b.Else)}}
}

// joins reports whether a block can become part of the one around it: whether its own names are nobody else's.
func (s *substitution) joins(body []Stmt) bool {
	return !slices.ContainsFunc(body, func(st Stmt) bool {
		switch st := st.(type) {
		case *Let:
			return s.declared[st.Name] > 1
		case *Reduce:
			return s.declared[st.Name] > 1
		}
		return false
	})
}

// known is the value of a condition of literals.
func known(e Expr) (yes, ok bool) {
	c, ok := e.(*Call)
	if !ok || c.Fn.Result != Bool {
		return false, false
	}
	args := make([]Value, len(c.Args))
	for i, a := range c.Args {
		switch a := a.(type) {
		case *IntLit:
			args[i].I = a.V
		case *FloatLit:
			args[i].F = a.V
		default:
			yes, ok := known(a)
			if !ok {
				return false, false
			}
			if yes {
				args[i].I = 1
			}
		}
	}
	return c.Fn.Eval(args).I != 0, true
}

func isInt(e Expr, v int64) bool {
	l, ok := e.(*IntLit)
	return ok && l.V == v
}
