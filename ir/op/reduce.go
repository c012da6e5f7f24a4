package op

import (
	"math"

	"github.com/llorch/llorch/ir"
	"github.com/llorch/llorch/ir/kernel"
)

func over(n *ir.Node) string { return n.Word("over") }

var rowReductions = []*ir.Op{
	{
		Name: "rms_norm", Class: ir.RowReduce,
		Doc:   "w · x / √(mean(x²) + eps) along an axis (Zhang and Sennrich 2019, arXiv 1910.07467)",
		Args:  []string{"x", "w"},
		Attrs: []ir.AttrSpec{{Name: "over", Kind: ir.AttrAxis}, {Name: "eps", Kind: ir.AttrFloat}},
		Constraints: []string{
			"x and w are tensors of floats", "both have the axis, of the same extent", "w has no other axis",
		},
		Infer: func(c *ir.Check) ir.Type {
			c.Float(1, 0, 1)
			a := over(c.Node)
			_, ok := c.Axis(2, 0, a)
			if _, ok2 := c.Axis(2, 1, a); ok && ok2 {
				c.SameExtent(2, 0, 1, a)
			}
			if len(c.In[1].Axes) != 1 {
				c.Fail(3, "", "%s has other axes than %s", c.Label(1), a)
			}
			return ir.Tensor(kernel.F32, c.In[0].Axes...)
		},
		Eval: func(e *ir.Eval) (*ir.Array, error) {
			w, eps := e.In[1].Data, e.Node.Float("eps")
			eachRow(e.In[0], over(e.Node), func(base, stride, n int) {
				ss := 0.0
				for i := range n {
					ss += e.In[0].Data[base+i*stride] * e.In[0].Data[base+i*stride]
				}
				r := 1 / math.Sqrt(ss/float64(n)+eps)
				for i := range n {
					e.Out.Data[base+i*stride] = e.In[0].Data[base+i*stride] * r * w[i]
				}
			})
			return e.Out, nil
		},
		Reduce: &ir.Reduction{
			Axis: over,
			Stages: []ir.Stage{{Op: kernel.Sum, Elem: func(p ir.Point, _ []kernel.Expr) kernel.Expr {
				return kernel.Mul(p.In(0), p.In(0))
			}}},
			Elem: func(p ir.Point, s []kernel.Expr) kernel.Expr {
				a, _ := p.Node().In[0].Type.Axis(over(p.Node()))
				n := kernel.Apply("float", p.Dim(a.Name, a.Dim))
				mean := kernel.Add(kernel.Div(s[0], n), p.Const("eps", p.Node().Float("eps")))
				return kernel.Mul(kernel.Mul(p.In(0), kernel.Apply("rsqrt", mean)), p.In(1))
			},
		},
		Cases: []ir.Case{
			{Name: "tokens", Env: map[string]int64{"S": 3},
				Text: "graph t {\n symbol S\n bound S >= 1\n bound S <= 9\n x: f32[q=S, embd=17] = input()\n w: f32[embd=17] = param()\n y = rms_norm(x, w) {over=embd, eps=1e-05}\n output y\n}"},
			{Name: "columns", Text: "graph t {\n x: f32[embd=4, b=3] = input()\n w: f32[embd=4] = param()\n y = rms_norm(x, w) {over=embd, eps=1e-06}\n output y\n}"},
		},
	},
	{
		Name: "softmax", Class: ir.RowReduce,
		Doc:         "eˣ / Σ eˣ along an axis, computed relative to the maximum",
		Args:        []string{"x"},
		Attrs:       []ir.AttrSpec{{Name: "over", Kind: ir.AttrAxis}},
		Constraints: []string{"x is a tensor of floats", "x has the axis"},
		Infer: func(c *ir.Check) ir.Type {
			c.Float(1, 0)
			c.Axis(2, 0, over(c.Node))
			return ir.Tensor(kernel.F32, c.In[0].Axes...)
		},
		Eval: func(e *ir.Eval) (*ir.Array, error) {
			eachRow(e.In[0], over(e.Node), func(base, stride, n int) {
				m, s := math.Inf(-1), 0.0
				for i := range n {
					m = max(m, e.In[0].Data[base+i*stride])
				}
				for i := range n {
					v := math.Exp(e.In[0].Data[base+i*stride] - m)
					e.Out.Data[base+i*stride] = v
					s += v
				}
				for i := range n {
					e.Out.Data[base+i*stride] /= s
				}
			})
			return e.Out, nil
		},
		Reduce: &ir.Reduction{
			Axis: over,
			Stages: []ir.Stage{
				{Op: kernel.Max, Elem: func(p ir.Point, _ []kernel.Expr) kernel.Expr { return p.In(0) }},
				{Op: kernel.Sum, Elem: func(p ir.Point, s []kernel.Expr) kernel.Expr { return expDiff(p.In(0), s[0]) }},
			},
			Elem:   func(p ir.Point, s []kernel.Expr) kernel.Expr { return kernel.Div(expDiff(p.In(0), s[0]), s[1]) },
			Online: &ir.Online{Weight: expDiff, Rescale: expDiff},
		},
		Cases: []ir.Case{
			{Name: "rows", Env: map[string]int64{"S": 2},
				Text: "graph t {\n symbol S\n bound S >= 1\n bound S <= 9\n x: f32[q=S, kv=9] = input()\n y = softmax(x) {over=kv}\n output y\n}"},
			{Name: "one", Text: "graph t {\n x: f32[q=2, kv=1] = input()\n y = softmax(x) {over=kv}\n output y\n}"},
		},
	},
}

func expDiff(x, m kernel.Expr) kernel.Expr { return kernel.Apply("exp", kernel.Sub(x, m)) }

// eachRow calls f with every row of a along an axis: its first element, the distance between elements and their number.
func eachRow(a *ir.Array, axis string, f func(base, stride, n int)) {
	n, stride := a.Dim(axis), a.Stride(axis)
	for base := range a.Data {
		if base/stride%n == 0 {
			f(base, stride, n)
		}
	}
}
