package codegen_test

import (
	"fmt"
	"slices"

	"pgregory.net/rapid"

	"github.com/llorch/llorch/ir"
	"github.com/llorch/llorch/ir/dim"
	"github.com/llorch/llorch/ir/kernel"
)

// Moves of tensors: ops on what there is, mostly in the forms that fuse.

func (d *drawn) unary() {
	x := d.pick(nil)
	if d.flip() {
		d.value("silu", nil, x)
		return
	}
	d.value("scale", ir.Attrs{"by": among(d, 0.5, -1, 0.125)}, x)
}

// fits reports that y broadcasts to x or x to y.
func fits(x, y *ir.Node) bool {
	big, small := x.Type, y.Type
	if len(small.Axes) > len(big.Axes) {
		big, small = small, big
	}
	for _, a := range small.Axes {
		if b, ok := big.Axis(a.Name); !ok || !a.Dim.Same(b.Dim) {
			return false
		}
	}
	return true
}

func (d *drawn) binary() {
	x := d.tame(d.pick(nil))
	y := d.pick(func(n *ir.Node) bool { return fits(x, n) })
	switch rapid.IntRange(0, 4).Draw(d.t, "other") {
	case 0: // a bias
		if a, ok := d.pickAxis(x, isConst); ok {
			y = d.param(a)
		}
	case 1: // a constant
		if a, ok := d.pickAxis(x, isConst); ok {
			n, _ := extent(a)
			y = d.leaf("const", ir.Tensor(kernel.F32, a), 4)
			y.Attrs = ir.Attrs{"values": rapid.SliceOfN(rapid.Float64Range(-2, 2), n, n).Draw(d.t, "values")}
		}
	}
	y = d.tame(y)
	if d.flip() {
		x, y = y, x
	}
	d.combine(among(d, "add", "mul", "sub"), x, y)
}

func (d *drawn) combine(name string, x, y *ir.Node) *ir.Node {
	b := d.bound[x] + d.bound[y]
	if name == "mul" {
		b = d.bound[x] * d.bound[y]
	}
	n := d.value(name, nil, x, y)
	d.bound[n] = b
	return d.tame(n)
}

// residual is x plus a projection of x, or of what x becomes, to x's own axes.
func (d *drawn) residual() {
	x := d.pick(func(n *ir.Node) bool { return len(n.Type.Axes) == 2 && isConst(n.Type.Axes[1]) })
	if x == nil {
		return
	}
	back := x.Type.Axes[1]
	y := x
	if d.flip() {
		y = d.rms(y, back)
	}
	mid := d.axis(0, x.Type)
	y = d.matmul(y, d.param(mid, back), back)
	if d.flip() {
		y = d.value("silu", nil, y)
	}
	y = d.matmul(y, d.param(back, mid), mid)
	d.combine("add", d.tame(x), y)
}

func (d *drawn) norm() {
	x := d.tame(d.pick(nil))
	if a, ok := d.pickAxis(x, isConst); ok {
		d.rms(x, a)
	}
}

func (d *drawn) rms(x *ir.Node, a ir.Axis) *ir.Node {
	w := d.pick(func(n *ir.Node) bool {
		return len(n.Type.Axes) == 1 && n.Type.Axes[0].Name == a.Name && n.Type.Axes[0].Dim.Same(a.Dim)
	})
	if w == nil || !d.flip() {
		w = d.param(a)
	}
	y := d.value("rms_norm", ir.Attrs{"over": a.Name, "eps": 0.25}, x, w)
	d.bound[y] = 4 * d.bound[w]
	return d.tame(y)
}

func (d *drawn) softmax() {
	x := d.tame(d.pick(nil))
	if a, ok := d.pickAxis(x, nil); ok {
		d.bound[d.value("softmax", ir.Attrs{"over": a.Name}, x)] = 1
	}
}

func (d *drawn) matmul(x, w *ir.Node, over ir.Axis) *ir.Node {
	n := d.value("matmul", ir.Attrs{"over": over.Name}, x, w)
	d.bound[n] = 4 * d.bound[x] * max(1, d.bound[w]/4)
	return d.tame(n)
}

// project is a contraction with a weight, mostly of the form that fuses.
func (d *drawn) project() {
	x := d.tame(d.pick(nil))
	over, ok := d.pickAxis(x, isConst)
	if !ok {
		return
	}
	axes := []ir.Axis{d.axis(0, x.Type), over}
	switch rapid.IntRange(0, 5).Draw(d.t, "form") {
	case 0:
		slices.Reverse(axes)
	case 1:
		axes = append([]ir.Axis{d.axis(0, x.Type, ir.Tensor(kernel.F32, axes...))}, axes...)
	case 2:
		axes = axes[1:]
	}
	d.matmul(x, d.param(axes...), over)
}

// siblings are projections of one value to several widths, some combined.
func (d *drawn) siblings() {
	x := d.tame(d.pick(func(n *ir.Node) bool { return len(n.Type.Axes) > 0 && isConst(n.Type.Axes[len(n.Type.Axes)-1]) }))
	if x == nil {
		return
	}
	over := x.Type.Axes[len(x.Type.Axes)-1]
	if !isConst(over) {
		return
	}
	if d.flip() {
		x = d.rms(x, over)
	}
	out := d.axis(0, x.Type)
	first := d.matmul(x, d.param(out, over), over)
	if d.flip() {
		first = d.value("silu", nil, first)
	}
	for range rapid.IntRange(1, 2).Draw(d.t, "more") {
		if d.flip() {
			d.matmul(x, d.param(d.axis(0, x.Type), over), over)
			continue
		}
		y := d.matmul(x, d.param(out, over), over)
		first = d.combine(among(d, "add", "mul", "sub"), d.tame(first), d.tame(y))
	}
}

// contract is a contraction of two values.
func (d *drawn) contract() {
	x := d.tame(d.pick(nil))
	over, ok := d.pickAxis(x, nil)
	if !ok {
		return
	}
	w := d.pick(func(n *ir.Node) bool {
		for _, a := range n.Type.Axes {
			if b, shared := x.Type.Axis(a.Name); shared && !a.Dim.Same(b.Dim) {
				return false
			}
		}
		return n.Type.Index(over.Name) >= 0 && len(n.Type.Axes)+len(x.Type.Axes) <= 6
	})
	if w != nil {
		d.matmul(x, d.tame(w), over)
	}
}

func (d *drawn) split() {
	x := d.pick(func(n *ir.Node) bool { return len(n.Type.Axes) < 4 })
	if x == nil {
		return
	}
	a, ok := d.pickAxis(x, isConst)
	if !ok {
		return
	}
	n, _ := extent(a)
	var factors []int
	for f := 1; f <= n; f++ {
		if n%f == 0 {
			factors = append(factors, f)
		}
	}
	f := among(d, factors...)
	rest := ir.Type{DType: kernel.F32}
	for _, b := range x.Type.Axes {
		if b.Name != a.Name {
			rest.Axes = append(rest.Axes, b)
		}
	}
	first := d.axis(f, rest)
	rest.Axes = append(rest.Axes, first)
	d.value("split", ir.Attrs{"axis": a.Name, "into": []ir.Axis{first, d.axis(n/f, rest)}}, x)
}

// merge makes one axis of some, in any order, of which at most one is symbolic.
func (d *drawn) merge() {
	x := d.pick(func(n *ir.Node) bool { return len(n.Type.Axes) > 1 })
	if x == nil {
		return
	}
	axes := slices.Clone(x.Type.Axes)
	if below(3).Draw(d.t, "permuted") == 0 {
		axes = rapid.Permutation(axes).Draw(d.t, "order")
	}
	from := rapid.IntRange(0, len(axes)-2).Draw(d.t, "from")
	axes = axes[from : from+rapid.IntRange(2, len(axes)-from).Draw(d.t, "merged")]
	var names []string
	n, symbolic := 1, 0
	for _, a := range axes {
		names = append(names, a.Name)
		if k, ok := extent(a); ok {
			n *= k
		} else {
			symbolic++
		}
	}
	if symbolic > 1 {
		return
	}
	if symbolic == 1 {
		n = -1
	}
	d.fresh++
	into := fmt.Sprintf("n%d", d.fresh)
	if n > 0 {
		into = d.axis(n, x.Type).Name
	}
	d.value("merge", ir.Attrs{"axes": names, "into": into}, x)
}

func (d *drawn) rename() {
	x := d.pick(nil)
	a, ok := d.pickAxis(x, nil)
	if !ok {
		return
	}
	d.fresh++
	to := fmt.Sprintf("n%d", d.fresh)
	if n, isConst := extent(a); isConst {
		to = d.axis(n, x.Type).Name
	}
	d.value("rename", ir.Attrs{"axis": a.Name, "to": to}, x)
}

func (d *drawn) broadcast() {
	x := d.pick(func(n *ir.Node) bool { return len(n.Type.Axes) < 3 })
	if x == nil {
		return
	}
	axes := []ir.Axis{d.axis(0, x.Type)}
	if x.Type.Index("q") < 0 && d.flip() {
		axes = []ir.Axis{token}
	}
	d.value("broadcast", ir.Attrs{"axes": axes}, x)
}

// stretch combines a value with an input of its axes in another order, and mostly of one more: what goes with the value's
// coordinates but not with its memory.
func (d *drawn) stretch() {
	x := d.tame(d.pick(func(n *ir.Node) bool { return len(n.Type.Axes) < 4 }))
	axes := slices.Clone(x.Type.Axes)
	if below(3).Draw(d.t, "more") > 0 {
		axes = append(axes, d.axis(0, x.Type))
	}
	y := d.leaf("input", ir.Tensor(kernel.F32, rapid.Permutation(axes).Draw(d.t, "order")...), 4)
	if d.flip() {
		x, y = y, x
	}
	d.combine(among(d, "add", "mul", "sub"), x, y)
}

func (d *drawn) last() {
	x := d.pick(nil)
	a, ok := d.pickAxis(x, func(a ir.Axis) bool { return d.g.Bounds.GreaterEqual(a.Dim, dim.Const(1)).Verdict == dim.Proved })
	if ok {
		d.value("last", ir.Attrs{"over": a.Name}, x)
	}
}

func (d *drawn) gather() {
	d.fresh++
	vocab := ir.Ax(fmt.Sprintf("n%d", d.fresh), 5)
	ids := d.leaf("input", ir.Tensor(kernel.I32, token), 0)
	axes := rapid.Permutation([]ir.Axis{vocab, d.axis(0)}).Draw(d.t, "table")
	n := d.value("gather", ir.Attrs{"over": vocab.Name}, d.param(axes...), ids)
	d.bound[n] = 4
}
