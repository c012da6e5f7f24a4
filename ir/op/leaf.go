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
		Doc:         "a weight, by its path; its type is declared and proved against the weight file",
		Constraints: []string{"its type is a tensor, neither a state nor positions", "its rows are whole blocks of its dtype"},
		Infer:       inferData,
	},
	{
		Name: "input", Class: ir.Leaf, Source: ir.FromCaller,
		Doc:         "an argument of every run",
		Constraints: []string{"its type is a tensor, neither a state nor positions", "its rows are whole blocks of its dtype"},
		Infer:       inferData,
	},
	{
		Name: "const", Class: ir.Leaf, Source: ir.FromCompiler,
		Doc:         "values known to the compiler, row-major",
		Attrs:       []ir.AttrSpec{{Name: "values", Kind: ir.AttrFloats}},
		Constraints: []string{"its type is a tensor of f32", "it has as many values as its type has elements"},
		Infer:       inferConst,
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
		Constraints: []string{
			"its type is a state of floats", "it has the axis along which it grows", "its extents are constant: memory outlives a step",
		},
		Infer: inferState,
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

// inferData keeps what the caller and the weight file give from being taken for the step's own positions and memory.
func inferData(c *ir.Check) ir.Type {
	t := c.Node.Type
	if t.State || t.From != nil || t.DType == kernel.Pos {
		c.Wrong(1, "states come from the op state, positions from the op positions", "its type is %s, want a tensor", t)
		return ir.Type{}
	}
	if t.Valid() && !wholeBlocks(c, 2, c.Node.Name, t) {
		return ir.Type{}
	}
	return t
}

func inferConst(c *ir.Check) ir.Type {
	t, n := c.Node.Type, len(c.Node.Floats("values"))
	if !t.Valid() {
		return t
	}
	if !t.Same(ir.Tensor(kernel.F32, t.Axes...)) {
		c.Wrong(1, "", "its type is %s, want a tensor of f32", t)
	}
	p, ok := product(t.Axes)
	if k, isConst := p.Const(); !ok || !isConst {
		c.Wrong(2, "", "%d values for a type of symbolic extent: %s", n, t)
	} else if int64(n) != k {
		c.Wrong(2, "", "%d values for the %d elements of %s", n, k, t)
	}
	return t
}

func inferState(c *ir.Check) ir.Type {
	t := c.Node.Type
	if !t.Valid() {
		return t
	}
	const hint = "declare it: k: state f16[kv_head=4, ctx=512, dim=8] = state() {along=ctx}"
	if !t.State || !t.DType.Row().Weight || t.From != nil {
		c.Wrong(1, hint, "its type is %s, want a state of floats", t)
	}
	if along := c.Node.Word("along"); t.Index(along) < 0 {
		c.Wrong(2, hint, "grows along %s, which is no axis of %s", along, t)
	}
	for _, a := range t.Axes {
		if _, ok := a.Dim.Const(); !ok {
			c.Wrong(3, "the bounds hold what varies to what is allotted: bound P+S <= 512", "axis %s has the extent %s, want a constant", a.Name, a.Dim)
		}
	}
	if !c.OK() {
		return ir.Type{}
	}
	return t
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
