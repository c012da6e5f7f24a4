package metal

import (
	"time"

	"github.com/llorch/llorch/runtime/gpu/device"
)

// handle is a thing of a device: a buffer, a library, a kernel.
type handle uintptr

// raw is a device as Metal and the emulator have it.
type raw interface {
	info() device.Info
	// free is how many bytes may still be allocated.
	free() int64
	// buffer is memory that host and device share, with zeros in it.
	buffer(bytes int64) (handle, []byte, error)
	// wrap makes a buffer of memory that the host has, or fails with device.ErrNotMapped.
	wrap(mem []byte) (handle, error)
	// library is kernels, compiled or to be compiled.
	library(image []byte) (handle, error)
	// kernel finds one, and says how many threads a group may have.
	kernel(library handle, name string) (k handle, threads int, err error)
	// run has the device do work, one dispatch after another, and waits. It says how long the device took.
	run(work []dispatch) (time.Duration, error)
	release(h handle)
	close()
}

// dispatch is a launch whose arguments are buffers.
type dispatch struct {
	name            string // for errors
	kernel          handle
	groups, threads int
	args            []argument
}

// argument is a buffer from an offset on. What the kernel may touch there is mem.
type argument struct {
	buffer handle
	offset int
	mem    []byte
}
