//go:build !darwin

package metal

import (
	"errors"
	goruntime "runtime"

	"github.com/llorch/llorch/runtime/gpu/device"
)

// Load finds a Mac's GPUs.
func Load() (device.Driver, error) {
	return nil, errors.New("metal: there is no Metal on " + goruntime.GOOS + ": it is macOS's; --emulate runs the kernels in an emulator")
}
