package gpu

import (
	"context"
	"fmt"
	"unsafe"

	"github.com/llorch/llorch/ir/kernel"
	"github.com/llorch/llorch/runtime"
	"github.com/llorch/llorch/runtime/gpu/device"
)

// step is a specialisation with its launches bound to memory.
type step struct {
	spec     *runtime.Step
	tokens   *runtime.Port // the input of that name
	limit    int           // most tokens
	refusal  error         // why it does not take tokens to logits, if so
	launches []launch
	fixed    bool // no grid depends on the past, so a graph can hold them
	stateful bool
}

// tokenStep finds out whether Step can run a specialisation: tokens to logits.
func tokenStep(p *runtime.Program, s *runtime.Step) (tokens *runtime.Port, limit int, refusal error) {
	limit = 1
	if s.Name != runtime.Decode {
		limit = p.Chunk
	}
	switch {
	case len(p.Symbols) != 2:
		return nil, 0, fmt.Errorf("step %s has the symbols %v, want the new tokens and the past ones", s.Name, p.Symbols)
	case len(s.Inputs) != 1 || s.Inputs[0].Name != "tokens" || s.Inputs[0].DType != "i32":
		return nil, 0, fmt.Errorf("step %s does not take tokens alone", s.Name)
	case len(s.Outputs) != 1 || s.Outputs[0].DType != "f32":
		return nil, 0, fmt.Errorf("step %s does not make logits alone", s.Name)
	case limit < 1 || limit > p.Context:
		return nil, 0, fmt.Errorf("step %s: %d tokens at once in a context of %d", s.Name, limit, p.Context)
	}
	for _, past := range []int64{0, int64(p.Context - limit)} {
		symbols := []int64{int64(limit), past}
		in, err := portBytes(s, &s.Inputs[0], symbols)
		if err == nil && in != 4*int64(limit) {
			err = fmt.Errorf("step %s: input tokens has %d bytes for %d tokens", s.Name, in, limit)
		}
		if err != nil {
			return nil, 0, err
		}
		if _, err := portBytes(s, &s.Outputs[0], symbols); err != nil {
			return nil, 0, err
		}
	}
	return &s.Inputs[0], limit, nil
}

// portBytes is the size of a port for these values of the symbols, all of which lies in the arena.
func portBytes(s *runtime.Step, p *runtime.Port, symbols []int64) (int64, error) {
	elems := p.Elems(symbols)
	d, ok := kernel.ParseDType(p.DType)
	if ok && elems >= 0 && elems <= maxBytes {
		if n, err := d.RowBytes(elems); err == nil && n <= s.Arena && p.Offset <= s.Arena-n {
			return n, nil
		}
	}
	return 0, fmt.Errorf("step %s: port %s: %d elements of %s at %d leave the arena of %d bytes", s.Name, p.Name, elems, p.DType, p.Offset, s.Arena)
}

// admit is the named step, if it can take tokens after past others.
func (e *Engine) admit(ctx context.Context, name string, c runtime.Cache, past int, tokens []int32) (*step, *room, error) {
	if err := e.alive(); err != nil {
		return nil, nil, err
	}
	s := e.steps[name]
	if s == nil {
		return nil, nil, fmt.Errorf("the program has no step %q", name)
	}
	m, err := e.own(c)
	if err != nil {
		return nil, nil, err
	}
	switch p := e.program; {
	case s.refusal != nil:
		return nil, nil, s.refusal
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
	e.symbols[0], e.symbols[1] = int64(len(tokens)), int64(past)
	e.ran++
	return s, m, ctx.Err()
}

// Step implements runtime.Engine.
func (e *Engine) Step(ctx context.Context, name string, c runtime.Cache, past int, tokens []int32) ([]float32, error) {
	s, m, err := e.admit(ctx, name, c, past, tokens)
	if err != nil {
		return nil, err
	}
	out := &s.spec.Outputs[0]
	n, err := portBytes(s.spec, out, e.symbols)
	if err != nil {
		return nil, err
	}
	logits, err := e.logits(n)
	if err != nil {
		return nil, e.failed(err)
	}
	e.setSymbols()
	e.setTokens(tokens)
	run := func() error {
		if err := e.copySymbols(); err != nil {
			return err
		}
		if err := e.copyTokens(s, len(tokens)); err != nil {
			return err
		}
		if err := e.queue(ctx, s, m); err != nil {
			return err
		}
		return e.ctx.CopyOut(logits, e.mem.arena+device.Ptr(out.Offset), e.stream)
	}
	if name == runtime.Decode && n <= int64(len(e.mem.logits)) {
		err = e.graph(m, s, decodeGraph, run)
	} else {
		err = run()
	}
	if err := e.finish(ctx, err); err != nil {
		return nil, err
	}
	return floats(logits), nil
}

func floats(b []byte) []float32 {
	return unsafe.Slice((*float32)(unsafe.Pointer(unsafe.SliceData(b))), len(b)/4)
}

// RunStep runs any step for the given values of the program's symbols: inputs by port name, whole and no others; the outputs are
// copies. The cache may be nil when the step uses no states.
func (e *Engine) RunStep(ctx context.Context, name string, symbols []int64, inputs map[string][]byte, c runtime.Cache) (map[string][]byte, error) {
	if err := e.alive(); err != nil {
		return nil, err
	}
	s := e.steps[name]
	if s == nil {
		return nil, fmt.Errorf("the program has no step %q", name)
	}
	if len(symbols) != len(e.symbols) {
		return nil, fmt.Errorf("step %s: %d values for the %d symbols %v", name, len(symbols), len(e.symbols), e.program.Symbols)
	}
	var m *room
	if c != nil || s.stateful {
		var err error
		if m, err = e.own(c); err != nil {
			return nil, err
		}
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	copy(e.symbols, symbols)
	e.ran++
	outputs, err := e.runStep(ctx, s, m, inputs)
	if err := e.finish(ctx, err); err != nil {
		return nil, err
	}
	return outputs, nil
}

func (e *Engine) runStep(ctx context.Context, s *step, m *room, inputs map[string][]byte) (map[string][]byte, error) {
	e.setSymbols()
	if err := e.copySymbols(); err != nil {
		return nil, err
	}
	if len(inputs) != len(s.spec.Inputs) {
		return nil, fmt.Errorf("step %s: %d inputs, want the %d that it has", s.spec.Name, len(inputs), len(s.spec.Inputs))
	}
	for i := range s.spec.Inputs {
		p := &s.spec.Inputs[i]
		n, err := portBytes(s.spec, p, e.symbols)
		if err != nil {
			return nil, err
		}
		src, ok := inputs[p.Name]
		if !ok || int64(len(src)) != n {
			return nil, fmt.Errorf("step %s: input %s has %d bytes, want %d", s.spec.Name, p.Name, len(src), n)
		}
		if err := e.ctx.CopyIn(e.mem.arena+device.Ptr(p.Offset), src, e.stream); err != nil {
			return nil, err
		}
	}
	if err := e.queue(ctx, s, m); err != nil {
		return nil, err
	}
	outputs := map[string][]byte{}
	for i := range s.spec.Outputs {
		p := &s.spec.Outputs[i]
		n, err := portBytes(s.spec, p, e.symbols)
		if err != nil {
			return nil, err
		}
		outputs[p.Name] = make([]byte, n)
		if err := e.ctx.CopyOut(outputs[p.Name], e.mem.arena+device.Ptr(p.Offset), e.stream); err != nil {
			return nil, err
		}
	}
	return outputs, nil
}
