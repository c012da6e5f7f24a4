package cuda

import (
	"context"
	"encoding/binary"
	"fmt"
	"unsafe"

	"github.com/llorch/llorch/ir/kernel"
	"github.com/llorch/llorch/runtime"
	"github.com/llorch/llorch/runtime/cuda/driver"
)

// step is a specialisation with its launches bound to memory.
type step struct {
	spec     *runtime.Step
	tokens   *runtime.Port // the input of that name, if it has one
	limit    int           // most tokens
	launches []launch
	fixed    bool // no grid depends on a symbol, so a graph can hold them
}

// launch is a kernel with its arguments.
type launch struct {
	spec   *runtime.Launch
	call   driver.Launch // Args are those of no cache
	states []stateUse
	grid   *kernel.Program
	ints   []int64
}

// stateUse is an argument that is a state, whose memory is the current cache's.
type stateUse struct{ arg, index int }

// bind gives a step's launches their functions and memory.
func (e *Engine) bind(spec *runtime.Step, fns []driver.Function) (*step, error) {
	s := &step{spec: spec, limit: e.program.Chunk, fixed: true}
	for i := range spec.Inputs {
		if spec.Inputs[i].Name == "tokens" {
			s.tokens = &spec.Inputs[i]
		}
	}
	if spec.Name == runtime.Decode {
		s.limit = 1
	}
	grids := map[int]*kernel.Program{}
	for i := range spec.Launches {
		l := launch{spec: &spec.Launches[i]}
		if err := e.bindLaunch(&l, grids, fns); err != nil {
			return nil, fmt.Errorf("launch %d (%s): %w", i, l.spec.Node, err)
		}
		s.fixed = s.fixed && l.fixed(e.program)
		s.launches = append(s.launches, l)
	}
	return s, nil
}

func (e *Engine) bindLaunch(l *launch, grids map[int]*kernel.Program, fns []driver.Function) error {
	spec := l.spec
	if spec.Kernel < 0 || spec.Kernel >= len(fns) {
		return fmt.Errorf("kernel %d of %d", spec.Kernel, len(fns))
	}
	k := &e.program.Kernels[spec.Kernel]
	if grids[spec.Kernel] == nil {
		text, err := kernel.Parse(k.Text)
		if err != nil {
			return fmt.Errorf("kernel %s: %w", k.Name, err)
		}
		if grids[spec.Kernel], err = kernel.Interpret(text, kernel.Options{}); err != nil {
			return err
		}
	}
	l.grid, l.ints = grids[spec.Kernel], make([]int64, len(spec.Ints))
	l.call = driver.Launch{
		Name: fmt.Sprintf("kernel %s for %s", k.Name, spec.Node), Function: fns[spec.Kernel], Threads: k.Threads, Shared: k.Shared,
		Overlap: e.info.Major >= 9 && e.profile == nil, Args: []driver.Ptr{e.mem.step},
	}
	for _, r := range spec.Bufs {
		p, err := e.place(l, r)
		if err != nil {
			return err
		}
		l.call.Args = append(l.call.Args, p)
	}
	return nil
}

// place is where a buffer lies; that of a state is filled in with the cache.
func (e *Engine) place(l *launch, r runtime.Ref) (driver.Ptr, error) {
	switch r.Space {
	case runtime.Weight:
		if r.Index < 0 || r.Index >= len(e.mem.weights) {
			return 0, fmt.Errorf("weight %d of %d", r.Index, len(e.mem.weights))
		}
		return e.mem.weights[r.Index], nil
	case runtime.State:
		if r.Index < 0 || r.Index >= len(e.program.States) {
			return 0, fmt.Errorf("state %d of %d", r.Index, len(e.program.States))
		}
		l.states = append(l.states, stateUse{len(l.call.Args), r.Index})
		return 0, nil
	case runtime.Arena:
		if r.Offset < 0 || r.Bytes < 0 || r.Bytes > up(e.arena())-r.Offset {
			return 0, fmt.Errorf("%d bytes at %d of an arena of %d", r.Bytes, r.Offset, e.arena())
		}
		return e.mem.arena + driver.Ptr(r.Offset), nil
	}
	return 0, fmt.Errorf("no memory is called %q", r.Space)
}

// arena is the size of the steps' intermediates.
func (e *Engine) arena() int64 { return e.program.Memory().Arena }

// fixed reports a grid that is the same for all values of the symbols but the first, the number of new tokens, which decode has
// fixed.
func (l *launch) fixed(p *runtime.Program) bool {
	for _, a := range l.spec.Ints {
		for _, k := range a.Coef {
			if k != 0 && !l.sameGrid(p) {
				return false
			}
		}
	}
	return true
}

func (l *launch) sameGrid(p *runtime.Program) bool {
	first := make([]int64, len(p.Symbols))
	last := make([]int64, len(p.Symbols))
	for i := range p.Symbols {
		last[i] = int64(p.Context - 1)
		if i == 0 {
			first[0], last[0] = 1, 1
		}
	}
	a, errA := l.groups(first)
	b, errB := l.groups(last)
	return errA == nil && errB == nil && a == b
}

// groups is the size of the grid for these values of the symbols.
func (l *launch) groups(symbols []int64) (int, error) {
	for i, a := range l.spec.Ints {
		l.ints[i] = a.Eval(symbols)
	}
	return l.grid.Groups(l.ints)
}

// queue queues a step's launches.
func (e *Engine) queue(s *step, m *room, symbols []int64) error {
	for i := range s.launches {
		l := &s.launches[i]
		n, err := l.groups(symbols)
		if err != nil {
			return fmt.Errorf("%s: %w", l.call.Name, err)
		}
		if n == 0 {
			continue
		}
		for _, use := range l.states {
			l.call.Args[use.arg] = m.states[use.index]
		}
		l.call.Blocks = n
		if err := e.start(l); err != nil {
			return err
		}
	}
	return nil
}

// setSymbols puts the values of the symbols into the pinned memory that steps copy them from.
func (e *Engine) setSymbols(symbols []int64) {
	for i, v := range symbols {
		binary.LittleEndian.PutUint32(e.mem.host[symbolsAt+4*i:], uint32(int32(v)))
	}
}

// copySymbols queues the copy to the device.
func (e *Engine) copySymbols() error {
	n := 4 * len(e.program.Symbols)
	return e.ctx.CopyIn(e.mem.step, e.mem.host[symbolsAt:symbolsAt+n], e.stream)
}

// Step implements runtime.Engine.
func (e *Engine) Step(ctx context.Context, name string, c runtime.Cache, past int, tokens []int32) ([]float32, error) {
	s, m, err := e.admit(name, c, past, tokens)
	if err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	symbols := make([]int64, len(e.program.Symbols))
	symbols[0], symbols[1] = int64(len(tokens)), int64(past)
	logits, err := e.step(s, m, symbols, tokens)
	return logits, e.failed(err)
}

func (e *Engine) step(s *step, m *room, symbols []int64, tokens []int32) ([]float32, error) {
	e.setSymbols(symbols)
	out := &s.spec.Outputs[0]
	n, err := portBytes(out, symbols)
	if err != nil {
		return nil, err
	}
	at := int64(logitsAt(e.program))
	if n > int64(len(e.mem.host))-at {
		return nil, fmt.Errorf("%d bytes of logits, room for %d", n, int64(len(e.mem.host))-at)
	}
	in := e.mem.host[tokensAt : tokensAt+4*len(tokens)]
	for i, t := range tokens {
		binary.LittleEndian.PutUint32(in[4*i:], uint32(t))
	}
	logits := e.mem.host[at : at+n]
	run := func() error {
		if err := e.copySymbols(); err != nil {
			return err
		}
		if err := e.ctx.CopyIn(e.mem.arena+driver.Ptr(s.tokens.Offset), in, e.stream); err != nil {
			return err
		}
		if err := e.queue(s, m, symbols); err != nil {
			return err
		}
		return e.ctx.CopyOut(logits, e.mem.arena+driver.Ptr(out.Offset), e.stream)
	}
	if s.spec.Name == runtime.Decode {
		err = e.graph(m, s, s.spec.Name, run)
	} else {
		err = run()
	}
	if err == nil {
		err = e.wait()
	}
	if err != nil {
		return nil, err
	}
	return unsafe.Slice((*float32)(unsafe.Pointer(unsafe.SliceData(logits))), n/4), nil
}

// admit is the named step, if it can take tokens after past others.
func (e *Engine) admit(name string, c runtime.Cache, past int, tokens []int32) (*step, *room, error) {
	if err := e.alive(); err != nil {
		return nil, nil, err
	}
	m, err := e.own(c)
	if err != nil {
		return nil, nil, err
	}
	s := e.steps[name]
	switch p := e.program; {
	case s == nil:
		return nil, nil, fmt.Errorf("the program has no step %q", name)
	case s.tokens == nil || len(p.Symbols) < 2 || len(s.spec.Outputs) == 0:
		return nil, nil, fmt.Errorf("step %s does not take tokens to logits", name)
	case len(tokens) < 1 || len(tokens) > s.limit:
		return nil, nil, fmt.Errorf("step %s takes 1 to %d tokens, got %d", name, s.limit, len(tokens))
	case past < 0 || past > p.Context-len(tokens):
		return nil, nil, fmt.Errorf("step %s: %d tokens after %d do not fit the context of %d", name, len(tokens), past, p.Context)
	}
	for i, t := range tokens {
		if t < 0 || int(t) >= e.program.Vocab {
			return nil, nil, fmt.Errorf("step %s: token %d is %d, outside the vocabulary of %d", name, i, t, e.program.Vocab)
		}
	}
	return s, m, nil
}

// portBytes is the size of a port for these values of the symbols.
func portBytes(p *runtime.Port, symbols []int64) (int64, error) {
	d, ok := kernel.ParseDType(p.DType)
	n := p.Elems(symbols)
	if !ok || n < 0 {
		return 0, fmt.Errorf("port %s: %d elements of %s", p.Name, n, p.DType)
	}
	return d.RowBytes(n)
}

// RunStep runs any step for the given values of the program's symbols: inputs by port name; the outputs are copies. The cache may
// be nil when the step uses no states.
func (e *Engine) RunStep(ctx context.Context, name string, symbols []int64, inputs map[string][]byte, c runtime.Cache) (map[string][]byte, error) {
	s := e.steps[name]
	if err := e.alive(); err != nil {
		return nil, err
	}
	if s == nil || len(symbols) != len(e.program.Symbols) {
		return nil, fmt.Errorf("step %q with %d values for the symbols %v", name, len(symbols), e.program.Symbols)
	}
	m, err := e.own(c)
	if err != nil {
		return nil, err
	}
	out, err := e.runStep(s, m, symbols, inputs)
	return out, e.failed(err)
}

func (e *Engine) runStep(s *step, m *room, symbols []int64, inputs map[string][]byte) (map[string][]byte, error) {
	e.setSymbols(symbols)
	if err := e.copySymbols(); err != nil {
		return nil, err
	}
	for i := range s.spec.Inputs {
		p := &s.spec.Inputs[i]
		n, err := portBytes(p, symbols)
		if err != nil {
			return nil, err
		}
		if int64(len(inputs[p.Name])) != n {
			return nil, fmt.Errorf("step %s: input %s has %d bytes, want %d", s.spec.Name, p.Name, len(inputs[p.Name]), n)
		}
		if err := e.ctx.CopyIn(e.mem.arena+driver.Ptr(p.Offset), inputs[p.Name], e.stream); err != nil {
			return nil, err
		}
	}
	if err := e.queue(s, m, symbols); err != nil {
		return nil, err
	}
	outputs := map[string][]byte{}
	for i := range s.spec.Outputs {
		p := &s.spec.Outputs[i]
		n, err := portBytes(p, symbols)
		if err != nil {
			return nil, err
		}
		outputs[p.Name] = make([]byte, n)
		if err := e.ctx.CopyOut(outputs[p.Name], e.mem.arena+driver.Ptr(p.Offset), e.stream); err != nil {
			return nil, err
		}
	}
	return outputs, e.wait()
}
