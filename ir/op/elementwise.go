package op

import (
	"math"

	"github.com/llorch/llorch/ir"
	"github.com/llorch/llorch/ir/kernel"
)

var elementwise = []*ir.Op{
	cast,
	absorbing(Binary("add", "x + y", func(x, y float64) float64 { return x + y }, kernel.Add)),
	Binary("sub", "x - y", func(x, y float64) float64 { return x - y }, kernel.Sub),
	Binary("mul", "x · y", func(x, y float64) float64 { return x * y }, kernel.Mul),
	Unary("silu", "x / (1 + e⁻ˣ) (Elfwing et al. 2017, arXiv 1702.03118)",
		func(x float64) float64 { return x / (1 + math.Exp(-x)) },
		func(x kernel.Expr) kernel.Expr {
			return kernel.Div(x, kernel.Add(kernel.F(1), kernel.Apply("exp", kernel.Sub(kernel.F(0), x))))
		}),
	Unary("gelu_tanh", "x/2 · (1 + tanh(√(2/π) (x + 0.044715 x³))) (Hendrycks and Gimpel 2016, arXiv 1606.08415)",
		func(x float64) float64 { return x / 2 * (1 + math.Tanh(math.Sqrt(2/math.Pi)*(x+0.044715*x*x*x))) },
		func(x kernel.Expr) kernel.Expr {
			cube := kernel.Mul(kernel.F(0.044715), kernel.Mul(x, kernel.Mul(x, x)))
			tanh := kernel.Apply("tanh", kernel.Mul(kernel.F(math.Sqrt(2/math.Pi)), kernel.Add(x, cube)))
			return kernel.Mul(kernel.Mul(kernel.F(0.5), x), kernel.Add(kernel.F(1), tanh))
		}),
	withNumber("scale", "by · x", "by", func(x, by float64) float64 { return by * x }, kernel.Mul),
	withNumber("shift", "x + by", "by", func(x, by float64) float64 { return x + by }, kernel.Add),
	withNumber("softcap", "at · tanh(x / at), which lies within ±at (Gemma Team 2024, arXiv 2408.00118)", "at",
		func(x, at float64) float64 { return at * math.Tanh(x/at) },
		func(x, at kernel.Expr) kernel.Expr { return kernel.Mul(at, kernel.Apply("tanh", kernel.Div(x, at))) }),
}

// withNumber makes the row of a function of one element and of a number, the attribute attr.
func withNumber(name, doc, attr string, f func(x, n float64) float64, expr func(x, n kernel.Expr) kernel.Expr) *ir.Op {
	o := Unary(name, doc, nil, nil)
	o.Attrs = []ir.AttrSpec{{Name: attr, Kind: ir.AttrFloat}}
	o.Eval = func(e *ir.Eval) (*ir.Array, error) {
		for i, x := range e.In[0].Data {
			e.Out.Data[i] = f(x, e.Node.Float(attr))
		}
		return e.Out, nil
	}
	o.Point = func(p ir.Point) kernel.Expr { return expr(p.In(0), p.Const(attr, p.Node().Float(attr))) }
	o.Cases = []ir.Case{{Name: "half", Text: "graph t {\n x: f32[a=3, b=5] = input()\n y = " + name + "(x) {" + attr + "=0.5}\n output y\n}"}}
	return o
}

// cast is how a graph says that a value is kept in a narrower type, so that the reference rounds where kernels do.
var cast = &ir.Op{
	Name: "cast", Class: ir.Elementwise, Doc: "x rounded to a narrower type of floats, to nearest even",
	Args:        []string{"x"},
	Attrs:       []ir.AttrSpec{{Name: "to", Kind: ir.AttrDType}},
	Constraints: []string{"x is a tensor of floats", "it is rounded to f16 or bf16"},
	Infer: func(c *ir.Check) ir.Type {
		c.Float(1, 0)
		to := c.Node.DTypeAttr("to")
		if to != kernel.F16 && to != kernel.BF16 {
			c.Fail(2, "", "%s is neither f16 nor bf16", to)
			return ir.Type{}
		}
		return ir.Tensor(to, c.In[0].Axes...)
	},
	Eval: func(e *ir.Eval) (*ir.Array, error) {
		row := e.Node.Type.DType.Row()
		one, bytes := make([]float32, 1), make([]byte, row.Bytes)
		for i, x := range e.In[0].Data {
			one[0] = float32(x)
			row.Encode(bytes, one)
			row.Decode(one, bytes)
			e.Out.Data[i] = float64(one[0])
		}
		return e.Out, nil
	},
	Point: func(p ir.Point) kernel.Expr { return p.In(0) },
	Cases: []ir.Case{
		{Name: "f16", Env: map[string]int64{"S": 3}, Text: "graph t {\n symbol S\n bound S >= 1\n bound S <= 9\n x: f32[q=S, embd=33] = input()\n w: f32[out=5, embd=33] = param()\n h = cast(x) {to=f16}\n y = matmul(h, w) {over=embd}\n output y\n}"},
		{Name: "bf16", Text: "graph t {\n x: f32[a=7] = input()\n h = cast(x) {to=bf16}\n y = scale(h) {by=3}\n output y\n}"},
	},
}

// Unary makes the row of a function of one number.
func Unary(name, doc string, f func(float64) float64, expr func(kernel.Expr) kernel.Expr) *ir.Op {
	return &ir.Op{
		Name: name, Class: ir.Elementwise, Doc: doc,
		Args:        []string{"x"},
		Constraints: []string{"x is a tensor of floats"},
		Infer: func(c *ir.Check) ir.Type {
			c.Float(1, 0)
			return ir.Tensor(kernel.F32, c.In[0].Axes...)
		},
		Eval: func(e *ir.Eval) (*ir.Array, error) {
			for i, x := range e.In[0].Data {
				e.Out.Data[i] = f(x)
			}
			return e.Out, nil
		},
		Point: func(p ir.Point) kernel.Expr { return expr(p.In(0)) },
		Cases: []ir.Case{
			{Name: "matrix", Text: "graph t {\n symbol S\n bound S >= 1\n bound S <= 9\n x: f32[q=S, b=7] = input()\n y = " + name + "(x)\n output y\n}", Env: map[string]int64{"S": 3}},
			{Name: "one", Text: "graph t {\n x: f32[a=1] = input()\n y = " + name + "(x)\n output y\n}"},
		},
	}
}

// Binary makes the row of a function of two numbers, whose operands broadcast by axis name.
func Binary(name, doc string, f func(x, y float64) float64, expr func(x, y kernel.Expr) kernel.Expr) *ir.Op {
	text := func(x, y string) string {
		return "graph t {\n symbol S\n bound S >= 1\n bound S <= 9\n x: f32[" + x + "] = input()\n y: f32[" + y + "] = input()\n z = " + name + "(x, y)\n output z\n}"
	}
	return &ir.Op{
		Name: name, Class: ir.Elementwise, Doc: doc,
		Args: []string{"x", "y"},
		Constraints: []string{
			"x and y are tensors of floats",
			"axes that both have are of equal extent; 1 does not stretch",
			"the axes of one are among the other's",
		},
		Infer: inferBroadcast,
		Eval: func(e *ir.Eval) (*ir.Array, error) {
			x, y := e.In[0], e.In[1]
			xs, ys := x.Strides(e.Out.Axes), y.Strides(e.Out.Axes)
			e.Out.Each(func(i int, at []int) {
				e.Out.Data[i] = f(x.Data[ir.Offset(at, xs)], y.Data[ir.Offset(at, ys)])
			})
			return e.Out, nil
		},
		Point: func(p ir.Point) kernel.Expr { return expr(p.In(0), p.In(1)) },
		Cases: []ir.Case{
			{Name: "same", Text: text("q=S, b=7", "q=S, b=7"), Env: map[string]int64{"S": 2}},
			{Name: "rows", Text: text("q=S, b=7", "b=7"), Env: map[string]int64{"S": 3}},
			{Name: "columns", Text: text("q=S", "b=5, q=S"), Env: map[string]int64{"S": 3}},
			{Name: "transposed", Text: text("a=2, b=3", "b=3, a=2"), Env: map[string]int64{"S": 1}},
		},
	}
}

// inferBroadcast aligns operands by axis name. The result has the axes of the operand that has them all.
func inferBroadcast(c *ir.Check) ir.Type {
	c.Float(1, 0, 1)
	big, small := 0, 1
	if len(c.In[1].Axes) > len(c.In[0].Axes) {
		big, small = 1, 0
	}
	for _, a := range c.In[small].Axes {
		if c.In[big].Index(a.Name) < 0 {
			c.Fail(3, "broadcast or rename one of them explicitly", "%s has axis %s, which %s lacks", c.Label(small), a.Name, c.Label(big))
			continue
		}
		c.SameExtent(2, 0, 1, a.Name)
	}
	return ir.Tensor(kernel.F32, c.In[big].Axes...)
}

// absorbing says of an op that -inf in an operand makes its result -inf.
func absorbing(o *ir.Op) *ir.Op {
	o.Absorbs = true
	return o
}
