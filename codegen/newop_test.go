package codegen_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/llorch/llorch/gen"
	"github.com/llorch/llorch/ir"
	"github.com/llorch/llorch/ir/kernel"
	"github.com/llorch/llorch/ir/op"
	"github.com/llorch/llorch/runtime/cpu"
)

// newOps are rows that llorch has never heard of, one for each of the classes that models add: everything else about them
// follows from the row.
var newOps = []*ir.Op{
	op.Unary("gelu_new", "x/2 · (1 + tanh(√(2/π) (x + 0.044715 x³))) (Hendrycks and Gimpel 2016, arXiv 1606.08415)",
		func(x float64) float64 {
			return x / 2 * (1 + math.Tanh(math.Sqrt(2/math.Pi)*(x+0.044715*x*x*x)))
		},
		func(x kernel.Expr) kernel.Expr {
			cube := kernel.Mul(kernel.F(0.044715), kernel.Mul(x, kernel.Mul(x, x)))
			tanh := kernel.Apply("tanh", kernel.Mul(kernel.F(math.Sqrt(2/math.Pi)), kernel.Add(x, cube)))
			return kernel.Mul(kernel.Mul(kernel.F(0.5), x), kernel.Add(kernel.F(1), tanh))
		}),
	op.Binary("max", "the greater of x and y", math.Max, kernel.MaxE),
	{
		Name: "l2_norm", Class: ir.RowReduce, Doc: "x / √(Σ x² + eps) along an axis",
		Args:        []string{"x"},
		Attrs:       []ir.AttrSpec{{Name: "over", Kind: ir.AttrAxis}, {Name: "eps", Kind: ir.AttrFloat}},
		Constraints: []string{"x is a tensor of floats", "x has the axis"},
		Infer: func(c *ir.Check) ir.Type {
			c.Float(1, 0)
			c.Axis(2, 0, c.Node.Word("over"))
			return ir.Tensor(kernel.F32, c.In[0].Axes...)
		},
		Eval: func(e *ir.Eval) (*ir.Array, error) {
			x, over := e.In[0], e.Node.Word("over")
			n, stride := x.Dim(over), x.Stride(over)
			for i := range x.Data {
				sum, first := e.Node.Float("eps"), i-i/stride%n*stride
				for k := range n {
					sum += x.Data[first+k*stride] * x.Data[first+k*stride]
				}
				e.Out.Data[i] = x.Data[i] / math.Sqrt(sum)
			}
			return e.Out, nil
		},
		Reduce: &ir.Reduction{
			Axis:   func(n *ir.Node) string { return n.Word("over") },
			Stages: []ir.Stage{{Op: kernel.Sum, Elem: func(p ir.Point, _ []kernel.Expr) kernel.Expr { return kernel.Mul(p.In(0), p.In(0)) }}},
			Elem: func(p ir.Point, s []kernel.Expr) kernel.Expr {
				return kernel.Mul(p.In(0), kernel.Apply("rsqrt", kernel.Add(s[0], p.Const("eps", p.Node().Float("eps")))))
			},
		},
		Cases: []ir.Case{
			{Name: "rows", Env: map[string]int64{"S": 3},
				Text: "graph t {\n symbol S\n bound S >= 1\n bound S <= 9\n x: f32[q=S, b=7] = input()\n y = l2_norm(x) {over=b, eps=0.001}\n output y\n}"},
			{Name: "columns", Text: "graph t {\n x: f32[a=3, b=7] = input()\n y = l2_norm(x) {over=a, eps=0.001}\n output y\n}"},
		},
	},
	{
		Name: "reverse", Class: ir.IndexMap, Doc: "x backwards along an axis",
		Args:        []string{"x"},
		Attrs:       []ir.AttrSpec{{Name: "axis", Kind: ir.AttrAxis}},
		Constraints: []string{"x has the axis"},
		Infer: func(c *ir.Check) ir.Type {
			c.Axis(1, 0, c.Node.Word("axis"))
			return c.In[0].With(c.In[0].Axes...)
		},
		Eval: func(e *ir.Eval) (*ir.Array, error) {
			x, axis := e.In[0], e.Node.Word("axis")
			n, stride := x.Dim(axis), x.Stride(axis)
			for i := range x.Data {
				k := i / stride % n
				e.Out.Data[i] = x.Data[i+(n-1-2*k)*stride]
			}
			return e.Out, nil
		},
		Within: func(n *ir.Node) ir.Within { return ir.Within{Axis: n.Word("axis")} },
		Point: func(p ir.Point) kernel.Expr {
			axis := p.Node().Word("axis")
			a, _ := p.Node().Type.Axis(axis)
			last := kernel.Sub(p.Dim(axis, a.Dim), kernel.I(1))
			return p.In(0, ir.At{Axis: axis, I: kernel.Sub(last, p.Coord(axis))})
		},
		Cases: []ir.Case{
			{Name: "rows", Env: map[string]int64{"S": 3},
				Text: "graph t {\n symbol S\n bound S >= 1\n bound S <= 9\n x: f32[q=S, b=7] = input()\n y = reverse(x) {axis=b}\n output y\n}"},
			{Name: "tokens", Env: map[string]int64{"S": 4},
				Text: "graph t {\n symbol S\n bound S >= 1\n bound S <= 9\n x: f32[q=S, b=7] = input()\n y = reverse(x) {axis=q}\n output y\n}"},
		},
	},
}

var newTable = op.NewTable(append(append([]*ir.Op{}, op.Rows...), newOps...)...)

// fusedNewOps is all of them about a contraction: l2_norm before, the others after.
var fusedNewOps = ir.Case{Name: "fused", Env: map[string]int64{"S": 1, "P": 3}, Text: `graph t {
  symbol S, P
  bound S >= 1
  bound P >= 0
  bound P+S <= 9
  step S after P
  p: pos[q=S] from P = positions() {axis=q, count=S, from=P}
  x: f32[q=S, embd=11] = input()
  w: f16[out=10, embd=11] = param()
  h: f32[q=S, embd=11] = l2_norm(x) {over=embd, eps=0.01}
  y: f32[q=S, out=10] = matmul(h, w) {over=embd}
  g: f32[q=S, out=10] = gelu_new(y)
  bias: f32[out=10] = param()
  m: f32[q=S, out=10] = max(g, bias)
  heads: f32[q=S, head=2, dim=5] = split(m) {axis=out, into=[head=2, dim=5]}
  r: f32[q=S, head=2, dim=5] = reverse(heads) {axis=dim}
  k: state f32[head=2, ctx=9, dim=5] = state() {along=ctx}
  all: f32[head=2, kv=P+S, dim=5] = append(k, r, p) {over=ctx, new=q, as=kv}
  z: f32[head=2, kv=P+S, dim=5] = gelu_new(all)
  output r, z
}
`}

func newOpCases() []ir.Case {
	cases := []ir.Case{fusedNewOps}
	for _, row := range newOps {
		for _, c := range row.Cases {
			c.Name = row.Name + "/" + c.Name
			cases = append(cases, c)
		}
	}
	return cases
}

// TestNewOpNeedsOnePlace: rows of a table of one's own parse, print, verify, evaluate, fuse, and run. TestEmittedGo runs them
// as Go.
func TestNewOpNeedsOnePlace(t *testing.T) {
	for _, c := range newOpCases() {
		t.Run(c.Name, func(t *testing.T) {
			tr := parseTrial(t, newTable, c)
			again, err := ir.Parse(c.Name, ir.Print(tr.g), newTable)
			require.NoError(t, err)
			require.Equal(t, ir.Print(tr.g), ir.Print(again))
			compiled := tr.compile(t)
			got := tr.run(t, compiled.Program, tr.weights(compiled), cpu.Library{Tiles: gen.Library().Tiles}, 1)
			near(t, tr.reference(t), got, 1e-5, "interpreter")
		})
	}
	_, err := ir.Parse("old", fusedNewOps.Text, op.Table)
	require.ErrorContains(t, err, "l2_norm", "the table itself is as it was")
}

// TestNewOpsFuse: at decode one kernel computes all but the reader of the cache.
func TestNewOpsFuse(t *testing.T) {
	tr := parseTrial(t, newTable, fusedNewOps)
	tr.target = "tiny"
	c := tr.compile(t)
	decode := c.Module.Graphs[0]
	require.Equal(t, "decode", decode.Name)
	require.Len(t, decode.Groups, 2, ir.Print(decode))
	var names []string
	for _, n := range decode.Groups[0].Nodes {
		names = append(names, n.Op.Name)
	}
	require.Equal(t, ir.RoleContract, decode.Groups[0].Role)
	require.ElementsMatch(t, []string{"l2_norm", "matmul", "gelu_new", "max", "split", "reverse", "append"}, names)
}

// TestNewOpIsChecked: its constraints are its own, and diagnostics name it.
func TestNewOpIsChecked(t *testing.T) {
	g, err := ir.Parse("bad.ir", "graph t {\n x: f32[a=3] = input()\n y = l2_norm(x) {over=b, eps=0.1}\n output y\n}", newTable)
	require.NoError(t, err)
	require.ErrorContains(t, ir.Verify(g), "[l2_norm.2]")
}
