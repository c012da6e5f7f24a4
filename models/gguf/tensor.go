package gguf

import (
	"cmp"
	"fmt"
	"math"
	"math/bits"
	"slices"
)

// Tensor describes a tensor of the file.
type Tensor struct {
	Name     string
	Dims     []int64 // GGUF's order: the fastest axis first; one to four of them, none zero
	Type     uint32  // ggml's id
	TypeName string  // "f32", "q4_k", ...
	Offset   int64   // of its first byte in the file
	Size     int64   // in bytes
}

const maxDims = 4 // GGML_MAX_DIMS

func (f *File) readTensors(r *reader, n uint64) error {
	f.Tensors = make([]Tensor, 0, n)
	f.byTensor = make(map[string]int, n)
	for i := range n {
		at := r.pos
		name, err := r.str("name")
		if err != nil {
			return fmt.Errorf("tensor %d of %d: %w", i, n, err)
		}
		t := Tensor{Name: string(name)}
		if first, ok := f.byTensor[t.Name]; ok {
			return fmt.Errorf("tensor %q at byte %d: duplicate name: tensors %d and %d both have it", t.Name, at, first, i)
		}
		if err := f.readTensor(r, &t); err != nil {
			return fmt.Errorf("tensor %q: %w", t.Name, err)
		}
		f.byTensor[t.Name] = len(f.Tensors)
		f.Tensors = append(f.Tensors, t)
	}
	return nil
}

// readTensor reads what follows the name. Offset is left as the file has it, relative to the tensor data.
func (f *File) readTensor(r *reader, t *Tensor) error {
	if err := readDims(r, t); err != nil {
		return err
	}
	at := r.pos
	var err error
	if t.Type, err = r.u32("type"); err != nil {
		return err
	}
	if err := t.setSize(at); err != nil {
		return err
	}
	at = r.pos
	offset, err := r.u64("offset")
	if err != nil {
		return err
	}
	if rest := offset % uint64(f.Alignment); rest != 0 {
		return fmt.Errorf("offset at byte %d: %d is %d past a multiple of the alignment, %d", at, offset, rest, f.Alignment)
	}
	if offset > math.MaxInt64 {
		return fmt.Errorf("offset at byte %d: %d, the file has %d bytes", at, offset, len(r.data))
	}
	t.Offset = int64(offset)
	return nil
}

func readDims(r *reader, t *Tensor) error {
	at := r.pos
	n, err := r.u32("ndims")
	if err != nil {
		return err
	}
	if n == 0 || n > maxDims {
		return fmt.Errorf("ndims at byte %d: found %d, want 1 to %d", at, n, maxDims)
	}
	t.Dims = make([]int64, n)
	for i := range t.Dims {
		at := r.pos
		d, err := r.u64("dim")
		if err != nil {
			return err
		}
		if d == 0 || d > math.MaxInt64 {
			return fmt.Errorf("dim %d at byte %d: found %d, want 1 to %d", i, at, d, int64(math.MaxInt64))
		}
		t.Dims[i] = int64(d)
	}
	return nil
}

// setSize derives the tensor's type name and size; at is where its type stands.
func (t *Tensor) setSize(at int64) error {
	if int64(t.Type) >= int64(len(tensorTypes)) {
		return fmt.Errorf("type at byte %d: unknown ggml type %d, the last known one is %d (%s)",
			at, t.Type, len(tensorTypes)-1, tensorTypes[len(tensorTypes)-1].name)
	}
	row := tensorTypes[t.Type]
	if row.elems == 0 {
		return fmt.Errorf("type at byte %d: ggml has removed type %d (%s): convert the model again", at, t.Type, row.name)
	}
	if rest := t.Dims[0] % row.elems; rest != 0 {
		return fmt.Errorf("type at byte %d: rows of %d elements are no whole blocks of %s, which have %d", at, t.Dims[0], row.name, row.elems)
	}
	size := uint64(t.Dims[0] / row.elems)
	for _, factor := range append([]int64{row.bytes}, t.Dims[1:]...) {
		high, low := bits.Mul64(size, uint64(factor))
		if high != 0 || low > math.MaxInt64 {
			return fmt.Errorf("type at byte %d: dims %v of %s take more than %d bytes", at, t.Dims, row.name, int64(math.MaxInt64))
		}
		size = low
	}
	t.TypeName, t.Size = row.name, int64(size)
	return nil
}

// placeTensors makes offsets absolute, given where the descriptions end, and checks that each tensor lies within the
// file and apart from the others.
func (f *File) placeTensors(end int64) error {
	if len(f.Tensors) == 0 {
		return nil
	}
	length := int64(len(f.data))
	start := (end + f.Alignment - 1) &^ (f.Alignment - 1)
	order := make([]*Tensor, len(f.Tensors))
	for i := range f.Tensors {
		t := &f.Tensors[i]
		if room := length - start; t.Offset > room || t.Size > room-t.Offset {
			return fmt.Errorf("tensor %q: %d bytes at offset %d of the data at byte %d, the file ends at byte %d",
				t.Name, t.Size, t.Offset, start, length)
		}
		t.Offset += start
		order[i] = t
	}
	slices.SortStableFunc(order, func(a, b *Tensor) int { return cmp.Compare(a.Offset, b.Offset) })
	for i, t := range order[1:] {
		if before := order[i]; before.Offset+before.Size > t.Offset {
			return fmt.Errorf("tensor %q at byte %d: overlaps tensor %q, bytes %d to %d",
				t.Name, t.Offset, before.Name, before.Offset, before.Offset+before.Size)
		}
	}
	return nil
}
