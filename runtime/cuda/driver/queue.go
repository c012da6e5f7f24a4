package driver

import (
	"fmt"
	"math"
	"unsafe"

	"github.com/llorch/llorch/runtime/gpu/device"
)

// NewStream implements device.Context.
func (c *context) NewStream() (s device.Stream, err error) {
	if err = c.do("cuStreamCreate", subject{}, func() (r result) { s, r = c.api.newStream(); return r }); err != nil {
		return 0, err
	}
	c.streams = append(c.streams, s)
	return s, nil
}

// Synchronize implements device.Context.
func (c *context) Synchronize(s device.Stream) error {
	return c.do("cuStreamSynchronize", subject{}, func() result { return c.api.synchronize(s) })
}

// NewEvent implements device.Context.
func (c *context) NewEvent() (e device.Event, err error) {
	if err = c.do("cuEventCreate", subject{}, func() (r result) { e, r = c.api.newEvent(); return r }); err != nil {
		return 0, err
	}
	c.events = append(c.events, e)
	return e, nil
}

// Record implements device.Context.
func (c *context) Record(e device.Event, s device.Stream) error {
	return c.do("cuEventRecord", subject{}, func() result { return c.api.record(e, s) })
}

// Query implements device.Context.
func (c *context) Query(e device.Event) (done bool, err error) {
	err = c.do("cuEventQuery", subject{}, func() result {
		r := c.api.query(e)
		if done = r == 0; r == notReady {
			return 0
		}
		return r
	})
	return done, err
}

// Elapsed implements device.Context.
func (c *context) Elapsed(from, to device.Event) (ms float32, err error) {
	err = c.do("cuEventElapsedTime", subject{}, func() (r result) { ms, r = c.api.elapsed(from, to); return r })
	return ms, err
}

// CopyIn implements device.Context.
func (c *context) CopyIn(dst device.Ptr, src []byte, s device.Stream) error {
	if len(src) == 0 {
		return nil
	}
	return c.do("cuMemcpyHtoDAsync", subject{bytes: int64(len(src))}, func() result {
		return c.api.copyIn(dst, unsafe.Pointer(&src[0]), int64(len(src)), s)
	})
}

// CopyOut implements device.Context.
func (c *context) CopyOut(dst []byte, src device.Ptr, s device.Stream) error {
	if len(dst) == 0 {
		return nil
	}
	return c.do("cuMemcpyDtoHAsync", subject{bytes: int64(len(dst))}, func() result {
		return c.api.copyOut(unsafe.Pointer(&dst[0]), src, int64(len(dst)), s)
	})
}

// Copy implements device.Context.
func (c *context) Copy(dst, src device.Ptr, n int64, s device.Stream) error {
	if n == 0 {
		return nil
	}
	return c.do("cuMemcpyDtoDAsync", subject{bytes: n}, func() result { return c.api.copy(dst, src, n, s) })
}

// Zero implements device.Context.
func (c *context) Zero(dst device.Ptr, n int64, s device.Stream) error {
	if n == 0 {
		return nil
	}
	return c.do("cuMemsetD8Async", subject{bytes: n}, func() result { return c.api.zero(dst, n, s) })
}

// device.Launch implements device.Context.
func (c *context) Launch(l device.Launch, s device.Stream) error {
	if l.Blocks < 1 || l.Blocks > math.MaxInt32 || l.Threads < 1 || l.Threads > 1024 || l.Shared < 0 || l.Shared > math.MaxInt32 {
		about := fmt.Sprintf("kernel %s of %d blocks of %d threads with %d bytes of shared memory", l.Name, l.Blocks, l.Threads, l.Shared)
		return c.failed("cuLaunchKernelEx", subject{text: about}, invalidValue)
	}
	c.launch.fill(&l, s)
	err := c.do("cuLaunchKernelEx", subject{kernel: l.Name}, func() result { return c.api.launch(l.Function, &c.launch) })
	if err == nil {
		c.last = l.Name
	}
	return err
}

// Capture implements device.Context. Calls that may disturb a capture are allowed meanwhile, and it may end in another thread than it
// began in: the mode is relaxed.
func (c *context) Capture(s device.Stream, f func() error) (g device.Graph, err error) {
	about := subject{text: "capture"}
	if err := c.do("cuStreamBeginCapture", about, func() result { return c.api.beginCapture(s) }); err != nil {
		return 0, err
	}
	before := c.last
	c.last = ""
	err = f()
	name := c.last
	c.last = before
	var graph uintptr
	ended := c.do("cuStreamEndCapture", about, func() (r result) { graph, r = c.api.endCapture(s); return r })
	if err == nil { // what f met comes first: it is why a capture cannot end well
		err = ended
	}
	if graph == 0 {
		return 0, err
	}
	if err == nil {
		err = c.do("cuGraphInstantiate", about, func() (r result) { g, r = c.api.instantiate(graph); return r })
	}
	if destroyed := c.do("cuGraphDestroy", about, func() result { return c.api.destroyGraph(graph) }); err == nil {
		err = destroyed
	}
	if g != 0 {
		c.graphs = append(c.graphs, g)
		c.names[g] = name
	}
	return g, err
}

// Run implements device.Context.
func (c *context) Run(g device.Graph, s device.Stream) error {
	err := c.do("cuGraphLaunch", subject{}, func() result { return c.api.runGraph(g, s) })
	if name := c.names[g]; err == nil && name != "" {
		c.last = name
	}
	return err
}

// FreeGraph implements device.Context.
func (c *context) FreeGraph(g device.Graph) error {
	drop(&c.graphs, g)
	delete(c.names, g)
	return c.do("cuGraphExecDestroy", subject{}, func() result { return c.api.freeGraph(g) })
}
