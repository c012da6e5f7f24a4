package kernel

import (
	"cmp"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/scanner"
	"go/token"
	"slices"
	"strings"
)

// Limits of Parse, far above any kernel that llorch makes.
const (
	maxSource  = 1 << 20
	maxNesting = 256
)

// clause makes a kernel's text a Go file; lines are counted without it.
const clause = "package p\n"

// Parse is the inverse of Kernel.String. It resolves names and types; Verify checks the rest. Errors begin with line:column.
func Parse(src string) (k *Kernel, err error) {
	if len(src) > maxSource {
		return nil, fmt.Errorf("kernel text has %d bytes, the limit is %d", len(src), maxSource)
	}
	p := &textParser{fset: token.NewFileSet(), scope: newScope()}
	file, err := parser.ParseFile(p.fset, "", clause+src, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return nil, syntaxError(src, err)
	}
	defer func() {
		if r := recover(); r != nil {
			stop, ok := r.(bailout)
			if !ok {
				panic(r)
			}
			k, err = nil, stop.err
		}
	}()
	return p.kernel(file), nil
}

// syntaxError places the first of go/parser's errors by its offset, as its line and column obey //line comments.
func syntaxError(src string, err error) error {
	var list scanner.ErrorList
	if !errors.As(err, &list) || len(list) == 0 {
		return fmt.Errorf("1:1: %w", err)
	}
	first := slices.MinFunc(list, func(a, b *scanner.Error) int { return cmp.Compare(a.Pos.Offset, b.Pos.Offset) })
	before := src[:min(max(first.Pos.Offset-len(clause), 0), len(src))]
	line, column := 1+strings.Count(before, "\n"), len(before)-strings.LastIndexByte(before, '\n')
	return fmt.Errorf("%d:%d: %s", line, column, first.Msg)
}

// textParser turns Go's syntax tree into a kernel. Its methods leave through bailout on the first error.
type textParser struct {
	fset  *token.FileSet
	scope *scope
	depth int
}

type bailout struct{ err error }

func (p *textParser) fail(at ast.Node, format string, args ...any) {
	pos := p.fset.PositionFor(at.Pos(), false)
	pos.Line = max(pos.Line, 2) // the clause stands for an empty text
	panic(bailout{fmt.Errorf("%d:%d: %s", pos.Line-1, pos.Column, fmt.Sprintf(format, args...))})
}

func (p *textParser) check(at ast.Node, err error) {
	if err != nil {
		p.fail(at, "%v", err)
	}
}

// enter counts nesting; the function that it returns leaves again.
func (p *textParser) enter(at ast.Node) (leave func()) {
	if p.depth++; p.depth > maxNesting {
		p.fail(at, "nested more than %d deep", maxNesting)
	}
	return func() { p.depth-- }
}

func (p *textParser) kernel(file *ast.File) *Kernel {
	if len(file.Decls) != 1 {
		p.fail(file, "want one function, found %d declarations", len(file.Decls))
	}
	fn, ok := file.Decls[0].(*ast.FuncDecl)
	if !ok || fn.Recv != nil || fn.Type.TypeParams != nil || fn.Type.Results != nil || fn.Body == nil {
		p.fail(file.Decls[0], "want func name(parameters) { body }")
	}
	p.check(fn.Name, checkIdentifier(fn.Name.Name))
	k := &Kernel{Name: fn.Name.Name, Doc: p.doc(file, fn)}
	p.params(k, fn.Type.Params)
	body := p.header(k, fn.Body.List)
	k.Body = p.stmts(body)
	return k
}

func (p *textParser) doc(file *ast.File, fn *ast.FuncDecl) []string {
	var doc []string
	for _, group := range file.Comments {
		for _, c := range group.List {
			text, ok := strings.CutPrefix(c.Text, "//")
			if !ok || c.Pos() > fn.Pos() {
				p.fail(c, "comments are lines of // above the function")
			}
			doc = append(doc, strings.TrimRight(strings.TrimPrefix(text, " "), " \t"))
		}
	}
	return doc
}

// params reads the parameters: buffers, then integers, then floats.
func (p *textParser) params(k *Kernel, list *ast.FieldList) {
	for _, field := range list.List {
		t, ok := field.Type.(*ast.Ident)
		if !ok || len(field.Names) == 0 {
			p.fail(field, "want a parameter: name type")
		}
		for _, name := range field.Names {
			p.param(k, name, t)
		}
	}
}

func (p *textParser) param(k *Kernel, name, t *ast.Ident) {
	sym := scalar(Int)
	switch t.Name {
	case "int":
		if len(k.Floats) > 0 {
			p.fail(name, "int parameters come before floats")
		}
		k.Ints = append(k.Ints, name.Name)
	case "float":
		k.Floats = append(k.Floats, name.Name)
		sym = scalar(Float)
	default:
		role, dtype, ok := parseBufType(t.Name)
		if !ok {
			p.fail(t, "unknown parameter type %s", t.Name)
		}
		if len(k.Ints)+len(k.Floats) > 0 {
			p.fail(name, "buffers come before scalars")
		}
		buf := Buf{Name: name.Name, Role: role, DType: dtype}
		k.Bufs = append(k.Bufs, buf)
		sym = global(&buf)
	}
	p.check(name, p.scope.declare(name.Name, sym))
}

func parseBufType(text string) (Role, DType, bool) {
	if text == Weight.String() {
		return Weight, Invalid, true
	}
	word, name, _ := strings.Cut(text, "_")
	dtype, ok := ParseDType(name)
	if name == Acts.String() {
		dtype, ok = Acts, true
	}
	for role := In; role <= Weight; role++ {
		if role.String() == word {
			return role, dtype, ok
		}
	}
	return 0, Invalid, false
}

// header reads the grid and group lines and returns the statements after them.
func (p *textParser) header(k *Kernel, list []ast.Stmt) []ast.Stmt {
	for i, s := range list {
		word, call := callStmt(s)
		switch {
		case word == "grid" && len(k.Group) == 0:
			name, n := p.extent(call)
			p.check(call, p.scope.declare(name, scalar(Int)))
			k.Grid = append(k.Grid, Axis{name, n})
		case word == "group":
			name, n := p.extent(call)
			p.check(call, p.scope.declare(name, local))
			k.Group = append(k.Group, Local{name, n})
		default:
			return list[i:]
		}
	}
	return nil
}

func (p *textParser) extent(call *ast.CallExpr) (string, Expr) {
	p.arity(call, 2)
	return p.name(call.Args[0]), p.expr(call.Args[1], Int)
}

// callStmt returns the name that a call statement calls, or "".
func callStmt(s ast.Stmt) (string, *ast.CallExpr) {
	if e, ok := s.(*ast.ExprStmt); ok {
		return callName(e.X)
	}
	return "", nil
}

func callName(e ast.Expr) (string, *ast.CallExpr) {
	if call, ok := e.(*ast.CallExpr); ok {
		if id, ok := call.Fun.(*ast.Ident); ok {
			return id.Name, call
		}
	}
	return "", nil
}

func (p *textParser) arity(call *ast.CallExpr, n int) {
	if len(call.Args) != n || call.Ellipsis.IsValid() {
		p.fail(call, "%s takes %d arguments, not %d", call.Fun.(*ast.Ident).Name, n, len(call.Args))
	}
}

func (p *textParser) name(e ast.Expr) string {
	id, ok := e.(*ast.Ident)
	if !ok {
		p.fail(e, "want a name")
	}
	return id.Name
}
