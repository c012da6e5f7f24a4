package driver

import (
	goruntime "runtime"

	"github.com/llorch/llorch/runtime/gpu/device"
)

// launchConfig is cuda.h's CUlaunchConfig.
type launchConfig struct {
	gridX, gridY, gridZ    uint32
	blockX, blockY, blockZ uint32
	shared                 uint32
	_                      uint32
	stream                 device.Stream
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

// launchMemory is what the driver reads a launch from. It is filled in again for each, so that a launch allocates nothing, and
// pinned, since the driver reads it through pointers that Go's collector does not see.
type launchMemory struct {
	pins   goruntime.Pinner
	config *launchConfig
	attr   *launchAttribute
	args   []device.Ptr
	params []*device.Ptr // params[i] = &args[i]
	argv   [4]uintptr    // the arguments of cuLaunchKernelEx, without cgo
}

// fill lays out a launch.
func (m *launchMemory) fill(l *device.Launch, s device.Stream) {
	if m.config == nil || len(m.args) < len(l.Args) {
		m.allocate(max(16, 2*len(l.Args)))
	}
	copy(m.args, l.Args)
	*m.config = launchConfig{
		gridX: uint32(l.Blocks), gridY: 1, gridZ: 1, blockX: uint32(l.Threads), blockY: 1, blockZ: 1, shared: uint32(l.Shared), stream: s,
	}
	if l.Overlap {
		m.config.attrs, m.config.numAttrs = m.attr, 1
	}
}

func (m *launchMemory) allocate(args int) {
	m.free()
	m.config = &launchConfig{}
	m.attr = &launchAttribute{id: programmaticSerialization}
	m.attr.value[0] = 1
	m.args = make([]device.Ptr, args)
	m.params = make([]*device.Ptr, args)
	for i := range m.args {
		m.params[i] = &m.args[i]
	}
	m.pins.Pin(m.config)
	m.pins.Pin(m.attr)
	m.pins.Pin(&m.args[0])
	m.pins.Pin(&m.params[0])
}

func (m *launchMemory) free() {
	m.pins.Unpin()
	m.config, m.attr, m.args, m.params = nil, nil, nil, nil
}
