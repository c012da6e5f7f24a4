package op

import (
	"fmt"

	"github.com/llorch/llorch/ir"
)

var cacheOps = []*ir.Op{
	{
		Name: "append", Class: ir.StateStore,
		Doc:  "stores x behind the past tokens of a state, rounded to its dtype, and is a view of the state's past and new tokens",
		Args: []string{"state", "x", "positions"},
		Attrs: []ir.AttrSpec{
			{Name: "over", Kind: ir.AttrAxis}, {Name: "new", Kind: ir.AttrAxis}, {Name: "as", Kind: ir.AttrAxis},
		},
		Constraints: []string{
			"the first operand is a state", "x is a tensor of floats",
			"over is the axis along which the state grows",
			"x has the axis new, which is none of the state's and as long as the step's new tokens",
			"x has the state's other axes, of equal extent, and no more",
			"past and new tokens fit the state",
			"positions are those of the new tokens",
		},
		Infer: inferAppend,
		Eval: func(e *ir.Eval) (*ir.Array, error) {
			state, x := e.In[0], e.In[1]
			over := e.Node.Word("over")
			dims := append([]string{}, state.Axes...)
			for i, a := range dims {
				if a == over {
					dims[i] = e.Node.Word("new")
				}
			}
			to := state.Strides(state.Axes)
			xs := x.Strides(dims)
			rounded := *x
			rounded.Data = append([]float64{}, x.Data...)
			rounded.Round(e.Node.Type.DType)
			grow := e.Node.In[0].Type.Index(over)
			e.Out.Each(func(i int, at []int) {
				if at[grow] >= e.Past {
					at[grow] -= e.Past
					v := rounded.Data[ir.Offset(at, xs)]
					at[grow] += e.Past
					state.Data[ir.Offset(at, to)] = v
				}
				e.Out.Data[i] = state.Data[ir.Offset(at, to)]
			})
			return e.Out, nil
		},
		Cases: []ir.Case{
			{Name: "keys", Env: map[string]int64{"S": 3, "P": 2}, Text: appendText("f32")},
			{Name: "first", Env: map[string]int64{"S": 1, "P": 0}, Text: appendText("f16")},
		},
	},
}

func appendText(dtype string) string {
	return "graph t {\n symbol S, P\n bound S >= 1\n bound P >= 0\n bound P+S <= 9\n step S after P\n" +
		" c: state " + dtype + "[head=2, ctx=9, dim=4] = state() {along=ctx}\n p = positions() {axis=q, count=S, from=P}\n" +
		" x: f32[q=S, head=2, dim=4] = input()\n k = append(c, x, p) {over=ctx, new=q, as=kv}\n y = scale(k) {by=1}\n output y\n}"
}

func inferAppend(c *ir.Check) ir.Type {
	state, x := c.In[0], c.In[1]
	over, newAxis, as := c.Node.Word("over"), c.Node.Word("new"), c.Node.Word("as")
	if !state.State {
		c.Fail(1, "declare it: k: state f16[kv_head=4, ctx=512, dim=8] = state() {along=ctx}", "%s is no state", c.Label(0))
		return ir.Type{}
	}
	if c.G.Step == nil {
		c.Fail(7, "declare: step S after P", "the graph declares no step")
		return ir.Type{}
	}
	c.Float(2, 1)
	along, _ := c.Node.In[0].Attrs["along"].(string)
	if over != along {
		c.Fail(3, "append over="+along, "appends along %s, but %s grows along %s", over, c.Label(0), along)
		return ir.Type{}
	}
	all := c.G.Step.Past.Add(c.G.Step.New)
	if n, ok := c.Axis(4, 1, newAxis); ok {
		if state.Index(newAxis) >= 0 {
			c.Fail(4, "", "new tokens cannot lie along %s, an axis of %s", newAxis, c.Label(0))
		} else {
			c.Extent(4, fmt.Sprintf("axis %s of %s", newAxis, c.Label(1)), n.Dim, c.G.Step.New, "")
		}
	}
	if c.Positions(7, 2) && c.StartsAtPast(7, 2) {
		c.Extent(7, "the number of positions", c.In[2].Axes[0].Dim, c.G.Step.New, "")
	}
	t := ir.Type{DType: state.DType}
	for _, a := range state.Axes {
		if a.Name == over {
			c.AtMost(6, "the number of past and new tokens", all, a.Dim, "bound "+all.String()+" <= "+a.Dim.String())
			t.Axes = append(t.Axes, ir.Axis{Name: as, Dim: all})
			continue
		}
		t.Axes = append(t.Axes, a)
		if _, ok := c.Axis(5, 1, a.Name); ok {
			c.SameExtent(5, 0, 1, a.Name)
		}
	}
	if len(x.Axes) > len(state.Axes) {
		c.Fail(5, "", "%s has more axes than %s", c.Label(1), c.Label(0))
	}
	return t
}
