//go:build cu

package driver

// #include <cuda.h>
// #include <stdint.h>
//
// // The memory is pinned, so it goes by number: cgo would look at each pointer in it, which takes half as long as the launch.
// static CUresult launch(uintptr_t config, CUfunction f, uintptr_t params) {
// 	return cuLaunchKernelEx((const CUlaunchConfig *)config, f, (void **)params, NULL);
// }
import "C"

import (
	"unsafe"

	"github.com/llorch/llorch/runtime/gpu/device"
)

// The calls that gorgonia.org/cu v0.9.6 lacks.

func (a *api) errorText(r result) (name, text string) {
	var s *C.char
	if C.cuGetErrorName(C.CUresult(r), &s) == 0 {
		name = C.GoString(s)
	}
	if C.cuGetErrorString(C.CUresult(r), &s) == 0 {
		text = C.GoString(s)
	}
	return name, text
}

func (a *api) hostAlloc(n int64) (p unsafe.Pointer, r result) {
	r = result(C.cuMemHostAlloc(&p, C.size_t(n), C.CU_MEMHOSTALLOC_PORTABLE|C.CU_MEMHOSTALLOC_DEVICEMAP))
	return p, r
}

func (a *api) hostPointer(p unsafe.Pointer) (device.Ptr, result) {
	var dev C.CUdeviceptr
	r := C.cuMemHostGetDevicePointer(&dev, p, 0)
	return device.Ptr(dev), result(r)
}

func (a *api) setAttribute(f device.Function, attr, v int32) result {
	return result(C.cuFuncSetAttribute(as[C.CUfunction](f), C.CUfunction_attribute(attr), C.int(v)))
}

// As cuda.h has them, or this does not compile.
var (
	_ [C.sizeof_CUlaunchConfig]byte    = [unsafe.Sizeof(launchConfig{})]byte{}
	_ [C.sizeof_CUlaunchAttribute]byte = [unsafe.Sizeof(launchAttribute{})]byte{}
	_ [programmaticSerialization]byte  = [C.CU_LAUNCH_ATTRIBUTE_PROGRAMMATIC_STREAM_SERIALIZATION]byte{}
	_ [funcLargeClusters]byte          = [C.CU_FUNC_ATTRIBUTE_NON_PORTABLE_CLUSTER_SIZE_ALLOWED]byte{}
)

func (a *api) launch(f device.Function, m *launchMemory) result {
	return result(C.launch(C.uintptr_t(uintptr(unsafe.Pointer(m.config))), as[C.CUfunction](f),
		C.uintptr_t(uintptr(unsafe.Pointer(&m.params[0])))))
}

func (a *api) beginCapture(s device.Stream) result {
	return result(C.cuStreamBeginCapture(as[C.CUstream](s), C.CU_STREAM_CAPTURE_MODE_RELAXED))
}

func (a *api) endCapture(s device.Stream) (graph uintptr, r result) {
	var g C.CUgraph
	r = result(C.cuStreamEndCapture(as[C.CUstream](s), &g))
	return as[uintptr](g), r
}

func (a *api) instantiate(graph uintptr) (device.Graph, result) {
	var g C.CUgraphExec
	r := C.cuGraphInstantiateWithFlags(&g, as[C.CUgraph](graph), 0)
	return as[device.Graph](g), result(r)
}

func (a *api) destroyGraph(graph uintptr) result {
	return result(C.cuGraphDestroy(as[C.CUgraph](graph)))
}

func (a *api) runGraph(g device.Graph, s device.Stream) result {
	return result(C.cuGraphLaunch(as[C.CUgraphExec](g), as[C.CUstream](s)))
}

func (a *api) freeGraph(g device.Graph) result {
	return result(C.cuGraphExecDestroy(as[C.CUgraphExec](g)))
}
