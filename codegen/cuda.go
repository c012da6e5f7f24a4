package codegen

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/llorch/llorch/codegen/clike/cuda"
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

// groupMemory is what a group may have in KiB, by compute capability, where that is less than the dialect takes (CUDA C++ Programming
// Guide, "Technical Specifications per Compute Capability").
var groupMemory = map[string]int{"80": 163, "86": 99, "87": 163, "89": 99, "120": 99, "121": 99}

// withinCUDA has kernels keep to the group memory of the least of the devices. Products for prompts then have smaller tiles; a kernel
// that needs more all the same is refused when it is spelled.
func withinCUDA(t *Target, archs []string) *Target {
	d := *cuda.Dialect
	for _, arch := range archs {
		_, number, _ := strings.Cut(strings.TrimRight(arch, letters), "_")
		if kib, ok := groupMemory[number]; ok && kib<<10 < d.Memory {
			d.Memory, d.Name = kib<<10, "cuda for "+arch
		}
	}
	if d.Memory == cuda.Dialect.Memory {
		return t
	}
	small := *t
	small.Schedule.Results = d.Memory - productsBeside
	small.Schedule.OverResults, small.Schedule.MostTokens = 0, 2*small.Schedule.Tokens
	small.Sources = spelled(&d, CUDASource)
	return &small
}

// productsBeside is what a product for prompts takes beside its results: four stages of 128 tokens.
const productsBeside = 67 << 10

// letters end the names of architectures that are for one chip alone.
const letters = "abcdefghijklmnopqrstuvwxyz"

// specific are architectures that are the only ones of their major version: what they alone have can be used.
var specific = map[string]string{"sm_90": "sm_90a"}

// WithPTX adds the virtual architecture of the first of archs, whose PTX devices that are newer than all compile.
func WithPTX(archs []string) []string {
	oldest := strings.TrimRight(strings.TrimPrefix(slices.Min(archs), "sm_"), letters)
	return append(slices.Clone(archs), "compute_"+oldest)
}
