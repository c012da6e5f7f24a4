package verify

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/llorch/llorch/ir"
)

// off is how far an array is off another: at the element where that is most.
type off struct {
	Rel, Abs  float64
	At        int // index of the element
	Got, Want float64
}

// measure compares got with want. An error is relative to the largest finite magnitude of its token's elements, which are those with
// the same coordinate along axis tok; a tok below 0 makes all one token's. A number where want has none, or none where want has one,
// is infinitely far off, and equal infinities are not at all.
func measure(want *ir.Array, got []float64, tok int) off {
	scales, scaleOf := scales(want, tok)
	var worst off
	for i, w := range want.Data {
		g := got[i]
		if g == w || math.IsNaN(g) && math.IsNaN(w) {
			continue
		}
		abs := math.Abs(g - w)
		rel := abs / scales[scaleOf(i)]
		if math.IsNaN(rel) || math.IsInf(abs, 0) {
			abs, rel = math.Inf(1), math.Inf(1)
		}
		if rel > worst.Rel {
			worst = off{rel, abs, i, g, w}
		}
	}
	return worst
}

// scales are the magnitudes that the tokens' errors are relative to. One that is nothing beside the others is no scale.
func scales(a *ir.Array, tok int) (scales []float64, of func(i int) int) {
	stride, count := len(a.Data)+1, 1
	if tok >= 0 {
		stride, count = a.Stride(a.Axes[tok]), a.Dims[tok]
	}
	of = func(i int) int { return i / stride % count }
	scales = make([]float64, count)
	most := 1e-30
	for i, v := range a.Data {
		if v = math.Abs(v); !math.IsInf(v, 0) && !math.IsNaN(v) {
			scales[of(i)] = max(scales[of(i)], v)
			most = max(most, v)
		}
	}
	for i := range scales {
		scales[i] = max(scales[i], 1e-6*most)
	}
	return scales, of
}

// coordinates says which element of an array is at an index: q=3, heads=17.
func coordinates(a *ir.Array, at int) string {
	var names []string
	for i := len(a.Dims) - 1; i >= 0; i-- {
		names = append(names, fmt.Sprintf("%s=%d", a.Axes[i], at%a.Dims[i]))
		at /= a.Dims[i]
	}
	slices.Reverse(names)
	return strings.Join(names, ", ")
}

// finite refuses an array with NaN, and with infinities where those are not allowed: a kernel that makes NaN of NaN is as right as one
// that is wrong, so nothing would be verified.
func finite(what string, a *ir.Array, infinities bool) error {
	for i, v := range a.Data {
		if math.IsNaN(v) || math.IsInf(v, 0) && !infinities {
			return fmt.Errorf("%s: element [%s] is %g: nothing that follows from it can be verified", what, coordinates(a, i), v)
		}
	}
	return nil
}

// tokenAxis is the first axis of a type whose extent depends on the step, or -1.
func tokenAxis(t ir.Type) int {
	for i, a := range t.Axes {
		if _, fixed := a.Dim.Const(); !fixed {
			return i
		}
	}
	return -1
}

// same is a's part that a node of that shape holds: all of it, or the last element along axes that the node has one of. It is nil where
// the shapes have nothing to do with one another.
func same(a, like *ir.Array) *ir.Array {
	if len(a.Axes) != len(like.Axes) {
		return nil
	}
	base := 0
	for i, name := range a.Axes {
		switch {
		case name != like.Axes[i]:
			return nil
		case a.Dims[i] == like.Dims[i]:
		case like.Dims[i] == 1:
			base += (a.Dims[i] - 1) * a.Stride(name)
		default:
			return nil
		}
	}
	if len(a.Data) == len(like.Data) {
		return a
	}
	out := &ir.Array{Axes: like.Axes, Dims: like.Dims, Data: make([]float64, len(like.Data))}
	strides := a.Strides(a.Axes)
	out.Each(func(i int, at []int) { out.Data[i] = a.Data[base+ir.Offset(at, strides)] })
	return out
}
