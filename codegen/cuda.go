package codegen

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/llorch/llorch/codegen/nvrtc"
)

// DefaultArchs are what a CUDA artifact has code for unless told otherwise.
var DefaultArchs = WithPTX([]string{"sm_90"})

// CUDASource is the one file of CUDA C.
const CUDASource = "kernels.cu"

// BuildCUDA compiles the source: a cubin for each architecture, sm_90, and PTX for a virtual one, compute_90.
func BuildCUDA(sources map[string][]byte, archs []string) (map[string][]byte, error) {
	if len(archs) == 0 {
		archs = DefaultArchs
	}
	compiler, err := nvrtc.Load()
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{}
	var errs []error
	for _, arch := range archs { // NVRTC compiles one program at a time, and splits that among the processors
		r, err := compiler.Compile(sources[CUDASource], CUDASource, nvrtc.Options{Arch: cmp.Or(specific[arch], arch), Split: true})
		switch {
		case err != nil:
			errs = append(errs, fmt.Errorf("kernels for %s: %w", arch, err))
		case r.Cubin != nil:
			files["kernels."+arch+".cubin"] = r.Cubin
		default:
			files["kernels.ptx"] = r.PTX
		}
	}
	return files, errors.Join(errs...)
}

// specific are architectures that are the only ones of their major version: what they alone have can be used.
var specific = map[string]string{"sm_90": "sm_90a"}

// WithPTX adds the virtual architecture of the first of archs, whose PTX devices that are newer than all compile.
func WithPTX(archs []string) []string {
	oldest := strings.TrimRight(strings.TrimPrefix(slices.Min(archs), "sm_"), "abcdefghijklmnopqrstuvwxyz")
	return append(slices.Clone(archs), "compute_"+oldest)
}
