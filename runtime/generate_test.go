package runtime

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/llorch/llorch/models/tokenizer"
	"github.com/llorch/llorch/runtime/sample"
)

// scripted is an engine that continues a prompt of n tokens with ids, then with b.
func scripted(n int, ids ...int32) *fakeEngine {
	e := newFake()
	e.script = func(have int) int32 {
		if i := have - n; i >= 0 && i < len(ids) {
			return ids[i]
		}
		return b
	}
	return e
}

// both runs a test on an engine, and on one that chooses tokens itself.
func both(t *testing.T, name string, e *fakeEngine, f func(t *testing.T, e Engine)) {
	t.Run(name, func(t *testing.T) { f(t, e) })
	t.Run(name+", the engine choosing", func(t *testing.T) { f(t, greedyFake{e}) })
}

func newTokenizer(t *testing.T) *tokenizer.Tokenizer {
	tok, err := tokenizer.New(*fakeSpec())
	require.NoError(t, err)
	return tok
}

func TestGenerate(t *testing.T) {
	prompt := []int32{bos, a}
	type tokens = []Token
	for name, x := range map[string]struct {
		script []int32
		opt    Options
		ids    bool // no tokenizer
		want   tokens
		reason StopReason
		fed    int // tokens of the session afterwards, behind the prompt
	}{
		"length": {
			script: []int32{a, b, c}, opt: Options{MaxTokens: 3},
			want: tokens{{a, "a"}, {b, "b"}, {c, "c"}}, reason: StopLength, fed: 2,
		},
		"one token": {
			script: []int32{a}, opt: Options{MaxTokens: 1},
			want: tokens{{a, "a"}}, reason: StopLength,
		},
		"ids alone": {
			script: []int32{a, eos, 16}, opt: Options{MaxTokens: 3}, ids: true,
			want: tokens{{a, ""}, {eos, ""}, {16, ""}}, reason: StopLength, fed: 2,
		},
		"eos": {
			script: []int32{a, space, eos, c},
			want:   tokens{{a, "a"}, {space, " "}}, reason: StopEOS, fed: 2,
		},
		"eos at once": {script: []int32{eos}, reason: StopEOS},
		"eos ignored": {
			script: []int32{a, eos, c}, opt: Options{IgnoreEOS: true, MaxTokens: 3},
			want: tokens{{a, "a"}, {eos, ""}, {c, "c"}}, reason: StopLength, fed: 2,
		},
		"eos before length": {
			script: []int32{a, eos}, opt: Options{MaxTokens: 2},
			want: tokens{{a, "a"}}, reason: StopEOS, fed: 1,
		},
		"a character in two tokens": {
			script: []int32{eByte1, eByte2}, opt: Options{MaxTokens: 2},
			want: tokens{{eByte1, ""}, {eByte2, "é"}}, reason: StopLength, fed: 1,
		},
		"half a character at the length": {
			script: []int32{a, eByte1}, opt: Options{MaxTokens: 2},
			want: tokens{{a, "a"}, {eByte1, "\uFFFD"}}, reason: StopLength, fed: 1,
		},
		"half a character at the end": {
			script: []int32{a, eByte1, eos},
			want:   tokens{{a, "a"}, {eByte1, ""}, {NoToken, "\uFFFD"}}, reason: StopEOS, fed: 2,
		},
		"stop": {
			script: []int32{a, b, c}, opt: Options{Stop: []string{"b"}},
			want: tokens{{a, "a"}, {b, ""}}, reason: StopString, fed: 1,
		},
		"stop over tokens": {
			script: []int32{c, a, b, c, a}, opt: Options{Stop: []string{"zz", "abca"}},
			want: tokens{{c, "c"}, {a, ""}, {b, ""}, {c, ""}, {a, ""}}, reason: StopString, fed: 4,
		},
		"stop within a token": {
			script: []int32{a, bangs}, opt: Options{Stop: []string{"!"}},
			want: tokens{{a, "a"}, {bangs, ""}}, reason: StopString, fed: 1,
		},
		"stop begun and dropped": {
			script: []int32{a, b, b}, opt: Options{Stop: []string{"abc"}, MaxTokens: 3},
			want: tokens{{a, ""}, {b, ""}, {b, "abb"}}, reason: StopLength, fed: 2,
		},
		"stop begun at the length": {
			script: []int32{a, b}, opt: Options{Stop: []string{"abc"}, MaxTokens: 2},
			want: tokens{{a, ""}, {b, "ab"}}, reason: StopLength, fed: 1,
		},
		"stop begun at the end": {
			script: []int32{a, b, eos}, opt: Options{Stop: []string{"abc"}},
			want: tokens{{a, ""}, {b, ""}, {NoToken, "ab"}}, reason: StopEOS, fed: 2,
		},
		"stop that the end decides": { // "abcc" may have come, and would have begun earlier than "b"
			script: []int32{a, b, c, eos}, opt: Options{Stop: []string{"abcc", "b"}},
			want: tokens{{a, ""}, {b, ""}, {c, ""}, {NoToken, "a"}}, reason: StopString, fed: 3,
		},
		"stop before length": {
			script: []int32{a}, opt: Options{Stop: []string{"a"}, MaxTokens: 1},
			want: tokens{{a, ""}}, reason: StopString,
		},
	} {
		both(t, name, scripted(len(prompt), x.script...), func(t *testing.T, e Engine) {
			s := newTestSession(t, e)
			var r Result
			x.opt.Result = &r
			if !x.ids {
				x.opt.Tokenizer = newTokenizer(t)
			}
			var got tokens
			text, ids := "", []int32{}
			for tok, err := range Generate(t.Context(), s, prompt, x.opt) {
				require.NoError(t, err)
				got = append(got, tok)
				text += tok.Text
				if tok.ID != NoToken {
					ids = append(ids, tok.ID)
				}
				require.Equal(t, text, r.Text, "the result is up to date")
				require.Equal(t, ids, r.IDs)
			}
			require.Equal(t, x.want, got)
			require.Equal(t, x.reason, r.StopReason)
			require.Equal(t, text, r.Text)
			require.Equal(t, prompt, r.PromptIDs)
			require.Equal(t, []int{2, len(ids), x.fed}, []int{r.PromptTokens, r.Tokens, r.Steps})
			require.Equal(t, append(prompt[:2:2], ids[:x.fed]...), s.Tokens())
		})
	}
}

// A context of 32 takes the prompt, what follows, and one token more that is not fed.
func TestGenerateUntilContextFull(t *testing.T) {
	for _, n := range []int{2, 31, 32} {
		both(t, fmt.Sprint(n), scripted(n), func(t *testing.T, e Engine) {
			s := newTestSession(t, e)
			var r Result
			for tok, err := range Generate(t.Context(), s, count(n), Options{Result: &r}) {
				require.NoError(t, err)
				require.EqualValues(t, b, tok.ID)
			}
			require.Equal(t, StopContext, r.StopReason)
			require.Equal(t, 32-n+1, r.Tokens)
			require.Equal(t, 32, s.Len())
		})
	}
	e := scripted(2)
	var r Result
	for _, err := range Generate(t.Context(), newTestSession(t, e), count(2), Options{MaxTokens: 31, Result: &r}) {
		require.NoError(t, err)
	}
	require.Equal(t, StopLength, r.StopReason, "both at once")
}

func TestGenerateErrors(t *testing.T) {
	full := count(33)
	for name, x := range map[string]struct {
		prompt []int32
		opt    Options
		want   string
	}{
		"empty":         {nil, Options{}, "prompt of 0 tokens in an empty session: there is nothing to continue"},
		"too long":      {full, Options{}, "prompt of 33 tokens does not fit: context 32, 0 already used"},
		"vocabulary":    {[]int32{99}, Options{}, "prompt token 0: id 99 is outside the vocabulary of 17"},
		"chunk":         {count(2), Options{Chunk: 9}, "chunk of 9 tokens: the program's steps take 1 to 8, 0 means 8"},
		"sampling":      {count(2), Options{Sample: sample.Params{Temperature: -1}}, "sample: temperature is -1, want a finite number, 0 (greedy) or more"},
		"stop, no text": {count(2), Options{Stop: []string{"x"}}, `stop string "x": there is no tokenizer to make text`},
		"empty stop":    {count(2), Options{Stop: []string{""}, Tokenizer: newTokenizer(t)}, "sample: stop string 1 of 1 is empty"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newTestSession(t, newFake())
			var got []error
			for tok, err := range Generate(t.Context(), s, x.prompt, x.opt) {
				require.Zero(t, tok)
				got = append(got, err)
			}
			require.Len(t, got, 1)
			require.EqualError(t, got[0], x.want)
			require.Zero(t, s.Len())
		})
	}
}

func TestGenerateFailsMidway(t *testing.T) {
	fake := scripted(2, a, b, c)
	fake.before = func(c call) error {
		if c.past == 3 {
			return errors.New("kernel attn failed")
		}
		return nil
	}
	both(t, "at position 3", fake, failsMidway)
}

func failsMidway(t *testing.T, e Engine) {
	s := newTestSession(t, e)
	var r Result
	n := 0
	for tok, err := range Generate(t.Context(), s, count(2), Options{Result: &r}) {
		if n++; n < 3 {
			require.NoError(t, err)
			continue
		}
		require.Zero(t, tok)
		require.EqualError(t, err, "decode of 1 tokens at position 3: kernel attn failed")
	}
	require.Equal(t, 3, n)
	require.Equal(t, []int32{a, b}, r.IDs)
	require.Empty(t, r.StopReason)
	require.Equal(t, append(count(2), a), s.Tokens())
}

func TestGenerateCancelled(t *testing.T) {
	t.Run("before", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		s := newTestSession(t, newFake())
		var r Result
		for range Generate(ctx, s, count(20), Options{Result: &r}) {
			t.Fatal("nothing is certain")
		}
		require.Equal(t, StopCancelled, r.StopReason)
		require.Zero(t, s.Len())
	})
	t.Run("in the prompt", func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		defer cancel(nil)
		e := newFake()
		gone := errors.New("the client is gone")
		e.before = func(c call) error {
			if c.past < 8 {
				return nil
			}
			cancel(gone)
			return fmt.Errorf("launch 3: %w", context.Cause(ctx))
		}
		s := newTestSession(t, e)
		var r Result
		for range Generate(ctx, s, count(20), Options{Result: &r}) {
			t.Fatal("nothing is certain")
		}
		require.Equal(t, StopCancelled, r.StopReason)
		require.Zero(t, s.Len())
	})
	t.Run("while decoding", func(t *testing.T) {
		both(t, "engine", scripted(2, a, b, a, b), cancelledDecoding)
	})
	t.Run("an error that is no cancellation", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		e := newFake()
		e.before = func(call) error { cancel(); return errors.New("out of memory") }
		n := 0
		for _, err := range Generate(ctx, newTestSession(t, e), count(2), Options{}) {
			require.ErrorContains(t, err, "out of memory")
			n++
		}
		require.Equal(t, 1, n)
	})
}

func cancelledDecoding(t *testing.T, e Engine) {
	tok := newTokenizer(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	s := newTestSession(t, e)
	var r Result
	var got []Token
	for x, err := range Generate(ctx, s, count(2), Options{Tokenizer: tok, Stop: []string{"bad", "ac"}, Result: &r}) {
		require.NoError(t, err)
		if got = append(got, x); len(got) == 3 {
			cancel()
		}
	}
	require.Equal(t, []Token{{a, ""}, {b, "a"}, {a, ""}, {NoToken, "ba"}}, got)
	require.Equal(t, StopCancelled, r.StopReason)
	require.Equal(t, "aba", r.Text)
	require.Equal(t, append(count(2), a, b), s.Tokens())
}

func TestGenerateBreak(t *testing.T) { both(t, "break", scripted(2, a, b, c), breaksOut) }

func breaksOut(t *testing.T, e Engine) {
	s := newTestSession(t, e)
	var r Result
	for range Generate(t.Context(), s, count(2), Options{Result: &r}) {
		if r.Tokens == 2 {
			break
		}
	}
	require.Equal(t, StopCancelled, r.StopReason)
	require.Equal(t, []int32{a, b}, r.IDs)
	require.Equal(t, append(count(2), a), s.Tokens(), "the last token was not fed")

	logits, err := s.Append(t.Context(), []int32{b}, 0)
	require.NoError(t, err)
	require.EqualValues(t, c, sample.Greedy(logits), "the session goes on")

	for range Generate(t.Context(), newTestSession(t, scripted(2)), count(2), Options{MaxTokens: 1, Result: &r}) {
		break
	}
	require.Equal(t, StopLength, r.StopReason, "it had ended")
}

// Without a prompt the history's own last logits are computed again.
func TestGenerateContinues(t *testing.T) {
	e := newFake()
	once := newTestSession(t, e)
	var whole Result
	for _, err := range Generate(t.Context(), once, count(5), Options{MaxTokens: 9, Result: &whole}) {
		require.NoError(t, err)
	}

	s := newTestSession(t, e)
	_, err := s.Append(t.Context(), count(5), 0)
	require.NoError(t, err)
	var ids []int32
	for range 3 {
		var r Result
		past := s.Len()
		for _, err := range Generate(t.Context(), s, nil, Options{MaxTokens: 3, Result: &r}) {
			require.NoError(t, err)
		}
		require.Equal(t, past, r.PastTokens)
		ids = append(ids, r.IDs...)
		_, err := s.Append(t.Context(), r.IDs[2:], 0) // the one that was not fed
		require.NoError(t, err)
	}
	require.Equal(t, whole.IDs, ids)

	e.before = func(call) error { return errors.New("broken") }
	before := s.Tokens()
	for _, err := range Generate(t.Context(), s, nil, Options{}) {
		require.ErrorContains(t, err, "broken")
	}
	require.Equal(t, before, s.Tokens())
}

// The sampler's penalty sees the history, the prompt and what is generated: no token comes twice.
func TestGeneratePenalisesHistory(t *testing.T) {
	e := newFake()
	e.script = func(int) int32 { return b }
	s := newTestSession(t, e)
	_, err := s.Append(t.Context(), []int32{b}, 0)
	require.NoError(t, err)
	seen := []int32{a, b}
	for tok, err := range Generate(t.Context(), s, []int32{a}, Options{MaxTokens: 10, Sample: sample.Params{RepeatPenalty: 1e12}}) {
		require.NoError(t, err)
		require.NotContains(t, seen, tok.ID)
		seen = append(seen, tok.ID)
	}
}

// The text joins the history's: a character may begin there, and a space in front is kept.
func TestGenerateTextJoinsPrompt(t *testing.T) {
	e := scripted(3, eByte2, space, a)
	s := newTestSession(t, e)
	_, err := s.Append(t.Context(), []int32{bos, a}, 0)
	require.NoError(t, err)
	var r Result
	for _, err := range Generate(t.Context(), s, []int32{eByte1}, Options{MaxTokens: 3, Tokenizer: newTokenizer(t), Result: &r}) {
		require.NoError(t, err)
	}
	require.Equal(t, "é a", r.Text)

	s = newTestSession(t, scripted(3, space, a))
	_, err = s.Append(t.Context(), []int32{bos, a}, 0)
	require.NoError(t, err)
	for _, err := range Generate(t.Context(), s, []int32{bos}, Options{MaxTokens: 2, Tokenizer: newTokenizer(t), Result: &r}) {
		require.NoError(t, err)
	}
	require.Equal(t, " a", r.Text)

	s = newTestSession(t, scripted(2, eos))
	for range Generate(t.Context(), s, []int32{bos, eByte1}, Options{Tokenizer: newTokenizer(t), Result: &r}) {
		t.Fatal("the prompt's half character is not generated")
	}
	require.Empty(t, r.Text)
}

// Sampling from the few likeliest tokens that an engine finds is sampling from all logits, which it asks for when those are too few.
func TestGenerateFromCandidates(t *testing.T) {
	for name, x := range map[string]struct {
		params sample.Params
		rows   bool // some choices take all logits
	}{
		"top-k":          {sample.Params{Temperature: 0.5, TopK: 3}, false},
		"top-k of more":  {sample.Params{Temperature: 0.5, TopK: 4}, true},
		"top-k, top-p":   {sample.Params{Temperature: 2, TopK: 2, TopP: 0.9}, false},
		"top-p":          {sample.Params{Temperature: 2, TopP: 0.2}, false},
		"wide top-p":     {sample.Params{Temperature: 2, TopP: 0.95}, true},
		"min-p":          {sample.Params{Temperature: 2, MinP: 0.99}, false},
		"low min-p":      {sample.Params{Temperature: 2, MinP: 0.01}, true},
		"everything":     {sample.Params{Temperature: 1}, false}, // is sampled from all logits at once
		"with a penalty": {sample.Params{Temperature: 1, TopK: 2, RepeatPenalty: 1.2}, false},
	} {
		t.Run(name, func(t *testing.T) {
			for seed := range uint64(4) {
				x.params.Seed = seed
				ids := func(e Engine) []int32 {
					var r Result
					for _, err := range Generate(t.Context(), newTestSession(t, e), count(3), Options{MaxTokens: 20, Sample: x.params, Result: &r}) {
						require.NoError(t, err)
					}
					return r.IDs
				}
				few := &fewFake{fakeEngine: newFake()}
				want := ids(newFake())
				require.Len(t, want, 20)
				require.Equal(t, want, ids(few))
				require.Equal(t, x.rows, few.rows > 0, "%d rows", few.rows)
			}
		})
	}
}
