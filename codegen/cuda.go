package codegen

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/llorch/llorch/codegen/clike"
	"github.com/llorch/llorch/codegen/clike/cuda"
	"github.com/llorch/llorch/codegen/nvrtc"
	"github.com/llorch/llorch/ir/kernel"
	"github.com/llorch/llorch/runtime"
)

// DefaultArchs are what a CUDA artifact has code for unless told otherwise.
var DefaultArchs = WithPTX([]string{"sm_90"})

// CUDASource is the one file of CUDA C.
const CUDASource = "kernels.cu"

// cudaSources are the kernels in CUDA C.
func cudaSources(p *runtime.Program, ks []*kernel.Kernel) (map[string][]byte, error) {
	limits := map[string]clike.Range{}
	for i, s := range p.Symbols {
		limits[s] = clike.Range{Lo: 0, Hi: int64(p.Context)}
		if i == 0 {
			limits[s] = clike.Range{Lo: 1, Hi: int64(p.Chunk)}
		}
	}
	rows, err := rowElems(p, ks)
	if err != nil {
		return nil, err
	}
	src, fns, err := clike.Emit(cuda.Dialect, clike.Options{
		Symbols: p.Symbols, Limits: limits, RowElems: func(k, buf int) int64 { return rows[k][buf] },
		Fixed: fixedBytes(p, ks),
	}, ks)
	if err != nil {
		return nil, err
	}
	for i, f := range fns {
		p.Kernels[i].Threads, p.Kernels[i].Shared = f.Threads, f.Shared
	}
	return map[string][]byte{CUDASource: src}, nil
}

// rowElems is, for each kernel and buffer, the length of the rows of the weights that launches bind to it.
func rowElems(p *runtime.Program, ks []*kernel.Kernel) ([][]int64, error) {
	rows := make([][]int64, len(ks))
	for i, k := range ks {
		rows[i] = make([]int64, len(k.Bufs))
	}
	for _, s := range p.Steps {
		for _, l := range s.Launches {
			for i, r := range l.Bufs {
				if r.Space != runtime.Weight || len(p.Weights[r.Index].Shape) == 0 {
					continue
				}
				shape := p.Weights[r.Index].Shape
				n, at := shape[len(shape)-1], &rows[l.Kernel][i]
				if *at != 0 && *at != n && ks[l.Kernel].Bufs[i].DType.Row().Panel != nil {
					return nil, fmt.Errorf("kernel %s reads fragments whose rows have %d elements, and others of %d", ks[l.Kernel].Name, *at, n)
				}
				*at = n
			}
		}
	}
	return rows, nil
}

// fixedBytes tells of buffers that every launch binds to a weight: their size, of the largest.
func fixedBytes(p *runtime.Program, ks []*kernel.Kernel) func(k, buf int) int64 {
	sizes := make([][]int64, len(ks))
	for i, k := range ks {
		sizes[i] = make([]int64, len(k.Bufs))
	}
	for _, s := range p.Steps {
		for _, l := range s.Launches {
			for i, r := range l.Bufs {
				switch at := &sizes[l.Kernel][i]; {
				case r.Space != runtime.Weight:
					*at = -1
				case *at >= 0:
					*at = max(*at, p.Weights[r.Index].Bytes)
				}
			}
		}
	}
	return func(k, buf int) int64 { return max(0, sizes[k][buf]) }
}

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
