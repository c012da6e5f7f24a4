package codegen

import (
	"fmt"

	"github.com/llorch/llorch/codegen/clike"
	"github.com/llorch/llorch/ir/kernel"
	"github.com/llorch/llorch/runtime"
)

// spelled gives the kernels as one file in a C-like language, and enters into the program how each is launched.
func spelled(d *clike.Dialect, file string) func(*runtime.Program, []*kernel.Kernel) (map[string][]byte, error) {
	return func(p *runtime.Program, ks []*kernel.Kernel) (map[string][]byte, error) {
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
		src, fns, err := clike.Emit(d, clike.Options{
			Symbols: p.Symbols, Limits: limits, RowElems: func(k, buf int) int64 { return rows[k][buf] },
			Fixed: fixedBytes(p, ks), Past: past(p),
		}, ks)
		if err != nil {
			return nil, err
		}
		for i, f := range fns {
			p.Kernels[i].Threads, p.Kernels[i].Shared = f.Threads, f.Shared
		}
		return map[string][]byte{file: src}, nil
	}
}

// past is the second symbol: the linker orders them so, and engines set it so. A program with states has one.
func past(p *runtime.Program) string {
	if len(p.Symbols) < 2 || len(p.States) == 0 {
		return ""
	}
	return p.Symbols[1]
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
