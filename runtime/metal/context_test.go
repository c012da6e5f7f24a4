package metal

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/llorch/llorch/runtime/gpu/device"
)

// fake is a device whose only kernel adds 1 to the bytes of its first argument.
type fake struct {
	runs     [][]dispatch
	released map[handle]int
	made     handle
	fails    error
	room     int64
	closed   bool
}

func (f *fake) info() device.Info { return device.Info{Target: "metal", Shared: 1024, Memory: 1000} }
func (f *fake) free() int64       { return f.room }
func (f *fake) buffer(n int64) (handle, []byte, error) {
	f.made++
	return f.made, make([]byte, n), f.fails
}
func (f *fake) wrap(mem []byte) (handle, error) {
	if len(mem)%4 != 0 {
		return 0, device.ErrNotMapped
	}
	f.made++
	return f.made, nil
}
func (f *fake) library([]byte) (handle, error) { return 1, f.fails }
func (f *fake) kernel(_ handle, name string) (handle, int, error) {
	if name != "increment" {
		return 0, 0, errors.New("the library lacks it")
	}
	return 7, 64, nil
}
func (f *fake) run(work []dispatch) (time.Duration, error) {
	f.runs = append(f.runs, work)
	if f.fails != nil {
		return 0, f.fails
	}
	for _, w := range work {
		for i := range w.args[0].mem {
			w.args[0].mem[i]++
		}
	}
	return time.Duration(len(work)) * time.Millisecond, nil
}
func (f *fake) release(h handle) { f.released[h]++ }
func (f *fake) close()           { f.closed = true }

func start(t *testing.T) (*context, *fake, func(args ...device.Ptr) device.Launch) {
	f := &fake{released: map[handle]int{}, room: 1000}
	d := &driver{[]device.Info{f.info()}, func(int) (raw, error) { return f, nil }}
	_, err := d.Open(1)
	require.EqualError(t, err, "metal: there is no device 1: there are 1")
	c, err := d.Open(0)
	require.NoError(t, err)
	m, err := c.LoadModule(nil)
	require.NoError(t, err)
	fn, err := c.Function(m, "increment", 1024)
	require.NoError(t, err)
	return c.(*context), f, func(args ...device.Ptr) device.Launch {
		return device.Launch{Name: "increment for x", Function: fn, Blocks: 1, Threads: 64, Args: args}
	}
}

// TestOneCommandBufferAStep: what is queued between copies goes to the device at once, when somebody waits, and what is copied out is
// there then.
func TestOneCommandBufferAStep(t *testing.T) {
	c, f, launch := start(t)
	p, err := c.Alloc(8)
	require.NoError(t, err)
	pinned, _, err := c.Pinned(8)
	require.NoError(t, err)
	step := func() error {
		return errors.Join(c.CopyIn(p, pinned[:4], 1), c.Launch(launch(p), 1), c.Launch(launch(p+4), 1), c.CopyOut(pinned, p, 1))
	}
	require.NoError(t, step())
	require.Empty(t, f.runs)
	done, err := c.Query(1)
	require.NoError(t, err)
	require.True(t, done)
	require.Len(t, f.runs, 1)
	require.Equal(t, []byte{1, 1, 1, 1, 2, 2, 2, 2}, pinned)

	g, err := c.Capture(1, step)
	require.NoError(t, err)
	require.Len(t, f.runs, 1, "nothing runs while it is captured")
	pinned[0] = 9
	require.NoError(t, c.Run(g, 1))
	require.NoError(t, c.Synchronize(1))
	require.Len(t, f.runs, 2)
	require.Equal(t, []byte{10, 2, 2, 2, 4, 4, 4, 4}, pinned, "pinned memory is read when a graph runs")

	// A copy into what is queued waits for that; one into memory that is not pinned is there at once.
	require.NoError(t, c.Launch(launch(p), 1))
	require.NoError(t, c.CopyIn(p, []byte{0}, 1))
	require.Len(t, f.runs, 3)
	out := make([]byte, 2)
	require.NoError(t, c.Launch(launch(p), 1))
	require.NoError(t, c.CopyOut(out, p, 1))
	require.Equal(t, []byte{1, 4}, out)
}

func TestTimes(t *testing.T) {
	c, _, launch := start(t)
	p, err := c.Alloc(8)
	require.NoError(t, err)
	a, err := c.NewEvent()
	require.NoError(t, err)
	b, err := c.NewEvent()
	require.NoError(t, err)
	require.NoError(t, errors.Join(c.Record(a, 1), c.Launch(launch(p), 1), c.Launch(launch(p), 1), c.Record(b, 1)))
	ms, err := c.Elapsed(a, b)
	require.NoError(t, err)
	require.InDelta(t, 2, ms, 1e-3)
}

func TestAddresses(t *testing.T) {
	c, f, launch := start(t)
	p, err := c.Alloc(8)
	require.NoError(t, err)
	q, err := c.Alloc(8)
	require.NoError(t, err)
	for _, l := range []device.Launch{launch(0), launch(p + 8), launch(p - 1), launch(p, q+100)} {
		require.ErrorContains(t, c.Launch(l, 1), "metal: kernel increment for x: argument ")
	}
	l := launch(p + 4)
	l.Sizes = []int64{5}
	require.ErrorContains(t, c.Launch(l, 1), "argument 0: 5 bytes at 0x10004, where 4 are")
	l.Sizes[0] = 3
	require.NoError(t, c.Launch(l, 1))
	require.NoError(t, c.Synchronize(1))
	require.Len(t, f.runs[0][0].args[0].mem, 3)
	l.Threads = 65
	require.EqualError(t, c.Launch(l, 1), "metal: kernel increment for x: 1 groups of 65 threads, want 1 to 64 threads")
	require.ErrorContains(t, c.CopyIn(q+4, make([]byte, 5), 1), "5 bytes at")
	require.NoError(t, c.Free(p))
	require.ErrorContains(t, c.Launch(launch(p), 1), "nothing lies at")
	require.Error(t, c.Free(p))
	_, err = c.Alloc(2000)
	require.EqualError(t, err, "metal: a buffer of 2000 bytes, and 1000 are free")
	_, err = c.Function(1, "absent", 0)
	require.EqualError(t, err, "metal: kernel absent: the library lacks it")
	_, err = c.Function(1, "increment", 1025)
	require.EqualError(t, err, "metal: kernel increment: 1025 bytes of group memory, and there are 1024")
}

func TestMap(t *testing.T) {
	c, f, launch := start(t)
	mem := make([]byte, 8)
	p, err := c.Map(mem)
	require.NoError(t, err)
	require.NoError(t, c.Launch(launch(p), 1))
	require.NoError(t, c.Synchronize(1))
	require.Equal(t, byte(1), mem[7])
	_, err = c.Map(mem[:3])
	require.ErrorIs(t, err, device.ErrNotMapped)
	require.NoError(t, c.Close())
	require.Equal(t, map[handle]int{1: 1, 7: 1}, f.released)
	require.True(t, f.closed)
	require.ErrorIs(t, c.Launch(launch(p), 1), errClosed)
}

// A command buffer that fails names its kernels; what the device does not survive ends all.
func TestFailures(t *testing.T) {
	c, f, launch := start(t)
	p, err := c.Alloc(8)
	require.NoError(t, err)
	f.fails = &Error{Kernels: []string{"a", "b"}, Err: errors.New("bad")}
	require.NoError(t, c.Launch(launch(p), 1))
	require.EqualError(t, c.Synchronize(1), "metal: 2 kernels, a to b: bad")
	f.fails = nil
	require.NoError(t, c.Synchronize(1), "what failed is gone")
	f.fails = &Error{Kernels: []string{"a"}, Err: errors.New("removed"), Dead: true}
	require.NoError(t, c.Launch(launch(p), 1))
	err = c.Synchronize(1)
	require.True(t, device.Lost(err))
	f.fails = nil
	require.Equal(t, err, c.Launch(launch(p), 1))
	_, err = c.Query(1)
	require.EqualError(t, err, "metal: kernel a: removed")
}

func TestSourceError(t *testing.T) {
	err := sourceError("a\nb\nc", errors.New("program_source:2:7: error: no"))
	require.EqualError(t, err, "program_source:2:7: error: no\nkernels.metal:2: b")
	for _, text := range []string{"no place", "program_source:9:1: far"} {
		require.EqualError(t, sourceError("a", errors.New(text)), text)
	}
}
