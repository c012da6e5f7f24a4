package kernel

import (
	"fmt"
	"math"
	"sync"
)

// Options of the interpreter show what a target with many lanes would make of a kernel.
type Options struct {
	Poison       bool // group memory begins as NaN, so that reads of what no one wrote show
	ReverseLanes bool // loops over lanes run backwards, so that results which depend on their order differ
}

// Program is a kernel compiled for the interpreter, the oracle of every target. Float arithmetic rounds to f32 after each
// operation; sums, Dot and Mix accumulate in float64 and round once. Both sides of a choose are evaluated. Several goroutines may
// run a program's groups.
type Program struct {
	kernel *Kernel
	opt    Options
	grid   []code
	group  []code
	body   []exec
	slots  int // scalars
	stack  int // arguments of calls in progress
	frames sync.Pool

	mu      sync.Mutex
	arrived map[int64]int64 // groups of a launch at a Join, by the place of theirs in the grid
}

// Interpret compiles a kernel, which it verifies.
func Interpret(k *Kernel, opt Options) (*Program, error) {
	if err := Verify(k); err != nil {
		return nil, err
	}
	p := &Program{kernel: k, opt: opt, arrived: map[int64]int64{}}
	c := &compiler{program: p, scalars: map[string]int{}, memory: map[string]memory{}}
	c.header(k)
	p.body = c.stmts(k.Body)
	p.frames.New = func() any { return p.newFrame() }
	return p, nil
}

// Groups is the number of groups for these integer parameters.
func (p *Program) Groups(ints []int64) (n int, err error) {
	err = p.with(ints, func(f *frame) { n = int(f.product(p.grid)) })
	return n, err
}

// Scratch is the number of floats of group memory.
func (p *Program) Scratch(ints []int64) (n int, err error) {
	err = p.with(ints, func(f *frame) { n = int(f.layout()) })
	return n, err
}

// Run runs one group. The buffers and parameters are in the order of the kernel's; scratch has at least Scratch floats.
func (p *Program) Run(bufs []*Mem, ints []int64, floats, scratch []float32, group int) error {
	return p.with(ints, func(f *frame) {
		f.id = group
		f.bind(bufs, floats)
		if n := f.product(p.grid); int64(group) < 0 || int64(group) >= n {
			f.fail("there are %d groups", n)
		}
		need := f.layout()
		if need > int64(len(scratch)) {
			f.fail("scratch has %d floats of %d", len(scratch), need)
		}
		scratch = scratch[:need]
		if p.opt.Poison {
			poison(scratch)
		}
		f.allot(scratch)
		f.place(int64(group))
		f.run(p.body)
	})
}

// with lends f a frame that holds the integer parameters, and turns a fault into an error.
func (p *Program) with(ints []int64, do func(f *frame)) (err error) {
	if len(ints) != len(p.kernel.Ints) {
		return fmt.Errorf("kernel %s: %d integer parameters, want %d", p.kernel.Name, len(ints), len(p.kernel.Ints))
	}
	f := p.frames.Get().(*frame)
	defer func() {
		if r := recover(); r != nil {
			stop, ok := r.(fault)
			if !ok {
				panic(r)
			}
			err = fmt.Errorf("kernel %s, group %d: %s", p.kernel.Name, f.id, string(stop))
		}
		f.release()
		p.frames.Put(f)
	}()
	f.id = 0
	for i, v := range ints {
		f.slots[i].I = v
	}
	do(f)
	return nil
}

// fault is what leaves a running group.
type fault string

// frame is the state of a running group. Slots begin with the integer parameters, the floats and the grid variables.
type frame struct {
	program *Program
	id      int
	slots   []Value
	stack   []Value
	bufs    []buffer
	local   [][]float32
	sizes   []int64 // of group memory
	extents []int64 // of the grid
	one     []float32
	w, x    []float32 // decoded rows
	sums    []float64
}

// buffer is bound global memory.
type buffer struct {
	*Mem
	row   *DTypeRow
	n     int64
	block []float32 // room for a block
}

func (p *Program) newFrame() *frame {
	return &frame{
		program: p,
		slots:   make([]Value, p.slots),
		stack:   make([]Value, p.stack),
		bufs:    make([]buffer, len(p.kernel.Bufs)),
		local:   make([][]float32, len(p.kernel.Group)),
		sizes:   make([]int64, len(p.kernel.Group)),
		extents: make([]int64, len(p.kernel.Grid)),
		one:     make([]float32, 1),
	}
}

func (f *frame) fail(format string, args ...any) { panic(fault(fmt.Sprintf(format, args...))) }

// release forgets the caller's memory.
func (f *frame) release() {
	for i := range f.bufs {
		f.bufs[i].Mem = nil
	}
	clear(f.local)
}

func (f *frame) run(body []exec) {
	for _, s := range body {
		s(f)
	}
}

// bind checks the buffers against the kernel's.
func (f *frame) bind(bufs []*Mem, floats []float32) {
	k := f.program.kernel
	if len(bufs) != len(k.Bufs) || len(floats) != len(k.Floats) {
		f.fail("%d buffers and %d float parameters, want %d and %d", len(bufs), len(floats), len(k.Bufs), len(k.Floats))
	}
	for i, m := range bufs {
		want := k.Bufs[i]
		if m == nil {
			f.fail("%s is not given", want.Name)
		}
		row := m.DType.Row()
		switch {
		case row == nil || want.Role == Weight && !row.Weight:
			f.fail("%s: %v is no weight type", want.Name, m.DType)
		case (want.Role != Weight || want.DType != Invalid) && m.DType != want.DType && !(want.DType == Acts && row.Acts):
			f.fail("%s is %v, want %v", want.Name, m.DType, want.DType)
		case len(m.Data)%row.Bytes != 0:
			f.fail("%s: %d bytes are not whole blocks of %d", want.Name, len(m.Data), row.Bytes)
		case row.Panel != nil && (m.Row <= 0 || m.Row%int64(row.Elems) != 0 || int64(len(m.Data)/row.Bytes)%(m.Row/int64(row.Elems)) != 0):
			f.fail("%s: %d bytes of %s are no panels of rows of %d elements", want.Name, len(m.Data), row.Name, m.Row)
		}
		b := &f.bufs[i]
		b.Mem, b.row, b.n = m, row, m.Len()
		if len(b.block) < row.Elems {
			b.block = make([]float32, row.Elems)
		}
	}
	for i, v := range floats {
		f.slots[len(k.Ints)+i].F = v
	}
}

// product evaluates the grid.
func (f *frame) product(extents []code) int64 {
	total := int64(1)
	for i, e := range extents {
		n := e(f).I
		f.extents[i] = n
		if n < 0 || n > 0 && total > math.MaxInt32/n {
			f.fail("grid axis %s has %d elements, after %d groups", f.program.kernel.Grid[i].Var, n, total)
		}
		total *= n
	}
	return total
}

// layout evaluates the sizes of group memory.
func (f *frame) layout() int64 {
	total := int64(0)
	for i, e := range f.program.group {
		n := e(f).I
		f.sizes[i] = n
		if n < 0 || n > math.MaxInt32-total {
			f.fail("group memory %s has %d elements, after %d", f.program.kernel.Group[i].Name, n, total)
		}
		total += n
	}
	return total
}

func (f *frame) allot(scratch []float32) {
	for i, n := range f.sizes {
		f.local[i], scratch = scratch[:n:n], scratch[n:]
	}
}

// place sets the grid variables; the last axis varies fastest.
func (f *frame) place(group int64) {
	k := f.program.kernel
	base := len(k.Ints) + len(k.Floats)
	for i := len(f.extents) - 1; i >= 0; i-- {
		f.slots[base+i].I = group % f.extents[i]
		group /= f.extents[i]
	}
}
