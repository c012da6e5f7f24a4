package op

import (
	"math"

	"github.com/llorch/llorch/ir"
	"github.com/llorch/llorch/ir/dim"
	"github.com/llorch/llorch/ir/kernel"
)

const ropeText = "graph t {\n symbol S, P\n bound S >= 1\n bound P >= 0\n bound P+S <= 9\n step S after P\n f: f32[pair=3] = const() {values=[1, 0.5, 0.125]}\n" +
	" p = positions() {axis=q, count=S, from=P}\n r = rotations(p, f)\n x: f32[head=2, q=S, dim=8] = input()\n"

var rotary = []*ir.Op{
	{
		Name: "rotations", Class: ir.IndexMap,
		Doc:  "cosine (part 0) and sine (part 1) of position · frequency, for each position and pair of a rotary embedding (Su et al. 2021, arXiv 2104.09864)",
		Args: []string{"positions", "frequencies"},
		Constraints: []string{
			"positions are positions, along one axis", "frequencies are floats along one axis, pair",
		},
		Infer: func(c *ir.Check) ir.Type {
			if !c.Positions(1, 0) || !c.Float(2, 1) {
				return ir.Type{}
			}
			if len(c.In[1].Axes) != 1 || c.In[1].Axes[0].Name != "pair" {
				c.Fail(2, "", "%s lies along other axes than pair", c.Label(1))
				return ir.Type{}
			}
			t := ir.Tensor(kernel.F32, c.In[0].Axes[0], c.In[1].Axes[0], ir.Ax("part", 2))
			t.From = c.In[0].From
			return t
		},
		Eval: func(e *ir.Eval) (*ir.Array, error) {
			e.Out.Each(func(i int, at []int) {
				a := e.In[0].Data[at[0]] * e.In[1].Data[at[1]]
				e.Out.Data[i] = [2]float64{math.Cos(a), math.Sin(a)}[at[2]]
			})
			return e.Out, nil
		},
		Point: func(p ir.Point) kernel.Expr {
			a := kernel.Mul(kernel.Apply("float", p.IntIn(0)), p.In(1))
			return kernel.Apply("choose", kernel.Apply("eq", p.Coord("part"), kernel.I(0)), kernel.Apply("cos", a), kernel.Apply("sin", a))
		},
		Cases: []ir.Case{{Name: "past", Env: map[string]int64{"S": 2, "P": 3}, Text: ropeText + " y = scale(r) {by=1}\n output y\n}"}},
	},
	{
		Name: "rope", Class: ir.IndexMap,
		Doc:  "x with the first width elements along an axis rotated in pairs: (a, b) to (a·cos - b·sin, a·sin + b·cos); pairs are (i, i+width/2) in style half, (2i, 2i+1) in style interleaved",
		Args: []string{"x", "rotations"},
		Attrs: []ir.AttrSpec{
			{Name: "over", Kind: ir.AttrAxis}, {Name: "width", Kind: ir.AttrDim},
			{Name: "style", Kind: ir.AttrWord, Words: []string{"half", "interleaved"}},
		},
		Constraints: []string{
			"x is a tensor of floats that has the axis",
			"rotations come from the op rotations and start at the step's past tokens: positions never start again",
			"width is even and positive", "width is at most the axis's extent", "rotations has width/2 pairs",
			"x has the rotations' position axis, of the same extent, besides the one that is rotated",
		},
		Infer: inferRope,
		Eval:  evalRope,
		Within: func(n *ir.Node) ir.Within {
			w := ir.Within{Axis: n.Word("over")}
			if a, ok := n.Type.Axis(w.Axis); ok && n.Word("style") == "interleaved" && a.Dim.Same(n.DimAttr("width")) {
				w.Unit = 2
			}
			return w
		},
		Point: pointRope,
		Cases: []ir.Case{
			{Name: "half", Env: map[string]int64{"S": 3, "P": 2}, Text: ropeText + " y = rope(x, r) {over=dim, width=6, style=half}\n output y\n}"},
			{Name: "interleaved", Env: map[string]int64{"S": 3, "P": 0}, Text: ropeText + " y = rope(x, r) {over=dim, width=6, style=interleaved}\n output y\n}"},
		},
	},
}

func inferRope(c *ir.Check) ir.Type {
	t := ir.Tensor(kernel.F32, c.In[0].Axes...)
	width := c.Node.DimAttr("width")
	a, ok := c.Axis(1, 0, c.Node.Word("over"))
	if !ok || !c.Float(1, 0) || !areRotations(c, 2, 1) || !c.StartsAtPast(2, 1) {
		return t
	}
	w, isConst := width.Const()
	if !isConst || w%2 != 0 || w <= 0 {
		c.Fail(3, "a rotation turns pairs", "width is %s, want a positive even number", width)
		return t
	}
	c.AtMost(4, "width", width, a.Dim, "")
	pair, _ := c.In[1].Axis("pair")
	c.Extent(5, "the number of pairs", pair.Dim, dim.Const(w/2), "one frequency a pair: width/2 of them")
	q := c.In[1].Axes[0]
	if x, ok := c.Axis(6, 0, q.Name); ok {
		c.Extent(6, "the number of rotations", q.Dim, x.Dim, "one a position: as many as "+c.Label(0)+" has along "+q.Name)
	}
	if q.Name == a.Name {
		c.Fail(6, "", "%s lies along positions, which are not rotated", q.Name)
	}
	return t
}

// areRotations knows the type that the op rotations gives: nothing else derives from positions along these axes.
func areRotations(c *ir.Check, rule, i int) bool {
	t := c.In[i]
	if t.From != nil && len(t.Axes) == 3 && t.Axes[1].Name == "pair" && t.Axes[2].Name == "part" {
		return true
	}
	c.Fail(rule, "rotations come from the op rotations, which ties them to the step's positions", "%s is %s, want rotations", c.Label(i), t)
	return false
}

// ropePair is, for element d along the axis, its partner, its pair, and whether it is the first of the two.
func ropePair(style string, d, width int) (partner, pair int, first bool) {
	if style == "half" {
		return (d + width/2) % width, d % (width / 2), d < width/2
	}
	return d ^ 1, d / 2, d%2 == 0
}

func evalRope(e *ir.Eval) (*ir.Array, error) {
	x, r := e.In[0], e.In[1]
	over, style := e.Node.Word("over"), e.Node.Word("style")
	w, _ := e.Node.DimAttr("width").Const()
	axis, q := e.Node.In[0].Type.Index(over), e.Node.In[0].Type.Index(r.Axes[0])
	s := x.Strides(x.Axes)
	e.Out.Each(func(i int, at []int) {
		d := at[axis]
		if d >= int(w) {
			e.Out.Data[i] = x.Data[i]
			return
		}
		partner, pair, first := ropePair(style, d, int(w))
		cos := r.Data[at[q]*r.Stride(r.Axes[0])+pair*r.Stride("pair")]
		sin := r.Data[at[q]*r.Stride(r.Axes[0])+pair*r.Stride("pair")+1]
		if first {
			sin = -sin
		}
		e.Out.Data[i] = x.Data[i]*cos + x.Data[i+(partner-d)*s[axis]]*sin
	})
	return e.Out, nil
}

func pointRope(p ir.Point) kernel.Expr {
	n := p.Node()
	over, width := n.Word("over"), n.DimAttr("width")
	axis, _ := n.In[0].Type.Axis(over)
	d, w := p.Coord(over), p.Dim("width", width)
	half := kernel.Div(w, kernel.I(2))
	partner := kernel.Rem(kernel.Add(d, half), w)
	pair, first := kernel.Rem(d, half), kernel.Apply("lt", d, half)
	if n.Word("style") == "interleaved" {
		odd := kernel.Rem(d, kernel.I(2))
		partner = kernel.Sub(kernel.Add(d, kernel.I(1)), kernel.Mul(kernel.I(2), odd))
		pair, first = kernel.Div(d, kernel.I(2)), kernel.Apply("eq", odd, kernel.I(0))
	}
	inside := kernel.Apply("lt", d, w)
	whole := width.Same(axis.Dim)
	if !whole { // elements past width must still address memory
		partner, pair = kernel.Min(partner, kernel.Sub(w, kernel.I(1))), kernel.Rem(pair, half)
	}
	cos := p.In(1, ir.At{Axis: "pair", I: pair}, ir.At{Axis: "part", I: kernel.I(0)})
	sin := p.In(1, ir.At{Axis: "pair", I: pair}, ir.At{Axis: "part", I: kernel.I(1)})
	signed := kernel.Apply("choose", first, kernel.Sub(kernel.F(0), sin), sin)
	turned := kernel.Add(kernel.Mul(p.In(0), cos), kernel.Mul(p.In(0, ir.At{Axis: over, I: partner}), signed))
	if whole {
		return turned
	}
	return kernel.Apply("choose", inside, turned, p.In(0))
}
