package ir

import (
	"slices"
	"strings"

	"github.com/llorch/llorch/ir/dim"
	"github.com/llorch/llorch/ir/kernel"
)

// DType is the type of a tensor's elements; package kernel holds the one table of them.
type DType = kernel.DType

// Axis is a named axis and its extent: "kv=P+S".
type Axis struct {
	Name string
	Dim  dim.Dim
}

func (a Axis) String() string { return a.Name + "=" + a.Dim.String() }

// Type is the type of a value. Its forms print as
//
//	f32[head=32, q=S, kv=P+S]              a tensor
//	pos[q=S] from P                        positions: P, P+1, ..., P+S-1
//	f32[q=S, pair=4, part=2] from P        a tensor derived from those positions, a rotation for each
//	state f16[kv_head=4, ctx=512, dim=8]   KV memory that a step appends to
//
// The zero Type is that of a value whose definition is in error.
type Type struct {
	State bool
	DType DType
	Axes  []Axis
	From  *dim.Dim // first position, for positions and what is derived from them
}

// Tensor makes a tensor type.
func Tensor(d DType, axes ...Axis) Type { return Type{DType: d, Axes: axes} }

// Ax is shorthand for an axis of constant extent or of any dim.
func Ax[D int | dim.Dim](name string, d D) Axis {
	switch d := any(d).(type) {
	case int:
		return Axis{name, dim.Const(int64(d))}
	case dim.Dim:
		return Axis{name, d}
	}
	panic("unreachable")
}

// Valid is false for the type of a value in error.
func (t Type) Valid() bool { return t.DType != kernel.Invalid }

// Axis returns the axis of that name.
func (t Type) Axis(name string) (Axis, bool) {
	i := t.Index(name)
	if i < 0 {
		return Axis{}, false
	}
	return t.Axes[i], true
}

// Index is the place of the axis of that name, or -1.
func (t Type) Index(name string) int {
	return slices.IndexFunc(t.Axes, func(a Axis) bool { return a.Name == name })
}

// With returns t with other axes, and without positions: an op that keeps them says so.
func (t Type) With(axes ...Axis) Type { return Type{DType: t.DType, Axes: axes} }

// Same reports that both print alike.
func (t Type) Same(u Type) bool { return t.String() == u.String() }

// Subst replaces symbols in every extent.
func (t Type) Subst(env map[string]dim.Dim) Type {
	u := t
	u.Axes = slices.Clone(t.Axes)
	for i, a := range t.Axes {
		u.Axes[i].Dim = a.Dim.Subst(env)
	}
	if t.From != nil {
		f := t.From.Subst(env)
		u.From = &f
	}
	return u
}

func (t Type) String() string {
	if !t.Valid() {
		return "invalid"
	}
	var b strings.Builder
	if t.State {
		b.WriteString("state ")
	}
	b.WriteString(t.DType.String())
	b.WriteByte('[')
	for i, a := range t.Axes {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(a.String())
	}
	b.WriteByte(']')
	if t.From != nil {
		b.WriteString(" from " + t.From.String())
	}
	return b.String()
}
