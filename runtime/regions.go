package runtime

import (
	"cmp"
	"fmt"
	"slices"
)

// pad is the number of bytes from n to the next multiple of pageSize.
func pad(n int64) int64 { return -n & (pageSize - 1) }

// checkRegions wants every weight in a region of weights.bin of its own.
func (m *manifest) checkRegions() error {
	size := m.file(weightsName).Bytes
	if pad(size) != 0 {
		return fmt.Errorf("%s has %d bytes, not a multiple of %d", weightsName, size, pageSize)
	}
	order := make([]*Tensor, len(m.Weights))
	for i := range m.Weights {
		order[i] = &m.Weights[i]
	}
	slices.SortFunc(order, func(a, b *Tensor) int { return cmp.Compare(a.Offset, b.Offset) })
	for i, t := range order {
		switch {
		case t.Offset < 0 || pad(t.Offset) != 0:
			return fmt.Errorf("weight %s: offset %d in %s is not a multiple of %d", t.Name, t.Offset, weightsName, pageSize)
		case t.Offset > size || t.Bytes > size-t.Offset:
			return fmt.Errorf("weight %s: %d bytes at %d, %s has %d", t.Name, t.Bytes, t.Offset, weightsName, size)
		case i > 0 && t.Offset < order[i-1].Offset+order[i-1].Bytes:
			before := order[i-1]
			return fmt.Errorf("weight %s: begins at %d in %s, within %s, which has %d bytes at %d",
				t.Name, t.Offset, weightsName, before.Name, before.Bytes, before.Offset)
		case !isSHA256(t.SHA256):
			return fmt.Errorf("weight %s: sha256 %q is not %d hexadecimal digits", t.Name, t.SHA256, sumDigits)
		}
	}
	return nil
}
