package metal

import (
	stdcontext "context"
	"errors"
	"fmt"
	goruntime "runtime"
	"slices"
	"time"
	"unsafe"

	"github.com/llorch/llorch/runtime/gpu/device"
	"github.com/llorch/llorch/runtime/metal/emulator"
)

// EmulateOptions say how kernels are emulated.
type EmulateOptions struct {
	Checked bool   // every access is watched, which is slower: the first wrong one is an error
	Order   uint64 // 0 runs the threads of a group in order, anything else is the seed of another order
}

// Emulated is a driver whose device is the emulator. The error wraps emulator.ErrNotFound where that lacks its compiler.
func Emulated(o EmulateOptions) (device.Driver, error) {
	c, err := emulator.Find()
	if err != nil {
		return nil, err
	}
	d := &emulated{compiler: c, options: o}
	return &driver{[]device.Info{d.info()}, func(int) (raw, error) { return d, nil }}, nil
}

// emulated implements raw.
type emulated struct {
	compiler *emulator.Compiler
	options  EmulateOptions
	modules  []*emulator.Module
	kernels  []emulatedKernel
}

type emulatedKernel struct {
	module *emulator.Module
	name   string
}

// emulatedMemory is more than a host has: what it lacks it says itself.
const emulatedMemory = 1 << 40

func (e *emulated) info() device.Info {
	return device.Info{
		Target: "metal", Name: "the emulator", Arch: goruntime.GOARCH, Memory: emulatedMemory, Shared: 32 << 10, Driver: "clang",
	}
}

func (e *emulated) free() int64 { return emulatedMemory }

func (e *emulated) buffer(n int64) (handle, []byte, error) {
	const line = 256
	mem := make([]byte, n+line)
	skip := -uintptr(unsafe.Pointer(unsafe.SliceData(mem))) % line
	return 0, mem[skip:][:n:n], nil
}

func (e *emulated) wrap([]byte) (handle, error) { return 0, nil }

func (e *emulated) library(image []byte) (handle, error) {
	o := emulator.Options{Name: "kernels.metal", Checked: e.options.Checked}
	m, err := e.compiler.Compile(stdcontext.Background(), image, o)
	if err != nil {
		return 0, err
	}
	e.modules = append(e.modules, m)
	return handle(len(e.modules)), nil
}

func (e *emulated) kernel(library handle, name string) (handle, int, error) {
	if library < 1 || int(library) > len(e.modules) {
		return 0, 0, fmt.Errorf("there is no library %d", library)
	}
	m := e.modules[library-1]
	i := slices.IndexFunc(m.Kernels(), func(k emulator.Kernel) bool { return k.Name == name })
	if i < 0 {
		return 0, 0, errors.New("the library lacks it")
	}
	e.kernels = append(e.kernels, emulatedKernel{m, name})
	threads := m.Kernels()[i].MaxThreads
	if threads == 0 {
		threads = 1024
	}
	return handle(len(e.kernels)), threads, nil
}

func (e *emulated) run(work []dispatch) (time.Duration, error) {
	start := time.Now()
	for _, w := range work {
		k := e.kernels[w.kernel-1]
		d := emulator.Dispatch{Groups: w.groups, Threads: w.threads, Order: e.options.Order, Workers: goruntime.GOMAXPROCS(0)}
		for _, a := range w.args {
			d.Buffers = append(d.Buffers, emulator.Buffer{Mem: a.mem})
		}
		if err := k.module.Run(k.name, d); err != nil {
			return time.Since(start), &Error{Kernels: []string{w.name}, Err: err, Dead: true}
		}
	}
	return time.Since(start), nil
}

func (e *emulated) release(handle) {}
func (e *emulated) close()         {}
