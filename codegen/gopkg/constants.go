package gopkg

import (
	"fmt"
	"math"
	"slices"

	"github.com/llorch/llorch/ir/kernel"
	"github.com/llorch/llorch/runtime"
)

// specialise puts into each kernel the integers and floats that all its launches give it alike: the sizes of the model and
// the constants of its graph. They stop being parameters, so the result is another program, of kernels with other keys. What
// differs between launches, or grows with the sequence, stays a parameter. Neither p nor ks changes.
func specialise(p *runtime.Program, ks []*kernel.Kernel) (*runtime.Program, []*kernel.Kernel, error) {
	if len(ks) != len(p.Kernels) {
		return nil, nil, fmt.Errorf("%d kernels for a program of %d", len(ks), len(p.Kernels))
	}
	fixed := make([]constants, len(ks))
	for i := range p.Steps {
		for j := range p.Steps[i].Launches {
			l := &p.Steps[i].Launches[j]
			if err := fixed[l.Kernel].meet(l, ks[l.Kernel]); err != nil {
				return nil, nil, fmt.Errorf("step %s: launch %d (%s): %w", p.Steps[i].Name, j, l.Node, err)
			}
		}
	}
	q := *p
	q.Kernels = make([]runtime.Kernel, len(ks))
	specialised := make([]*kernel.Kernel, len(ks))
	for i, k := range ks {
		s, err := kernel.Bind(k, fixed[i].binding())
		if err == nil {
			err = kernel.Verify(s)
		}
		if err != nil {
			return nil, nil, fmt.Errorf("kernel %s with its constants: %w", k.Name, err)
		}
		specialised[i] = s
		q.Kernels[i] = runtime.Kernel{Name: s.Name, Key: s.Key(), Doc: s.Doc, Text: s.String()}
	}
	q.Steps = slices.Clone(p.Steps)
	for i := range q.Steps {
		launches := slices.Clone(q.Steps[i].Launches)
		for j := range launches {
			c := &fixed[launches[j].Kernel]
			launches[j].Ints = without(launches[j].Ints, c.ints)
			launches[j].Floats = without(launches[j].Floats, c.floats)
		}
		q.Steps[i].Launches = launches
	}
	return &q, specialised, nil
}

// constants are a kernel's parameters by index: the value that all launches so far agree on, or nil.
type constants struct {
	launched bool
	ints     []*int64
	floats   []*float32
}

// meet lets go of the values that l does not give.
func (c *constants) meet(l *runtime.Launch, k *kernel.Kernel) error {
	if len(l.Ints) != len(k.Ints) || len(l.Floats) != len(k.Floats) {
		return fmt.Errorf("%d ints and %d floats, kernel %s takes %d and %d", len(l.Ints), len(l.Floats), k.Name, len(k.Ints), len(k.Floats))
	}
	if !c.launched {
		c.launched = true
		for _, a := range l.Ints {
			c.ints = append(c.ints, constant(a))
		}
		for _, f := range l.Floats {
			c.floats = append(c.floats, &f)
		}
		return nil
	}
	for i, a := range l.Ints {
		if v := constant(a); v == nil || c.ints[i] != nil && *c.ints[i] != *v {
			c.ints[i] = nil
		}
	}
	for i, f := range l.Floats {
		if c.floats[i] != nil && math.Float32bits(*c.floats[i]) != math.Float32bits(f) {
			c.floats[i] = nil
		}
	}
	return nil
}

// binding puts the fixed values in place of their parameters.
func (c *constants) binding() kernel.Binding {
	var b kernel.Binding
	for _, v := range c.ints {
		var e kernel.Expr
		if v != nil {
			e = kernel.I(*v)
		}
		b.Ints = append(b.Ints, e)
	}
	for _, v := range c.floats {
		var e kernel.Expr
		if v != nil {
			e = &kernel.FloatLit{V: *v}
		}
		b.Floats = append(b.Floats, e)
	}
	return b
}

// constant is the value of an expression without symbols, or nil.
func constant(a runtime.Affine) *int64 {
	for _, k := range a.Coef {
		if k != 0 {
			return nil
		}
	}
	return &a.Const
}

// without is list without the elements that have a fixed value.
func without[E, V any](list []E, fixed []*V) []E {
	var rest []E
	for i, e := range list {
		if i >= len(fixed) || fixed[i] == nil {
			rest = append(rest, e)
		}
	}
	return rest
}
