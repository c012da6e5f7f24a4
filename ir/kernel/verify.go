package kernel

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Verify checks what every target relies on, and returns all that is wrong, without repeating itself:
//
//   - names are declared before use, once in a scope, and types agree;
//   - In and Weight buffers are not stored to, Out buffers not loaded;
//   - extents of the grid and of group memory are expressions of integer parameters alone;
//   - loops over lanes begin at 0 with step 1 and contain nothing that the lanes do together: no sum, max, dot, mix, encode or loop
//     over lanes or teams; loops over teams nothing that a group does together: no dot, mix, encode or loop over teams;
//   - conditions and loop bounds are the same in every lane, and bounds cannot change while the loop runs;
//   - a join is the last statement, its body stores to Out buffers alone, and no statement before it touches the memory of parts.
func Verify(k *Kernel) error {
	v := &verifier{kernel: k, scope: newScope(), seen: map[string]bool{}}
	v.header()
	if n := len(k.Body); n > 0 {
		if j, ok := k.Body[n-1].(*Join); ok {
			v.parts = j.Parts
		}
	}
	v.stmts(k.Body)
	return errors.Join(v.errs...)
}

type verifier struct {
	kernel  *Kernel
	scope   *scope
	at      string // what is being checked: a part of the header,
	stmtAt  Stmt   // or a statement
	inLanes bool
	inTeams bool
	inJoin  bool
	parts   string          // memory of a join that was not met yet, or ""
	seen    map[string]bool // what errs says already
	errs    []error
}

func (v *verifier) fail(format string, args ...any) {
	if v.at == "" {
		v.at = head(v.stmtAt)
	}
	text := fmt.Sprintf("kernel %s: %s: %s", v.kernel.Name, v.at, fmt.Sprintf(format, args...))
	if !v.seen[text] {
		v.seen[text] = true
		v.errs = append(v.errs, errors.New(text))
	}
}

func (v *verifier) check(err error) {
	if err != nil {
		v.fail("%v", err)
	}
}

func (v *verifier) header() {
	k := v.kernel
	v.at = "name"
	v.check(checkIdentifier(k.Name))
	v.at = "doc"
	for _, line := range k.Doc {
		if strings.TrimRight(line, " \t") != line || strings.ContainsFunc(line, unprintable) || !utf8.ValidString(line) {
			v.fail("%q ends in a space, has control characters or is no UTF-8", line)
		}
	}
	v.at = "parameters"
	for i := range k.Bufs {
		b := &k.Bufs[i]
		if b.Role > Weight || b.Role != Weight && b.DType.Row() == nil && !(b.DType == Acts && b.Role < State) || b.Role == Weight && b.DType != Invalid && !b.DType.isWeight() {
			v.fail("%s is %v_%v: weights have a weight type or none, other buffers a type of the table", b.Name, b.Role, b.DType)
		}
		v.check(v.scope.declare(b.Name, global(b)))
	}
	for _, n := range k.Ints {
		v.check(v.scope.declare(n, scalar(Int)))
	}
	for _, n := range k.Floats {
		v.check(v.scope.declare(n, scalar(Float)))
	}
	for _, a := range k.Grid {
		v.at = "grid " + a.Var
		v.extent(a.N)
	}
	for _, l := range k.Group {
		v.at = "group memory " + l.Name
		v.extent(l.N)
	}
	for _, a := range k.Grid {
		v.check(v.scope.declare(a.Var, scalar(Int)))
	}
	for _, l := range k.Group {
		v.check(v.scope.declare(l.Name, local))
	}
}

func unprintable(r rune) bool { return r != '\t' && !unicode.IsPrint(r) }

// extent checks the size of an axis, of group memory or of a part; only parameters are in scope.
func (v *verifier) extent(e Expr) {
	v.expr(e, Int)
	loads(e, func(l *Load) { v.fail("its extent loads from %s; it may use integer parameters alone", l.Buf) })
}

func (v *verifier) block(body []Stmt) {
	defer v.scope.open()()
	v.stmts(body)
}

func (v *verifier) stmts(body []Stmt) {
	for _, s := range body {
		v.at, v.stmtAt = "", s
		v.stmt(s)
	}
}

func (v *verifier) stmt(s Stmt) {
	if d, name := tile(s); d != nil {
		v.together(name)
		v.groupwide(name)
		v.tile(d)
		return
	}
	switch s := s.(type) {
	case *Let:
		if s.Value == nil {
			v.fail("no value")
			return
		}
		sym := scalar(s.Value.Type())
		sym.Lane = v.expr(s.Value, sym.T)
		v.check(v.scope.declare(s.Name, sym))
	case *Store:
		v.store(s)
	case *For:
		v.loop(s)
	case *Reduce:
		v.reduce(s)
	case *Encode:
		v.together("encode")
		v.groupwide("encode")
		v.encode(s)
	case *Join:
		v.join(s)
	case *If:
		v.uniform("the condition", s.Cond, Bool)
		v.block(s.Then)
		v.block(s.Else)
	default:
		v.fail("no statement")
	}
}

// together reports a statement of all lanes within a loop over lanes.
func (v *verifier) together(what string) {
	if v.inLanes {
		v.fail("%s inside a loop over lanes", what)
	}
}

// early reports memory that is kept for the parts of a join to come.
func (v *verifier) early(buf string) {
	if buf == v.parts && buf != "" {
		v.fail("%s is touched before the join whose parts it is for", buf)
	}
}

func (v *verifier) store(s *Store) {
	v.early(s.Buf)
	v.expr(s.Index, Int)
	sym, err := v.scope.memory(s.Buf)
	if err != nil {
		v.fail("%v", err)
		return
	}
	if b := sym.Buf; b != nil && b.Role != Out && b.Role != State {
		v.fail("%s is stored to, but its role is %v", b.Name, b.Role)
	} else if b != nil && b.blocks() {
		v.fail("%s holds blocks of %v, whose elements are not stored one by one", b.Name, b.DType)
	} else if v.inJoin && (b == nil || b.Role != Out) {
		v.fail("%s is stored to in a join, and is no out buffer", s.Buf)
	}
	v.expr(s.Value, sym.T)
}

func (v *verifier) loop(s *For) {
	sym := scalar(Int)
	if s.Lanes && s.Teams {
		v.fail("a loop is over lanes or over teams")
	}
	if s.Lanes {
		v.divided(s, "a loop over lanes")
		sym.Lane = true
		defer func(outer bool) { v.inLanes = outer }(v.inLanes)
		v.inLanes = true
	}
	if s.Teams {
		v.divided(s, "a loop over teams")
		v.groupwide("a loop over teams")
		defer func(outer bool) { v.inTeams = outer }(v.inTeams)
		v.inTeams = true
	}
	for _, bound := range []Expr{s.Lo, s.Hi, s.Step} {
		v.uniform("a bound", bound, Int)
		loads(bound, func(l *Load) {
			if sym := v.scope.symbols[l.Buf]; sym.Buf == nil || sym.Buf.Role != In {
				v.fail("a bound loads from %s, which may change in the loop", l.Buf)
			}
		})
	}
	defer v.scope.open()()
	v.check(v.scope.declare(s.Var, sym))
	v.stmts(s.Body)
}

// divided checks a loop whose iterations are divided.
func (v *verifier) divided(s *For, what string) {
	v.together(what)
	if lo, ok := s.Lo.(*IntLit); !ok || lo.V != 0 {
		v.fail("%s begins at 0, not at %s", what, ExprString(s.Lo))
	}
	if step, ok := s.Step.(*IntLit); !ok || step.V != 1 {
		v.fail("%s has step 1, not %s", what, ExprString(s.Step))
	}
}

// groupwide refuses what a single team cannot do.
func (v *verifier) groupwide(what string) {
	if v.inTeams {
		v.fail("%s in a loop over teams", what)
	}
	if v.inJoin {
		v.fail("%s in a join", what)
	}
}

func (v *verifier) join(s *Join) {
	grid, body := v.kernel.Grid, v.kernel.Body
	if body[len(body)-1] != Stmt(s) {
		v.fail("a join is not the kernel's last statement")
	}
	if one := isInt(s.Groups, 1); !one && (len(grid) == 0 || ExprString(grid[len(grid)-1].N) != ExprString(s.Groups)) {
		v.fail("%s is not the number of groups along the last axis of the grid", ExprString(s.Groups))
	}
	v.extent(s.Groups)
	v.extent(s.Each)
	v.extent(s.All)
	if parts, err := v.scope.memory(s.Parts); err != nil || parts.Buf == nil || parts.Buf.Role != State || parts.Buf.DType != F32 {
		v.fail("the memory of parts %s is no state buffer of f32", s.Parts)
	}
	if x, err := v.scope.memory(s.X); err != nil || x.Buf != nil {
		v.fail("the part %s is not group memory", s.X)
	}
	v.inJoin, v.parts = true, ""
	defer v.scope.open()()
	v.check(v.scope.declare(s.Var, scalar(Int)))
	v.stmts(s.Body)
}

func (v *verifier) reduce(s *Reduce) {
	if s.Op > Max {
		v.fail("unknown reduction")
	}
	if s.Var == s.Name {
		v.fail("%s names both the result and the index", s.Name)
	}
	v.expr(s.N, Int)
	end := v.scope.open()
	v.check(v.scope.declare(s.Var, scalar(Int)))
	v.expr(s.Value, Float)
	end()
	sym := scalar(Float)
	sym.Lane = v.inLanes
	v.check(v.scope.declare(s.Name, sym))
}

func (v *verifier) tile(d *Dot) {
	for _, e := range []Expr{d.AccAt, d.WAt, d.WStride, d.XAt, d.XStride, d.Rows, d.Cols, d.K} {
		v.expr(e, Int)
	}
	_, dot := v.stmtAt.(*Dot)
	switch {
	case d.AccStride == nil:
	case dot:
		v.expr(d.AccStride, Int)
	default:
		v.fail("the columns of the result follow each other")
	}
	if acc, err := v.scope.memory(d.Acc); err != nil || acc.Buf != nil {
		v.fail("the result %s is not group memory", d.Acc)
	}
	w, err := v.scope.memory(d.W)
	if err != nil || w.Buf == nil || w.Buf.Role == Out || w.T != Float {
		v.fail("the matrix %s is not a weight, nor an in or state buffer of floats", d.W)
	}
	x, err := v.scope.memory(d.X)
	if err != nil || x.Buf != nil && (!x.Buf.vectors(dot) || x.Buf.Role == Out) {
		v.fail("the vectors %s are neither group memory nor an in or state buffer of f32", d.X)
	}
	v.early(d.W)
	v.early(d.X)
	if d.X == d.Acc {
		v.fail("%s is both the result and the vectors", d.Acc)
	}
}

func (v *verifier) encode(s *Encode) {
	for _, e := range []Expr{s.At, s.XAt, s.N} {
		v.uniform("an operand", e, Int)
	}
	buf, err := v.scope.memory(s.Buf)
	if err != nil || buf.Buf == nil || buf.Buf.Role != Out || !buf.Buf.DType.IsActs() {
		v.fail("%s is no out buffer of activations", s.Buf)
	}
	x, err := v.scope.memory(s.X)
	if err != nil || x.Buf != nil && (x.Buf.DType != F32 || x.Buf.Role == Out) {
		v.fail("the elements %s are neither group memory nor an in or state buffer of f32", s.X)
	}
	v.early(s.X)
}

// vectors reports a buffer that a Dot may multiply with rows of a matrix, or a Mix.
func (b *Buf) vectors(dot bool) bool {
	return b.DType == F32 || dot && (b.DType.IsActs() || b.DType == F16 || b.DType == BF16)
}

// isWeight reports a type of the table that weights may have.
func (d DType) isWeight() bool { return d.Row() != nil && d.Row().Weight }

// blocks reports a buffer of a block type, whose elements cannot be stored one by one.
func (b *Buf) blocks() bool {
	row := b.DType.Row()
	return b.DType == Acts || row != nil && row.Elems > 1
}
