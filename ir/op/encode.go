package op

import (
	"strings"

	"github.com/llorch/llorch/ir"
	"github.com/llorch/llorch/ir/dim"
	"github.com/llorch/llorch/ir/kernel"
)

var encodings = []*ir.Op{
	{
		Name: "quantise", Class: ir.Encoding,
		Doc:         "x rounded to 8 or 16 bits a value, in blocks of 32 along the last axis that share a scale: what integer dot products take",
		Args:        []string{"x"},
		Attrs:       []ir.AttrSpec{{Name: "to", Kind: ir.AttrDType}},
		Constraints: []string{"x is a tensor of floats", "its last axis is of whole blocks", "it is rounded to a type of activations"},
		Infer: func(c *ir.Check) ir.Type {
			c.Float(1, 0)
			to := c.Node.DTypeAttr("to")
			if to.Row() == nil || !to.Row().Acts {
				c.Fail(3, "", "%s is no type of activations, want %s", to, actTypes())
				return ir.Type{}
			}
			if len(c.In[0].Axes) == 0 {
				c.Fail(2, "", "%s has no axis", c.Label(0))
				return ir.Type{}
			}
			t := ir.Tensor(to, c.In[0].Axes...)
			wholeBlocks(c, 2, c.Label(0), t)
			return t
		},
		Eval: func(e *ir.Eval) (*ir.Array, error) {
			row := e.Node.Type.DType.Row()
			block, bytes := make([]float32, row.Elems), make([]byte, row.Bytes)
			for i := 0; i < len(e.Out.Data); i += row.Elems {
				for j := range block {
					block[j] = float32(e.In[0].Data[i+j])
				}
				row.Encode(bytes, block)
				row.Decode(block, bytes)
				for j, v := range block {
					e.Out.Data[i+j] = float64(v)
				}
			}
			return e.Out, nil
		},
		Cases: []ir.Case{
			{Name: "tokens", Env: map[string]int64{"S": 3},
				Text: "graph t {\n symbol S\n bound S >= 1\n bound S <= 9\n x: f32[q=S, embd=96] = input()\n w: q8_0[out=37, embd=96] = param()\n x8 = quantise(x) {to=a8}\n y = matmul(x8, w) {over=embd}\n output y\n}"},
			{Name: "vector",
				Text: "graph t {\n x: f32[embd=256] = input()\n w: q4_k[out=16, embd=256] = param()\n x16 = quantise(x) {to=a16}\n y = matmul(x16, w) {over=embd}\n output y\n}"},
		},
	},
}

// actTypes lists the types of activations.
func actTypes() string {
	var names []string
	for _, row := range kernel.DTypes {
		if row.Acts {
			names = append(names, row.Name)
		}
	}
	return strings.Join(names, " or ")
}

// wholeBlocks demands that a tensor's rows are whole blocks of its dtype.
func wholeBlocks(c *ir.Check, rule int, what string, t ir.Type) bool {
	row := t.DType.Row()
	if row.Elems == 1 {
		return true
	}
	if len(t.Axes) == 0 {
		c.Wrong(rule, "", "%s has no axis that blocks of %s could lie along", what, row.Name)
		return false
	}
	last := t.Axes[len(t.Axes)-1]
	if divides(int64(row.Elems), last.Dim) {
		return true
	}
	c.Wrong(rule, "", "the last axis of %s, %s, is not proved to be whole blocks of %s, which have %d elements", what, last, row.Name, row.Elems)
	return false
}

// divides reports that every value of d is a multiple of n.
func divides(n int64, d dim.Dim) bool {
	if d.Offset()%n != 0 {
		return false
	}
	for _, s := range d.Symbols() {
		if d.Coef(s)%n != 0 {
			return false
		}
	}
	return true
}
