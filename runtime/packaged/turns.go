package packaged

import (
	"context"

	"github.com/llorch/llorch/runtime"
)

// turns is an engine that several sequences share: a step waits until the one before it has ended. Goroutines that wait are
// served in their order, and one whose ctx ends waits no longer.
type turns struct {
	engine runtime.Engine
	turn   chan bool // holds one value while nobody steps: whether the engine is open
}

var _ runtime.Engine = (*turns)(nil)

func newTurns(e runtime.Engine) *turns {
	t := &turns{engine: e, turn: make(chan bool, 1)}
	t.turn <- true
	return t
}

// sequence is a cache with the logits of its last step, which the next step of another sequence must not overwrite.
type sequence struct {
	runtime.Cache
	logits []float32
}

// CopyFrom implements runtime.Cache.
func (s *sequence) CopyFrom(src runtime.Cache, n int) error {
	return s.Cache.CopyFrom(src.(*sequence).Cache, n)
}

// NewCache implements runtime.Engine.
func (t *turns) NewCache() (runtime.Cache, error) {
	c, err := t.engine.NewCache()
	return &sequence{Cache: c}, err
}

// Step implements runtime.Engine.
func (t *turns) Step(ctx context.Context, step string, c runtime.Cache, past int, tokens []int32) ([]float32, error) {
	var open bool
	select {
	case open = <-t.turn:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { t.turn <- open }()
	if !open {
		return nil, errClosed
	}
	s := c.(*sequence)
	logits, err := t.engine.Step(ctx, step, s.Cache, past, tokens)
	s.logits = append(s.logits[:0], logits...)
	return s.logits, err
}

// Close implements runtime.Engine: it waits for the step that runs, and lets none follow.
func (t *turns) Close() error {
	open := <-t.turn
	defer func() { t.turn <- false }()
	if !open {
		return nil
	}
	return t.engine.Close()
}
