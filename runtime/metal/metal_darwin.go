package metal

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"time"
	"unsafe"

	"github.com/ebitengine/purego/objc"

	"github.com/llorch/llorch/runtime/gpu/device"
)

// Load finds the Mac's GPUs.
func Load() (device.Driver, error) {
	if err := openFrameworks(); err != nil {
		return nil, err
	}
	var all []*apple
	err := pooled(func() error {
		if list := copyAllDevices(); list != 0 {
			defer list.Send(selRelease)
			for i := range objc.Send[uint64](list, selCount) {
				all = append(all, newApple(len(all), list.Send(selObjectAtIndex, i).Send(selRetain)))
			}
		}
		if d := objc.ID(0); len(all) == 0 {
			if d = createDefaultDevice(); d != 0 {
				all = append(all, newApple(0, d))
			}
		}
		return nil
	})
	if err == nil && len(all) == 0 {
		err = fmt.Errorf("metal: this Mac has no GPU that Metal knows")
	}
	if err != nil {
		return nil, err
	}
	d := &driver{open: func(i int) (raw, error) { return all[i].start() }}
	for _, a := range all {
		d.devices = append(d.devices, a.about)
	}
	return d, nil
}

// apple implements raw. A handle is an object that it retains.
type apple struct {
	device objc.ID
	queue  objc.ID
	about  device.Info
}

func newApple(i int, d objc.ID) *apple {
	a := &apple{device: d}
	a.about = device.Info{
		Target: "metal", Index: i, Name: goString(d.Send(selName)), Arch: "mac2", Memory: int64(objc.Send[uint64](d, selWorkingSet)),
		Shared: int(objc.Send[uint64](d, selMaxGroupMemory)), Driver: "Metal",
	}
	for family := int64(familyApple7); family <= familyApple9; family++ {
		if objc.Send[bool](d, selSupportsFamily, family) {
			a.about.Arch = fmt.Sprintf("apple%d", family-1000)
		}
	}
	return a
}

// start is the device with a queue of its own.
func (a *apple) start() (raw, error) {
	if a.about.Arch == "mac2" && !objc.Send[bool](a.device, selSupportsFamily, int64(familyMac2)) {
		return nil, fmt.Errorf("metal: %s is older than the families Apple 7 and Mac 2", a.about.Name)
	}
	q := a.device.Send(selNewQueue)
	if q == 0 {
		return nil, fmt.Errorf("metal: %s gives no command queue", a.about.Name)
	}
	return &apple{a.device, q, a.about}, nil
}

func (a *apple) info() device.Info { return a.about }

// free is what is left of the memory that the system recommends not to exceed.
func (a *apple) free() int64 {
	return a.about.Memory - int64(objc.Send[uint64](a.device, selAllocated))
}

func (a *apple) buffer(n int64) (handle, []byte, error) {
	if most := int64(objc.Send[uint64](a.device, selMaxBuffer)); n > most {
		return 0, nil, fmt.Errorf("a buffer has at most %d", most)
	}
	b := a.device.Send(selNewBuffer, uint64(n), uint64(storageShared))
	if b == 0 {
		return 0, nil, fmt.Errorf("there is no memory for it")
	}
	mem := unsafe.Slice(objc.Send[*byte](b, selContents), n)
	clear(mem)
	return handle(b), mem, nil
}

// wrap takes memory that begins at a page's start, as a weight in a mapped artifact does: the rest of its last page is the mapping's
// own, too.
func (a *apple) wrap(mem []byte) (handle, error) {
	page := uintptr(os.Getpagesize())
	begin := uintptr(unsafe.Pointer(unsafe.SliceData(mem)))
	size := (uint64(len(mem)) + uint64(page) - 1) / uint64(page) * uint64(page)
	if begin%page != 0 || size > objc.Send[uint64](a.device, selMaxBuffer) {
		return 0, device.ErrNotMapped
	}
	b := a.device.Send(selNewBufferNoCopy, unsafe.Pointer(unsafe.SliceData(mem)), size, uint64(storageShared), objc.ID(0))
	if b == 0 {
		return 0, device.ErrNotMapped
	}
	return handle(b), nil
}

// library takes what xcrun metallib wrote, or compiles source: without fast math, since masks are infinite.
func (a *apple) library(image []byte) (h handle, err error) {
	err = pooled(func() error {
		var lib, e objc.ID
		if bytes.HasPrefix(image, []byte("MTLB")) {
			dir, err := os.MkdirTemp("", "llorch-metal-*")
			if err != nil {
				return err
			}
			defer func() { _ = os.RemoveAll(dir) }()
			file := filepath.Join(dir, "kernels.metallib")
			if err := os.WriteFile(file, image, 0o600); err != nil {
				return err
			}
			url := objc.ID(objc.GetClass("NSURL")).Send(selFileURLWithPath, nsString(file))
			lib = a.device.Send(selNewLibraryURL, url, unsafe.Pointer(&e))
		} else {
			o := objc.ID(objc.GetClass("MTLCompileOptions")).Send(selNew)
			defer o.Send(selRelease)
			o.Send(selSetLanguageVersion, uint64(languageVersion31))
			o.Send(selSetFastMath, false)
			lib = a.device.Send(selNewLibrarySource, nsString(string(image)), o, unsafe.Pointer(&e))
		}
		if lib == 0 {
			return fmt.Errorf("metal: the kernels' library: %w", sourceError(string(image), nsError(e)))
		}
		h = handle(lib)
		return nil
	})
	return h, err
}

func (a *apple) kernel(library handle, name string) (h handle, threads int, err error) {
	err = pooled(func() error {
		f := objc.ID(library).Send(selNewFunction, nsString(name))
		if f == 0 {
			return fmt.Errorf("the library lacks it")
		}
		defer f.Send(selRelease)
		var e objc.ID
		p := a.device.Send(selNewPipeline, f, unsafe.Pointer(&e))
		if p == 0 {
			return nsError(e)
		}
		if width := objc.Send[uint64](p, selExecutionWidth); width != 32 {
			p.Send(selRelease)
			return fmt.Errorf("%s has simdgroups of %d threads, and kernels want 32", a.about.Name, width)
		}
		h, threads = handle(p), int(objc.Send[uint64](p, selMaxThreads))
		return nil
	})
	return h, threads, err
}

// run is one command buffer with one encoder, whose dispatches follow one another: each sees what those before it wrote, as Metal
// tracks the buffers that they share.
func (a *apple) run(work []dispatch) (took time.Duration, err error) {
	err = pooled(func() error {
		cmd := a.queue.Send(selCommandBuffer)
		if cmd == 0 {
			return fmt.Errorf("metal: %s gives no command buffer", a.about.Name)
		}
		enc := cmd.Send(selEncoder)
		for _, w := range work {
			enc.Send(selSetPipeline, objc.ID(w.kernel))
			for i, arg := range w.args {
				enc.Send(selSetBuffer, objc.ID(arg.buffer), uint64(arg.offset), uint64(i))
			}
			enc.Send(selDispatchGroups, mtlSize{width: uint64(w.groups), height: 1, depth: 1}, mtlSize{width: uint64(w.threads), height: 1, depth: 1})
		}
		enc.Send(selEndEncoding)
		cmd.Send(selCommit)
		cmd.Send(selWait)
		took = time.Duration((objc.Send[float64](cmd, selGPUEnd) - objc.Send[float64](cmd, selGPUStart)) * 1e9)
		if objc.Send[uint64](cmd, selStatus) == statusCompleted {
			return nil
		}
		e := cmd.Send(selError)
		failed := &Error{Err: nsError(e)}
		for _, w := range work {
			failed.Kernels = append(failed.Kernels, w.name)
		}
		if e != 0 {
			switch objc.Send[int64](e, selCode) {
			case errorTimeout, errorPageFault, errorAccessRevoked, errorDeviceRemoved:
				failed.Dead = true
			}
		}
		return failed
	})
	return took, err
}

func (a *apple) release(h handle) {
	if h != 0 {
		objc.ID(h).Send(selRelease)
	}
}

func (a *apple) close() { a.queue.Send(selRelease) }
