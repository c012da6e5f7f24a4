//go:build !cu

package driver

import (
	"fmt"
	"os"
	goruntime "runtime"
	"strings"
)

// libraries are the names of the driver's library, by system.
var libraries = map[string][]string{
	"linux":   {"libcuda.so.1", "libcuda.so", "/usr/lib/wsl/lib/libcuda.so.1"},
	"windows": {"nvcuda.dll"},
}

// loadAPI loads the driver's library.
func loadAPI() (*api, error) {
	names := libraries[goruntime.GOOS]
	if f := os.Getenv("LLORCH_CUDA"); f != "" {
		names = []string{f}
	}
	if goruntime.GOOS == "darwin" && len(names) == 0 {
		return nil, fmt.Errorf("cuda: CUDA has no driver for macOS")
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("cuda: CUDA has no driver for %s", goruntime.GOOS)
	}
	return openLibrary(names)
}

// openLibrary loads the first library that there is.
func openLibrary(names []string) (*api, error) {
	var tried []string
	for _, name := range names {
		library, err := open(name)
		if err != nil {
			tried = append(tried, reason(name, err))
			continue
		}
		a := &api{}
		for f, name := range symbols {
			if a.symbols[f], err = symbol(library, name); err != nil {
				return nil, fmt.Errorf("cuda: the driver's library has no %s: it is older than CUDA 11.8 (%w)", name, err)
			}
		}
		return a, nil
	}
	return nil, fmt.Errorf("cuda: no driver was found: is an NVIDIA driver installed? Tried %s", strings.Join(tried, "; "))
}

// reason is why a library was not loaded, with its name once.
func reason(name string, err error) string {
	if text := err.Error(); strings.Contains(text, name) {
		return text
	}
	return fmt.Sprintf("%s: %v", name, err)
}

// call numbers the functions of the driver that are called.
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

// symbols are the names that the library exports the functions by: what cuda.h's macros turn their names into.
var symbols = [callCount]string{
	cuInit:                      "cuInit",
	cuDriverGetVersion:          "cuDriverGetVersion",
	cuDeviceGetCount:            "cuDeviceGetCount",
	cuDeviceGet:                 "cuDeviceGet",
	cuDeviceGetName:             "cuDeviceGetName",
	cuDeviceGetAttribute:        "cuDeviceGetAttribute",
	cuDeviceTotalMem:            "cuDeviceTotalMem_v2",
	cuDevicePrimaryCtxRetain:    "cuDevicePrimaryCtxRetain",
	cuDevicePrimaryCtxRelease:   "cuDevicePrimaryCtxRelease_v2",
	cuCtxSetCurrent:             "cuCtxSetCurrent",
	cuMemGetInfo:                "cuMemGetInfo_v2",
	cuMemAlloc:                  "cuMemAlloc_v2",
	cuMemFree:                   "cuMemFree_v2",
	cuMemHostAlloc:              "cuMemHostAlloc",
	cuMemFreeHost:               "cuMemFreeHost",
	cuMemHostGetDevicePointer:   "cuMemHostGetDevicePointer_v2",
	cuModuleLoadDataEx:          "cuModuleLoadDataEx",
	cuModuleGetFunction:         "cuModuleGetFunction",
	cuModuleUnload:              "cuModuleUnload",
	cuFuncSetAttribute:          "cuFuncSetAttribute",
	cuStreamCreate:              "cuStreamCreate",
	cuStreamDestroy:             "cuStreamDestroy_v2",
	cuStreamSynchronize:         "cuStreamSynchronize",
	cuEventCreate:               "cuEventCreate",
	cuEventDestroy:              "cuEventDestroy_v2",
	cuEventRecord:               "cuEventRecord",
	cuEventQuery:                "cuEventQuery",
	cuEventElapsedTime:          "cuEventElapsedTime",
	cuMemcpyHtoDAsync:           "cuMemcpyHtoDAsync_v2",
	cuMemcpyDtoHAsync:           "cuMemcpyDtoHAsync_v2",
	cuMemcpyDtoDAsync:           "cuMemcpyDtoDAsync_v2",
	cuMemsetD8Async:             "cuMemsetD8Async",
	cuLaunchKernelEx:            "cuLaunchKernelEx",
	cuStreamBeginCapture:        "cuStreamBeginCapture_v2",
	cuStreamEndCapture:          "cuStreamEndCapture",
	cuGraphInstantiateWithFlags: "cuGraphInstantiateWithFlags",
	cuGraphLaunch:               "cuGraphLaunch",
	cuGraphExecDestroy:          "cuGraphExecDestroy",
	cuGraphDestroy:              "cuGraphDestroy",
	cuGetErrorName:              "cuGetErrorName",
	cuGetErrorString:            "cuGetErrorString",
}
