package gpu

import (
	"encoding/binary"
	"errors"
	"fmt"
	goruntime "runtime"
	"slices"

	"github.com/llorch/llorch/ir/kernel"
	"github.com/llorch/llorch/runtime/cuda/driver"
	"github.com/llorch/llorch/runtime/gpu/device"
)

// The fake device's stream.

func (f *fakeDevice) NewStream() (device.Stream, error) { return 1, f.enter("StreamCreate") }

func (f *fakeDevice) Synchronize(device.Stream) error {
	if err := f.enter("StreamSynchronize"); err != nil {
		return err
	}
	return f.drain()
}

func (f *fakeDevice) idle() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.ran == f.queued
}

func (f *fakeDevice) NewEvent() (device.Event, error) {
	if err := f.enter("EventCreate"); err != nil {
		return 0, err
	}
	f.handles++
	return device.Event(f.handles), nil
}

func (f *fakeDevice) Record(e device.Event, _ device.Stream) error {
	if err := f.enter("EventRecord"); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.capturing {
		panic("an event is recorded into a graph")
	}
	f.events[e] = f.queued
	return nil
}

func (f *fakeDevice) Query(e device.Event) (bool, error) {
	if err := f.enter("Query"); err != nil {
		return false, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.ran >= f.events[e], nil
}

func (f *fakeDevice) Elapsed(from, to device.Event) (float32, error) {
	return 2, f.enter("EventElapsedTime")
}

// host is memory that an operation reads later if it is pinned, and now if not.
func (f *fakeDevice) host(mem []byte) []byte {
	if f.isPinned(mem) {
		return mem
	}
	if f.capturing {
		panic("a graph copies from memory that is not pinned")
	}
	return slices.Clone(mem)
}

func (f *fakeDevice) CopyIn(dst device.Ptr, src []byte, _ device.Stream) error {
	if err := f.enter("MemcpyHtoDAsync"); err != nil {
		return err
	}
	src = f.host(src)
	f.enqueue(func() error {
		to, err := f.span(dst, len(src))
		copy(to, src)
		return err
	})
	return nil
}

func (f *fakeDevice) CopyOut(dst []byte, src device.Ptr, s device.Stream) error {
	if err := f.enter("MemcpyDtoHAsync"); err != nil {
		return err
	}
	pinned := f.isPinned(dst)
	if !pinned && f.capturing {
		panic("a graph copies to memory that is not pinned")
	}
	f.enqueue(func() error {
		from, err := f.span(src, len(dst))
		copy(dst, from)
		return err
	})
	if pinned {
		return nil
	}
	return f.drain()
}

// drain waits until nothing is queued, or nothing runs any more.
func (f *fakeDevice) drain() error {
	for {
		f.mu.Lock()
		idle, dead := f.ran == f.queued, f.dead
		f.mu.Unlock()
		if idle || dead != nil {
			return dead
		}
		goruntime.Gosched()
	}
}

func (f *fakeDevice) Copy(dst, src device.Ptr, n int64, _ device.Stream) error {
	if err := f.enter("MemcpyDtoDAsync"); err != nil {
		return err
	}
	f.enqueue(func() error {
		to, err := f.span(dst, int(n))
		if err != nil {
			return err
		}
		from, err := f.span(src, int(n))
		copy(to, from)
		return err
	})
	return nil
}

func (f *fakeDevice) Zero(dst device.Ptr, n int64, _ device.Stream) error {
	if err := f.enter("MemsetD8Async"); err != nil {
		return err
	}
	f.enqueue(func() error {
		to, err := f.span(dst, int(n))
		clear(to)
		return err
	})
	return nil
}

func (f *fakeDevice) Launch(l device.Launch, _ device.Stream) error {
	f.launching = l.Name
	if err := f.enter("LaunchKernelEx"); err != nil {
		return err
	}
	if l.Blocks < 1 || l.Threads < 1 || l.Name == "" {
		panic(fmt.Sprintf("launch %+v", l))
	}
	f.mu.Lock()
	f.launches++
	if l.Overlap {
		f.overlaps++
	}
	f.mu.Unlock()
	l.Args = slices.Clone(l.Args)
	f.enqueue(func() error {
		err := f.execute(l)
		var call *driver.Error
		if err != nil && !errors.As(err, &call) {
			err = &driver.Error{Call: "cuEventQuery", Code: illegalAddress, Name: "CUDA_ERROR_ILLEGAL_ADDRESS", What: "after kernel " + l.Name, Text: err.Error()}
		}
		return err
	})
	return nil
}

func (f *fakeDevice) Capture(_ device.Stream, queue func() error) (device.Graph, error) {
	if err := f.enter("StreamBeginCapture"); err != nil {
		return 0, err
	}
	f.capturing, f.recording = true, nil
	err := queue()
	f.capturing = false
	if err == nil {
		err = f.enter("GraphInstantiate")
	}
	if err != nil {
		return 0, err
	}
	f.captures++
	f.handles++
	f.graphs[device.Graph(f.handles)] = f.recording
	return device.Graph(f.handles), nil
}

func (f *fakeDevice) Run(g device.Graph, _ device.Stream) error {
	if err := f.enter("GraphLaunch"); err != nil {
		return err
	}
	for _, op := range f.graphs[g] {
		f.enqueue(op)
	}
	return nil
}

func (f *fakeDevice) FreeGraph(g device.Graph) error {
	delete(f.graphs, g)
	return f.enter("GraphExecDestroy")
}

// Close waits for the stream, as the driver does.
func (f *fakeDevice) Close() error {
	f.mu.Lock()
	if f.closed {
		panic("the fake device is closed twice")
	}
	f.closed, f.blocks = true, nil
	f.mu.Unlock()
	close(f.work)
	<-f.stopped
	return nil
}

// execute runs a launch.
func (f *fakeDevice) execute(l device.Launch) error {
	args := make([][]byte, len(l.Args))
	for i, p := range l.Args {
		var err error
		if args[i], err = f.at(p); err != nil {
			return err
		}
	}
	name := f.functions[l.Function-1]
	switch name {
	case pickName:
		return fakePick(args)
	case boundName:
		return nil
	case bestName:
		return fakeBest(f.driver.room, args)
	}
	text, program := f.texts[name], f.kernels[name]
	if len(args) != 1+len(text.Bufs) {
		return fmt.Errorf("%d arguments for %d buffers", len(args), len(text.Bufs))
	}
	ints := make([]int64, len(text.Ints))
	for i, symbol := range text.Ints {
		at := slices.Index(f.driver.program.Symbols, symbol)
		ints[i] = int64(int32(binary.LittleEndian.Uint32(args[0][4*at:])))
	}
	if n, err := program.Groups(ints); err != nil || n != l.Blocks {
		return fmt.Errorf("%d blocks for %d groups (%v)", l.Blocks, n, err)
	}
	bufs := make([]*kernel.Mem, len(text.Bufs))
	for i, b := range text.Bufs {
		row := b.DType.Row()
		bufs[i] = &kernel.Mem{DType: b.DType, Data: args[1+i][:len(args[1+i])/row.Bytes*row.Bytes]}
	}
	scratch, err := program.Scratch(ints)
	for g := 0; g < l.Blocks && err == nil; g++ {
		err = program.Run(bufs, ints, nil, make([]float32, scratch), g)
	}
	return err
}

func (f *fakeDevice) sleep(yes bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asleep = yes
}
