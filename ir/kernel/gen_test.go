package kernel

import (
	"fmt"
	"maps"
	"slices"

	"pgregory.net/rapid"
)

// generator draws well-typed kernels.
type generator struct {
	t       *rapid.T
	n       int // names so far
	uniform map[Type][]string
	lane    map[Type][]string // scalars that differ between lanes
	floats  []string          // memory that may be loaded
	ints    []string
	group   []string
	stores  map[string]Type
	encoded string // an out buffer of blocks
	inLanes bool
	inTeams bool
}

func genKernel(t *rapid.T) *Kernel {
	g := &generator{t: t, uniform: map[Type][]string{}, lane: map[Type][]string{}, stores: map[string]Type{}}
	k := &Kernel{Name: "f"}
	for range g.upTo(3) {
		k.Doc = append(k.Doc, rapid.StringMatching(`[ -~]{0,20}[!-~]|`).Draw(t, "doc"))
	}
	for range g.upTo(5) {
		b := Buf{Name: g.name("b"), Role: Role(g.upTo(3)), DType: DTypes[g.upTo(len(DTypes)-1)].DType}
		if b.Role == Out && g.upTo(4) == 0 {
			b.DType = A8
		}
		if b.Role == Weight && (!b.DType.isWeight() || g.upTo(1) == 0) {
			b.DType = Invalid
		}
		k.Bufs = append(k.Bufs, b)
		switch {
		case b.Role == Out && b.DType == A8:
			g.encoded = b.Name
		case (b.Role == Out || b.Role == State) && !b.blocks():
			g.stores[b.Name] = b.DType.Scalar()
		}
		switch {
		case b.Role == Out:
		case b.DType.Scalar() == Int:
			g.ints = append(g.ints, b.Name)
		default:
			g.floats = append(g.floats, b.Name)
		}
	}
	for range g.upTo(3) {
		k.Ints = append(k.Ints, g.scalar(Int))
	}
	axes, locals := g.upTo(2), g.upTo(2)
	ints, floats := g.ints, g.floats
	g.ints, g.floats = nil, nil // extents load nothing
	for range axes {
		k.Grid = append(k.Grid, Axis{N: g.expr(Int, 2)})
	}
	for range locals {
		k.Group = append(k.Group, Local{N: g.expr(Int, 2)})
	}
	g.ints, g.floats = ints, floats
	for range g.upTo(2) {
		k.Floats = append(k.Floats, g.scalar(Float))
	}
	for i := range k.Grid {
		k.Grid[i].Var = g.scalar(Int)
	}
	for i := range k.Group {
		name := g.name("m")
		k.Group[i].Name = name
		g.group, g.floats, g.stores[name] = append(g.group, name), append(g.floats, name), Float
	}
	k.Body = g.block(3)
	if len(k.Group) > 0 && g.upTo(2) == 0 {
		g.join(k)
	}
	return k
}

func (g *generator) upTo(n int) int { return rapid.IntRange(0, n).Draw(g.t, "n") }

func (g *generator) name(prefix string) string {
	g.n++
	return fmt.Sprint(prefix, g.n)
}

func (g *generator) scalar(t Type) string {
	name := g.name("s")
	g.uniform[t] = append(g.uniform[t], name)
	return name
}

// scoped ends the names that f declares.
func (g *generator) scoped(f func()) {
	u, l := map[Type][]string{}, map[Type][]string{}
	for t := Int; t <= Bool; t++ {
		u[t], l[t] = g.uniform[t], g.lane[t]
	}
	f()
	g.uniform, g.lane = u, l
}

func (g *generator) block(depth int) (body []Stmt) {
	g.scoped(func() {
		for range g.upTo(4) {
			body = append(body, g.stmt(depth))
		}
	})
	return body
}

func (g *generator) stmt(depth int) Stmt {
	kind := g.upTo(7)
	switch {
	case depth == 0 || kind == 0:
		return g.let()
	case kind == 1 && len(g.stores) > 0:
		return g.store()
	case kind == 2:
		return &If{Cond: g.steady(Bool), Then: g.block(depth - 1), Else: g.block(depth - 1)}
	case kind == 3:
		f := &For{Var: g.name("i"), Lo: g.bound(), Hi: g.bound(), Step: g.bound()}
		g.scoped(func() {
			g.uniform[Int] = append(g.uniform[Int], f.Var)
			f.Body = g.block(depth - 1)
		})
		return f
	case g.inLanes:
		return g.let()
	case kind == 4:
		return g.lanes(depth)
	case kind == 7 && !g.inTeams:
		return g.teams(depth)
	case g.inTeams && kind != 5:
		return g.let()
	case kind == 6 && g.encoded != "" && len(g.group) > 0 && g.upTo(1) == 0:
		return &Encode{Buf: g.encoded, At: g.steady(Int), X: g.group[0], XAt: g.steady(Int), N: g.steady(Int)}
	case kind == 5:
		r := &Reduce{Op: ReduceOp(g.upTo(1)), Var: g.name("i"), N: g.expr(Int, 2)}
		g.scoped(func() {
			g.uniform[Int] = append(g.uniform[Int], r.Var)
			r.Value = g.expr(Float, 3)
		})
		r.Name = g.scalar(Float)
		return r
	case len(g.group) > 1:
		e := func() Expr { return g.expr(Int, 1) }
		d := &Dot{Acc: g.group[0], AccAt: e(), W: "", WAt: e(), WStride: e(), X: g.group[1], XAt: e(), XStride: e(), Rows: e(), Cols: e(), K: e()}
		for _, f := range g.floats {
			if f[0] == 'b' {
				d.W = f
			}
		}
		switch {
		case d.W == "":
		case g.upTo(1) == 0:
			return (*Mix)(d)
		default:
			return d
		}
	}
	return g.let()
}

func (g *generator) let() Stmt {
	t := Type(g.upTo(2))
	s := &Let{Name: g.name("v"), Value: g.expr(t, 4)}
	if g.inLanes { // it may differ between lanes
		g.lane[t] = append(g.lane[t], s.Name)
	} else {
		g.uniform[t] = append(g.uniform[t], s.Name)
	}
	return s
}

func (g *generator) store() Stmt {
	buf := rapid.SampledFrom(slices.Sorted(maps.Keys(g.stores))).Draw(g.t, "buf")
	return &Store{Buf: buf, Index: g.expr(Int, 3), Value: g.expr(g.stores[buf], 4)}
}

func (g *generator) lanes(depth int) Stmt {
	f := &For{Var: g.name("i"), Lo: I(0), Hi: g.bound(), Step: I(1), Lanes: true}
	g.inLanes = true
	g.scoped(func() {
		g.lane[Int] = append(g.lane[Int], f.Var)
		f.Body = g.block(depth - 1)
	})
	g.inLanes = false
	return f
}

func (g *generator) teams(depth int) Stmt {
	f := &For{Var: g.name("i"), Lo: I(0), Hi: g.bound(), Step: I(1), Teams: true}
	g.inTeams = true
	g.scoped(func() {
		g.uniform[Int] = append(g.uniform[Int], f.Var)
		f.Body = g.block(depth - 1)
	})
	g.inTeams = false
	return f
}

// join ends a kernel.
func (g *generator) join(k *Kernel) {
	parts := g.name("b")
	k.Bufs = append(k.Bufs, Buf{Name: parts, Role: State, DType: F32})
	ints, floats := g.ints, g.floats
	g.ints, g.floats = nil, nil // extents load nothing
	g.uniform = map[Type][]string{Int: slices.Clone(k.Ints)}
	j := &Join{Var: g.name("i"), Groups: I(1), Parts: parts, X: k.Group[0].Name, Each: g.expr(Int, 0), All: k.Group[0].N}
	if n := len(k.Grid); n > 0 {
		j.Groups = k.Grid[n-1].N
	}
	g.ints, g.floats = ints, append(floats, parts)
	for name := range g.stores {
		if !slices.ContainsFunc(k.Bufs, func(b Buf) bool { return b.Name == name && b.Role == Out }) {
			delete(g.stores, name)
		}
	}
	g.inTeams = true // nothing there that groups do together
	g.uniform = map[Type][]string{Int: append(slices.Clone(k.Ints), j.Var), Float: k.Floats}
	j.Body = g.block(2)
	k.Body = append(k.Body, j)
}

// steady is an expression that is the same in every lane.
func (g *generator) steady(t Type) (e Expr) {
	g.scoped(func() {
		g.lane = map[Type][]string{}
		e = g.expr(t, 3)
	})
	return e
}

// bound is steady and loads nothing.
func (g *generator) bound() Expr {
	ints, floats := g.ints, g.floats
	g.ints, g.floats = nil, nil
	defer func() { g.ints, g.floats = ints, floats }()
	return g.steady(Int)
}

func (g *generator) expr(t Type, depth int) Expr {
	if depth > 0 && g.upTo(3) > 0 || t == Bool && len(g.uniform[t]) == 0 {
		var fns []*Fn
		for _, f := range Fns {
			if f.Result == t && (t != Bool || depth > 0 || f.Args[0] != Bool) {
				fns = append(fns, f)
			}
		}
		fn := rapid.SampledFrom(fns).Draw(g.t, "fn")
		c := &Call{Fn: fn}
		for _, a := range fn.Args {
			c.Args = append(c.Args, g.expr(a, depth-1))
		}
		return c
	}
	vars := append(append([]string(nil), g.uniform[t]...), g.lane[t]...)
	if len(vars) > 0 && (t == Bool || g.upTo(2) > 0) {
		return &Var{Name: rapid.SampledFrom(vars).Draw(g.t, "var"), T: t}
	}
	mem := g.floats
	if t == Int {
		mem = g.ints
	}
	if len(mem) > 0 && g.upTo(1) == 0 {
		return &Load{Buf: rapid.SampledFrom(mem).Draw(g.t, "mem"), Index: g.expr(Int, depth-1), T: t}
	}
	if t == Int {
		return I(rapid.Int64().Draw(g.t, "int"))
	}
	return &FloatLit{rapid.Float32().Draw(g.t, "float")}
}
