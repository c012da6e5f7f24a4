package runtime

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func newTestSession(t require.TestingT, e Engine) *Session {
	p := fakeProgram()
	if f, ok := e.(*fakeEngine); ok {
		p = f.p
	}
	s, err := NewSession(e, p)

	require.NoError(t, err)
	return s
}

func count(n int) []int32 {
	ids := make([]int32, n)
	for i := range ids {
		ids[i] = int32(i*5) % 17
	}
	return ids
}

// The seed's story: a warm-up of 2 tokens, then a prompt of 5 at position 0.
func TestWarmUpThenPrompt(t *testing.T) {
	e := newFake()
	require.NoError(t, WarmUp(t.Context(), e, e.p, 2))
	require.Equal(t, []call{{Prefill, 0, 2}, {Decode, 1, 1}}, e.calls)
	e.calls = nil

	s := newTestSession(t, e)
	got, err := s.Append(t.Context(), count(5), 0)
	require.NoError(t, err)
	require.Equal(t, []call{{Prefill, 0, 5}}, e.calls)
	require.Equal(t, want(e.p, count(5)), got)
}

func TestWarmUpLengths(t *testing.T) {
	e := newFake()
	for n := 1; n <= e.p.Context; n++ {
		require.NoError(t, WarmUp(t.Context(), e, e.p, n))
	}
	require.EqualError(t, WarmUp(t.Context(), e, e.p, 0), "warm-up of 0 tokens: want 1 to 32, the context")
	require.EqualError(t, WarmUp(t.Context(), e, e.p, 33), "warm-up of 33 tokens: want 1 to 32, the context")
}

func TestAppendSteps(t *testing.T) {
	for name, x := range map[string]struct {
		n, chunk int
		want     []call
	}{
		"one":               {1, 0, []call{{Decode, 0, 1}}},
		"below the chunk":   {7, 0, []call{{Prefill, 0, 7}}},
		"the chunk":         {8, 0, []call{{Prefill, 0, 8}}},
		"one more":          {9, 0, []call{{Prefill, 0, 8}, {Decode, 8, 1}}},
		"two chunks and 2":  {18, 0, []call{{Prefill, 0, 8}, {Prefill, 8, 8}, {Prefill, 16, 2}}},
		"a smaller chunk":   {5, 3, []call{{Prefill, 0, 3}, {Prefill, 3, 2}}},
		"serial decode":     {3, 1, []call{{Decode, 0, 1}, {Decode, 1, 1}, {Decode, 2, 1}}},
		"the whole context": {32, 8, []call{{Prefill, 0, 8}, {Prefill, 8, 8}, {Prefill, 16, 8}, {Prefill, 24, 8}}},
	} {
		t.Run(name, func(t *testing.T) {
			e := newFake()
			s := newTestSession(t, e)
			got, err := s.Append(t.Context(), count(x.n), x.chunk)
			require.NoError(t, err)
			require.Equal(t, x.want, e.calls)
			require.Equal(t, want(e.p, count(x.n)), got)
			require.Equal(t, count(x.n), s.Tokens())
		})
	}
}

func TestLogits(t *testing.T) {
	e := newFake()
	for chunk := range 9 {
		s := newTestSession(t, e)
		_, err := s.Append(t.Context(), count(3), 0)
		require.NoError(t, err)
		e.calls = nil
		got, err := s.Logits(t.Context(), count(11)[3:], chunk)
		require.NoError(t, err)
		require.Len(t, got, 8*17)
		require.Equal(t, Logits, e.calls[0].step)
		for i := range 8 {
			require.Equal(t, want(e.p, count(4+i)), got[i*17:(i+1)*17], "chunk %d, token %d", chunk, i)
		}
		require.Equal(t, 11, s.Len())
	}
}

func TestSessionErrors(t *testing.T) {
	e := newFake()
	s := newTestSession(t, e)
	_, err := s.Append(t.Context(), count(20), 0)
	require.NoError(t, err)
	e.calls = nil
	for _, x := range []struct {
		ids   []int32
		chunk int
		want  string
	}{
		{make([]int32, 700), 0, "prompt of 700 tokens does not fit: context 32, 20 already used"},
		{make([]int32, 13), 0, "prompt of 13 tokens does not fit: context 32, 20 already used"},
		{nil, 0, "prompt of 0 tokens: there is nothing to run"},
		{[]int32{3, 17}, 0, "prompt token 1: id 17 is outside the vocabulary of 17"},
		{[]int32{-1}, 0, "prompt token 0: id -1 is outside the vocabulary of 17"},
		{[]int32{1}, 9, "chunk of 9 tokens: the program's steps take 1 to 8, 0 means 8"},
		{[]int32{1}, -1, "chunk of -1 tokens: the program's steps take 1 to 8, 0 means 8"},
	} {
		_, err := s.Append(t.Context(), x.ids, x.chunk)
		require.EqualError(t, err, x.want)
		_, err = s.Logits(t.Context(), x.ids, x.chunk)
		require.EqualError(t, err, x.want)
	}
	require.Empty(t, e.calls, "nothing ran")
	require.EqualError(t, s.Truncate(21), "truncate to 21 tokens: the session has 20")
	require.EqualError(t, s.Truncate(-1), "truncate to -1 tokens: the session has 20")
	require.Equal(t, count(20), s.Tokens())
}

func TestNewSessionErrors(t *testing.T) {
	e := newFake()
	e.p.Steps = e.p.Steps[:1]
	_, err := NewSession(e, e.p)
	require.EqualError(t, err, "session: the program has no step prefill")
	e = newFake()
	e.p.Chunk = 0
	_, err = NewSession(e, e.p)
	require.EqualError(t, err, "session: context 32, vocabulary 17 and chunk 0 must be positive")
	e = newFake()
	e.p.Steps = e.p.Steps[:2]
	_, err = newTestSession(t, e).Logits(t.Context(), count(1), 0)
	require.EqualError(t, err, "the program has no step logits")
}

func TestNoMemory(t *testing.T) {
	e := newFake()
	s := newTestSession(t, e)
	e.full = errors.New("out of memory")
	_, err := s.Fork()
	require.EqualError(t, err, "fork: session: cache of 32 tokens, 2048 bytes: out of memory")
	err = WarmUp(t.Context(), e, e.p, 2)
	require.EqualError(t, err, "warm-up: session: cache of 32 tokens, 2048 bytes: out of memory")
	m, err := NewModel(e.p, e)
	require.NoError(t, err)
	_, err = m.Complete(t.Context(), "a", Options{})
	require.EqualError(t, err, "session: cache of 32 tokens, 2048 bytes: out of memory")
	e.full, e.before = nil, func(call) error { return errors.New("broken") }
	require.EqualError(t, WarmUp(t.Context(), e, e.p, 2), "warm-up: prefill of 2 tokens at position 0: broken")
}

// A step that fails or is cancelled in the middle of a prompt takes the prompt's earlier steps back, too.
func TestFailedAppendChangesNothing(t *testing.T) {
	e := newFake()
	s := newTestSession(t, e)
	_, err := s.Append(t.Context(), count(4), 0)
	require.NoError(t, err)

	broken := errors.New("kernel attn failed")
	e.before = func(c call) error {
		if c.past == 20 {
			return broken
		}
		return nil
	}
	_, err = s.Append(t.Context(), make([]int32, 20), 0)
	require.ErrorIs(t, err, broken)
	require.EqualError(t, err, "prefill of 4 tokens at position 20: kernel attn failed")
	require.Equal(t, count(4), s.Tokens())

	ctx, cancel := context.WithCancel(t.Context())
	e.before = func(c call) error {
		if c.past == 12 {
			cancel()
		}
		return nil
	}
	_, err = s.Append(ctx, make([]int32, 20), 0)
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, count(4), s.Tokens())

	e.before = nil
	got, err := s.Append(t.Context(), count(9)[4:], 0)
	require.NoError(t, err)
	require.Equal(t, want(e.p, count(9)), got)
}

func TestShortLogits(t *testing.T) {
	e := newFake()
	p := *e.p
	p.Vocab = 18
	s, err := NewSession(e, &p)
	require.NoError(t, err)
	_, err = s.Append(t.Context(), count(2), 0)
	require.EqualError(t, err, "prefill of 2 tokens at position 0: the engine returned 17 logits, want 18")
	require.Zero(t, s.Len())
}

// The model of a session is its history alone.
func TestSessionModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := newFake()
		sessions := []*Session{newTestSession(t, e)}
		histories := [][]int32{{}}
		pick := func(t *rapid.T) int { return rapid.IntRange(0, len(sessions)-1).Draw(t, "session") }
		ids := func(t *rapid.T) []int32 {
			return rapid.SliceOfN(rapid.Int32Range(0, 16), 1, 20).Draw(t, "ids")
		}
		// feed appends to session i and its model, and reports whether there was room.
		feed := func(t *rapid.T, i int, ids []int32, run func(*Session) ([]float32, error)) ([]float32, bool) {
			got, err := run(sessions[i])
			if len(histories[i])+len(ids) > e.p.Context {
				require.ErrorContains(t, err, "does not fit")
				return nil, false
			}
			require.NoError(t, err)
			histories[i] = append(slices.Clone(histories[i]), ids...)
			return got, true
		}
		t.Repeat(map[string]func(*rapid.T){
			"append": func(t *rapid.T) {
				i, ids, chunk := pick(t), ids(t), rapid.IntRange(0, 8).Draw(t, "chunk")
				got, ok := feed(t, i, ids, func(s *Session) ([]float32, error) { return s.Append(t.Context(), ids, chunk) })
				if !ok {
					return
				}
				require.Equal(t, want(e.p, histories[i]), got)
				got = slices.Clone(got)
				fresh, err := newTestSession(t, e).Append(t.Context(), histories[i], 0)
				require.NoError(t, err)
				require.Equal(t, fresh, got)
			},
			"logits": func(t *rapid.T) {
				i, ids, chunk := pick(t), ids(t), rapid.IntRange(0, 8).Draw(t, "chunk")
				got, ok := feed(t, i, ids, func(s *Session) ([]float32, error) { return s.Logits(t.Context(), ids, chunk) })
				if !ok {
					return
				}
				for j := range ids {
					n := len(histories[i]) - len(ids) + j + 1
					require.Equal(t, want(e.p, histories[i][:n]), got[j*17:(j+1)*17])
				}
			},
			"fail": func(t *rapid.T) {
				i, ids, chunk := pick(t), ids(t), rapid.IntRange(0, 8).Draw(t, "chunk")
				at := rapid.IntRange(0, 4).Draw(t, "step")
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				fails, steps := rapid.Bool().Draw(t, "fails"), 0
				e.before = func(call) error {
					if steps++; steps <= at {
						return nil
					}
					if fails {
						return errors.New("broken")
					}
					cancel()
					return nil
				}
				_, err := sessions[i].Append(ctx, ids, chunk)
				e.before = nil
				if err == nil { // it took fewer steps
					histories[i] = append(slices.Clone(histories[i]), ids...)
				}
			},
			"fork": func(t *rapid.T) {
				if len(sessions) == 4 {
					t.Skip("enough")
				}
				i := pick(t)
				f, err := sessions[i].Fork()
				require.NoError(t, err)
				sessions, histories = append(sessions, f), append(histories, histories[i])
			},
			"truncate": func(t *rapid.T) {
				i, n := pick(t), rapid.IntRange(-1, 33).Draw(t, "n")
				if err := sessions[i].Truncate(n); n < 0 || n > len(histories[i]) {
					require.ErrorContains(t, err, "truncate to")
					return
				}
				histories[i] = histories[i][:n]
			},
			"reset": func(t *rapid.T) {
				i := pick(t)
				sessions[i].Reset()
				histories[i] = []int32{}
			},
			"": func(t *rapid.T) {
				for i, s := range sessions {
					require.Equal(t, len(histories[i]), s.Len())
					require.True(t, slices.Equal(histories[i], s.Tokens()))
				}
			},
		})
	})
}

func TestForkIsIndependent(t *testing.T) {
	e := newFake()
	s := newTestSession(t, e)
	_, err := s.Append(t.Context(), count(6), 0)
	require.NoError(t, err)
	f, err := s.Fork()
	require.NoError(t, err)
	_, err = s.Append(t.Context(), []int32{1}, 0)
	require.NoError(t, err)
	got, err := f.Append(t.Context(), []int32{2}, 0)
	require.NoError(t, err)
	require.Equal(t, want(e.p, append(count(6), 2)), got)
	require.Equal(t, append(count(6), 1), s.Tokens())
}

// Ids may come from the session itself, whose memory Append overwrites.
func TestAppendOwnTokens(t *testing.T) {
	e := newFake()
	s := newTestSession(t, e)
	_, err := s.Append(t.Context(), count(12), 0)
	require.NoError(t, err)
	ids := s.Tokens()[:9]
	require.NoError(t, s.Truncate(3))
	_, err = s.Append(t.Context(), ids, 2)
	require.NoError(t, err)
	require.Equal(t, slices.Concat(count(3), count(9)), s.Tokens())
}

// A cancelled prompt ends with its current step even if the engine looks at no context.
func TestCancelledBetweenSteps(t *testing.T) {
	e := newFake()
	e.deaf = true
	s := newTestSession(t, e)
	ctx, cancel := context.WithCancel(t.Context())
	e.before = func(call) error { cancel(); return nil }
	_, err := s.Append(ctx, count(20), 0)
	require.Equal(t, context.Canceled, err)
	require.Len(t, e.calls, 1)
	require.Zero(t, s.Len())
}
