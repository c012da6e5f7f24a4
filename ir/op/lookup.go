package op

import (
	"fmt"
	"math"
	"slices"

	"github.com/llorch/llorch/ir"
	"github.com/llorch/llorch/ir/dim"
	"github.com/llorch/llorch/ir/kernel"
)

var lookups = []*ir.Op{
	{
		Name: "gather", Class: ir.IndexMap,
		Doc:   "the entries of table along an axis that ids name: the embedding lookup, and with positions as ids that of learned positions",
		Args:  []string{"table", "ids"},
		Attrs: []ir.AttrSpec{{Name: "over", Kind: ir.AttrAxis}},
		Constraints: []string{
			"table is a tensor of floats", "ids are i32 or positions", "table has the axis", "ids and table share no axis",
			"positions are those of the new tokens", "positions end within the axis",
		},
		Infer: func(c *ir.Check) ir.Type {
			c.Float(1, 0)
			over := c.Node.Word("over")
			entries, ok := c.Axis(3, 0, over)
			switch ids := c.In[1]; {
			case ids.DType == kernel.Pos:
				if c.StartsAtPast(5, 1) && ok {
					c.AtMost(6, "the end of "+c.Label(1), ids.From.Add(ids.Axes[0].Dim), entries.Dim, "")
				}
			case ids.DType != kernel.I32:
				c.Fail(2, "", "%s is %s, want i32 or positions", c.Label(1), ids.DType)
			}
			axes := append([]ir.Axis{}, c.In[1].Axes...)
			for _, a := range c.In[0].Axes {
				if a.Name == over {
					continue
				}
				if c.In[1].Index(a.Name) >= 0 {
					c.Fail(4, "rename it in one of them", "both have axis %s", a.Name)
				}
				axes = append(axes, a)
			}
			return ir.Tensor(kernel.F32, axes...)
		},
		Eval: func(e *ir.Eval) (*ir.Array, error) {
			t, ids, over := e.In[0], e.In[1], e.Node.Word("over")
			ts, is := t.Strides(e.Out.Axes), ids.Strides(e.Out.Axes)
			var err error
			e.Out.Each(func(i int, at []int) {
				id := int(ids.Data[ir.Offset(at, is)])
				if id < 0 || id >= t.Dim(over) {
					err = fmt.Errorf("id %d is not in [0, %d)", id, t.Dim(over))
					return
				}
				e.Out.Data[i] = t.Data[id*t.Stride(over)+ir.Offset(at, ts)]
			})
			return e.Out, err
		},
		Point: func(p ir.Point) kernel.Expr {
			return p.In(0, ir.At{Axis: p.Node().Word("over"), I: p.IntIn(1)})
		},
		Cases: []ir.Case{{Name: "embedding", Env: map[string]int64{"S": 4},
			Text: "graph t {\n symbol S\n bound S >= 1\n bound S <= 9\n w: f16[vocab=9, embd=5] = param()\n ids: i32[q=S] = input()\n y = gather(w, ids) {over=vocab}\n output y\n}"},
			{Name: "positions", Env: map[string]int64{"S": 3, "P": 2},
				Text: "graph t {\n symbol S, P\n bound S >= 1\n bound P >= 0\n bound P+S <= 9\n step S after P\n w: f16[ctx=9, embd=5] = param()\n q = positions() {axis=q, count=S, from=P}\n y = gather(w, q) {over=ctx}\n output y\n}"}},
	},
	{
		Name: "causal_mask", Class: ir.IndexMap,
		Doc:         "0 where a key is not after its query, -inf elsewhere",
		Args:        []string{"queries", "keys"},
		Constraints: causalRules,
		Infer:       inferCausal,
		Causal:      true,
		Eval: func(e *ir.Eval) (*ir.Array, error) {
			return mask(e, func(q, k float64) bool { return k <= q })
		},
		Point: func(p ir.Point) kernel.Expr { return seen(kernel.Apply("le", p.IntIn(1), p.IntIn(0))) },
		Cases: []ir.Case{maskCase("past", "causal_mask(q, k)")},
	},
	{
		Name: "sliding_mask", Class: ir.IndexMap,
		Doc:         "0 where a key is not after its query and among the window's number of keys up to it, -inf elsewhere (Beltagy et al. 2020, arXiv 2004.05150)",
		Args:        []string{"queries", "keys"},
		Attrs:       []ir.AttrSpec{{Name: "window", Kind: ir.AttrDim}},
		Constraints: append(slices.Clip(causalRules), "window is a number of at least 1"),
		Infer: func(c *ir.Check) ir.Type {
			if w, ok := c.Node.DimAttr("window").Const(); !ok || w < 1 {
				c.Fail(5, "a query sees itself", "window is %s, want a number of at least 1", c.Node.DimAttr("window"))
			}
			return inferCausal(c)
		},
		Causal: true,
		Window: func(n *ir.Node) dim.Dim { return n.DimAttr("window") },
		Eval: func(e *ir.Eval) (*ir.Array, error) {
			w, _ := e.Node.DimAttr("window").Const()
			return mask(e, func(q, k float64) bool { return k <= q && q-k < float64(w) })
		},
		Point: func(p ir.Point) kernel.Expr {
			q, k := p.IntIn(0), p.IntIn(1)
			near := kernel.Apply("lt", q, kernel.Add(k, p.Dim("window", p.Node().DimAttr("window"))))
			return seen(kernel.Apply("and", kernel.Apply("le", k, q), near))
		},
		Cases: []ir.Case{maskCase("past", "sliding_mask(q, k) {window=2}"), maskCase("one", "sliding_mask(q, k) {window=1}"), maskCase("all", "sliding_mask(q, k) {window=9}")},
	},
}

// causalRules are the constraints of masks: no part of the history may be left out by mistake.
var causalRules = []string{
	"queries are positions, which start at the step's past tokens",
	"keys are positions, which start at 0: no part of the history is left out",
	"keys end where queries end",
	"queries and keys lie along different axes",
}

// mask evaluates one that is 0 where a query, by its position, sees a key.
func mask(e *ir.Eval, sees func(q, k float64) bool) (*ir.Array, error) {
	q, k := e.In[0], e.In[1]
	e.Out.Each(func(i int, at []int) {
		if !sees(q.Data[at[0]], k.Data[at[1]]) {
			e.Out.Data[i] = math.Inf(-1)
		}
	})
	return e.Out, nil
}

func seen(yes kernel.Expr) kernel.Expr {
	return kernel.Apply("choose", yes, kernel.F(0), kernel.F(math.Inf(-1)))
}

func maskCase(name, mask string) ir.Case {
	return ir.Case{Name: name, Env: map[string]int64{"S": 3, "P": 2},
		Text: "graph t {\n symbol S, P\n bound S >= 1\n bound P >= 0\n bound P+S <= 9\n step S after P\n q = positions() {axis=q, count=S, from=P}\n k = positions() {axis=kv, count=P+S, from=0}\n y = " + mask + "\n output y\n}"}
}

func inferCausal(c *ir.Check) ir.Type {
	if !c.Positions(1, 0) || !c.StartsAtPast(1, 0) || !c.Positions(2, 1) {
		return ir.Type{}
	}
	q, k := c.In[0].Axes[0], c.In[1].Axes[0]
	all := c.In[0].From.Add(q.Dim)
	c.Extent(2, "the first key's position", *c.In[1].From, dim.Const(0),
		fmt.Sprintf("the cache holds positions from 0; use positions {axis=%s, count=%s, from=0}", k.Name, all))
	c.Extent(3, "the end of the keys", c.In[1].From.Add(k.Dim), all, "keys reach from 0 over past and new tokens")
	if q.Name == k.Name {
		c.Fail(4, "", "both lie along axis %s", q.Name)
		return ir.Type{}
	}
	return ir.Tensor(kernel.F32, q, k)
}
