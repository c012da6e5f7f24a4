package codegen_test

import (
	"fmt"
	"math"
	"slices"

	"pgregory.net/rapid"

	"github.com/llorch/llorch/ir"
	"github.com/llorch/llorch/ir/dim"
	"github.com/llorch/llorch/ir/kernel"
	"github.com/llorch/llorch/ir/op"
	"github.com/llorch/llorch/passes/lower"
)

// drawn is a random well-typed graph in the making. Axes of one name nearly always have one extent, so that values meet;
// magnitudes are bounded, so that f32 stays near the reference.
type drawn struct {
	t      *rapid.T
	g      *ir.Graph
	s      ir.Scope
	values []*ir.Node // what ops may read; the latest are the likeliest
	hidden []*ir.Node // what only outputs may
	bound  map[*ir.Node]float64
	fresh  int
	f16    bool // a state rounds
}

// extents of the axes that graphs share.
var extents = map[string]int{"a": 3, "b": 4, "c": 2, "d": 6, "e": 1, "f": 9}

var axisNames = []string{"a", "b", "c", "d", "e", "f"}

const ctxTokens = 9

// drawGraph draws a graph of some inputs, ops and outputs; with a step, it has S new tokens after P.
func drawGraph(t *rapid.T) *drawn {
	d := &drawn{t: t, g: ir.New("random", op.Table), bound: map[*ir.Node]float64{}}
	d.s = d.g.Root()
	b := &d.g.Bounds
	b.Declare("S")
	b.AtLeast(dim.Sym("S"), dim.Const(1))
	b.AtMost(dim.Sym("S"), dim.Const(6))
	if rapid.IntRange(0, 3).Draw(t, "step") > 0 {
		b.Declare("P")
		b.AtLeast(dim.Sym("P"), dim.Const(0))
		b.AtMost(dim.Sym("P").Add(dim.Sym("S")), dim.Const(ctxTokens))
		d.g.Step = &ir.Step{New: dim.Sym("S"), Past: dim.Sym("P")}
		d.op("positions", ir.Attrs{"axis": "q", "count": dim.Sym("S"), "from": dim.Sym("P")})
	}
	d.input()
	for _, i := range rapid.SliceOfN(below(len(moves)), 1, 12).Draw(t, "ops") {
		moves[i](d)
	}
	d.outputs()
	return d
}

// below draws an index evenly, where rapid's own ranges favour small numbers.
func below(n int) *rapid.Generator[int] {
	return rapid.Custom(func(t *rapid.T) int {
		i := 0
		for range 7 {
			i *= 2
			if rapid.Bool().Draw(t, "bit") {
				i++
			}
		}
		return i % n
	})
}

// among is one of the elements, drawn evenly.
func among[T any](d *drawn, from ...T) T { return from[below(len(from)).Draw(d.t, "which")] }

// moves are what a graph grows by; those named twice are likelier.
var moves = []func(*drawn){
	(*drawn).unary, (*drawn).binary, (*drawn).binary, (*drawn).residual, (*drawn).norm, (*drawn).norm, (*drawn).softmax,
	(*drawn).project, (*drawn).project, (*drawn).siblings, (*drawn).siblings, (*drawn).contract, (*drawn).split, (*drawn).merge, (*drawn).rename,
	(*drawn).broadcast, (*drawn).stretch, (*drawn).stretch, (*drawn).last, (*drawn).rope, (*drawn).appended, (*drawn).attend, (*drawn).attend, (*drawn).gather, (*drawn).input,
}

// op adds a node, which the table must accept, with a bound of its elements' magnitude.
func (d *drawn) op(name string, attrs ir.Attrs, in ...*ir.Node) *ir.Node {
	n := d.s.Op(name, fmt.Sprintf("%s%d", name, len(d.g.Nodes)), attrs, in...)
	c := &ir.Check{G: d.g, Node: n}
	for _, x := range in {
		c.In = append(c.In, x.Type)
		d.bound[n] = max(d.bound[n], d.bound[x])
	}
	n.Type = n.Op.Infer(c)
	if !c.OK() || !n.Type.Valid() {
		d.t.Fatalf("the drawn graph is wrong at %s\n%s%v", n.Name, ir.Print(d.g), ir.Verify(d.g))
	}
	return n
}

// value is op for a value that others may read.
func (d *drawn) value(name string, attrs ir.Attrs, in ...*ir.Node) *ir.Node {
	n := d.op(name, attrs, in...)
	d.values = append(d.values, n)
	return n
}

func (d *drawn) leaf(op string, t ir.Type, bound float64) *ir.Node {
	n := d.s.Declare(op, fmt.Sprintf("%s%d", op, len(d.g.Nodes)), t, nil)
	d.bound[n] = bound
	return n
}

func (d *drawn) param(axes ...ir.Axis) *ir.Node {
	t := among(d, kernel.F32, kernel.F16, kernel.BF16)
	return d.leaf("param", ir.Tensor(t, axes...), 4)
}

func (d *drawn) flip() bool { return rapid.Bool().Draw(d.t, "flip") }

// pick draws one of the values that ok accepts, or nil.
func (d *drawn) pick(ok func(*ir.Node) bool) *ir.Node {
	var fit []*ir.Node
	for _, n := range slices.Backward(d.values) {
		if ok == nil || ok(n) {
			fit = append(fit, n)
		}
	}
	if len(fit) == 0 {
		return nil
	}
	return fit[rapid.IntRange(0, len(fit)-1).Draw(d.t, "pick")]
}

// pickAxis draws one of a value's axes that ok accepts.
func (d *drawn) pickAxis(n *ir.Node, ok func(ir.Axis) bool) (ir.Axis, bool) {
	var fit []ir.Axis
	for _, a := range n.Type.Axes {
		if ok == nil || ok(a) {
			fit = append(fit, a)
		}
	}
	if len(fit) == 0 {
		return ir.Axis{}, false
	}
	return fit[rapid.IntRange(0, len(fit)-1).Draw(d.t, "axis")], true
}

func extent(a ir.Axis) (int, bool) {
	n, ok := a.Dim.Const()
	return int(n), ok
}

func isConst(a ir.Axis) bool { _, ok := extent(a); return ok }

// axis is a named axis that none of the types has, of the extent n when that is positive.
func (d *drawn) axis(n int, not ...ir.Type) ir.Axis {
	has := func(name string) bool {
		return slices.ContainsFunc(not, func(t ir.Type) bool { return t.Index(name) >= 0 })
	}
	fit := slices.DeleteFunc(slices.Clone(axisNames), func(name string) bool { return has(name) || n > 0 && extents[name] != n })
	if len(fit) > 0 && (n == 0 || d.flip()) {
		name := among(d, fit...)
		return ir.Ax(name, extents[name])
	}
	if n == 0 {
		n = rapid.IntRange(1, 5).Draw(d.t, "extent")
	}
	d.fresh++
	return ir.Ax(fmt.Sprintf("n%d", d.fresh), n)
}

var token = ir.Ax("q", dim.Sym("S"))

// input declares an input whose axes stand in any order.
func (d *drawn) input() {
	perm := rapid.Permutation([]string{"q", "a", "b", "c", "d"}).Draw(d.t, "axes")[:rapid.IntRange(1, 3).Draw(d.t, "rank")]
	if d.flip() {
		perm = []string{"q", among(d, axisNames...)} // what models have
	}
	t := tensor(perm...)
	if rapid.IntRange(0, 9).Draw(d.t, "narrow") == 9 {
		t.DType = among(d, kernel.F16, kernel.BF16)
	}
	d.values = append(d.values, d.leaf("input", t, 4))
}

func tensor(axes ...string) ir.Type {
	t := ir.Type{DType: kernel.F32}
	for _, a := range axes {
		if a == "q" {
			t.Axes = append(t.Axes, token)
			continue
		}
		t.Axes = append(t.Axes, ir.Ax(a, extents[a]))
	}
	return t
}

// tame is x, scaled down when it may be large.
func (d *drawn) tame(x *ir.Node) *ir.Node {
	if d.bound[x] <= 100 {
		return x
	}
	by := math.Exp2(-math.Ceil(math.Log2(d.bound[x] / 10)))
	y := d.value("scale", ir.Attrs{"by": by}, x)
	d.bound[y] = d.bound[x] * by
	return y
}

// outputs draws results, in no order: always the last value, and any others that lie in memory of a step.
func (d *drawn) outputs() {
	var fit []*ir.Node
	for _, n := range append(slices.Clone(d.hidden), d.values...) {
		if s := lower.Storage(n); s.Op.Source == ir.Computed || s.Op.Source == ir.FromCaller {
			fit = append(fit, n)
		}
	}
	if len(fit) == 0 {
		d.t.Skip("nothing to give out")
	}
	out := []*ir.Node{fit[len(fit)-1]}
	for range rapid.IntRange(0, 3).Draw(d.t, "outputs") {
		n := among(d, fit...)
		if !slices.Contains(out, n) {
			out = append(out, n)
		}
	}
	d.g.Output(out...)
}
