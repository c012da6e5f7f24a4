package driver

import (
	"bytes"
	"errors"
	"fmt"
	goruntime "runtime"
	"slices"
	"strings"
	"unsafe"

	"github.com/llorch/llorch/runtime/gpu/device"
)

// context is a device's primary context. What it holds is kept in lists, for Close.
type context struct {
	api    *api
	dev    int32
	info   device.Info
	handle *handle
	closed bool

	memory  []device.Ptr
	pinned  []unsafe.Pointer
	modules []device.Module
	streams []device.Stream
	events  []device.Event
	graphs  []device.Graph

	last   string                  // name of the kernel that was queued last
	names  map[device.Graph]string // of graphs' last kernels
	launch launchMemory
}

// do makes a call in the context. The driver's idea of a current context belongs to a thread, and a goroutine may move between
// threads from one call to the next, so each call begins by setting it.
func (c *context) do(call string, about subject, f func() result) error {
	goruntime.LockOSThread()
	defer goruntime.UnlockOSThread()
	r := c.api.setCurrent(c.handle)
	if r != 0 {
		call = "cuCtxSetCurrent"
	} else if r = f(); r == 0 {
		return nil
	}
	return c.failed(call, about, r)
}

// failed is a call's error. A lost context may be lost by what was queued before, so the error names that.
func (c *context) failed(call string, about subject, r result) error {
	e := c.api.error(call, about, r)
	if e.Lost() && c.last != "" {
		if e.What != "" {
			e.What += ", "
		}
		e.What += "after kernel " + c.last
	}
	return e
}

// drop removes the first v of a list.
func drop[T comparable](list *[]T, v T) {
	if i := slices.Index(*list, v); i >= 0 {
		*list = slices.Delete(*list, i, i+1)
	}
}

// Info implements device.Context.
func (c *context) Info() device.Info { return c.info }

// MemInfo implements device.Context.
func (c *context) MemInfo() (free, total int64, err error) {
	err = c.do("cuMemGetInfo", subject{}, func() (r result) { free, total, r = c.api.memInfo(); return r })
	return free, total, err
}

// Alloc implements device.Context.
func (c *context) Alloc(n int64) (p device.Ptr, err error) {
	about := subject{text: fmt.Sprintf("%d bytes", n)}
	if n < 1 {
		return 0, c.failed("cuMemAlloc", about, invalidValue)
	}
	if err = c.do("cuMemAlloc", about, func() (r result) { p, r = c.api.alloc(n); return r }); err != nil {
		return 0, err
	}
	c.memory = append(c.memory, p)
	return p, nil
}

// Free implements device.Context.
func (c *context) Free(p device.Ptr) error {
	drop(&c.memory, p)
	return c.do("cuMemFree", subject{}, func() result { return c.api.free(p) })
}

// Pinned implements device.Context.
func (c *context) Pinned(n int64) (mem []byte, dev device.Ptr, err error) {
	about := subject{text: fmt.Sprintf("%d bytes of pinned memory", n)}
	if n < 1 {
		return nil, 0, c.failed("cuMemHostAlloc", about, invalidValue)
	}
	var p unsafe.Pointer
	if err := c.do("cuMemHostAlloc", about, func() (r result) { p, r = c.api.hostAlloc(n); return r }); err != nil {
		return nil, 0, err
	}
	c.pinned = append(c.pinned, p)
	mem = unsafe.Slice((*byte)(p), n)
	if err := c.do("cuMemHostGetDevicePointer", about, func() (r result) { dev, r = c.api.hostPointer(p); return r }); err != nil {
		return nil, 0, errors.Join(err, c.FreePinned(mem))
	}
	return mem, dev, nil
}

// FreePinned implements device.Context.
func (c *context) FreePinned(mem []byte) error {
	p := unsafe.Pointer(unsafe.SliceData(mem))
	drop(&c.pinned, p)
	return c.do("cuMemFreeHost", subject{bytes: int64(len(mem))}, func() result { return c.api.hostFree(p) })
}

// LoadModule implements device.Context.
func (c *context) LoadModule(image []byte) (m device.Module, err error) {
	about := subject{text: fmt.Sprintf("a module of %d bytes", len(image))}
	if len(image) == 0 {
		return 0, c.failed("cuModuleLoadDataEx", about, invalidImage)
	}
	if image[len(image)-1] != 0 { // PTX ends in a zero byte, and a cubin bears one
		image = append(slices.Clip(image), 0)
	}
	log := make([]byte, 8192)
	err = c.do("cuModuleLoadDataEx", about, func() (r result) { m, r = c.api.loadModule(image, log); return r })
	if e, ok := err.(*Error); ok {
		text, _, _ := bytes.Cut(log, []byte{0})
		if said := strings.TrimSpace(string(text)); said != "" {
			e.Text += ": " + strings.ReplaceAll(said, "\n", "; ")
		}
		return 0, e
	}
	c.modules = append(c.modules, m)
	return m, nil
}

// Attributes of functions, as cuda.h numbers them.
const (
	funcSharedBytes    = 8
	funcSharedCarveout = 9  // percentage of the memory that L1 and shared memory share
	funcLargeClusters  = 14 // of more groups than every device can launch together
)

// Function implements device.Context.
func (c *context) Function(m device.Module, name string, shared int) (f device.Function, err error) {
	about := subject{kernel: name}
	if err := c.do("cuModuleGetFunction", about, func() (r result) { f, r = c.api.function(m, name); return r }); err != nil {
		return 0, err
	}
	if shared < 0 || shared > c.info.Shared {
		about = subject{text: fmt.Sprintf("kernel %s, %d bytes of shared memory; %s has %d a block", name, shared, c.info.Name, c.info.Shared)}
		return 0, c.failed("cuFuncSetAttribute", about, invalidValue)
	}
	err = c.do("cuFuncSetAttribute", about, func() result {
		if r := c.api.setAttribute(f, funcSharedBytes, int32(shared)); r != 0 {
			return r
		}
		if r := c.api.setAttribute(f, funcSharedCarveout, 100); r != 0 || !c.info.Overlap { // older devices have no clusters either
			return r
		}
		return c.api.setAttribute(f, funcLargeClusters, 1)
	})
	if err != nil {
		return 0, err
	}
	return f, nil
}

// Close implements device.Context.
func (c *context) Close() error {
	if c.closed {
		return nil
	}
	c.closed = true
	var errs []error
	keep := func(err error) {
		// What was in a lost context is gone with it.
		if e, ok := err.(*Error); err != nil && !(ok && e.Lost()) {
			errs = append(errs, err)
		}
	}
	giveBack(&c.graphs, c.FreeGraph, keep)
	giveBack(&c.events, func(e device.Event) error {
		return c.do("cuEventDestroy", subject{}, func() result { return c.api.destroyEvent(e) })
	}, keep)
	giveBack(&c.streams, func(s device.Stream) error {
		return c.do("cuStreamDestroy", subject{}, func() result { return c.api.destroyStream(s) })
	}, keep)
	giveBack(&c.modules, func(m device.Module) error {
		return c.do("cuModuleUnload", subject{}, func() result { return c.api.unload(m) })
	}, keep)
	giveBack(&c.pinned, func(p unsafe.Pointer) error {
		return c.do("cuMemFreeHost", subject{}, func() result { return c.api.hostFree(p) })
	}, keep)
	giveBack(&c.memory, c.Free, keep)
	c.launch.free()
	keep(c.api.check("cuDevicePrimaryCtxRelease", subject{text: c.info.Name}, c.api.release(c.dev)))
	c.handle = &handle{} // no context
	return errors.Join(errs...)
}

// giveBack empties a list, the latest first.
func giveBack[T any](list *[]T, free func(T) error, keep func(error)) {
	all := *list
	*list = nil
	for _, v := range slices.Backward(all) {
		keep(free(v))
	}
}
