package runtime

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/llorch/llorch/runtime/sample"
)

// Session is one sequence on an engine: a KV cache and the ids whose keys and values it holds. It is not safe for
// concurrent use, nor are two sessions of one engine at the same time.
type Session struct {
	engine  Engine
	program *Program
	cache   Cache
	past    []int32 // its length is P
}

// NewSession makes an empty session.
func NewSession(e Engine, p *Program) (*Session, error) {
	if p.Context < 1 || p.Vocab < 1 || p.Chunk < 1 {
		return nil, fmt.Errorf("session: context %d, vocabulary %d and chunk %d must be positive", p.Context, p.Vocab, p.Chunk)
	}
	for _, name := range []string{Decode, Prefill} {
		if p.Step(name) == nil {
			return nil, fmt.Errorf("session: the program has no step %s", name)
		}
	}
	cache, err := e.NewCache()
	if err != nil {
		return nil, fmt.Errorf("session: cache of %d tokens, %d bytes: %w", p.Context, p.Memory().KV, err)
	}
	return &Session{engine: e, program: p, cache: cache}, nil
}

// Len is P, the number of tokens in the cache.
func (s *Session) Len() int { return len(s.past) }

// Tokens is a copy of the ids in the cache.
func (s *Session) Tokens() []int32 { return slices.Clone(s.past) }

// Append runs ids behind the history, at most chunk of them a step (0 means Program.Chunk), and returns the logits of the
// last, which are valid until the engine's next step. After an error the session is as it was.
func (s *Session) Append(ctx context.Context, ids []int32, chunk int) ([]float32, error) {
	var last []float32
	err := s.feed(ctx, ids, chunk, func(part []int32) (err error) {
		name := Prefill
		if len(part) == 1 {
			name = Decode
		}
		last, err = s.step(ctx, name, part, s.program.Vocab)
		return err
	})
	if err != nil {
		return nil, err
	}
	return last, nil
}

// Logits is Append with the logits of each of ids: [len(ids), vocab], the caller's own.
func (s *Session) Logits(ctx context.Context, ids []int32, chunk int) ([]float32, error) {
	if s.program.Step(Logits) == nil {
		return nil, fmt.Errorf("the program has no step %s", Logits)
	}
	var all []float32
	err := s.feed(ctx, ids, chunk, func(part []int32) error {
		logits, err := s.step(ctx, Logits, part, len(part)*s.program.Vocab)
		all = append(all, logits...)
		return err
	})
	if err != nil {
		return nil, err
	}
	return all, nil
}

// Greedy reports whether the session's engine chooses likeliest tokens itself: whether Follow can be called.
func (s *Session) Greedy() bool {
	_, ok := s.engine.(GreedyEngine)
	return ok
}

// Follow runs id behind the history, then the likeliest token each time, n steps in all, and yields what each step chose, until
// yield returns false. The history has what was fed: not the last token that was yielded.
func (s *Session) Follow(ctx context.Context, id int32, n int, yield func(id int32) bool) error {
	e, ok := s.engine.(GreedyEngine)
	if !ok {
		return errors.New("the engine does not choose tokens itself")
	}
	if err := s.accepts([]int32{id}); err != nil {
		return err
	}
	if room := s.program.Context - len(s.past); n < 1 || n > room {
		return fmt.Errorf("%d steps do not fit: context %d, %d already used", n, s.program.Context, len(s.past))
	}
	_, err := e.Greedy(ctx, s.cache, id, len(s.past), n, func(next int32) bool {
		s.past = append(s.past, id)
		id = next
		return yield(next)
	})
	if err != nil {
		return fmt.Errorf("%s of 1 tokens at position %d: %w", Decode, len(s.past), err)
	}
	return nil
}

// candidates is Append of a single id, with the likeliest tokens in place of the logits, from an engine that finds them itself.
func (s *Session) candidates(ctx context.Context, e CandidateEngine, id int32) (best []sample.Candidate, logSumExp float64, all bool, err error) {
	if err := s.accepts([]int32{id}); err != nil {
		return nil, 0, false, err
	}
	if best, logSumExp, all, err = e.Candidates(ctx, s.cache, len(s.past), id); err != nil {
		return nil, 0, false, fmt.Errorf("%s of 1 tokens at position %d: %w", Decode, len(s.past), err)
	}
	s.past = append(s.past, id)
	return best, logSumExp, all, nil
}

// feed calls run for ids in chunks and commits each, or none of them when one fails.
func (s *Session) feed(ctx context.Context, ids []int32, chunk int, run func([]int32) error) error {
	if err := s.accepts(ids); err != nil {
		return err
	}
	if chunk < 0 || chunk > s.program.Chunk {
		return fmt.Errorf("chunk of %d tokens: the program's steps take 1 to %d, 0 means %[2]d", chunk, s.program.Chunk)
	}
	if chunk == 0 {
		chunk = s.program.Chunk
	}
	committed := s.past
	for part := range slices.Chunk(ids, chunk) {
		err := ctx.Err()
		if err == nil {
			err = run(part)
		}
		if err != nil {
			s.past = committed
			return err
		}
		s.past = append(s.past, part...)
	}
	return nil
}

// accepts says why ids cannot follow the history.
func (s *Session) accepts(ids []int32) error {
	if len(ids) == 0 {
		return errors.New("prompt of 0 tokens: there is nothing to run")
	}
	if len(ids) > s.program.Context-len(s.past) {
		return fmt.Errorf("prompt of %d tokens does not fit: context %d, %d already used", len(ids), s.program.Context, len(s.past))
	}
	for i, id := range ids {
		if id < 0 || int(id) >= s.program.Vocab {
			return fmt.Errorf("prompt token %d: id %d is outside the vocabulary of %d", i, id, s.program.Vocab)
		}
	}
	return nil
}

// step runs one specialisation behind the history, which it leaves alone, and wants n logits.
func (s *Session) step(ctx context.Context, name string, ids []int32, n int) ([]float32, error) {
	logits, err := s.engine.Step(ctx, name, s.cache, len(s.past), ids)
	if err != nil {
		return nil, fmt.Errorf("%s of %d tokens at position %d: %w", name, len(ids), len(s.past), err)
	}
	if len(logits) != n {
		return nil, fmt.Errorf("%s of %d tokens at position %d: the engine returned %d logits, want %d", name, len(ids), len(s.past), len(logits), n)
	}
	return logits, nil
}

// Fork makes a second session with the same history.
func (s *Session) Fork() (*Session, error) {
	f, err := NewSession(s.engine, s.program)
	if err != nil {
		return nil, fmt.Errorf("fork: %w", err)
	}
	if err := f.cache.CopyFrom(s.cache, len(s.past)); err != nil {
		return nil, fmt.Errorf("fork at %d tokens: %w", len(s.past), err)
	}
	f.past = slices.Clone(s.past)
	return f, nil
}

// Reset empties the history.
func (s *Session) Reset() { s.past = s.past[:0] }

// Truncate keeps the first n tokens of the history.
func (s *Session) Truncate(n int) error {
	if n < 0 || n > len(s.past) {
		return fmt.Errorf("truncate to %d tokens: the session has %d", n, len(s.past))
	}
	s.past = s.past[:n]
	return nil
}

// WarmUp runs n tokens in a session of its own, then drops it, so that the first request meets loaded weights and started
// workers. It runs prefill and, for the last token again, decode.
func WarmUp(ctx context.Context, e Engine, p *Program, n int) error {
	if n < 1 || n > p.Context {
		return fmt.Errorf("warm-up of %d tokens: want 1 to %d, the context", n, p.Context)
	}
	s, err := NewSession(e, p)
	if err != nil {
		return fmt.Errorf("warm-up: %w", err)
	}
	ids := make([]int32, n)
	if _, err := s.Append(ctx, ids, 0); err != nil {
		return fmt.Errorf("warm-up: %w", err)
	}
	if n == 1 {
		return nil
	}
	s.past = s.past[:n-1]
	if _, err := s.Append(ctx, ids[:1], 0); err != nil {
		return fmt.Errorf("warm-up: %w", err)
	}
	return nil
}
