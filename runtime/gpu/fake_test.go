package gpu

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
	"unsafe"

	"github.com/llorch/llorch/ir/kernel"
	"github.com/llorch/llorch/runtime"
	"github.com/llorch/llorch/runtime/cuda/driver"
	"github.com/llorch/llorch/runtime/gpu/device"
)

// fakeDriver has one device. Its memory is the host's, its stream a goroutine, and a launch runs the kernel's text in the
// interpreter with what lies in step memory when its turn comes.
type fakeDriver struct {
	info    device.Info
	memory  int64
	program *runtime.Program
	room    int                     // for candidates
	fail    func(call string) error // ahead of each call but Query
	opened  []*fakeDevice
}

func newFakeDriver(p *runtime.Program) *fakeDriver {
	return &fakeDriver{
		info:    device.Info{Target: "cuda", Name: "Fake", Arch: "sm_90", Cores: 2, Memory: 1 << 30, Shared: 227 << 10, Driver: "CUDA 13.0", Overlap: true},
		memory:  1 << 30,
		program: p,
		room:    4096,
	}
}

// device is the one that was opened last.
func (d *fakeDriver) device() *fakeDevice { return d.opened[len(d.opened)-1] }

func (d *fakeDriver) Devices() ([]device.Info, error) { return []device.Info{d.info}, nil }

func (d *fakeDriver) Open(i int) (device.Context, error) {
	f := &fakeDevice{
		driver: d, next: 1 << 20, work: make(chan func() error, 1<<14), events: map[device.Event]uint64{}, graphs: map[device.Graph][]func() error{},
		stopped: make(chan struct{}), texts: map[string]*kernel.Kernel{}, kernels: map[string]*kernel.Program{},
	}
	if err := f.enter("Open"); err != nil {
		return nil, err
	}
	for _, k := range d.program.Kernels {
		text, err := kernel.Parse(k.Text)
		if err != nil {
			return nil, err
		}
		f.texts[k.Name] = text
		if f.kernels[k.Name], err = kernel.Interpret(text, kernel.Options{Poison: true, ReverseLanes: true}); err != nil {
			return nil, err
		}
	}
	d.opened = append(d.opened, f)
	go f.run()
	return f, nil
}

// block is an allocation.
type block struct {
	base   device.Ptr
	data   []byte
	pinned bool
}

type fakeDevice struct {
	driver  *fakeDriver
	texts   map[string]*kernel.Kernel
	kernels map[string]*kernel.Program

	mu        sync.Mutex
	blocks    []*block
	next      device.Ptr
	functions []string
	queued    uint64 // operations
	ran       uint64
	events    map[device.Event]uint64 // how many operations were queued before them
	handles   uintptr
	graphs    map[device.Graph][]func() error
	recording []func() error
	capturing bool
	dead      error // of an operation that failed
	closed    bool
	calls     int // by the host, of any method
	captures  int
	launches  int
	overlaps  int
	asleep    bool // operations do not run
	launching string

	work    chan func() error
	stopped chan struct{}
}

// fault is an error of the driver.
func fault(call string, code int) error {
	return &driver.Error{Call: "cu" + call, Code: code, Name: fmt.Sprintf("CUDA_ERROR_%d", code), Text: "fake"}
}

// Codes of errors.
const (
	outOfMemory    = 2
	notFound       = 500
	illegalAddress = 700
)

// enter is the beginning of each call.
func (f *fakeDevice) enter(call string) error {
	f.mu.Lock()
	f.calls++
	dead, closed := f.dead, f.closed
	f.mu.Unlock()
	switch {
	case closed:
		panic("the fake device is used after Close: " + call)
	case dead != nil:
		return dead
	case f.driver.fail != nil && call != "Query":
		return f.driver.fail(call)
	}
	return nil
}

// run is the stream.
func (f *fakeDevice) run() {
	defer close(f.stopped)
	for op := range f.work {
		for f.sleeping() {
			time.Sleep(time.Millisecond)
		}
		f.mu.Lock()
		dead := f.dead
		f.mu.Unlock()
		if dead == nil {
			dead = op()
		}
		f.mu.Lock()
		if f.dead = dead; dead == nil {
			f.ran++
		}
		f.mu.Unlock()
	}
}

func (f *fakeDevice) sleeping() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.asleep && !f.closed
}

func (f *fakeDevice) enqueue(op func() error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.capturing {
		f.recording = append(f.recording, op)
		return
	}
	f.queued++
	f.work <- op
}

// live is the number of allocations, and their bytes.
func (f *fakeDevice) live() (n int, bytes int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, b := range f.blocks {
		bytes += int64(len(b.data))
	}
	return len(f.blocks), bytes
}

func (f *fakeDevice) allocate(n int64, pinned bool) *block {
	words := make([]uint64, (n+7)/8)
	b := &block{base: f.next, data: unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(words))), n), pinned: pinned}
	for i := range min(n, 1<<16) {
		b.data[i] = 0x7f // a float near the largest
	}
	f.next += device.Ptr(up(n) + 1<<16)
	f.blocks = append(f.blocks, b)
	return b
}

// at is the memory from p to the end of its allocation.
func (f *fakeDevice) at(p device.Ptr) ([]byte, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, b := range f.blocks {
		if p >= b.base && p < b.base+device.Ptr(len(b.data)) {
			return b.data[p-b.base:], nil
		}
	}
	return nil, fault("access", illegalAddress)
}

func (f *fakeDevice) span(p device.Ptr, n int) ([]byte, error) {
	data, err := f.at(p)
	if err == nil && len(data) < n {
		err = fault("access", illegalAddress)
	}
	if err != nil {
		return nil, err
	}
	return data[:n], nil
}

// isPinned reports that mem is inside pinned memory.
func (f *fakeDevice) isPinned(mem []byte) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	p := uintptr(unsafe.Pointer(unsafe.SliceData(mem)))
	return slices.ContainsFunc(f.blocks, func(b *block) bool {
		base := uintptr(unsafe.Pointer(unsafe.SliceData(b.data)))
		return b.pinned && p >= base && p < base+uintptr(len(b.data))
	})
}

// release waits for what is queued, as the driver does.
func (f *fakeDevice) release(is func(*block) bool) error {
	f.drain()
	f.mu.Lock()
	defer f.mu.Unlock()
	i := slices.IndexFunc(f.blocks, is)
	if i < 0 {
		panic("memory is freed that was not allocated")
	}
	f.blocks = slices.Delete(f.blocks, i, i+1)
	return nil
}

func (f *fakeDevice) Info() device.Info { return f.driver.info }

func (f *fakeDevice) MemInfo() (free, total int64, err error) {
	if err := f.enter("MemGetInfo"); err != nil {
		return 0, 0, err
	}
	_, used := f.live()
	return f.driver.memory - used, f.driver.memory, nil
}

func (f *fakeDevice) Alloc(n int64) (device.Ptr, error) {
	if err := f.enter("MemAlloc"); err != nil {
		return 0, err
	}
	if _, used := f.live(); n < 1 || used+n > f.driver.memory {
		return 0, fault("MemAlloc", outOfMemory)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.allocate(n, false).base, nil
}

func (f *fakeDevice) Free(p device.Ptr) error {
	if err := f.enter("MemFree"); err != nil {
		return err
	}
	return f.release(func(b *block) bool { return b.base == p && !b.pinned })
}

func (f *fakeDevice) Pinned(n int64) ([]byte, device.Ptr, error) {
	if err := f.enter("MemHostAlloc"); err != nil {
		return nil, 0, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	b := f.allocate(n, true)
	return b.data, b.base, nil
}

func (f *fakeDevice) FreePinned(mem []byte) error {
	if err := f.enter("MemFreeHost"); err != nil {
		return err
	}
	return f.release(func(b *block) bool { return b.pinned && unsafe.SliceData(b.data) == unsafe.SliceData(mem) })
}

func (f *fakeDevice) LoadModule([]byte) (device.Module, error) { return 1, f.enter("ModuleLoadDataEx") }

func (f *fakeDevice) Function(_ device.Module, name string, _ int) (device.Function, error) {
	if err := f.enter("ModuleGetFunction"); err != nil {
		return 0, err
	}
	if f.texts[name] == nil && !strings.HasPrefix(name, "llorch_") {
		return 0, fault("ModuleGetFunction", notFound)
	}
	f.functions = append(f.functions, name)
	return device.Function(len(f.functions)), nil
}
