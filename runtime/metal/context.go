package metal

import (
	"errors"
	"fmt"
	"time"

	"github.com/llorch/llorch/runtime/gpu/device"
)

// driver is the devices of one kind.
type driver struct {
	devices []device.Info
	open    func(i int) (raw, error)
}

func (d *driver) Devices() ([]device.Info, error) { return d.devices, nil }

func (d *driver) Open(i int) (device.Context, error) {
	if i < 0 || i >= len(d.devices) {
		return nil, fmt.Errorf("metal: there is no device %d: there are %d", i, len(d.devices))
	}
	r, err := d.open(i)
	if err != nil {
		return nil, err
	}
	return &context{raw: r, next: apart}, nil
}

// Error is work that failed.
type Error struct {
	Kernels []string // of the command buffer
	Err     error
	Dead    bool // the device does nothing more
}

func (e *Error) Error() string {
	names := fmt.Sprintf("kernel %s", e.Kernels[0])
	if n := len(e.Kernels); n > 1 {
		names = fmt.Sprintf("%d kernels, %s to %s", n, e.Kernels[0], e.Kernels[n-1])
	}
	return fmt.Sprintf("metal: %s: %v", names, e.Err)
}

func (e *Error) Unwrap() error { return e.Err }

// Lost reports that the device does nothing more.
func (e *Error) Lost() bool { return e.Dead }

// context implements device.Mapper over the calls of raw. Nothing runs but in flush, which waits, so streams and events have nothing
// to order.
type context struct {
	raw     raw
	spans   []span // by address
	next    device.Ptr
	kernels []kernel
	events  []time.Duration // what the device had worked before each
	graphs  [][]func() error

	recording *[]func() error // nil unless a graph is captured
	pending   []dispatch
	after     []func() // copies to the host that wait for pending
	worked    time.Duration
	lost      error
	closed    bool
}

type kernel struct {
	handle  handle
	threads int // of a group, at most
}

var errClosed = errors.New("metal: the context is closed")

func (c *context) alive() error {
	if c.closed {
		return errClosed
	}
	return c.lost
}

func (c *context) Info() device.Info { return c.raw.info() }

func (c *context) MemInfo() (free, total int64, err error) {
	return c.raw.free(), c.raw.info().Memory, c.alive()
}

func (c *context) LoadModule(image []byte) (device.Module, error) {
	if err := c.alive(); err != nil {
		return 0, err
	}
	h, err := c.raw.library(image)
	return device.Module(h), err
}

func (c *context) Function(m device.Module, name string, shared int) (device.Function, error) {
	if most := c.raw.info().Shared; shared < 0 || shared > most {
		return 0, fmt.Errorf("metal: kernel %s: %d bytes of group memory, and there are %d", name, shared, most)
	}
	h, threads, err := c.raw.kernel(handle(m), name)
	if err != nil {
		return 0, fmt.Errorf("metal: kernel %s: %w", name, err)
	}
	c.kernels = append(c.kernels, kernel{h, threads})
	return device.Function(len(c.kernels)), nil
}

func (c *context) NewStream() (device.Stream, error) { return 1, c.alive() }

func (c *context) Synchronize(device.Stream) error { return c.flush() }

func (c *context) NewEvent() (device.Event, error) {
	c.events = append(c.events, 0)
	return device.Event(len(c.events)), c.alive()
}

func (c *context) Record(e device.Event, _ device.Stream) error {
	return c.do(func() error {
		err := c.flush()
		c.events[e-1] = c.worked
		return err
	})
}

func (c *context) Query(device.Event) (bool, error) { return true, c.flush() }

func (c *context) Elapsed(from, to device.Event) (float32, error) {
	return float32((c.events[to-1] - c.events[from-1]).Seconds() * 1000), c.alive()
}

// do does work, or records it.
func (c *context) do(work func() error) error {
	if err := c.alive(); err != nil {
		return err
	}
	if c.recording != nil {
		*c.recording = append(*c.recording, work)
		return nil
	}
	return work()
}

// flush has the device do what is pending.
func (c *context) flush() error {
	if err := c.alive(); err != nil || len(c.pending) == 0 {
		return err
	}
	work, after := c.pending, c.after
	c.pending, c.after = nil, nil
	took, err := c.raw.run(work)
	c.worked += took
	if err != nil {
		if device.Lost(err) {
			c.lost = err
		}
		return err
	}
	for _, f := range after {
		f()
	}
	return nil
}

// host has the host touch memory, when the device no longer does.
func (c *context) host(f func()) error {
	return c.do(func() error {
		if err := c.flush(); err != nil {
			return err
		}
		start := time.Now()
		f()
		c.worked += time.Since(start)
		return nil
	})
}

func (c *context) CopyIn(dst device.Ptr, src []byte, _ device.Stream) error {
	if len(src) == 0 {
		return c.alive()
	}
	to, err := c.at(dst, int64(len(src)))
	if err != nil {
		return fmt.Errorf("metal: copy: %w", err)
	}
	return c.host(func() { copy(to.mem, src) })
}

// CopyOut to pinned memory happens when what is pending has run; other memory has it when CopyOut returns.
func (c *context) CopyOut(dst []byte, src device.Ptr, _ device.Stream) error {
	if len(dst) == 0 {
		return c.alive()
	}
	from, err := c.at(src, int64(len(dst)))
	if err != nil {
		return fmt.Errorf("metal: copy: %w", err)
	}
	if !c.isPinned(dst) {
		return c.host(func() { copy(dst, from.mem) })
	}
	return c.do(func() error {
		if len(c.pending) == 0 {
			copy(dst, from.mem)
		} else {
			c.after = append(c.after, func() { copy(dst, from.mem) })
		}
		return nil
	})
}

func (c *context) Copy(dst, src device.Ptr, n int64, _ device.Stream) error {
	if n == 0 {
		return c.alive()
	}
	to, err := c.at(dst, n)
	from, err2 := c.at(src, n)
	if err = errors.Join(err, err2); err != nil {
		return fmt.Errorf("metal: copy: %w", err)
	}
	return c.host(func() { copy(to.mem, from.mem) })
}

func (c *context) Zero(dst device.Ptr, n int64, _ device.Stream) error {
	if n == 0 {
		return c.alive()
	}
	to, err := c.at(dst, n)
	if err != nil {
		return fmt.Errorf("metal: zeros: %w", err)
	}
	return c.host(func() { clear(to.mem) })
}

func (c *context) Launch(l device.Launch, _ device.Stream) error {
	if err := c.alive(); err != nil {
		return err
	}
	if l.Function < 1 || int(l.Function) > len(c.kernels) {
		return fmt.Errorf("metal: kernel %s: there is no function %d", l.Name, l.Function)
	}
	k := c.kernels[l.Function-1]
	if l.Threads < 1 || l.Threads > k.threads || l.Blocks < 1 {
		return fmt.Errorf("metal: kernel %s: %d groups of %d threads, want 1 to %d threads", l.Name, l.Blocks, l.Threads, k.threads)
	}
	d := dispatch{name: l.Name, kernel: k.handle, groups: l.Blocks, threads: l.Threads}
	for i, p := range l.Args {
		n := int64(0)
		if i < len(l.Sizes) {
			n = l.Sizes[i]
		}
		a, err := c.at(p, n)
		if err != nil {
			return fmt.Errorf("metal: kernel %s: argument %d: %w", l.Name, i, err)
		}
		d.args = append(d.args, a)
	}
	return c.do(func() error { c.pending = append(c.pending, d); return nil })
}

func (c *context) Capture(_ device.Stream, f func() error) (device.Graph, error) {
	if err := c.alive(); err != nil {
		return 0, err
	}
	var work []func() error
	c.recording = &work
	err := f()
	c.recording = nil
	if err != nil {
		return 0, err
	}
	c.graphs = append(c.graphs, work)
	return device.Graph(len(c.graphs)), nil
}

// Run does again what was recorded, with what memory holds now.
func (c *context) Run(g device.Graph, _ device.Stream) error {
	for _, work := range c.graphs[g-1] {
		if err := c.do(work); err != nil {
			return err
		}
	}
	return nil
}

func (c *context) FreeGraph(g device.Graph) error {
	c.graphs[g-1] = nil
	return nil
}

func (c *context) Close() error {
	if c.closed {
		return errClosed
	}
	c.closed = true
	for _, s := range c.spans {
		c.raw.release(s.buffer)
	}
	for _, k := range c.kernels {
		c.raw.release(k.handle)
	}
	c.raw.close()
	c.spans, c.kernels, c.graphs = nil, nil, nil
	return nil
}
