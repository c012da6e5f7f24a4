package cpu

import (
	"fmt"

	"github.com/llorch/llorch/ir/kernel"
	"github.com/llorch/llorch/runtime"
)

// maxBytes bounds every size in a program: one above it is a broken file, not a model, and no sum of two overflows.
const maxBytes = 1 << 40

// checkSizes checks the sizes that memory is made from.
func checkSizes(p *runtime.Program) error {
	for i := range p.Steps {
		if s := &p.Steps[i]; s.Arena < 0 || s.Arena > maxBytes {
			return fmt.Errorf("step %s: an arena of %d bytes, outside [0, %d]", s.Name, s.Arena, int64(maxBytes))
		}
	}
	for i := range p.Weights {
		t := &p.Weights[i]
		want, err := sizeOf(t.DType, t.Shape)
		if err == nil && (t.Bytes < want || t.Bytes > maxBytes) { // packing may pad
			err = fmt.Errorf("%d bytes, but %s %v has %d", t.Bytes, t.DType, t.Shape, want)
		}
		if err != nil {
			return fmt.Errorf("weight %s: %w", t.Name, err)
		}
	}
	for i := range p.States {
		if err := checkState(&p.States[i], p.Context); err != nil {
			return fmt.Errorf("state %s: %w", p.States[i].Name, err)
		}
	}
	return nil
}

// checkState checks that positions are whole bytes along an axis as long as the context.
func checkState(s *runtime.StateBuffer, context int) error {
	want, err := sizeOf(s.DType, s.Shape)
	switch {
	case err != nil:
		return err
	case s.Bytes != want:
		return fmt.Errorf("%d bytes, but %s %v has %d", s.Bytes, s.DType, s.Shape, want)
	case s.Ctx < 0 || s.Ctx >= len(s.Shape):
		return fmt.Errorf("context axis %d of shape %v", s.Ctx, s.Shape)
	case context < 1 || s.Shape[s.Ctx] != int64(context):
		return fmt.Errorf("its context axis is %d long, the program's context %d", s.Shape[s.Ctx], context)
	case rowOf(s.DType).Elems != 1:
		return fmt.Errorf("dtype %s is of blocks", s.DType)
	}
	return nil
}

// sizeOf is the size of an array.
func sizeOf(dtype string, shape []int64) (int64, error) {
	elems := int64(1)
	for _, d := range shape {
		if d < 0 || d > maxBytes || d > 0 && elems > maxBytes/d {
			return 0, fmt.Errorf("shape %v is out of range", shape)
		}
		elems *= d
	}
	d, ok := kernel.ParseDType(dtype)
	if len(shape) == 0 {
		shape = []int64{1}
	}
	bytes, err := d.MatrixBytes(shape...)
	if !ok || err != nil {
		return 0, fmt.Errorf("no %q has shape %v", dtype, shape)
	}
	return bytes, nil
}

// ports checks s's inputs and outputs, and whether they are those of a step that takes tokens.
func (b *binder) ports(s *step) error {
	for _, ports := range [][]runtime.Port{s.spec.Inputs, s.spec.Outputs} {
		for i := range ports {
			if err := b.port(s.spec, &ports[i]); err != nil {
				return fmt.Errorf("port %s: %w", ports[i].Name, err)
			}
		}
	}
	switch s.spec.Name {
	case runtime.Decode:
		s.limit = 1
	case runtime.Prefill, runtime.Logits:
		s.limit = b.program.Chunk
	}
	for i := range s.spec.Inputs {
		if s.limit != 0 && s.spec.Inputs[i].Name == "tokens" {
			s.tokens = &s.spec.Inputs[i]
			return b.tokens(s)
		}
	}
	return nil
}

func (b *binder) port(s *runtime.Step, p *runtime.Port) error {
	row := rowOf(p.DType)
	if row == nil {
		return fmt.Errorf("unknown dtype %q", p.DType)
	}
	if p.Offset < 0 || p.Offset > s.Arena || p.Offset%int64(elemAlign(row)) != 0 {
		return fmt.Errorf("%s at offset %d of an arena of %d bytes", p.DType, p.Offset, s.Arena)
	}
	for _, a := range p.Shape {
		if err := b.affine(a); err != nil {
			return err
		}
	}
	return nil
}

// portBytes is the size of a port that port has checked.
func portBytes(s *runtime.Step, p *runtime.Port, symbols []int64) (int64, error) {
	elems := p.Elems(symbols)
	n, ok := bytesOf(p.DType, elems)
	if !ok || p.Offset > s.Arena-n {
		return 0, fmt.Errorf("port %s: %d elements of %s at %d leave the arena of %d bytes", p.Name, elems, p.DType, p.Offset, s.Arena)
	}
	return n, nil
}

// tokens checks a step that Step runs: tokens to logits.
func (b *binder) tokens(s *step) error {
	p := b.program
	switch {
	case len(p.Symbols) != 2:
		return fmt.Errorf("it takes tokens, so the symbols are the new and the past ones, not %v", p.Symbols)
	case s.limit < 1 || s.limit > p.Context:
		return fmt.Errorf("%d tokens at once in a context of %d", s.limit, p.Context)
	case len(s.spec.Inputs) != 1:
		return fmt.Errorf("%d inputs, want tokens alone", len(s.spec.Inputs))
	case s.tokens.DType != "i32":
		return fmt.Errorf("input tokens is %s, want i32", s.tokens.DType)
	case len(s.spec.Outputs) != 1:
		return fmt.Errorf("%d outputs, want the logits alone", len(s.spec.Outputs))
	case s.spec.Outputs[0].DType != "f32":
		return fmt.Errorf("output %s is %s, want f32", s.spec.Outputs[0].Name, s.spec.Outputs[0].DType)
	}
	most := []int64{int64(s.limit), int64(p.Context - s.limit)}
	for _, port := range []*runtime.Port{s.tokens, &s.spec.Outputs[0]} {
		if _, err := portBytes(s.spec, port, most); err != nil {
			return err
		}
	}
	return nil
}

// checkCounts compares a launch with its kernel's parameters.
func (b *binder) checkCounts(k *kernel.Kernel, l *runtime.Launch) error {
	for _, c := range []struct {
		what      string
		got, want int
	}{
		{"buffers", len(l.Bufs), len(k.Bufs)},
		{"ints", len(l.Ints), len(k.Ints)},
		{"floats", len(l.Floats), len(k.Floats)},
	} {
		if c.got != c.want {
			return fmt.Errorf("%d %s, it takes %d", c.got, c.what, c.want)
		}
	}
	for i, a := range l.Ints {
		if err := b.affine(a); err != nil {
			return fmt.Errorf("int %s: %w", k.Ints[i], err)
		}
	}
	return nil
}

func (b *binder) affine(a runtime.Affine) error {
	if len(a.Coef) > len(b.program.Symbols) {
		return fmt.Errorf("%d coefficients for %d symbols", len(a.Coef), len(b.program.Symbols))
	}
	return nil
}

// checkRole checks that a buffer's space and dtype are those of the kernel's parameter. Activations stand in for weights
// where a graph multiplies two of them.
func checkRole(ref *runtime.Ref, param *kernel.Buf) error {
	ok := false
	switch param.Role {
	case kernel.In:
		ok = ref.Space == runtime.Arena || ref.Space == runtime.Weight || ref.Space == runtime.State
	case kernel.Out:
		ok = ref.Space == runtime.Arena
	case kernel.State:
		ok = ref.Space == runtime.State || ref.Space == runtime.Arena // scratch that the groups of a launch share
	case kernel.Weight:
		ok = ref.Space == runtime.Arena || ref.Space == runtime.Weight
	}
	if !ok {
		return fmt.Errorf("%s parameter given %s memory", paramType(param), ref.Space)
	}
	row := rowOf(ref.DType)
	if row == nil {
		return fmt.Errorf("unknown dtype %q", ref.DType)
	}
	if param.Role == kernel.Weight && row.Decode == nil || param.Role != kernel.Weight && row.DType != param.DType && !(param.DType == kernel.Acts && row.Acts) {
		return fmt.Errorf("%s parameter given %s", paramType(param), ref.DType)
	}
	return nil
}

// checkRange checks that ref is memory of its dtype. The dtype is known.
func (b *binder) checkRange(s *runtime.Step, ref *runtime.Ref) error {
	if ref.Space == runtime.Arena {
		row := rowOf(ref.DType)
		if ref.Offset < 0 || ref.Bytes < 0 || ref.Bytes > s.Arena || ref.Offset > s.Arena-ref.Bytes {
			return fmt.Errorf("%d bytes at %d leave the arena of %d bytes", ref.Bytes, ref.Offset, s.Arena)
		}
		if ref.Offset%int64(elemAlign(row)) != 0 || ref.Bytes%int64(row.Bytes) != 0 {
			return fmt.Errorf("%d bytes at %d are not whole %s elements of %d bytes", ref.Bytes, ref.Offset, ref.DType, row.Bytes)
		}
		return nil
	}
	dtype, bytes := "", int64(0)
	switch n := len(b.program.Weights); {
	case ref.Space == runtime.Weight && ref.Index >= 0 && ref.Index < n:
		dtype, bytes = b.program.Weights[ref.Index].DType, b.program.Weights[ref.Index].Bytes
	case ref.Space == runtime.State && ref.Index >= 0 && ref.Index < len(b.program.States):
		dtype, bytes = b.program.States[ref.Index].DType, b.program.States[ref.Index].Bytes
	default:
		return fmt.Errorf("%s %d of %d weights and %d states", ref.Space, ref.Index, n, len(b.program.States))
	}
	if dtype != ref.DType {
		return fmt.Errorf("%s is %s, not %s", b.name(ref), dtype, ref.DType)
	}
	if ref.Offset != 0 || ref.Bytes != 0 && ref.Bytes != bytes {
		return fmt.Errorf("%d bytes at %d of %s, which is used whole: %d bytes", ref.Bytes, ref.Offset, b.name(ref), bytes)
	}
	return nil
}

// paramType is a parameter's type as kernel IR prints it.
func paramType(b *kernel.Buf) string {
	if b.Role == kernel.Weight {
		return b.Role.String()
	}
	return b.Role.String() + "_" + b.DType.String()
}

// elemAlign is the alignment of a dtype's elements; blocks are read by bytes.
func elemAlign(row *kernel.DTypeRow) int {
	if row.Elems > 1 {
		return 1
	}
	return row.Bytes
}

// rowOf is the row of a dtype by name, or nil.
func rowOf(dtype string) *kernel.DTypeRow {
	if d, ok := kernel.ParseDType(dtype); ok {
		return d.Row()
	}
	return nil
}

// bytesOf is the size of n elements: not ok when n is negative, no whole number of blocks, or absurd.
func bytesOf(dtype string, n int64) (int64, bool) {
	row := rowOf(dtype)
	if row == nil || n < 0 || n > maxBytes || n%int64(row.Elems) != 0 {
		return 0, false
	}
	return n / int64(row.Elems) * int64(row.Bytes), true
}
