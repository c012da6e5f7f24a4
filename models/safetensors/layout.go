package safetensors

import (
	"cmp"
	"fmt"
	"math"
	"math/bits"
	"slices"
)

// checkLayout checks that the tensors cover the data, which begins at byte start, exactly and once. It sorts them by
// their place and makes their offsets absolute.
func (f *File) checkLayout(start int64) error {
	room := int64(len(f.data)) - start
	for i := range f.Tensors {
		t := &f.Tensors[i]
		if end := t.Offset + t.Size; end > room {
			return fmt.Errorf("tensor %q: data_offsets %d to %d, the data ends at %d (byte %d of the file)",
				t.Name, t.Offset, end, room, len(f.data))
		}
		if err := t.checkSize(); err != nil {
			return fmt.Errorf("tensor %q: %w", t.Name, err)
		}
	}
	slices.SortFunc(f.Tensors, func(a, b Tensor) int {
		// A tensor without elements lies before the one that begins at its place.
		return cmp.Or(cmp.Compare(a.Offset, b.Offset), cmp.Compare(a.Size, b.Size), cmp.Compare(a.Name, b.Name))
	})
	covered := int64(0)
	for i := range f.Tensors {
		t := &f.Tensors[i]
		if t.Offset < covered {
			before := f.Tensors[i-1]
			return fmt.Errorf("tensor %q: data_offsets begin at %d, within tensor %q, which ends at %d",
				t.Name, t.Offset, before.Name, covered)
		}
		if t.Offset > covered {
			return fmt.Errorf("tensor %q: data_offsets begin at %d, the data before it ends at %d: the format allows no holes",
				t.Name, t.Offset, covered)
		}
		covered += t.Size
		t.Offset += start
	}
	if covered != room {
		return fmt.Errorf("data at byte %d: %d bytes, the tensors take %d: the format allows no trailing bytes", start, room, covered)
	}
	return nil
}

// checkSize compares the tensor's size with that of its shape.
func (t *Tensor) checkSize() error {
	n := dtypeBits[t.DType]
	for _, d := range t.Shape {
		high, low := bits.Mul64(n, uint64(d))
		if high != 0 || low > math.MaxInt64 {
			return fmt.Errorf("shape %v of %s takes more than %d bits", t.Shape, t.DType, int64(math.MaxInt64))
		}
		n = low
	}
	if n%8 != 0 {
		return fmt.Errorf("shape %v of %s takes %d bits, %d more than whole bytes", t.Shape, t.DType, n, n%8)
	}
	if want := int64(n / 8); t.Size != want {
		return fmt.Errorf("shape %v of %s takes %d bytes, data_offsets %d to %d have %d",
			t.Shape, t.DType, want, t.Offset, t.Offset+t.Size, t.Size)
	}
	return nil
}
