package nvrtc_test

import (
	"errors"
	"fmt"

	"github.com/llorch/llorch/codegen/nvrtc"
)

// Without NVRTC the sources are kept as they are; with it, an error of the source points at its line.
func Example() {
	c, err := nvrtc.Load()
	if errors.Is(err, nvrtc.ErrNotFound) {
		fmt.Println("keeping the source alone:", err)
		return
	}
	if err != nil {
		fmt.Println(err)
		return
	}
	src := []byte(`extern "C" __global__ void twice(float* x) { x[threadIdx.x] *= 2; }`)
	r, err := c.Compile(src, "twice.cu", nvrtc.Options{Arch: "sm_90"})
	var broken *nvrtc.CompileError
	if errors.As(err, &broken) {
		fmt.Println(broken) // twice.cu:1: identifier "y" is undefined
		return
	}
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("NVRTC %s of %s: %d bytes for sm_90\n", c.Version(), c.Path(), len(r.Cubin))
}
