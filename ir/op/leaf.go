package op

import (
	"fmt"

	"github.com/llorch/llorch/ir"
	"github.com/llorch/llorch/ir/dim"
	"github.com/llorch/llorch/ir/kernel"
)

var leaves = []*ir.Op{
	{
		Name: "param", Class: ir.Leaf, Source: ir.FromWeights,
		Doc: "a weight, by its path; its type is declared and proved against the weight file",
	},
	{
		Name: "input", Class: ir.Leaf, Source: ir.FromCaller,
		Doc: "an argument of every run",
	},
	{
		Name: "const", Class: ir.Leaf, Source: ir.FromCompiler,
		Doc:   "values known to the compiler, row-major",
		Attrs: []ir.AttrSpec{{Name: "values", Kind: ir.AttrFloats}},
		Eval: func(e *ir.Eval) (*ir.Array, error) {
			vs := e.Node.Floats("values")
			if len(vs) != len(e.Out.Data) {
				return nil, fmt.Errorf("%d values for %d elements", len(vs), len(e.Out.Data))
			}
			for i, v := range vs {
				e.Out.Data[i] = float64(float32(v)) // stored as f32
			}
			return e.Out, nil
		},
	},
	{
		Name: "state", Class: ir.Leaf, Source: ir.FromSession,
		Doc:   "KV memory of a sequence, which grows along one axis by the step's new tokens",
		Attrs: []ir.AttrSpec{{Name: "along", Kind: ir.AttrAxis}},
	},
	{
		Name: "positions", Class: ir.Leaf, Source: ir.FromStep,
		Doc: "count positions from, from+1, ... along axis",
		Attrs: []ir.AttrSpec{
			{Name: "axis", Kind: ir.AttrAxis}, {Name: "count", Kind: ir.AttrDim}, {Name: "from", Kind: ir.AttrDim},
		},
		Infer: func(c *ir.Check) ir.Type {
			from := c.Node.DimAttr("from")
			t := ir.Tensor(kernel.Pos, ir.Axis{Name: c.Node.Word("axis"), Dim: c.Node.DimAttr("count")})
			t.From = &from
			return t
		},
		Eval: func(e *ir.Eval) (*ir.Array, error) {
			from, err := e.Node.DimAttr("from").Eval(e.Env)
			for i := range e.Out.Data {
				e.Out.Data[i] = float64(from + int64(i))
			}
			return e.Out, err
		},
	},
}

// product multiplies extents of which at most one may be symbolic.
func product(dims []ir.Axis) (dim.Dim, bool) {
	p := dim.Const(1)
	for _, a := range dims {
		if k, ok := a.Dim.Const(); ok {
			p = p.Mul(k)
		} else if k, ok := p.Const(); ok {
			p = a.Dim.Mul(k)
		} else {
			return p, false
		}
	}
	return p, true
}
