//go:build !cu

package driver

import "unsafe"

// launchConfig is cuda.h's CUlaunchConfig.
type launchConfig struct {
	gridX, gridY, gridZ    uint32
	blockX, blockY, blockZ uint32
	shared                 uint32
	_                      uint32
	stream                 Stream
	attrs                  *launchAttribute
	numAttrs               uint32
	_                      uint32
}

// launchAttribute is CUlaunchAttribute, whose value is a union of 64 bytes.
type launchAttribute struct {
	id    uint32
	_     uint32
	value [16]uint32
}

// programmaticSerialization lets a kernel start before the one before it in the stream has ended.
const programmaticSerialization = 6

// launchArgs is memory of the context's own for the arguments of one launch at a time.
type launchArgs struct {
	config launchConfig
	attr   launchAttribute
	args   []Ptr
	params []*Ptr
}

// Launch implements Context.
func (c *context) Launch(l Launch, s Stream) error {
	a := &c.launch
	a.args = append(a.args[:0], l.Args...)
	a.params = a.params[:0]
	for i := range a.args {
		a.params = append(a.params, &a.args[i])
	}
	a.config = launchConfig{
		gridX: uint32(l.Blocks), gridY: 1, gridZ: 1, blockX: uint32(l.Threads), blockY: 1, blockZ: 1, shared: uint32(l.Shared), stream: s,
	}
	if l.Overlap {
		a.attr = launchAttribute{id: programmaticSerialization}
		a.attr.value[0] = 1
		a.config.attrs, a.config.numAttrs = &a.attr, 1
	}
	var params uintptr
	if len(a.params) > 0 {
		params = uintptr(unsafe.Pointer(&a.params[0]))
	}
	return c.do(l.Name, cuLaunchKernelEx, uintptr(unsafe.Pointer(&a.config)), uintptr(l.Function), params, 0)
}
