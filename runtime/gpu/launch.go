package gpu

import (
	"context"
	"fmt"
	"time"

	"github.com/llorch/llorch/ir/kernel"
	"github.com/llorch/llorch/runtime"
	"github.com/llorch/llorch/runtime/gpu/device"
)

// launch is a kernel with its arguments.
type launch struct {
	spec   *runtime.Launch
	call   device.Launch // its states are those of the cache that ran last
	states []stateUse
	grid   *kernel.Program
	ints   []int64
}

// stateUse is an argument that is a state, whose memory is the current cache's.
type stateUse struct{ arg, index int }

// bind gives a step's launches, which check has let pass, their functions and memory.
func (e *Engine) bind(spec *runtime.Step, texts []*kernel.Kernel, fns []device.Function) (*step, error) {
	s := &step{spec: spec, launches: make([]launch, len(spec.Launches)), fixed: true}
	s.tokens, s.limit, s.refusal = tokenStep(e.program, spec)
	grids := map[int]*kernel.Program{}
	for i := range spec.Launches {
		l := &spec.Launches[i]
		if grids[l.Kernel] == nil {
			var err error
			if grids[l.Kernel], err = kernel.Interpret(texts[l.Kernel], kernel.Options{}); err != nil {
				return nil, fmt.Errorf("launch %d (%s): %w", i, l.Node, err)
			}
		}
		s.launches[i] = e.bindLaunch(l, grids[l.Kernel], fns[l.Kernel])
		s.fixed = s.fixed && s.launches[i].fixed(e.program)
		s.stateful = s.stateful || len(s.launches[i].states) > 0
	}
	return s, nil
}

func (e *Engine) bindLaunch(spec *runtime.Launch, grid *kernel.Program, fn device.Function) launch {
	k := &e.program.Kernels[spec.Kernel]
	l := launch{spec: spec, grid: grid, ints: make([]int64, len(spec.Ints))}
	l.call = device.Launch{
		Name: k.Name + " for " + spec.Node, Function: fn, Threads: k.Threads, Shared: k.Shared,
		Args: []device.Ptr{e.mem.step}, Sizes: []int64{4 * stepWords},
	}
	for _, r := range spec.Bufs {
		p, size := device.Ptr(0), r.Bytes
		switch r.Space {
		case runtime.Arena:
			p = e.mem.arena + device.Ptr(r.Offset)
		case runtime.Weight:
			p, size = e.mem.weights[r.Index], e.program.Weights[r.Index].Bytes
		case runtime.State:
			l.states = append(l.states, stateUse{len(l.call.Args), r.Index})
			size = e.program.States[r.Index].Bytes
		}
		l.call.Args, l.call.Sizes = append(l.call.Args, p), append(l.call.Sizes, size)
	}
	return l
}

// overlaps reports that kernels may start before those ahead of them have ended: each waits for them itself.
func (e *Engine) overlaps() bool { return e.info.Overlap && !e.oneByOne() }

// fixed reports that a decode step's grid is the same after any past.
func (l *launch) fixed(p *runtime.Program) bool {
	symbols := make([]int64, len(p.Symbols))
	n := [2]int{}
	for i, past := range [2]int64{0, int64(p.Context) - 1} {
		for j := range symbols {
			symbols[j] = past
		}
		if len(symbols) > 0 {
			symbols[0] = 1
		}
		var err error
		if n[i], err = l.groups(symbols); err != nil {
			return false
		}
	}
	return n[0] == n[1]
}

// groups is the size of the grid for these values of the symbols.
func (l *launch) groups(symbols []int64) (int, error) {
	for i, a := range l.spec.Ints {
		l.ints[i] = a.Eval(symbols)
	}
	return l.grid.Groups(l.ints)
}

// queue queues a step's launches. The first waits for all before it, as kernels read the symbols before they wait for their inputs.
func (e *Engine) queue(ctx context.Context, s *step, m *room) error {
	overlap := false
	for i := range s.launches {
		l := &s.launches[i]
		n, err := l.groups(e.symbols)
		if err != nil {
			return fmt.Errorf("%s: %w", l.call.Name, err)
		}
		if n == 0 {
			continue
		}
		for _, use := range l.states {
			l.call.Args[use.arg] = m.states[use.index]
		}
		l.call.Blocks, l.call.Overlap = n, overlap
		overlap = e.overlaps()
		took, err := e.start(ctx, l)
		if err == nil && e.see != nil {
			err = e.show(ctx, s, i, m, took)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// start queues a launch. Where it is to be watched, it also waits for it, and tells how long it took.
func (e *Engine) start(ctx context.Context, l *launch) (took time.Duration, err error) {
	if !e.oneByOne() {
		return 0, e.ctx.Launch(l.call, e.stream)
	}
	if err := e.ctx.Record(e.begin, e.stream); err != nil {
		return 0, err
	}
	if err := e.ctx.Launch(l.call, e.stream); err != nil {
		return 0, err
	}
	if err := e.wait(ctx); err != nil || e.profile == nil && e.see == nil {
		return 0, err
	}
	ms, err := e.ctx.Elapsed(e.begin, e.done)
	took = time.Duration(float64(ms) * 1e6)
	if err == nil && e.profile != nil {
		e.profile(l.spec.Node, e.program.Kernels[l.spec.Kernel].Name, took)
	}
	return took, err
}
