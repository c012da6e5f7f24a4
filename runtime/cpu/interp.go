package cpu

import "github.com/llorch/llorch/ir/kernel"

// fault is what an interpreted kernel panics with: an error that names the kernel and group itself.
type fault struct{ error }

// interpreted makes a kernel of k's text. Each call allocates a little, which is nothing beside the interpreter's own time.
func interpreted(k *kernel.Kernel) (*Kernel, error) {
	p, err := kernel.Interpret(k, kernel.Options{})
	if err != nil {
		return nil, err
	}
	size := func(n int, err error) int {
		if err != nil {
			panic(fault{err})
		}
		return n
	}
	return &Kernel{
		Name:    k.Name,
		Groups:  func(a *Args) int { return size(p.Groups(wide(a.Ints))) },
		Scratch: func(a *Args) int { return size(p.Scratch(wide(a.Ints))) },
		Run: func(a *Args, scratch []float32, g int) {
			mem := make([]kernel.Mem, len(a.Bufs))
			bufs := make([]*kernel.Mem, len(a.Bufs))
			for i, b := range a.Bufs {
				mem[i] = kernel.Mem{DType: b.DType, Data: b.Data, Row: int64(b.Row)}
				bufs[i] = &mem[i]
			}
			if err := p.Run(bufs, wide(a.Ints), a.Floats, scratch, g); err != nil {
				panic(fault{err})
			}
		},
	}, nil
}

func wide(ints []int) []int64 {
	out := make([]int64, len(ints))
	for i, v := range ints {
		out[i] = int64(v)
	}
	return out
}
