package lower

import (
	"fmt"
	"slices"

	"github.com/llorch/llorch/ir"
	"github.com/llorch/llorch/ir/dim"
	"github.com/llorch/llorch/ir/kernel"
)

// coords is an element's place: its coordinate along each axis, and, where known, the row-major index base+flat of the
// coordinates along all axes but the token axis, which views leave as it is.
type coords struct {
	at         map[string]kernel.Expr
	base, flat kernel.Expr // flat is nil where the index is not known
	tok        string      // the token axis that the index leaves out
}

func at(axes ...ir.At) coords {
	c := coords{at: map[string]kernel.Expr{}}
	for _, a := range axes {
		c.at[a.Axis] = a.I
	}
	return c
}

// point is what an op's Point sees while it is inlined at c.
type point struct {
	b *builder
	n *ir.Node
	c coords
}

func (p *point) Node() *ir.Node                { return p.n }
func (p *point) Coord(axis string) kernel.Expr { return p.c.at[axis] }
func (p *point) Dim(name string, d dim.Dim) kernel.Expr {
	return p.b.extent(name, d)
}
func (p *point) Const(name string, v float64) kernel.Expr { return p.b.constant(p.n, name, v) }
func (p *point) In(i int, over ...ir.At) kernel.Expr {
	return p.b.value(p.n.In[i], p.operand(i, over), p.n.Op.Args[i])
}
func (p *point) IntIn(i int, over ...ir.At) kernel.Expr {
	return p.b.intValue(p.n.In[i], p.operand(i, over), p.n.Op.Args[i])
}

// operand is the place in operand i: the same coordinates but for those given.
func (p *point) operand(i int, over []ir.At) coords {
	t := p.n.In[i].Type
	c := coords{at: map[string]kernel.Expr{}, base: p.c.base, tok: p.c.tok}
	for _, a := range t.Axes {
		c.at[a.Name] = p.c.at[a.Name]
	}
	for _, o := range over {
		c.at[o.Axis] = o.I
	}
	if p.c.flat == nil || !sameInner(t, p.n.Type, p.c.tok) {
		return c
	}
	switch {
	case len(over) == 0:
		c.flat = p.c.flat
	case len(over) == 1 && over[0].Axis == t.Axes[len(t.Axes)-1].Name:
		c.flat = kernel.Add(kernel.Sub(p.c.flat, p.c.at[over[0].Axis]), over[0].I)
	}
	return c
}

// sameInner reports that two types have the same axes but for the token axis.
func sameInner(a, b ir.Type, tok string) bool {
	return slices.EqualFunc(inner(a, tok), inner(b, tok), func(x, y ir.Axis) bool { return x.Name == y.Name })
}

func inner(t ir.Type, tok string) []ir.Axis {
	var axes []ir.Axis
	for _, a := range t.Axes {
		if a.Name != tok {
			axes = append(axes, a)
		}
	}
	return axes
}

// value is the element of n at c: at hand, computed in place when the group owns n, otherwise loaded. hint names a buffer.
func (b *builder) value(n *ir.Node, c coords, hint string) kernel.Expr {
	if f := b.local[n]; f != nil {
		return f(c)
	}
	if n.Group != b.gr || b.gr == nil {
		return b.load(n, c, hint)
	}
	if c.flat != nil && IsView(n) {
		return b.value(n.In[0], b.throughView(n, c), hint)
	}
	if n.Op.Point == nil {
		panic(fmt.Sprintf("lower: %s (%s) cannot be computed in place", n.Name, n.Op.Name))
	}
	return n.Op.Point(&point{b, n, c})
}

// throughView is c in the shape that n is a view of, by the flat index.
func (b *builder) throughView(n *ir.Node, c coords) coords {
	axes := inner(n.In[0].Type, c.tok)
	d := b.unflatten(axes, kernel.Add(c.base, c.flat))
	d.base, d.flat, d.tok = c.base, c.flat, c.tok
	if c.tok != "" {
		d.at[c.tok] = c.at[c.tok]
	}
	return d
}

// unflatten gives the coordinates along axes that the row-major index i stands for.
func (b *builder) unflatten(axes []ir.Axis, i kernel.Expr) coords {
	c := at()
	for k := len(axes) - 1; k >= 0; k-- {
		if k == 0 {
			c.at[axes[k].Name] = i
			break
		}
		n := b.extent(axes[k].Name, axes[k].Dim)
		c.at[axes[k].Name] = kernel.Rem(i, n)
		i = kernel.Div(i, n)
	}
	return c
}

// flatten is its inverse, with the coordinates of c.
func (b *builder) flatten(axes []ir.Axis, c coords) kernel.Expr {
	e := kernel.I(0)
	for i, a := range axes {
		if i > 0 {
			e = kernel.Mul(e, b.extent(a.Name, a.Dim))
		}
		e = kernel.Add(e, c.at[a.Name])
	}
	return e
}

// load reads an element of a value in memory.
func (b *builder) load(n *ir.Node, c coords, hint string) kernel.Expr {
	name := b.buffer(Storage(n), hint)
	return kernel.At(name, b.address(n, c))
}

// address is the index of an element in the memory of a value.
func (b *builder) address(n *ir.Node, c coords) kernel.Expr {
	if n.Op.Class != ir.StateStore {
		return b.flatten(n.Type.Axes, c)
	}
	d := at()
	for k, v := range c.at {
		d.at[k] = v
	}
	d.at[n.Word("over")] = c.at[n.Word("as")]
	return b.flatten(n.In[0].Type.Axes, d)
}

// intValue is value for integers and positions.
func (b *builder) intValue(n *ir.Node, c coords, hint string) kernel.Expr {
	if n.Op.Source == ir.FromStep { // positions are their own formula
		from := kernel.I(0)
		if v, ok := n.Type.From.Const(); !ok || v != 0 {
			from = b.extent("past", *n.Type.From)
		}
		return kernel.Add(from, c.at[n.Type.Axes[0].Name])
	}
	name := b.buffer(Storage(n), hint)
	return kernel.IntAt(name, b.address(n, c))
}

// store writes the element of n at c, a kept value or a state store, to its memory.
func (b *builder) store(n *ir.Node, c coords, v kernel.Expr) {
	if n.Op.Class != ir.StateStore {
		b.emit(&kernel.Store{Buf: b.buffer(n, "y"), Index: b.flatten(n.Type.Axes, c), Value: v})
		return
	}
	d := at()
	for k, e := range c.at {
		d.at[k] = e
	}
	past := b.extent("past", b.g.Step.Past)
	d.at[n.Word("over")] = kernel.Add(past, c.at[n.Word("new")])
	b.emit(&kernel.Store{Buf: b.buffer(n.In[0], ""), Index: b.flatten(n.In[0].Type.Axes, d), Value: v})
}

// stages emits the reductions of a row reduction for the row that c lies in, and gives their results.
func (b *builder) stages(n *ir.Node, c coords) []kernel.Expr {
	r := n.Op.Reduce
	axis, _ := n.In[0].Type.Axis(r.Axis(n))
	var done []kernel.Expr
	for _, s := range r.Stages {
		done = append(done, b.reduce(stageNames[s.Op], s.Op, b.extent(axis.Name, axis.Dim), func(i kernel.Expr) kernel.Expr {
			return s.Elem(&point{b, n, c.with(axis.Name, i)}, done)
		}))
	}
	return done
}

// with is c with another coordinate along an axis.
func (c coords) with(axis string, i kernel.Expr) coords {
	d := coords{at: map[string]kernel.Expr{}, tok: c.tok}
	for k, v := range c.at {
		d.at[k] = v
	}
	d.at[axis] = i
	return d
}

// stageNames are what kernels call the result of a reduction.
var stageNames = map[kernel.ReduceOp]string{kernel.Sum: "total", kernel.Max: "top"}
