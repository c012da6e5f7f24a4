package cpu

import (
	"context"
	"fmt"
	"math"
	"runtime/debug"
	"time"

	"github.com/llorch/llorch/runtime"
)

// maxScratch bounds a group's memory, in f32 elements: what asks for more has its sizes wrong.
const maxScratch = 1 << 26

// Step implements runtime.Engine.
func (e *Engine) Step(ctx context.Context, name string, c runtime.Cache, past int, tokens []int32) ([]float32, error) {
	s, err := e.admit(name, past, tokens)
	if err != nil {
		return nil, err
	}
	own, err := e.own(c)
	if err != nil {
		return nil, err
	}
	e.symbols[0], e.symbols[1] = int64(len(tokens)), int64(past)
	in, err := s.port(s.tokens, e.arena, e.symbols)
	if err != nil {
		return nil, err
	}
	if len(in) != 4*len(tokens) {
		return nil, fmt.Errorf("step %s: input tokens has %d bytes for %d tokens", name, len(in), len(tokens))
	}
	copy(view[int32](in), tokens)
	if err := e.run(ctx, s, own); err != nil {
		return nil, err
	}
	out, err := s.port(&s.spec.Outputs[0], e.arena, e.symbols)
	return view[float32](out), err
}

// admit is the named step, if it can take tokens after past others.
func (e *Engine) admit(name string, past int, tokens []int32) (*step, error) {
	s := e.steps[name]
	switch p := e.program; {
	case s == nil:
		return nil, fmt.Errorf("the program has no step %q", name)
	case s.tokens == nil:
		return nil, fmt.Errorf("step %s has no input tokens", name)
	case len(tokens) < 1 || len(tokens) > s.limit:
		return nil, fmt.Errorf("step %s takes 1 to %d tokens, got %d", name, s.limit, len(tokens))
	case past < 0 || past > p.Context-len(tokens):
		return nil, fmt.Errorf("step %s: %d tokens after %d do not fit the context of %d", name, len(tokens), past, p.Context)
	}
	for i, t := range tokens {
		if t < 0 || int(t) >= e.program.Vocab {
			return nil, fmt.Errorf("step %s: token %d is %d, outside the vocabulary of %d", name, i, t, e.program.Vocab)
		}
	}
	return s, nil
}

// RunStep runs any step for the given values of the program's symbols: inputs by port name, whole and no others; the outputs
// are copies. The cache may be nil when the step uses no states.
func (e *Engine) RunStep(ctx context.Context, name string, symbols []int64, inputs map[string][]byte, c runtime.Cache) (map[string][]byte, error) {
	s := e.steps[name]
	if s == nil {
		return nil, fmt.Errorf("the program has no step %q", name)
	}
	if len(symbols) != len(e.symbols) {
		return nil, fmt.Errorf("step %s: %d values for the %d symbols %v", name, len(symbols), len(e.symbols), e.program.Symbols)
	}
	var own *cache
	if c != nil || len(s.states) > 0 {
		var err error
		if own, err = e.own(c); err != nil {
			return nil, err
		}
	}
	copy(e.symbols, symbols)
	if err := s.fill(e.arena, e.symbols, inputs); err != nil {
		return nil, err
	}
	if err := e.run(ctx, s, own); err != nil {
		return nil, err
	}
	outputs := map[string][]byte{}
	for i := range s.spec.Outputs {
		port := &s.spec.Outputs[i]
		data, err := s.port(port, e.arena, e.symbols)
		if err != nil {
			return nil, err
		}
		outputs[port.Name] = append([]byte(nil), data...)
	}
	return outputs, nil
}

// fill writes all input ports.
func (s *step) fill(arena []byte, symbols []int64, inputs map[string][]byte) error {
	for i := range s.spec.Inputs {
		port := &s.spec.Inputs[i]
		dst, err := s.port(port, arena, symbols)
		if err != nil {
			return err
		}
		src, ok := inputs[port.Name]
		if !ok || len(src) != len(dst) {
			return fmt.Errorf("step %s: input %s has %d bytes, want %d", s.spec.Name, port.Name, len(src), len(dst))
		}
		copy(dst, src)
	}
	if len(inputs) != len(s.spec.Inputs) {
		return fmt.Errorf("step %s: %d inputs, want the %d that it has", s.spec.Name, len(inputs), len(s.spec.Inputs))
	}
	return nil
}

// port is the port's memory.
func (s *step) port(p *runtime.Port, arena []byte, symbols []int64) ([]byte, error) {
	n, err := portBytes(s.spec, p, symbols)
	if err != nil {
		return nil, fmt.Errorf("step %s: %w", s.spec.Name, err)
	}
	return arena[p.Offset : p.Offset+n], nil
}

// run runs a step's launches for e.symbols on the states of c.
func (e *Engine) run(ctx context.Context, s *step, c *cache) error {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true)) // as in the pool's workers
	for _, use := range s.states {
		use.buf.Data = c.states[use.index]
	}
	for i := range s.launches {
		if err := ctx.Err(); err != nil {
			return err
		}
		l := &s.launches[i]
		var start time.Time
		if e.see != nil {
			start = time.Now()
		}
		err := e.launch(l)
		if err == nil && e.see != nil {
			err = e.show(s, i, c, time.Since(start))
		}
		if err != nil {
			return fmt.Errorf("step %s: launch %d (%s): %w", s.spec.Name, i, l.spec.Node, err)
		}
	}
	return nil
}

func (e *Engine) launch(l *launch) error {
	groups, scratch, err := l.size(e.symbols)
	if err != nil {
		return err
	}
	e.pool.reserve(scratch) // which New has done for all that Step runs
	if e.profile == nil {
		return e.pool.run(l.kernel, &l.args, groups)
	}
	start := time.Now()
	err = e.pool.run(l.kernel, &l.args, groups)
	e.profile(l.spec.Node, l.kernel.Name, time.Since(start))
	return err
}

// size sets the integer arguments for symbols, and gives the grid's size and the f32 elements of group memory.
func (l *launch) size(symbols []int64) (groups, scratch int, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = recovered(cause, "kernel %s: its grid for %v", l.kernel.Name, l.args.Ints)
		}
	}()
	for i, a := range l.spec.Ints {
		l.args.Ints[i] = int(a.Eval(symbols))
	}
	groups, scratch = l.kernel.Groups(&l.args), l.kernel.Scratch(&l.args)
	if groups < 0 || groups > math.MaxInt32 || scratch < 0 || scratch > maxScratch {
		err = fmt.Errorf("kernel %s: %d groups of %d floats: want 0 to %d and 0 to %d", l.kernel.Name, groups, scratch, math.MaxInt32, maxScratch)
	}
	return groups, scratch, err
}
