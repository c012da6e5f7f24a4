package runtime

import (
	"fmt"

	"github.com/llorch/llorch/ir/kernel"
)

// What a manifest may ask for. The limits are far above any model's numbers; they keep an edited manifest from asking for
// memory that no machine has.
const (
	maxTokens = 1 << 24 // context, chunk
	maxVocab  = 1 << 24
	maxArena  = 1 << 38 // bytes of one step
	maxState  = 1 << 42 // bytes of all states
	maxSymbol = 8
	maxCoef   = 1 << 36 // of an Affine, so that evaluating cannot overflow
)

// Check reports the first thing that no engine could run: a number out of bounds, sizes that contradict one another, or a
// reference to what is not there. Messages begin with the place: "step decode: launch 3 (attn): ...".
func (p *Program) Check() error {
	if err := p.checkSizes(); err != nil {
		return err
	}
	if err := p.checkStates(); err != nil {
		return err
	}
	if err := p.checkWeights(); err != nil {
		return err
	}
	return p.checkSteps()
}

func (p *Program) checkSizes() error {
	for _, x := range []struct {
		name     string
		got, max int
	}{
		{"context", p.Context, maxTokens},
		{"vocab", p.Vocab, maxVocab},
		{"chunk", p.Chunk, min(p.Context, maxTokens)},
	} {
		if x.got < 1 || x.got > x.max {
			return fmt.Errorf("%s %d: want 1 to %d", x.name, x.got, x.max)
		}
	}
	if n := len(p.Symbols); n < 2 || n > maxSymbol {
		return fmt.Errorf("%d symbols: want 2 to %d, first the new tokens and the past ones", n, maxSymbol)
	}
	return nil
}

func (p *Program) checkStates() error {
	var total int64
	for i := range p.States {
		s := &p.States[i]
		want, err := bytesOf(s.DType, s.Shape)
		switch {
		case err != nil:
			return fmt.Errorf("state %s: %w", s.Name, err)
		case s.Bytes != want:
			return fmt.Errorf("state %s: %d bytes, %s%d takes %d", s.Name, s.Bytes, s.DType, s.Shape, want)
		case s.Ctx < 0 || s.Ctx >= len(s.Shape):
			return fmt.Errorf("state %s: context axis %d of %d axes", s.Name, s.Ctx, len(s.Shape))
		case s.Shape[s.Ctx] < int64(p.Context):
			return fmt.Errorf("state %s: context axis has %d tokens, the context %d", s.Name, s.Shape[s.Ctx], p.Context)
		}
		if total += want; total > maxState {
			return fmt.Errorf("state %s: %d bytes with the states before it, at most %d", s.Name, total, int64(maxState))
		}
	}
	return nil
}

func (p *Program) checkWeights() error {
	seen := make(map[string]int, len(p.Weights))
	for i := range p.Weights {
		t := &p.Weights[i]
		if t.Name == "" {
			return fmt.Errorf("weight %d: it has no name", i)
		}
		if first, dup := seen[t.Name]; dup {
			return fmt.Errorf("weights %d and %d are both named %q", first, i, t.Name)
		}
		seen[t.Name] = i
		least, err := bytesOf(t.DType, t.Shape)
		if err != nil {
			return fmt.Errorf("weight %s: %w", t.Name, err)
		}
		if t.Bytes < least { // packing may pad
			return fmt.Errorf("weight %s: %d bytes, %s%d takes %d", t.Name, t.Bytes, t.DType, t.Shape, least)
		}
	}
	return nil
}

// bytesOf is the size of an array, below 1<<62.
func bytesOf(dtype string, shape []int64) (int64, error) {
	d, ok := kernel.ParseDType(dtype)
	if !ok {
		return 0, fmt.Errorf("dtype %q is unknown", dtype)
	}
	if len(shape) == 0 {
		return 0, fmt.Errorf("%s without a shape", dtype)
	}
	row := d.Row()
	if last := shape[len(shape)-1]; last%int64(row.Elems) != 0 {
		return 0, fmt.Errorf("%s%d: rows of %d elements, blocks have %d", dtype, shape, last, row.Elems)
	}
	for _, n := range shape {
		if n < 1 {
			return 0, fmt.Errorf("%s%d: a dimension of %d", dtype, shape, n)
		}
	}
	n, err := d.MatrixBytes(shape...)
	if err != nil || n > 1<<62 {
		return 0, fmt.Errorf("%s%d: more than %d bytes", dtype, shape, int64(1)<<62)
	}
	return n, nil
}
