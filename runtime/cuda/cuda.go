package cuda

import (
	"os"

	"github.com/llorch/llorch/runtime"
	"github.com/llorch/llorch/runtime/gpu"
	"github.com/llorch/llorch/runtime/gpu/device"
)

// New loads p's kernels and weights onto a device of the CUDA driver.
func New(p *runtime.Program, w runtime.Weights, code Code, d device.Driver, o gpu.Options) (*gpu.Picker, error) {
	o.Block = o.Block || os.Getenv("LLORCH_CUDA_BLOCKING") != ""
	return gpu.NewPicker(p, w, code.image, d, o)
}
