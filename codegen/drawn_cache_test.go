package codegen_test

import (
	"slices"

	"pgregory.net/rapid"

	"github.com/llorch/llorch/ir"
	"github.com/llorch/llorch/ir/dim"
	"github.com/llorch/llorch/ir/kernel"
)

// Moves of sequences: rotations, caches, attention.

var all = dim.Sym("P").Add(dim.Sym("S"))

// queries are the positions of the step, declared first.
func (d *drawn) queries() *ir.Node { return d.g.Nodes[0] }

func hasTokens(n *ir.Node) bool {
	a, ok := n.Type.Axis("q")
	return ok && a.Dim.Same(token.Dim)
}

func (d *drawn) rope() {
	if d.g.Step == nil {
		return
	}
	x := d.pick(hasTokens)
	if x == nil {
		return
	}
	if a, ok := d.pickAxis(x, func(a ir.Axis) bool { n, ok := extent(a); return ok && n >= 2 }); ok {
		d.rotated(x, a)
	}
}

func (d *drawn) rotated(x *ir.Node, over ir.Axis) *ir.Node {
	n, _ := extent(over)
	pairs := rapid.IntRange(1, min(n/2, 4)).Draw(d.t, "pairs")
	f := d.leaf("const", ir.Tensor(kernel.F32, ir.Ax("pair", pairs)), 1)
	f.Attrs = ir.Attrs{"values": []float64{1, 0.25, 0.0625, 0.015625}[:pairs]}
	r := d.op("rotations", nil, d.queries(), f)
	style := among(d, "half", "interleaved")
	y := d.value("rope", ir.Attrs{"over": over.Name, "width": dim.Const(int64(2 * pairs)), "style": style}, x, r)
	d.bound[y] = 2 * d.bound[x]
	return y
}

// appended stores a value in a state whose axes stand in any order.
func (d *drawn) appended() {
	x := d.pick(func(n *ir.Node) bool {
		symbolic := slices.DeleteFunc(slices.Clone(n.Type.Axes), isConst)
		return len(symbolic) == 1 && hasTokens(n) && n.Type.Index("kv") < 0 // a state's memory is planned
	})
	if d.g.Step != nil && x != nil {
		d.cached(x)
	}
}

func (d *drawn) cached(x *ir.Node) *ir.Node {
	t := ir.Type{State: true, DType: kernel.F32, Axes: slices.Clone(x.Type.Axes)}
	if below(6).Draw(d.t, "f16") == 5 {
		t.DType, d.f16 = kernel.F16, true
	}
	t.Axes[t.Index("q")] = ir.Ax("ctx", ctxTokens)
	if below(3).Draw(d.t, "permuted") == 0 {
		t.Axes = rapid.Permutation(t.Axes).Draw(d.t, "state")
	}
	s := d.leaf("state", t, 0)
	s.Attrs = ir.Attrs{"along": "ctx"}
	y := d.value("append", ir.Attrs{"over": "ctx", "new": "q", "as": "kv"}, s, d.tame(x), d.queries())
	d.bound[y] = 100
	return y
}

// attend is attention on values with tokens: grouped heads, axes in several orders, keys from a cache or from the step alone.
func (d *drawn) attend() {
	x := d.pick(func(n *ir.Node) bool {
		return len(n.Type.Axes) == 2 && hasTokens(n) && n.Type.Index("q") == 0 && isConst(n.Type.Axes[1])
	})
	if x == nil {
		x = d.leaf("input", tensor("q", among(d, axisNames...)), 4)
		d.values = append(d.values, x)
	}
	over := x.Type.Axes[1]
	if d.flip() {
		x = d.rms(x, over)
	}
	kvHead, group, width := ir.Ax("kv_head", among(d, 1, 2, 3)), ir.Ax("group", among(d, 1, 2, 3)), ir.Ax("dim", among(d, 2, 4))
	heads := [][]ir.Axis{{kvHead, group, width}, {kvHead, group, width}, {group, kvHead, width}, {kvHead, width}, {group, width}, {width}}
	qAxes, kvAxes := among(d, heads...), []ir.Axis{width}
	if ir.Tensor(kernel.F32, qAxes...).Index("kv_head") >= 0 || below(3).Draw(d.t, "keys of their own") == 0 {
		kvAxes = []ir.Axis{kvHead, width}
	}
	q := d.heads(x, over, qAxes)
	k := d.heads(x, over, kvAxes)
	if d.flip() {
		kvAxes = append(slices.Clone(kvAxes[:len(kvAxes)-1]), ir.Ax("vdim", 3))
	}
	v := d.heads(x, over, kvAxes)
	if d.g.Step == nil || below(5).Draw(d.t, "no cache") == 0 {
		rename := ir.Attrs{"axis": "q", "to": "kv"}
		d.weigh(q, d.value("rename", rename, k), d.value("rename", rename, v), width)
		return
	}
	d.weigh(q, d.cached(k), d.cached(v), width)
}

// heads is a projection of x by heads.
func (d *drawn) heads(x *ir.Node, over ir.Axis, axes []ir.Axis) *ir.Node {
	if below(6).Draw(d.t, "given") == 0 {
		in := d.leaf("input", ir.Tensor(kernel.F32, rapid.Permutation(append([]ir.Axis{token}, axes...)).Draw(d.t, "order")...), 4)
		d.values = append(d.values, in)
		return in
	}
	n := 1
	for _, a := range axes {
		k, _ := extent(a)
		n *= k
	}
	d.fresh++
	out := d.axis(n, x.Type, ir.Tensor(kernel.F32, axes...))
	y := d.matmul(x, d.param(out, over), over)
	if len(axes) > 1 || axes[0].Name != out.Name {
		y = d.value("split", ir.Attrs{"axis": out.Name, "into": axes}, y)
	}
	last := axes[len(axes)-1]
	if n, _ := extent(last); n >= 2 && d.g.Step != nil && d.flip() {
		y = d.rotated(y, last)
	}
	return d.tame(y)
}

// weigh is softmax(q·k …)·v, and sometimes more.
func (d *drawn) weigh(q, k, v *ir.Node, width ir.Axis) {
	s := d.op("matmul", ir.Attrs{"over": width.Name}, q, k)
	d.bound[s] = 100
	d.hidden = append(d.hidden, s)
	if d.flip() {
		s = d.op("scale", ir.Attrs{"by": 0.125}, s)
		d.hidden = append(d.hidden, s)
	}
	keyAxis, _ := k.Type.Axis("kv")
	if keyAxis.Dim.Same(all) && d.g.Step != nil && d.flip() {
		keys := d.op("positions", ir.Attrs{"axis": "kv", "count": all, "from": dim.Const(0)})
		mask := d.op("causal_mask", nil, d.queries(), keys)
		s = d.op("add", nil, s, mask)
		d.hidden = append(d.hidden, s)
	}
	if below(4).Draw(d.t, "bias on keys") == 3 {
		in := d.leaf("input", ir.Tensor(kernel.F32, keyAxis), 4)
		d.values = append(d.values, in)
		s = d.op("add", nil, s, in)
	}
	p := d.value("softmax", ir.Attrs{"over": "kv"}, s)
	d.bound[p] = 1
	y := d.value("matmul", ir.Attrs{"over": "kv"}, p, v)
	d.bound[y] = 100
	if d.flip() && len(y.Type.Axes) > 2 && y.Type.Index("q") == 0 {
		var names []string
		for _, a := range y.Type.Axes[1:] {
			names = append(names, a.Name)
		}
		d.value("merge", ir.Attrs{"axes": names, "into": "d"}, y)
	}
}
