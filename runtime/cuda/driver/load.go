//go:build !cu

package driver

import (
	"fmt"
	"os"
	goruntime "runtime"
	"strings"
	"sync"
	"unsafe"

	"github.com/ebitengine/purego"
)

// Load finds the system's CUDA driver: the library that LLORCH_CUDA names, or the one that NVIDIA's driver installs.
func Load() (Driver, error) { return load() }

var load = sync.OnceValues(func() (Driver, error) {
	names := libraries[goruntime.GOOS]
	if f := os.Getenv("LLORCH_CUDA"); f != "" {
		names = []string{f}
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("cuda: there is no NVIDIA driver for %s", goruntime.GOOS)
	}
	var handle uintptr
	var tried []string
	for _, name := range names {
		h, err := open(name)
		if err == nil {
			handle = h
			break
		}
		tried = append(tried, fmt.Sprintf("%s: %v", name, err))
	}
	if handle == 0 {
		return nil, fmt.Errorf("cuda: no driver is installed (%s): the target needs an NVIDIA GPU with its driver", strings.Join(tried, "; "))
	}
	l := &library{}
	for i, name := range calls {
		sym, err := symbol(handle, name)
		if err != nil || sym == 0 {
			return nil, fmt.Errorf("cuda: the installed driver has no %s: it is older than CUDA 12.0", name)
		}
		l.symbols[i] = sym
	}
	return l, l.check("", cuInit, 0)
})

// libraries are the names of the driver's library, by system.
var libraries = map[string][]string{
	"linux":   {"libcuda.so.1", "libcuda.so"},
	"windows": {"nvcuda.dll"},
}

// call numbers the functions of the driver that are used.
type call int

const (
	cuInit call = iota
	cuDriverGetVersion
	cuDeviceGetCount
	cuDeviceGet
	cuDeviceGetName
	cuDeviceGetAttribute
	cuDeviceTotalMem
	cuDevicePrimaryCtxRetain
	cuDevicePrimaryCtxRelease
	cuCtxSetCurrent
	cuMemGetInfo
	cuMemAlloc
	cuMemFree
	cuMemHostAlloc
	cuMemFreeHost
	cuMemHostGetDevicePointer
	cuModuleLoadDataEx
	cuModuleGetFunction
	cuModuleUnload
	cuFuncSetAttribute
	cuStreamCreate
	cuStreamDestroy
	cuStreamSynchronize
	cuEventCreate
	cuEventDestroy
	cuEventRecord
	cuEventQuery
	cuEventElapsedTime
	cuMemcpyHtoDAsync
	cuMemcpyDtoHAsync
	cuMemcpyDtoDAsync
	cuMemsetD8Async
	cuLaunchKernelEx
	cuStreamBeginCapture
	cuStreamEndCapture
	cuGraphInstantiateWithFlags
	cuGraphLaunch
	cuGraphExecDestroy
	cuGraphDestroy
	cuGetErrorName
	cuGetErrorString
	callCount
)

// calls are the names that the library exports: with the version of the function that this package speaks.
var calls = [callCount]string{
	cuInit: "cuInit", cuDriverGetVersion: "cuDriverGetVersion", cuDeviceGetCount: "cuDeviceGetCount", cuDeviceGet: "cuDeviceGet",
	cuDeviceGetName: "cuDeviceGetName", cuDeviceGetAttribute: "cuDeviceGetAttribute", cuDeviceTotalMem: "cuDeviceTotalMem_v2",
	cuDevicePrimaryCtxRetain: "cuDevicePrimaryCtxRetain", cuDevicePrimaryCtxRelease: "cuDevicePrimaryCtxRelease_v2",
	cuCtxSetCurrent: "cuCtxSetCurrent", cuMemGetInfo: "cuMemGetInfo_v2", cuMemAlloc: "cuMemAlloc_v2", cuMemFree: "cuMemFree_v2",
	cuMemHostAlloc: "cuMemHostAlloc", cuMemFreeHost: "cuMemFreeHost", cuMemHostGetDevicePointer: "cuMemHostGetDevicePointer_v2",
	cuModuleLoadDataEx: "cuModuleLoadDataEx", cuModuleGetFunction: "cuModuleGetFunction", cuModuleUnload: "cuModuleUnload",
	cuFuncSetAttribute: "cuFuncSetAttribute", cuStreamCreate: "cuStreamCreate", cuStreamDestroy: "cuStreamDestroy_v2",
	cuStreamSynchronize: "cuStreamSynchronize", cuEventCreate: "cuEventCreate", cuEventDestroy: "cuEventDestroy_v2",
	cuEventRecord: "cuEventRecord", cuEventQuery: "cuEventQuery", cuEventElapsedTime: "cuEventElapsedTime",
	cuMemcpyHtoDAsync: "cuMemcpyHtoDAsync_v2", cuMemcpyDtoHAsync: "cuMemcpyDtoHAsync_v2", cuMemcpyDtoDAsync: "cuMemcpyDtoDAsync_v2",
	cuMemsetD8Async: "cuMemsetD8Async", cuLaunchKernelEx: "cuLaunchKernelEx", cuStreamBeginCapture: "cuStreamBeginCapture_v2",
	cuStreamEndCapture: "cuStreamEndCapture", cuGraphInstantiateWithFlags: "cuGraphInstantiateWithFlags", cuGraphLaunch: "cuGraphLaunch",
	cuGraphExecDestroy: "cuGraphExecDestroy", cuGraphDestroy: "cuGraphDestroy", cuGetErrorName: "cuGetErrorName",
	cuGetErrorString: "cuGetErrorString",
}

// library is the loaded driver.
type library struct{ symbols [callCount]uintptr }

// check makes a call and names what it was about in the error.
//
//go:uintptrescapes
func (l *library) check(what string, c call, args ...uintptr) error {
	r, _, _ := purego.SyscallN(l.symbols[c], args...)
	if code := int32(r); code != 0 {
		return l.error(what, c, code)
	}
	return nil
}

func (l *library) error(what string, c call, code int32) error {
	e := &Error{Call: calls[c], Code: int(code), What: what, Name: fmt.Sprintf("error %d", code)}
	text := func(c call) string {
		var p *byte
		purego.SyscallN(l.symbols[c], uintptr(code), uintptr(unsafe.Pointer(&p)))
		return cString(p)
	}
	if name := text(cuGetErrorName); name != "" {
		e.Name, e.Text = name, text(cuGetErrorString)
	}
	return e
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
