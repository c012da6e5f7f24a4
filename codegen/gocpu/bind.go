package gocpu

import (
	"fmt"
	"slices"
	"strings"

	"github.com/dave/jennifer/jen"

	"github.com/llorch/llorch/ir/kernel"
)

// function emits one kernel.
type function struct {
	k                             *kernel.Kernel
	name, groupsName, scratchName string

	names   *names
	ids     map[string]string // IR name to Go name
	access  map[string]string // buffer to the method of cpu.Args that its loads and stores go through
	matrix  map[string]string // buffer to the Go name of the matrix that Dot and Mix read
	hoisted map[string]string // exprKey to the variable that holds it
	err     error
}

// newFunction chooses names for k, unique among those taken in the file and in the function.
func newFunction(k *kernel.Kernel, prefix string, taken *names) *function {
	f := &function{k: k, names: newNames(functionReserved), ids: map[string]string{}, access: map[string]string{},
		matrix: map[string]string{}, hoisted: map[string]string{}}
	f.name = taken.fresh(prefix + "_" + k.Name)
	f.groupsName, f.scratchName = taken.fresh(f.name+"Groups"), taken.fresh(f.name+"Scratch")
	declare := func(name string) {
		if name != "" && f.ids[name] == "" {
			f.ids[name] = f.names.fresh(name)
		}
	}
	for _, b := range k.Bufs {
		declare(b.Name)
	}
	for _, n := range append(append([]string{}, k.Ints...), k.Floats...) {
		declare(n)
	}
	for _, l := range k.Group {
		declare(l.Name)
	}
	for _, x := range k.Grid {
		declare(x.Var)
	}
	walkStmts(k.Body, func(s kernel.Stmt) {
		declare(bound(s))
		if r, ok := s.(*kernel.Reduce); ok {
			declare(r.Var)
		}
	})
	return f
}

func (f *function) fail(format string, args ...any) *jen.Statement {
	if f.err == nil {
		f.err = fmt.Errorf("gocpu: kernel %s: %s", f.k.Name, fmt.Sprintf(format, args...))
	}
	return jen.Empty()
}

// emit returns the kernel's three functions.
func (f *function) emit() ([]jen.Code, error) {
	used := nameSet{}
	body := live(f.k.Body, used)
	b := &block{}
	f.bindBuffers(b, body, used)
	grid := &block{}
	f.bindGrid(grid, used)
	group := &block{}
	f.bindGroup(group, used)
	f.bindParams(b, used)
	b.add(group.code...)
	b.add(grid.code...)
	f.stmts(b, body)
	run := jen.Add(f.comment()).Func().Id(f.name).Params(
		jen.Id("a").Op("*").Qual(cpuPath, "Args"), jen.Id("scratch").Index().Float32(), jen.Id("g").Int(),
	).Block(b.code...)

	groups := kernel.I(1)
	for _, x := range f.k.Grid {
		groups = kernel.Mul(groups, x.N)
	}
	scratch := kernel.I(0)
	for _, l := range f.k.Group {
		scratch = kernel.Add(scratch, l.N)
	}
	return []jen.Code{run, jen.Line(), f.size(f.groupsName, groups), jen.Line(), f.size(f.scratchName, scratch)}, f.err
}

// comment is the function's doc comment: the graph nodes that the kernel fuses.
func (f *function) comment() *jen.Statement {
	head := fmt.Sprintf("// %s runs one group of kernel %s", f.name, oneLine(f.k.Name))
	if len(f.k.Doc) == 0 {
		return jen.Comment(head + ".").Line()
	}
	c := jen.Comment(head + ":").Line().Comment("//").Line()
	for _, d := range f.k.Doc {
		c.Comment("//\t" + oneLine(d)).Line()
	}
	return c
}

// oneLine keeps text that a file named from becoming code.
func oneLine(s string) string {
	return strings.TrimRight(strings.Map(func(r rune) rune {
		if r < ' ' && r != '\t' || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, s), " \t")
}

// size is a function of the integer parameters.
func (f *function) size(name string, e kernel.Expr) *jen.Statement {
	used := nameSet{}
	used.addExpr(e)
	b := &block{}
	f.bindInts(b, used)
	f.hoisted = map[string]string{}
	if v, ok := e.(*kernel.Var); ok {
		b.code = []jen.Code{jen.Return(jen.Id("a").Dot("Ints").Index(jen.Lit(slices.Index(f.k.Ints, v.Name))))}
	} else {
		b.add(jen.Return(f.expr(e)))
	}
	return jen.Func().Id(name).Params(jen.Id("a").Op("*").Qual(cpuPath, "Args")).Int().Block(b.code...)
}

// bindBuffers names the buffers that body uses, those of one accessor together.
func (f *function) bindBuffers(b *block, body []kernel.Stmt, used nameSet) {
	element, tiled := nameSet{}, nameSet{}
	f.bufferUses(body, element, tiled)
	lines := map[string][]binding{}
	var order []string
	bind := func(id, method string, i int) {
		if len(lines[method]) == 0 {
			order = append(order, method)
		}
		lines[method] = append(lines[method], binding{id, jen.Id("a").Dot(method).Call(jen.Lit(i))})
	}
	for i, buf := range f.k.Bufs {
		if !used[buf.Name] {
			continue
		}
		method := accessor(buf)
		if method == "" {
			f.fail("buffer %s has dtype %v, which Go kernels do not read", buf.Name, buf.DType)
		}
		f.access[buf.Name] = method
		if element[buf.Name] || tiled[buf.Name] && method == "Matrix" {
			bind(f.ids[buf.Name], method, i)
		}
		if !tiled[buf.Name] {
			continue
		}
		f.matrix[buf.Name] = f.ids[buf.Name]
		if method != "Matrix" {
			if element[buf.Name] {
				f.matrix[buf.Name] = f.names.fresh(f.ids[buf.Name] + "Rows")
			}
			bind(f.matrix[buf.Name], "Matrix", i)
		}
	}
	for _, method := range order {
		bindLines(b, lines[method])
	}
}

// bufferUses finds which buffers and group memory are read or written by element, and which are matrices of a tile.
func (f *function) bufferUses(body []kernel.Stmt, element, tiled nameSet) {
	loads := func(e kernel.Expr) bool {
		if l, ok := e.(*kernel.Load); ok {
			element[l.Buf] = true
		}
		return true
	}
	walkStmts(body, func(s kernel.Stmt) {
		for _, e := range operands(s) {
			walkExpr(e, loads)
		}
		switch s := s.(type) {
		case *kernel.Store:
			element[s.Buf] = true
		case *kernel.Dot:
			tiled[s.W], element[s.X], element[s.Acc] = true, true, true
		case *kernel.Mix:
			tiled[s.W], element[s.X], element[s.Acc] = true, true, true
		case *kernel.Encode:
			element[s.Buf], element[s.X] = true, true
		}
	})
}

// accessor is the method of cpu.Args that gives the elements of buf.
func accessor(buf kernel.Buf) string {
	if buf.Role == kernel.Weight {
		return "Matrix"
	}
	switch buf.DType {
	case kernel.F32:
		return "F32"
	case kernel.F16:
		return "F16"
	case kernel.BF16:
		return "BF16"
	case kernel.I32, kernel.Pos:
		return "I32"
	case kernel.Acts:
		return "Matrix"
	}
	return ""
}

func (f *function) bindParams(b *block, used nameSet) {
	f.bindInts(b, used)
	var floats []binding
	for i, n := range f.k.Floats {
		if used[n] {
			floats = append(floats, binding{f.ids[n], jen.Id("a").Dot("Floats").Index(jen.Lit(i))})
		}
	}
	bindLines(b, floats)
}

func (f *function) bindInts(b *block, used nameSet) {
	var ints []binding
	for i, n := range f.k.Ints {
		if used[n] {
			ints = append(ints, binding{f.ids[n], jen.Id("a").Dot("Ints").Index(jen.Lit(i))})
		}
	}
	bindLines(b, ints)
}

// bindGroup cuts the group's memory out of scratch. Sizes that are no plain name get one, so that the bounds stay readable.
func (f *function) bindGroup(b *block, used nameSet) {
	at := kernel.I(0)
	last := -1
	for i, l := range f.k.Group {
		if used[l.Name] {
			last = i
		}
	}
	for i, l := range f.k.Group[:last+1] {
		f.access[l.Name] = "F32"
		if _, call := l.N.(*kernel.Call); call && i < last {
			f.bindExpr(b, "n"+title(f.ids[l.Name]), l.N)
		}
		used.addExpr(l.N)
		end := kernel.Add(at, l.N)
		if used[l.Name] {
			from := f.expr(at)
			if isInt(at, 0) {
				from = jen.Empty()
			}
			b.add(jen.Id(f.ids[l.Name]).Op(":=").Id("scratch").Index(from, f.expr(end)))
		}
		at = end
	}
}

// bindGrid finds the group's coordinates, the last axis fastest.
func (f *function) bindGrid(b *block, used nameSet) {
	for i, x := range f.k.Grid {
		if !used[x.Var] {
			continue
		}
		stride := kernel.I(1)
		for _, faster := range f.k.Grid[i+1:] {
			stride = kernel.Mul(stride, faster.N)
		}
		at := jen.Id("g")
		if !isInt(stride, 1) {
			at.Op("/").Add(f.operand(stride, unary))
			used.addExpr(stride)
		}
		if i > 0 {
			at.Op("%").Add(f.operand(x.N, unary))
			used.addExpr(x.N)
		}
		b.add(jen.Id(f.ids[x.Var]).Op(":=").Add(at))
	}
}

// binding is a name and what it is bound to.
type binding struct {
	id    string
	value jen.Code
}

// bindLines emits bindings, up to four a line.
func bindLines(b *block, list []binding) {
	for len(list) > 0 {
		n := min(4, len(list))
		var ids, values []jen.Code
		for _, x := range list[:n] {
			ids = append(ids, jen.Id(x.id))
			values = append(values, x.value)
		}
		b.add(jen.List(ids...).Op(":=").List(values...))
		list = list[n:]
	}
}
