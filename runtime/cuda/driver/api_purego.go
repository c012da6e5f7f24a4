//go:build !cu

package driver

import (
	"unsafe"

	"github.com/ebitengine/purego"

	"github.com/llorch/llorch/runtime/gpu/device"
)

// api is the loaded library: a method makes one call.
type api struct{ symbols [callCount]uintptr }

// Flags and options of cuda.h.
const (
	hostPortable     = 1
	hostDeviceMapped = 2

	streamNonBlocking = 1
	captureRelaxed    = 2

	jitErrorLog      = 5
	jitErrorLogBytes = 6
)

// call makes a call. What a pointer among its arguments points to stays where it is until the call returns, when the conversion to
// uintptr is written in the argument itself.
//
//go:uintptrescapes
func (a *api) call(f call, args ...uintptr) result {
	r, _, _ := purego.SyscallN(a.symbols[f], args...)
	return result(int32(r))
}

func (a *api) init() result { return a.call(cuInit, 0) }

func (a *api) errorText(code result) (name, text string) {
	say := func(f call) string {
		var p *byte
		a.call(f, uintptr(code), uintptr(unsafe.Pointer(&p)))
		return cString(p)
	}
	return say(cuGetErrorName), say(cuGetErrorString)
}

// cString is the text up to a zero byte.
func cString(p *byte) string {
	if p == nil {
		return ""
	}
	n := 0
	for *(*byte)(unsafe.Add(unsafe.Pointer(p), n)) != 0 {
		n++
	}
	return string(unsafe.Slice(p, n))
}

func (a *api) version() (int, result) {
	var v int32
	r := a.call(cuDriverGetVersion, uintptr(unsafe.Pointer(&v)))
	return int(v), r
}

func (a *api) deviceCount() (int, result) {
	var n int32
	r := a.call(cuDeviceGetCount, uintptr(unsafe.Pointer(&n)))
	return int(n), r
}

func (a *api) device(i int) (dev int32, r result) {
	r = a.call(cuDeviceGet, uintptr(unsafe.Pointer(&dev)), uintptr(i))
	return dev, r
}

func (a *api) deviceName(dev int32) (string, result) {
	var name [256]byte
	r := a.call(cuDeviceGetName, uintptr(unsafe.Pointer(&name)), uintptr(len(name)-1), uintptr(dev))
	return cString(&name[0]), r
}

func (a *api) deviceMemory(dev int32) (bytes int64, r result) {
	r = a.call(cuDeviceTotalMem, uintptr(unsafe.Pointer(&bytes)), uintptr(dev))
	return bytes, r
}

func (a *api) deviceAttribute(dev, attr int32) (int, result) {
	var v int32
	r := a.call(cuDeviceGetAttribute, uintptr(unsafe.Pointer(&v)), uintptr(attr), uintptr(dev))
	return int(v), r
}

// handle is a context as the arguments of cuCtxSetCurrent, which comes before each call and so must allocate nothing.
type handle [1]uintptr

func (a *api) retain(dev int32) (*handle, result) {
	h := &handle{}
	r := a.call(cuDevicePrimaryCtxRetain, uintptr(unsafe.Pointer(h)), uintptr(dev))
	return h, r
}

func (a *api) release(dev int32) result { return a.call(cuDevicePrimaryCtxRelease, uintptr(dev)) }

func (a *api) setCurrent(h *handle) result {
	r, _, _ := purego.SyscallN(a.symbols[cuCtxSetCurrent], h[:]...)
	return result(int32(r))
}

func (a *api) memInfo() (free, total int64, r result) {
	r = a.call(cuMemGetInfo, uintptr(unsafe.Pointer(&free)), uintptr(unsafe.Pointer(&total)))
	return free, total, r
}

func (a *api) alloc(n int64) (p device.Ptr, r result) {
	r = a.call(cuMemAlloc, uintptr(unsafe.Pointer(&p)), uintptr(n))
	return p, r
}

func (a *api) free(p device.Ptr) result { return a.call(cuMemFree, uintptr(p)) }

func (a *api) hostAlloc(n int64) (p unsafe.Pointer, r result) {
	r = a.call(cuMemHostAlloc, uintptr(unsafe.Pointer(&p)), uintptr(n), hostPortable|hostDeviceMapped)
	return p, r
}

func (a *api) hostPointer(p unsafe.Pointer) (dev device.Ptr, r result) {
	r = a.call(cuMemHostGetDevicePointer, uintptr(unsafe.Pointer(&dev)), uintptr(p), 0)
	return dev, r
}

func (a *api) hostFree(p unsafe.Pointer) result { return a.call(cuMemFreeHost, uintptr(p)) }

// loadModule loads an image, and leaves what the driver's compiler says of errors in log.
func (a *api) loadModule(image, log []byte) (m device.Module, r result) {
	options := [...]int32{jitErrorLog, jitErrorLogBytes}
	values := struct {
		log   *byte
		bytes uintptr
	}{&log[0], uintptr(len(log))}
	r = a.call(cuModuleLoadDataEx, uintptr(unsafe.Pointer(&m)), uintptr(unsafe.Pointer(&image[0])),
		uintptr(len(options)), uintptr(unsafe.Pointer(&options)), uintptr(unsafe.Pointer(&values)))
	return m, r
}

func (a *api) unload(m device.Module) result { return a.call(cuModuleUnload, uintptr(m)) }

func (a *api) function(m device.Module, name string) (f device.Function, r result) {
	text := append([]byte(name), 0)
	r = a.call(cuModuleGetFunction, uintptr(unsafe.Pointer(&f)), uintptr(m), uintptr(unsafe.Pointer(&text[0])))
	return f, r
}

func (a *api) setAttribute(f device.Function, attr, v int32) result {
	return a.call(cuFuncSetAttribute, uintptr(f), uintptr(attr), uintptr(v))
}

func (a *api) newStream() (s device.Stream, r result) {
	r = a.call(cuStreamCreate, uintptr(unsafe.Pointer(&s)), streamNonBlocking)
	return s, r
}

func (a *api) destroyStream(s device.Stream) result { return a.call(cuStreamDestroy, uintptr(s)) }

func (a *api) synchronize(s device.Stream) result { return a.call(cuStreamSynchronize, uintptr(s)) }

func (a *api) newEvent() (e device.Event, r result) {
	r = a.call(cuEventCreate, uintptr(unsafe.Pointer(&e)), 0)
	return e, r
}

func (a *api) destroyEvent(e device.Event) result { return a.call(cuEventDestroy, uintptr(e)) }

func (a *api) record(e device.Event, s device.Stream) result {
	return a.call(cuEventRecord, uintptr(e), uintptr(s))
}

func (a *api) query(e device.Event) result { return a.call(cuEventQuery, uintptr(e)) }

func (a *api) elapsed(from, to device.Event) (ms float32, r result) {
	r = a.call(cuEventElapsedTime, uintptr(unsafe.Pointer(&ms)), uintptr(from), uintptr(to))
	return ms, r
}

func (a *api) copyIn(dst device.Ptr, src unsafe.Pointer, n int64, s device.Stream) result {
	return a.call(cuMemcpyHtoDAsync, uintptr(dst), uintptr(src), uintptr(n), uintptr(s))
}

func (a *api) copyOut(dst unsafe.Pointer, src device.Ptr, n int64, s device.Stream) result {
	return a.call(cuMemcpyDtoHAsync, uintptr(dst), uintptr(src), uintptr(n), uintptr(s))
}

func (a *api) copy(dst, src device.Ptr, n int64, s device.Stream) result {
	return a.call(cuMemcpyDtoDAsync, uintptr(dst), uintptr(src), uintptr(n), uintptr(s))
}

func (a *api) zero(dst device.Ptr, n int64, s device.Stream) result {
	return a.call(cuMemsetD8Async, uintptr(dst), 0, uintptr(n), uintptr(s))
}

func (a *api) launch(f device.Function, m *launchMemory) result {
	m.argv = [4]uintptr{uintptr(unsafe.Pointer(m.config)), uintptr(f), uintptr(unsafe.Pointer(&m.params[0])), 0}
	r, _, _ := purego.SyscallN(a.symbols[cuLaunchKernelEx], m.argv[:]...)
	return result(int32(r))
}

func (a *api) beginCapture(s device.Stream) result {
	return a.call(cuStreamBeginCapture, uintptr(s), captureRelaxed)
}

func (a *api) endCapture(s device.Stream) (graph uintptr, r result) {
	r = a.call(cuStreamEndCapture, uintptr(s), uintptr(unsafe.Pointer(&graph)))
	return graph, r
}

func (a *api) instantiate(graph uintptr) (g device.Graph, r result) {
	r = a.call(cuGraphInstantiateWithFlags, uintptr(unsafe.Pointer(&g)), graph, 0)
	return g, r
}

func (a *api) destroyGraph(graph uintptr) result { return a.call(cuGraphDestroy, graph) }

func (a *api) runGraph(g device.Graph, s device.Stream) result {
	return a.call(cuGraphLaunch, uintptr(g), uintptr(s))
}

func (a *api) freeGraph(g device.Graph) result { return a.call(cuGraphExecDestroy, uintptr(g)) }
