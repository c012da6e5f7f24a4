//go:build !cu

package driver

import (
	"bytes"
	"fmt"
	goruntime "runtime"
	"strings"
	"unsafe"

	"github.com/ebitengine/purego"
)

// context is a device's primary context. Calls are made by whatever thread the goroutine is on, which is told the context first.
type context struct {
	*library
	dev    int32
	info   Info
	handle uintptr
	mods   []Module
	events []Event
	stream []Stream
	launch launchArgs
	log    []byte // of the driver's compiler
}

// do makes a call in the context.
//
//go:uintptrescapes
func (c *context) do(what string, f call, args ...uintptr) error {
	goruntime.LockOSThread()
	defer goruntime.UnlockOSThread()
	if r, _, _ := purego.SyscallN(c.symbols[cuCtxSetCurrent], c.handle); int32(r) != 0 {
		return c.error(what, cuCtxSetCurrent, int32(r))
	}
	return c.check(what, f, args...)
}

// Info implements Context.
func (c *context) Info() Info { return c.info }

// MemInfo implements Context.
func (c *context) MemInfo() (free, total int64, err error) {
	err = c.do("", cuMemGetInfo, uintptr(unsafe.Pointer(&free)), uintptr(unsafe.Pointer(&total)))
	return free, total, err
}

// Alloc implements Context.
func (c *context) Alloc(n int64) (p Ptr, err error) {
	err = c.do(fmt.Sprintf("%d bytes", n), cuMemAlloc, uintptr(unsafe.Pointer(&p)), uintptr(n))
	return p, err
}

// Free implements Context.
func (c *context) Free(p Ptr) error { return c.do("", cuMemFree, uintptr(p)) }

// Pinned implements Context.
func (c *context) Pinned(n int64) (mem []byte, dev Ptr, err error) {
	what := fmt.Sprintf("%d bytes of pinned memory", n)
	var p *byte
	const portable, mapped = 1, 2
	if err := c.do(what, cuMemHostAlloc, uintptr(unsafe.Pointer(&p)), uintptr(n), portable|mapped); err != nil {
		return nil, 0, err
	}
	mem = unsafe.Slice(p, n)
	if err := c.do(what, cuMemHostGetDevicePointer, uintptr(unsafe.Pointer(&dev)), uintptr(unsafe.Pointer(p)), 0); err != nil {
		_ = c.FreePinned(mem)
		return nil, 0, err
	}
	return mem, dev, nil
}

// FreePinned implements Context.
func (c *context) FreePinned(mem []byte) error {
	return c.do("pinned memory", cuMemFreeHost, uintptr(unsafe.Pointer(unsafe.SliceData(mem))))
}

// LoadModule implements Context. The error has what the driver's compiler says.
func (c *context) LoadModule(image []byte) (m Module, err error) {
	const errorLog, errorLogBytes = 5, 6
	log := make([]byte, 4096)
	c.log = log // which keeps it in place while the driver writes to it
	options := []int32{errorLog, errorLogBytes}
	values := []uintptr{uintptr(unsafe.Pointer(&log[0])), uintptr(len(log))}
	err = c.do(fmt.Sprintf("a module of %d bytes", len(image)), cuModuleLoadDataEx, uintptr(unsafe.Pointer(&m)),
		uintptr(unsafe.Pointer(&image[0])), uintptr(len(options)), uintptr(unsafe.Pointer(&options[0])), uintptr(unsafe.Pointer(&values[0])))
	if err != nil {
		if text, _, _ := bytes.Cut(log, []byte{0}); len(text) > 0 {
			err = fmt.Errorf("%w: %s", err, strings.TrimSpace(string(text)))
		}
		return 0, err
	}
	c.mods = append(c.mods, m)
	return m, nil
}

// Function implements Context.
func (c *context) Function(m Module, name string, shared int) (f Function, err error) {
	text := append([]byte(name), 0)
	if err := c.do("kernel "+name, cuModuleGetFunction, uintptr(unsafe.Pointer(&f)), uintptr(m), uintptr(unsafe.Pointer(&text[0]))); err != nil {
		return 0, err
	}
	what := fmt.Sprintf("kernel %s, %d bytes of shared memory", name, shared)
	if err := c.do(what, cuFuncSetAttribute, uintptr(f), funcSharedBytes, uintptr(shared)); err != nil {
		return 0, err
	}
	return f, c.do(what, cuFuncSetAttribute, uintptr(f), funcSharedCarveout, 100)
}

// NewStream implements Context.
func (c *context) NewStream() (s Stream, err error) {
	const nonBlocking = 1
	if err = c.do("", cuStreamCreate, uintptr(unsafe.Pointer(&s)), nonBlocking); err == nil {
		c.stream = append(c.stream, s)
	}
	return s, err
}

// Synchronize implements Context.
func (c *context) Synchronize(s Stream) error { return c.do("", cuStreamSynchronize, uintptr(s)) }

// NewEvent implements Context.
func (c *context) NewEvent() (e Event, err error) {
	if err = c.do("", cuEventCreate, uintptr(unsafe.Pointer(&e)), 0); err == nil {
		c.events = append(c.events, e)
	}
	return e, err
}

// Record implements Context.
func (c *context) Record(e Event, s Stream) error {
	return c.do("", cuEventRecord, uintptr(e), uintptr(s))
}

// Query implements Context.
func (c *context) Query(e Event) (bool, error) {
	const notReady = 600
	err := c.do("", cuEventQuery, uintptr(e))
	if x, ok := err.(*Error); ok && x.Code == notReady {
		return false, nil
	}
	return err == nil, err
}

// Elapsed implements Context.
func (c *context) Elapsed(from, to Event) (ms float32, err error) {
	err = c.do("", cuEventElapsedTime, uintptr(unsafe.Pointer(&ms)), uintptr(from), uintptr(to))
	return ms, err
}

// CopyIn implements Context.
func (c *context) CopyIn(dst Ptr, src []byte, s Stream) error {
	if len(src) == 0 {
		return nil
	}
	return c.do("", cuMemcpyHtoDAsync, uintptr(dst), uintptr(unsafe.Pointer(&src[0])), uintptr(len(src)), uintptr(s))
}

// CopyOut implements Context.
func (c *context) CopyOut(dst []byte, src Ptr, s Stream) error {
	if len(dst) == 0 {
		return nil
	}
	return c.do("", cuMemcpyDtoHAsync, uintptr(unsafe.Pointer(&dst[0])), uintptr(src), uintptr(len(dst)), uintptr(s))
}

// Copy implements Context.
func (c *context) Copy(dst, src Ptr, n int64, s Stream) error {
	return c.do("", cuMemcpyDtoDAsync, uintptr(dst), uintptr(src), uintptr(n), uintptr(s))
}

// Zero implements Context.
func (c *context) Zero(dst Ptr, n int64, s Stream) error {
	return c.do("", cuMemsetD8Async, uintptr(dst), 0, uintptr(n), uintptr(s))
}

// Capture implements Context.
func (c *context) Capture(s Stream, f func() error) (g Graph, err error) {
	const relaxed = 2
	if err := c.do("", cuStreamBeginCapture, uintptr(s), relaxed); err != nil {
		return 0, err
	}
	queued := f()
	var graph uintptr
	if err := c.do("", cuStreamEndCapture, uintptr(s), uintptr(unsafe.Pointer(&graph))); err != nil && queued == nil {
		queued = err
	}
	if graph == 0 {
		return 0, queued
	}
	if queued == nil {
		queued = c.do("", cuGraphInstantiateWithFlags, uintptr(unsafe.Pointer(&g)), graph, 0)
	}
	if err := c.do("", cuGraphDestroy, graph); err != nil && queued == nil {
		queued = err
	}
	return g, queued
}

// Run implements Context.
func (c *context) Run(g Graph, s Stream) error {
	return c.do("", cuGraphLaunch, uintptr(g), uintptr(s))
}

// FreeGraph implements Context.
func (c *context) FreeGraph(g Graph) error { return c.do("", cuGraphExecDestroy, uintptr(g)) }

// Close implements Context.
func (c *context) Close() error {
	var first error
	keep := func(err error) {
		if first == nil {
			first = err
		}
	}
	for _, e := range c.events {
		keep(c.do("", cuEventDestroy, uintptr(e)))
	}
	for _, s := range c.stream {
		keep(c.do("", cuStreamDestroy, uintptr(s)))
	}
	for _, m := range c.mods {
		keep(c.do("", cuModuleUnload, uintptr(m)))
	}
	keep(c.check("", cuDevicePrimaryCtxRelease, uintptr(c.dev)))
	return first
}
