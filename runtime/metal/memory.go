package metal

import (
	"errors"
	"fmt"
	"slices"
	"unsafe"

	"github.com/llorch/llorch/runtime/gpu/device"
)

// span is a buffer with an address.
type span struct {
	base   device.Ptr
	mem    []byte
	buffer handle
	pinned bool
}

// apart is between buffers, and where the first one begins: 0 is no address.
const apart = 1 << 16

func (c *context) add(h handle, mem []byte, pinned bool) device.Ptr {
	p := c.next
	c.spans = append(c.spans, span{p, mem, h, pinned})
	c.next += device.Ptr((len(mem)+apart-1)/apart*apart + apart)
	return p
}

func (c *context) allocate(n int64, pinned bool) ([]byte, device.Ptr, error) {
	if err := c.alive(); err != nil {
		return nil, 0, err
	}
	if free := c.raw.free(); n < 1 || n > free {
		return nil, 0, fmt.Errorf("metal: a buffer of %d bytes, and %d are free", n, free)
	}
	h, mem, err := c.raw.buffer(n)
	if err != nil {
		return nil, 0, fmt.Errorf("metal: a buffer of %d bytes: %w", n, err)
	}
	return mem, c.add(h, mem, pinned), nil
}

func (c *context) Alloc(n int64) (device.Ptr, error) {
	_, p, err := c.allocate(n, false)
	return p, err
}

func (c *context) Pinned(n int64) ([]byte, device.Ptr, error) { return c.allocate(n, true) }

// Map implements device.Mapper.
func (c *context) Map(mem []byte) (device.Ptr, error) {
	if err := c.alive(); err != nil {
		return 0, err
	}
	h, err := c.raw.wrap(mem)
	if err != nil {
		return 0, err
	}
	return c.add(h, mem, false), nil
}

func (c *context) Free(p device.Ptr) error {
	return c.drop(func(s span) bool { return s.base == p && !s.pinned })
}

func (c *context) FreePinned(mem []byte) error {
	return c.drop(func(s span) bool { return s.pinned && unsafe.SliceData(s.mem) == unsafe.SliceData(mem) })
}

func (c *context) drop(is func(span) bool) error {
	if err := c.flush(); err != nil {
		return err
	}
	i := slices.IndexFunc(c.spans, is)
	if i < 0 {
		return errors.New("metal: what is given back was not allocated")
	}
	c.raw.release(c.spans[i].buffer)
	c.spans = slices.Delete(c.spans, i, i+1)
	return nil
}

// at is n bytes from an address on, or all that follow for n = 0.
func (c *context) at(p device.Ptr, n int64) (argument, error) {
	i, found := slices.BinarySearchFunc(c.spans, p, func(s span, p device.Ptr) int {
		switch {
		case s.base+device.Ptr(len(s.mem)) <= p:
			return -1
		case s.base > p:
			return 1
		}
		return 0
	})
	if !found {
		return argument{}, fmt.Errorf("nothing lies at %#x", uint64(p))
	}
	s := c.spans[i]
	at := int(p - s.base)
	have := int64(len(s.mem) - at)
	if n == 0 {
		n = have
	}
	if n < 0 || n > have {
		return argument{}, fmt.Errorf("%d bytes at %#x, where %d are", n, uint64(p), have)
	}
	return argument{s.buffer, at, s.mem[at:][:n:n]}, nil
}

func (c *context) isPinned(mem []byte) bool {
	first := uintptr(unsafe.Pointer(unsafe.SliceData(mem)))
	return slices.ContainsFunc(c.spans, func(s span) bool {
		base := uintptr(unsafe.Pointer(unsafe.SliceData(s.mem)))
		return s.pinned && first >= base && first < base+uintptr(len(s.mem))
	})
}
