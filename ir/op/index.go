package op

import (
	"slices"

	"github.com/llorch/llorch/ir"
	"github.com/llorch/llorch/ir/dim"
	"github.com/llorch/llorch/ir/kernel"
)

var indexMaps = []*ir.Op{
	{
		Name: "split", Class: ir.IndexMap,
		Doc:  "x with one axis divided into several, the last of which varies fastest",
		Args: []string{"x"},
		Attrs: []ir.AttrSpec{
			{Name: "axis", Kind: ir.AttrAxis}, {Name: "into", Kind: ir.AttrAxes},
		},
		Constraints: []string{"x has the axis", "the product of the new extents is the axis's", "x is a tensor of floats"},
		Infer:       inferSplit,
		Eval:        copyData,
		View:        always,
		Point: func(p ir.Point) kernel.Expr {
			n := p.Node()
			return p.In(0, ir.At{Axis: n.Word("axis"), I: flatten(p, n.AxesAttr("into"))})
		},
		Cases: []ir.Case{{Name: "heads", Env: map[string]int64{"S": 3},
			Text: "graph t {\n symbol S\n bound S >= 1\n bound S <= 9\n x: f32[q=S, out=12] = input()\n y = split(x) {axis=out, into=[head=3, dim=4]}\n output y\n}"}},
	},
	{
		Name: "merge", Class: ir.IndexMap,
		Doc:  "x with several axes made one, which stands where the first stood; the last named varies fastest",
		Args: []string{"x"},
		Attrs: []ir.AttrSpec{
			{Name: "axes", Kind: ir.AttrNames}, {Name: "into", Kind: ir.AttrAxis},
		},
		Constraints: []string{"x has the axes, of which each is named once", "at most one of their extents is symbolic", "x is a tensor of floats"},
		Infer:       inferMerge,
		Eval:        evalMerge,
		View:        mergesInOrder,
		Point: func(p ir.Point) kernel.Expr {
			n := p.Node()
			return p.In(0, unflatten(p, n.In[0].Type, n.Names("axes"), p.Coord(n.Word("into")))...)
		},
		Cases: []ir.Case{
			{Name: "heads", Env: map[string]int64{"S": 2},
				Text: "graph t {\n symbol S\n bound S >= 1\n bound S <= 9\n x: f32[q=S, head=3, dim=4] = input()\n y = merge(x) {axes=[head, dim], into=out}\n output y\n}"},
			{Name: "permuted", Env: map[string]int64{"S": 2},
				Text: "graph t {\n symbol S\n bound S >= 1\n bound S <= 9\n x: f32[head=3, q=S, dim=4] = input()\n y = merge(x) {axes=[dim, head], into=out}\n output y\n}"},
		},
	},
	{
		Name: "rename", Class: ir.IndexMap,
		Doc:         "x with an axis under another name",
		Args:        []string{"x"},
		Attrs:       []ir.AttrSpec{{Name: "axis", Kind: ir.AttrAxis}, {Name: "to", Kind: ir.AttrAxis}},
		Constraints: []string{"x has the axis", "x has none of the new name", "x is a tensor of floats"},
		Infer: func(c *ir.Check) ir.Type {
			c.Float(3, 0)
			from, to := c.Node.Word("axis"), c.Node.Word("to")
			t := c.In[0]
			t.Axes = slices.Clone(t.Axes)
			if _, ok := c.Axis(1, 0, from); ok {
				t.Axes[t.Index(from)].Name = to
			}
			if c.In[0].Index(to) >= 0 {
				c.Fail(2, "", "%s already has an axis %s", c.Label(0), to)
			}
			return t
		},
		Eval: copyData,
		View: always,
		Point: func(p ir.Point) kernel.Expr {
			n := p.Node()
			return p.In(0, ir.At{Axis: n.Word("axis"), I: p.Coord(n.Word("to"))})
		},
		Cases: []ir.Case{{Name: "a", Text: "graph t {\n x: f32[a=2, b=3] = input()\n y = rename(x) {axis=a, to=c}\n output y\n}"}},
	},
	{
		Name: "broadcast", Class: ir.IndexMap,
		Doc:         "x repeated along new axes, which come first",
		Args:        []string{"x"},
		Attrs:       []ir.AttrSpec{{Name: "axes", Kind: ir.AttrAxes}},
		Constraints: []string{"x has none of the axes", "x is a tensor of floats"},
		Infer: func(c *ir.Check) ir.Type {
			c.Float(2, 0)
			for _, a := range c.Node.AxesAttr("axes") {
				if c.In[0].Index(a.Name) >= 0 {
					c.Fail(1, "", "%s already has an axis %s", c.Label(0), a.Name)
				}
			}
			return c.In[0].With(append(slices.Clone(c.Node.AxesAttr("axes")), c.In[0].Axes...)...)
		},
		Eval: func(e *ir.Eval) (*ir.Array, error) {
			s := e.In[0].Strides(e.Out.Axes)
			e.Out.Each(func(i int, at []int) { e.Out.Data[i] = e.In[0].Data[ir.Offset(at, s)] })
			return e.Out, nil
		},
		Point: func(p ir.Point) kernel.Expr { return p.In(0) },
		Cases: []ir.Case{{Name: "rows", Text: "graph t {\n x: f32[b=3] = input()\n y = broadcast(x) {axes=[a=2]}\n output y\n}"}},
	},
	{
		Name: "last", Class: ir.IndexMap,
		Doc:         "the last element of x along an axis, which keeps extent 1",
		Args:        []string{"x"},
		Attrs:       []ir.AttrSpec{{Name: "over", Kind: ir.AttrAxis}},
		Constraints: []string{"x has the axis", "its extent is at least 1", "x is a tensor of floats"},
		Infer: func(c *ir.Check) ir.Type {
			c.Float(3, 0)
			a, ok := c.Axis(1, 0, c.Node.Word("over"))
			t := c.In[0].With(slices.Clone(c.In[0].Axes)...)
			if ok {
				c.AtMost(2, "the number of elements wanted of axis "+a.Name, dim.Const(1), a.Dim, "")
				t.Axes[t.Index(a.Name)].Dim = dim.Const(1)
			}
			return t
		},
		Eval: func(e *ir.Eval) (*ir.Array, error) {
			x, over := e.In[0], e.Node.Word("over")
			base := (x.Dim(over) - 1) * x.Stride(over)
			s := x.Strides(e.Out.Axes)
			e.Out.Each(func(i int, at []int) { e.Out.Data[i] = x.Data[base+ir.Offset(at, s)] })
			return e.Out, nil
		},
		Point: func(p ir.Point) kernel.Expr {
			over := p.Node().Word("over")
			a, _ := p.Node().In[0].Type.Axis(over)
			return p.In(0, ir.At{Axis: over, I: kernel.Sub(p.Dim(over, a.Dim), kernel.I(1))})
		},
		Cases: []ir.Case{{Name: "token", Env: map[string]int64{"S": 3},
			Text: "graph t {\n symbol S\n bound S >= 1\n bound S <= 9\n x: f32[q=S, b=5] = input()\n y = last(x) {over=q}\n output y\n}"}},
	},
}

func inferSplit(c *ir.Check) ir.Type {
	c.Float(3, 0)
	into := c.Node.AxesAttr("into")
	a, ok := c.Axis(1, 0, c.Node.Word("axis"))
	if !ok {
		return ir.Type{}
	}
	p, ok := product(into)
	if !ok {
		c.Fail(2, "", "more than one of the new extents is symbolic")
		return ir.Type{}
	}
	c.Extent(2, "the product of the new extents", p, a.Dim, "")
	i := c.In[0].Index(a.Name)
	return c.In[0].With(slices.Concat(c.In[0].Axes[:i], into, c.In[0].Axes[i+1:])...)
}

func inferMerge(c *ir.Check) ir.Type {
	c.Float(3, 0)
	var parts, rest []ir.Axis
	names := c.Node.Names("axes")
	for i, n := range names {
		if slices.Contains(names[:i], n) {
			c.Fail(1, "", "axis %s is named twice", n)
			return ir.Type{}
		}
		a, ok := c.Axis(1, 0, n)
		if !ok {
			return ir.Type{}
		}
		parts = append(parts, a)
	}
	if len(parts) == 0 {
		c.Fail(1, "", "no axis is named")
		return ir.Type{}
	}
	p, ok := product(parts)
	if !ok {
		c.Fail(2, "", "more than one of the merged extents is symbolic")
		return ir.Type{}
	}
	at := -1
	for _, a := range c.In[0].Axes {
		if !slices.Contains(names, a.Name) {
			rest = append(rest, a)
		} else if at < 0 {
			at = len(rest)
		}
	}
	return c.In[0].With(slices.Insert(rest, at, ir.Axis{Name: c.Node.Word("into"), Dim: p})...)
}

func evalMerge(e *ir.Eval) (*ir.Array, error) {
	x, names := e.In[0], e.Node.Names("axes")
	into := slices.Index(e.Out.Axes, e.Node.Word("into"))
	s := x.Strides(e.Out.Axes)
	e.Out.Each(func(i int, at []int) {
		off, c := 0, at[into]
		for k := len(names) - 1; k >= 0; k-- {
			off += c % x.Dim(names[k]) * x.Stride(names[k])
			c /= x.Dim(names[k])
		}
		for d, a := range at {
			if d != into {
				off += a * s[d]
			}
		}
		e.Out.Data[i] = x.Data[off]
	})
	return e.Out, nil
}

func always(*ir.Node) bool { return true }

// mergesInOrder reports that the merged axes stand side by side in the order named.
func mergesInOrder(n *ir.Node) bool {
	first := n.In[0].Type.Index(n.Names("axes")[0])
	for i, a := range n.Names("axes") {
		if n.In[0].Type.Index(a) != first+i {
			return false
		}
	}
	return true
}

// copyData serves index maps that leave the row-major order as it is.
func copyData(e *ir.Eval) (*ir.Array, error) {
	copy(e.Out.Data, e.In[0].Data)
	return e.Out, nil
}

// flatten is the coordinate along one axis that the coordinates along its parts stand for.
func flatten(p ir.Point, parts []ir.Axis) kernel.Expr {
	e := kernel.I(0)
	for i, a := range parts {
		if i > 0 {
			e = kernel.Mul(e, p.Dim(a.Name, a.Dim))
		}
		e = kernel.Add(e, p.Coord(a.Name))
	}
	return e
}

// unflatten is its inverse: the coordinates along the named axes of t that c stands for.
func unflatten(p ir.Point, t ir.Type, names []string, c kernel.Expr) []ir.At {
	at := make([]ir.At, len(names))
	for i := len(names) - 1; i >= 0; i-- {
		a, _ := t.Axis(names[i])
		n := p.Dim(a.Name, a.Dim)
		at[i] = ir.At{Axis: a.Name, I: c}
		if i > 0 {
			at[i].I = kernel.Rem(c, n)
			c = kernel.Div(c, n)
		}
	}
	return at
}
