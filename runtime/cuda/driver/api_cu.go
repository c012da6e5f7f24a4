//go:build cu

package driver

import (
	"unsafe"

	"gorgonia.org/cu"

	"github.com/llorch/llorch/runtime/gpu/device"
)

// api makes the calls that gorgonia.org/cu has; launch_cu.go has the others.
type api struct{}

// loadAPI has nothing to load: the program is linked to libcuda, and the package cu has initialized it or has ended the program.
func loadAPI() (*api, error) { return &api{}, nil }

func (a *api) init() result { return 0 }

// resultOf is the number of an error of the package cu, whose type has no name outside of it: like is a value of that type.
func resultOf[T ~int](err error, like T) result {
	switch r := err.(type) {
	case nil:
		return 0
	case T:
		return result(r)
	}
	return 999 // CUDA_ERROR_UNKNOWN: the package returned an error of its own
}

func code(err error) result { return resultOf(err, cu.Success) }

// as is one handle as another: each is a pointer in a struct, or its number.
func as[To, From any](h From) To { return *(*To)(unsafe.Pointer(&h)) }

// These do not compile where a handle is no pointer.
var (
	_ [unsafe.Sizeof(uintptr(0))]byte = [unsafe.Sizeof(cu.Module{})]byte{}
	_ [unsafe.Sizeof(uintptr(0))]byte = [unsafe.Sizeof(cu.Function{})]byte{}
	_ [unsafe.Sizeof(uintptr(0))]byte = [unsafe.Sizeof(cu.Stream{})]byte{}
	_ [unsafe.Sizeof(uintptr(0))]byte = [unsafe.Sizeof(cu.Event{})]byte{}
)

func (a *api) version() (int, result) {
	if v := cu.Version(); v >= 0 {
		return v, 0
	}
	return 0, invalidValue
}

func (a *api) deviceCount() (int, result) {
	n, err := cu.NumDevices()
	return n, code(err)
}

func (a *api) device(i int) (dev int32, r result) {
	d, err := cu.GetDevice(i)
	return int32(d), code(err)
}

func (a *api) deviceName(dev int32) (string, result) {
	name, err := cu.Device(dev).Name()
	return name, code(err)
}

func (a *api) deviceMemory(dev int32) (int64, result) {
	n, err := cu.Device(dev).TotalMem()
	return n, code(err)
}

func (a *api) deviceAttribute(dev, attr int32) (int, result) {
	v, err := cu.Device(dev).Attribute(cu.DeviceAttribute(attr))
	return v, code(err)
}

type handle cu.CUContext

func (a *api) retain(dev int32) (*handle, result) {
	c, err := cu.Device(dev).RetainPrimaryCtx()
	return (*handle)(&c), code(err)
}

func (a *api) release(dev int32) result { return code(cu.Device(dev).ReleasePrimaryCtx()) }

func (a *api) setCurrent(h *handle) result { return code(cu.SetCurrentContext(cu.CUContext(*h))) }

func (a *api) memInfo() (free, total int64, r result) {
	free, total, err := cu.MemInfo()
	return free, total, code(err)
}

func (a *api) alloc(n int64) (device.Ptr, result) {
	p, err := cu.MemAlloc(n)
	return device.Ptr(p), code(err)
}

func (a *api) free(p device.Ptr) result { return code(cu.MemFree(cu.DevicePtr(p))) }

func (a *api) hostFree(p unsafe.Pointer) result { return code(cu.MemFreeHost(p)) }

// loadModule loads an image, and leaves what the driver's compiler says of errors in log.
func (a *api) loadModule(image, log []byte) (device.Module, result) {
	m, err := cu.LoadDataEx(string(image), &cu.JITErrorLogBuffer{Buffer: log})
	return as[device.Module](m), code(err)
}

func (a *api) unload(m device.Module) result { return code(as[cu.Module](m).Unload()) }

func (a *api) function(m device.Module, name string) (device.Function, result) {
	f, err := as[cu.Module](m).Function(name)
	return as[device.Function](f), code(err)
}

func (a *api) newStream() (device.Stream, result) {
	s, err := cu.MakeStream(cu.NonBlocking)
	return as[device.Stream](s), code(err)
}

func (a *api) destroyStream(s device.Stream) result {
	stream := as[cu.Stream](s)
	return code(stream.Destroy())
}

func (a *api) synchronize(s device.Stream) result { return code(as[cu.Stream](s).Synchronize()) }

func (a *api) newEvent() (device.Event, result) {
	e, err := cu.MakeEvent(cu.DefaultEvent)
	return as[device.Event](e), code(err)
}

func (a *api) destroyEvent(e device.Event) result {
	event := as[cu.Event](e)
	return code(cu.DestroyEvent(&event))
}

func (a *api) record(e device.Event, s device.Stream) result {
	return code(as[cu.Event](e).Record(as[cu.Stream](s)))
}

func (a *api) query(e device.Event) result { return code(as[cu.Event](e).Query()) }

func (a *api) elapsed(from, to device.Event) (float32, result) {
	ms, err := as[cu.Event](from).Elapsed(as[cu.Event](to))
	return float32(ms), code(err)
}

func (a *api) copyIn(dst device.Ptr, src unsafe.Pointer, n int64, s device.Stream) result {
	return code(cu.MemcpyHtoDAsync(cu.DevicePtr(dst), src, n, as[cu.Stream](s)))
}

func (a *api) copyOut(dst unsafe.Pointer, src device.Ptr, n int64, s device.Stream) result {
	return code(cu.MemcpyDtoHAsync(dst, cu.DevicePtr(src), n, as[cu.Stream](s)))
}

func (a *api) copy(dst, src device.Ptr, n int64, s device.Stream) result {
	return code(cu.MemcpyDtoDAsync(cu.DevicePtr(dst), cu.DevicePtr(src), n, as[cu.Stream](s)))
}

func (a *api) zero(dst device.Ptr, n int64, s device.Stream) result {
	return code(cu.MemsetD8Async(cu.DevicePtr(dst), 0, n, as[cu.Stream](s)))
}
