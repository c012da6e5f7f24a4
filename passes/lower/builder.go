package lower

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/llorch/llorch/ir"
	"github.com/llorch/llorch/ir/dim"
	"github.com/llorch/llorch/ir/kernel"
)

// builder collects one kernel. Names in it come from the graph's axes and values but not from layers, so that the kernels of
// all layers are one.
type builder struct {
	g     *ir.Graph
	gr    *ir.Group
	sched Schedule
	users map[*ir.Node][]*ir.Node
	k     *kernel.Kernel
	out   *Launch
	body  *[]kernel.Stmt // where statements go
	next  *builder       // of the group's kernel that runs after this one, or nil

	taken   map[string]bool
	extents map[string]dim.Dim // extent parameters by name
	consts  map[constKey]string
	bufs    map[*ir.Node]string
	// local are values of the group that are at hand: in group memory, or as results of reductions.
	local map[*ir.Node]func(c coords) kernel.Expr
}

type constKey struct {
	n    *ir.Node
	name string
}

func newBuilder(g *ir.Graph, gr *ir.Group, s Schedule, users map[*ir.Node][]*ir.Node) *builder {
	b := &builder{
		g: g, gr: gr, sched: s, users: users,
		k:     &kernel.Kernel{Name: kernelName(gr)},
		taken: map[string]bool{}, extents: map[string]dim.Dim{}, consts: map[constKey]string{},
		bufs: map[*ir.Node]string{}, local: map[*ir.Node]func(coords) kernel.Expr{},
	}
	for _, w := range reserved {
		b.taken[w] = true
	}
	for _, f := range kernel.Fns {
		b.taken[f.Name] = true
	}
	b.body = &b.k.Body
	b.out = &Launch{Group: gr, Kernel: b.k, Writes: Kept(g, gr, users)}
	for _, n := range gr.Nodes {
		b.k.Doc = append(b.k.Doc, fmt.Sprintf("%s: %s = %s", n.Name, n.Type, n.Op.Name))
	}
	return b
}

// then begins the kernel that runs after this one and writes what this one was to: this one leaves in memory what is not the graph's.
func (b *builder) then(name string) *builder {
	b.next = newBuilder(b.g, b.gr, b.sched, b.users)
	b.next.k.Name += name
	b.out.Writes = nil
	return b.next
}

// reserved are words of the kernel IR's text, besides the functions.
var reserved = []string{"grid", "group", "lanes", "sum", "teams", "dot", "mix", "encode", "joined", "inf", "func", "range", "for", "if", "else", "int"}

// kernelName is the group's path without its layer.
func kernelName(gr *ir.Group) string {
	parts := strings.Split(gr.Name, ".")
	var keep []string
	for i, p := range parts {
		if i+1 < len(parts) && (p == "layers" || p[0] >= '0' && p[0] <= '9') {
			continue
		}
		keep = append(keep, p)
	}
	return ident(strings.Join(keep, "_"))
}

// ident makes a Go identifier of a name: kv_head becomes kvHead.
func ident(s string) string {
	var b strings.Builder
	up := false
	for _, r := range s {
		switch {
		case r == '_' || r == '.' || r == '-':
			up = b.Len() > 0
		case up:
			b.WriteRune(unicode.ToUpper(r))
			up = false
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// fresh is a name that nothing in the kernel has.
func (b *builder) fresh(hint string) string {
	base := ident(hint)
	name := base
	for i := 2; b.taken[name]; i++ {
		name = fmt.Sprintf("%s%d", base, i)
	}
	b.taken[name] = true
	return name
}

func (b *builder) emit(s kernel.Stmt) { *b.body = append(*b.body, s) }

// let names an integer expression, unless it is as short as a name.
func (b *builder) let(hint string, e kernel.Expr) kernel.Expr {
	switch e.(type) {
	case *kernel.IntLit, *kernel.Var:
		return e
	}
	name := b.fresh(hint)
	b.emit(&kernel.Let{Name: name, Value: e})
	return &kernel.Var{Name: name, T: e.Type()}
}

// block collects the statements that f emits.
func (b *builder) block(f func()) []kernel.Stmt {
	var inner []kernel.Stmt
	outer := b.body
	b.body = &inner
	f()
	b.body = outer
	return inner
}

// loop is a serial loop, lanes and teams are parallel ones.
func (b *builder) loop(hint string, n, step kernel.Expr, f func(v kernel.Expr)) {
	b.rangeOver(hint, kernel.I(0), n, step, f)
}

func (b *builder) rangeOver(hint string, lo, hi, step kernel.Expr, f func(v kernel.Expr)) {
	b.forEach(&kernel.For{Var: b.fresh(hint), Lo: lo, Hi: hi, Step: step}, f)
}

func (b *builder) lanes(hint string, n kernel.Expr, f func(v kernel.Expr)) {
	b.forEach(&kernel.For{Var: b.fresh(hint), Lo: kernel.I(0), Hi: n, Step: kernel.I(1), Lanes: true}, f)
}

func (b *builder) teams(hint string, n kernel.Expr, f func(v kernel.Expr)) {
	b.forEach(&kernel.For{Var: b.fresh(hint), Lo: kernel.I(0), Hi: n, Step: kernel.I(1), Teams: true}, f)
}

func (b *builder) forEach(loop *kernel.For, f func(v kernel.Expr)) {
	loop.Body = b.block(func() { f(kernel.IntVar(loop.Var)) })
	b.emit(loop)
}

// reduce names a reduction over i < n.
func (b *builder) reduce(hint string, op kernel.ReduceOp, n kernel.Expr, f func(i kernel.Expr) kernel.Expr) kernel.Expr {
	v := b.fresh("i")
	value := f(kernel.IntVar(v))
	name := b.fresh(hint)
	b.emit(&kernel.Reduce{Name: name, Op: op, Var: v, N: n, Value: value})
	return kernel.FloatVar(name)
}

// grid adds a grid axis; one of a single element is none.
func (b *builder) grid(hint string, n kernel.Expr) kernel.Expr {
	if lit, ok := n.(*kernel.IntLit); ok && lit.V == 1 {
		return kernel.I(0)
	}
	v := b.fresh(hint)
	b.k.Grid = append(b.k.Grid, kernel.Axis{Var: v, N: n})
	return kernel.IntVar(v)
}

// group declares group memory.
func (b *builder) group(hint string, n kernel.Expr) string {
	name := b.fresh(hint)
	b.k.Group = append(b.k.Group, kernel.Local{Name: name, N: n})
	return name
}

// param adds an integer parameter of its own.
func (b *builder) param(hint string, d dim.Dim) kernel.Expr {
	name := b.fresh(hint)
	b.k.Ints = append(b.k.Ints, name)
	b.out.Ints = append(b.out.Ints, d)
	return kernel.IntVar(name)
}

// extent is the parameter of an axis's extent. The token axis of a single token is the literal 1: decode's kernels have no
// loop over tokens. Extents are told apart by axis and not by value, so that a kernel does not depend on chance equalities of
// a model's sizes.
func (b *builder) extent(axis string, d dim.Dim) kernel.Expr {
	if single(b.g, axis, d) {
		return kernel.I(1)
	}
	hint := "n_" + axis
	for i := 1; ; i++ {
		name := ident(hint)
		if i > 1 {
			name = fmt.Sprintf("%s%d", name, i)
		}
		old, ok := b.extents[name]
		if ok && old.Same(d) {
			return kernel.IntVar(name)
		}
		if !ok && !b.taken[name] {
			b.extents[name] = d
			return b.param(name, d)
		}
	}
}

// single reports that an axis is that of the step's tokens and has one.
func single(g *ir.Graph, axis string, d dim.Dim) bool {
	n, ok := d.Const()
	if !ok || n != 1 || g.Step == nil {
		return false
	}
	for _, p := range g.Nodes {
		if p.Op.Source == ir.FromStep && p.Type.From.Same(g.Step.Past) && p.Type.Index(axis) >= 0 {
			return true
		}
	}
	return false
}

// constant is a float parameter for an attribute of a node.
func (b *builder) constant(n *ir.Node, name string, v float64) kernel.Expr {
	key := constKey{n, name}
	p, ok := b.consts[key]
	if !ok {
		p = b.fresh(name)
		b.consts[key] = p
		b.k.Floats = append(b.k.Floats, p)
		b.out.Floats = append(b.out.Floats, v)
	}
	return kernel.FloatVar(p)
}

// buffer is the parameter for a node's memory.
func (b *builder) buffer(store *ir.Node, hint string) string {
	if name, ok := b.bufs[store]; ok {
		return name
	}
	buf := kernel.Buf{Role: kernel.In, DType: kernel.F32}
	switch {
	case store.Type.State:
		buf.Role, buf.DType = kernel.State, store.Type.DType
	case store.Op.Source == ir.FromWeights && (len(store.Type.Axes) > 1 || store.Type.DType != kernel.F32):
		buf.Role, buf.DType = kernel.Weight, kernel.Invalid // matrices keep their type out of the kernel
	case store.Op.Source == ir.FromCaller || store.Op.Class == ir.Leaf && !store.Type.DType.Row().Weight:
		buf.DType = store.Type.DType
	case store.Group == b.gr:
		buf.Role, buf.DType = kernel.Out, MemoryType(store)
	default:
		buf.DType = MemoryType(store)
	}
	if buf.DType.IsActs() {
		buf.DType = kernel.Acts // kernels are the same for all
	}
	if store.Op.Class == ir.Leaf || store.Group == b.gr {
		hint = store.Name[strings.LastIndexByte(store.Name, '.')+1:]
	}
	buf.Name = b.fresh(hint)
	b.bufs[store] = buf.Name
	b.k.Bufs = append(b.k.Bufs, buf)
	b.out.Bufs = append(b.out.Bufs, store)
	return buf.Name
}
