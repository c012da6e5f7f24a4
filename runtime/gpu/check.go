package gpu

import (
	"fmt"

	"github.com/llorch/llorch/ir/kernel"
	"github.com/llorch/llorch/runtime"
)

// vector is how many bytes a lane of a kernel may load at once.
const vector = 16

// maxBytes bounds every size in a program: one above it is a broken file, not a model, and no sum of two overflows.
const maxBytes = 1 << 40

// maxTokens bounds what host memory is made for.
const maxTokens = 1 << 24

// check checks what kernels, which check nothing, rely on: that launches give them what they take, and that all of it lies inside
// the device's memory. It returns the kernels' texts.
func check(p *runtime.Program) ([]*kernel.Kernel, error) {
	if len(p.Symbols) > countsAt {
		return nil, fmt.Errorf("%d symbols, step memory has room for %d", len(p.Symbols), countsAt)
	}
	if p.Chunk < 0 || p.Chunk > maxTokens || p.Vocab < 0 || p.Vocab > maxTokens {
		return nil, fmt.Errorf("chunk %d and vocabulary %d: want 0 to %d", p.Chunk, p.Vocab, maxTokens)
	}
	for i := range p.Weights {
		if t := &p.Weights[i]; t.Bytes < 0 || t.Bytes > maxBytes {
			return nil, fmt.Errorf("weight %s: %d bytes, outside [0, %d]", t.Name, t.Bytes, int64(maxBytes))
		}
	}
	for i := range p.States {
		if err := checkState(&p.States[i]); err != nil {
			return nil, fmt.Errorf("state %s: %w", p.States[i].Name, err)
		}
	}
	texts := make([]*kernel.Kernel, len(p.Kernels))
	for i := range texts {
		k := &p.Kernels[i]
		var err error
		if texts[i], err = kernel.Parse(k.Text); err != nil {
			return nil, fmt.Errorf("kernel %d (%s): %w", i, k.Name, err)
		}
	}
	seen := map[string]bool{}
	for i := range p.Steps {
		s := &p.Steps[i]
		if seen[s.Name] {
			return nil, fmt.Errorf("step %d is named %s like one before it", i, s.Name)
		}
		seen[s.Name] = true
		if err := checkStep(p, s, texts); err != nil {
			return nil, fmt.Errorf("step %s: %w", s.Name, err)
		}
	}
	return texts, nil
}

func checkState(s *runtime.StateBuffer) error {
	d, ok := kernel.ParseDType(s.DType)
	if !ok || d.Row().Elems != 1 {
		return fmt.Errorf("its dtype is %q", s.DType)
	}
	for _, n := range s.Shape {
		if n < 1 {
			return fmt.Errorf("a dimension of %d in its shape %v", n, s.Shape)
		}
	}
	want, err := d.MatrixBytes(s.Shape...)
	switch {
	case err != nil:
		return err
	case s.Bytes != want || want > maxBytes:
		return fmt.Errorf("%d bytes, but %s %v has %d", s.Bytes, s.DType, s.Shape, want)
	case s.Ctx < 0 || s.Ctx >= len(s.Shape):
		return fmt.Errorf("context axis %d of shape %v", s.Ctx, s.Shape)
	}
	return nil
}

func checkStep(p *runtime.Program, s *runtime.Step, texts []*kernel.Kernel) error {
	if s.Arena < 0 || s.Arena > maxBytes {
		return fmt.Errorf("an arena of %d bytes, outside [0, %d]", s.Arena, int64(maxBytes))
	}
	for _, ports := range [][]runtime.Port{s.Inputs, s.Outputs} {
		for i := range ports {
			if err := checkPort(p, s, &ports[i]); err != nil {
				return fmt.Errorf("port %s: %w", ports[i].Name, err)
			}
		}
	}
	for i := range s.Launches {
		l := &s.Launches[i]
		if err := checkLaunch(p, s, l, texts); err != nil {
			return fmt.Errorf("launch %d (%s): %w", i, l.Node, err)
		}
	}
	return nil
}

func checkPort(p *runtime.Program, s *runtime.Step, port *runtime.Port) error {
	if _, ok := kernel.ParseDType(port.DType); !ok {
		return fmt.Errorf("unknown dtype %q", port.DType)
	}
	if port.Offset < 0 || port.Offset > s.Arena || port.Offset%vector != 0 {
		return fmt.Errorf("offset %d of an arena of %d bytes", port.Offset, s.Arena)
	}
	return checkAffines(p, port.Shape)
}

// checkAffines checks that values of the symbols can be put in.
func checkAffines(p *runtime.Program, as []runtime.Affine) error {
	for _, a := range as {
		if len(a.Coef) > len(p.Symbols) {
			return fmt.Errorf("%d coefficients for %d symbols", len(a.Coef), len(p.Symbols))
		}
	}
	return nil
}

func checkLaunch(p *runtime.Program, s *runtime.Step, l *runtime.Launch, texts []*kernel.Kernel) error {
	if l.Kernel < 0 || l.Kernel >= len(texts) {
		return fmt.Errorf("kernel %d of %d", l.Kernel, len(texts))
	}
	k := texts[l.Kernel]
	switch {
	case len(k.Floats) > 0 || len(l.Floats) > 0:
		return fmt.Errorf("kernel %s: %d floats for the %d that it takes; those of bound kernels are in their text", k.Name, len(l.Floats), len(k.Floats))
	case len(l.Ints) != len(k.Ints):
		return fmt.Errorf("kernel %s: %d ints, it takes %d", k.Name, len(l.Ints), len(k.Ints))
	case len(l.Bufs) != len(k.Bufs):
		return fmt.Errorf("kernel %s: %d buffers, it takes %d", k.Name, len(l.Bufs), len(k.Bufs))
	}
	if err := checkAffines(p, l.Ints); err != nil {
		return fmt.Errorf("kernel %s: %w", k.Name, err)
	}
	for i := range l.Bufs {
		err := checkParam(&l.Bufs[i], &k.Bufs[i])
		if err == nil {
			err = checkRef(p, s, &l.Bufs[i])
		}
		if err != nil {
			return fmt.Errorf("kernel %s: buffer %s: %w", k.Name, k.Bufs[i].Name, err)
		}
	}
	return nil
}

// checkParam checks that a buffer's memory and type are those of the kernel's parameter. Intermediates stand in for weights where a
// graph multiplies two of them.
func checkParam(r *runtime.Ref, param *kernel.Buf) error {
	ok := r.Space == runtime.Arena
	switch param.Role {
	case kernel.In:
		ok = true
	case kernel.State:
		ok = ok || r.Space == runtime.State
	case kernel.Weight:
		ok = ok || r.Space == runtime.Weight
	}
	if d, known := kernel.ParseDType(r.DType); !ok || !known || d != param.DType {
		return fmt.Errorf("%s memory of %s for %s of %s", r.Space, r.DType, param.Role, param.DType)
	}
	return nil
}

// checkRef checks that a buffer is memory of its dtype.
func checkRef(p *runtime.Program, s *runtime.Step, r *runtime.Ref) error {
	dtype, n := "", 0
	switch r.Space {
	case runtime.Arena:
		if r.Offset < 0 || r.Bytes < 0 || r.Bytes > s.Arena || r.Offset > s.Arena-r.Bytes || r.Offset%vector != 0 {
			return fmt.Errorf("%d bytes at %d of an arena of %d", r.Bytes, r.Offset, s.Arena)
		}
		return nil
	case runtime.Weight:
		if n = len(p.Weights); r.Index >= 0 && r.Index < n {
			dtype = p.Weights[r.Index].DType
		}
	case runtime.State:
		if n = len(p.States); r.Index >= 0 && r.Index < n {
			dtype = p.States[r.Index].DType
		}
	default:
		return fmt.Errorf("no memory is called %q", r.Space)
	}
	switch {
	case r.Index < 0 || r.Index >= n:
		return fmt.Errorf("%s %d of %d", r.Space, r.Index, n)
	case dtype != r.DType:
		return fmt.Errorf("%s %d is %s, not %s", r.Space, r.Index, dtype, r.DType)
	case r.Offset != 0:
		return fmt.Errorf("%s %d is used whole, not from %d on", r.Space, r.Index, r.Offset)
	}
	return nil
}
