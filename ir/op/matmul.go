package op

import (
	"fmt"

	"github.com/llorch/llorch/ir"
	"github.com/llorch/llorch/ir/kernel"
)

var contractions = []*ir.Op{
	{
		Name: "matmul", Class: ir.Contraction,
		Doc:         "the sum over an axis of x · w; other shared axes are batches, and the result has x's axes, then w's own",
		Args:        []string{"x", "w"},
		Attrs:       []ir.AttrSpec{{Name: "over", Kind: ir.AttrAxis}},
		Constraints: []string{"x and w are tensors of floats, or x is quantised", "both have the axis", "shared axes are of equal extent"},
		Infer:       inferMatmul,
		Eval:        evalMatmul,
		Cases: []ir.Case{
			{Name: "projection", Env: map[string]int64{"S": 3},
				Text: "graph t {\n symbol S\n bound S >= 1\n bound S <= 9\n x: f32[q=S, embd=19] = input()\n w: f16[out=7, embd=19] = param()\n y = matmul(x, w) {over=embd}\n output y\n}"},
			{Name: "bf16", Env: map[string]int64{"S": 1},
				Text: "graph t {\n symbol S\n bound S >= 1\n bound S <= 9\n x: f32[q=S, embd=64] = input()\n w: bf16[out=65, embd=64] = param()\n y = matmul(x, w) {over=embd}\n output y\n}"},
			{Name: "batched", Env: map[string]int64{"S": 2},
				Text: "graph t {\n symbol S\n bound S >= 1\n bound S <= 9\n x: f32[head=2, group=3, q=S, dim=4] = input()\n w: f32[head=2, kv=5, dim=4] = input()\n y = matmul(x, w) {over=dim}\n output y\n}"},
			{Name: "transposed", Text: "graph t {\n x: f32[kv=5, q=2] = input()\n w: f32[kv=5, dim=3] = input()\n y = matmul(x, w) {over=kv}\n output y\n}"},
		},
	},
}

func inferMatmul(c *ir.Check) ir.Type {
	over := over(c.Node)
	c.Float(1, 1)
	if !c.In[0].DType.IsActs() || c.In[0].State {
		c.Float(1, 0)
	}
	_, inX := c.Axis(2, 0, over)
	_, inW := c.Axis(2, 1, over)
	if !inX || !inW {
		return ir.Type{}
	}
	var axes []ir.Axis
	for _, a := range c.In[0].Axes {
		if c.In[1].Index(a.Name) >= 0 && !sharedExtent(c, a.Name) {
			continue
		}
		if a.Name != over {
			axes = append(axes, a)
		}
	}
	for _, a := range c.In[1].Axes {
		if c.In[0].Index(a.Name) < 0 {
			axes = append(axes, a)
		}
	}
	return ir.Tensor(kernel.F32, axes...)
}

// sharedExtent checks one shared axis, and knows a transposed weight when it sees one.
func sharedExtent(c *ir.Check, axis string) bool {
	x, _ := c.In[0].Axis(axis)
	w := c.In[1]
	if got, _ := w.Axis(axis); len(w.Axes) == 2 && !c.Holds(got.Dim, x.Dim) {
		other := w.Axes[1-w.Index(axis)]
		if c.Holds(other.Dim, x.Dim) {
			return c.Extent(3, fmt.Sprintf("axis %s of %s", axis, c.Label(1)), got.Dim, x.Dim,
				fmt.Sprintf("%s looks transposed: its axis %s has the extent that %s should have", c.Label(1), other.Name, axis))
		}
	}
	if got, _ := w.Axis(axis); len(w.Axes) > 2 {
		a, okX := x.Dim.Const()
		b, okW := got.Dim.Const()
		if okX && okW && b > 0 && a > b && a%b == 0 {
			return c.Extent(3, fmt.Sprintf("axis %s of %s", axis, c.Label(1)), got.Dim, x.Dim,
				fmt.Sprintf("for grouped queries, split %s of %s into %s=%d and group=%d", axis, c.Label(0), axis, b, a/b))
		}
	}
	return c.SameExtent(3, 0, 1, axis)
}

func evalMatmul(e *ir.Eval) (*ir.Array, error) {
	x, w, over := e.In[0], e.In[1], over(e.Node)
	n, xo, wo := x.Dim(over), x.Stride(over), w.Stride(over)
	xs, ws := x.Strides(e.Out.Axes), w.Strides(e.Out.Axes)
	e.Out.Each(func(i int, at []int) {
		xi, wi, sum := ir.Offset(at, xs), ir.Offset(at, ws), 0.0
		for range n {
			sum += x.Data[xi] * w.Data[wi]
			xi += xo
			wi += wo
		}
		e.Out.Data[i] = sum
	})
	return e.Out, nil
}
