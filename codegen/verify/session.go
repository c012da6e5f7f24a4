package verify

import (
	"context"
	"fmt"
	"slices"

	"github.com/llorch/llorch/ir"
	"github.com/llorch/llorch/runtime"
)

// sessions uses sessions in every way that must change nothing.
func (t *target) sessions(ctx context.Context) error {
	r := t.ref
	full := r.sequence[:len(r.rows)]
	cold, err := t.logits(ctx, r.opt.Prompt)
	if err != nil {
		if ctx.Err() == nil {
			t.report.Sessions = append(t.report.Sessions, Session{Name: "the prompt alone", Note: err.Error()})
		}
		return ctx.Err()
	}
	for _, s := range []struct {
		name string
		run  func(context.Context, *Session) error
	}{
		{"a warm-up, then the prompt", func(ctx context.Context, s *Session) error {
			if err := runtime.WarmUp(ctx, t.Engine, t.program, min(2, t.program.Context)); err != nil {
				return err
			}
			got, err := t.logits(ctx, r.opt.Prompt)
			s.like(wide(cold), got, arithmetic)
			return err
		}},
		{"the prompt in a session that was used and reset", func(ctx context.Context, s *Session) error { return t.reset(ctx, s, cold) }},
		{"two requests in turn", t.inTurn},
		{"a fork, which goes on by itself", t.fork},
		{"the prompt and what follows, in chunks", func(ctx context.Context, s *Session) error { return t.chunks(ctx, s, full) }},
		{"the likeliest tokens", t.greedy},
	} {
		r.opt.Progress(t.program.Target + ": " + s.name)
		out := Session{Name: s.name, Passed: true}
		if err := s.run(ctx, &out); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			out.Passed, out.Note = false, err.Error()
		}
		t.report.Sessions = append(t.report.Sessions, out)
	}
	return nil
}

// like compares rows of logits.
func (s *Session) like(want []float64, got []float32, tol float64) {
	if len(got) != len(want) {
		return // with an error of its own
	}
	a := &ir.Array{Axes: []string{"vocab"}, Dims: []int{len(want)}, Data: want}
	s.Error = max(s.Error, Number(measure(a, wide(got), -1).Rel))
	s.Tolerance = max(s.Tolerance, Number(tol))
	s.Passed = s.Passed && s.Error <= Number(tol)
}

// logits are those behind ids, in a session of its own.
func (t *target) logits(ctx context.Context, ids []int32) ([]float32, error) {
	s, err := runtime.NewSession(t.Engine, t.program)
	if err != nil {
		return nil, err
	}
	return appendTo(ctx, s, ids, 0)
}

// appendTo is Append with logits that stay.
func appendTo(ctx context.Context, s *runtime.Session, ids []int32, chunk int) ([]float32, error) {
	logits, err := s.Append(ctx, ids, chunk)
	return slices.Clone(logits), err
}

// other is another prompt, of the same length.
func (t *target) other() []int32 {
	ids := slices.Clone(t.ref.opt.Prompt)
	for i := range ids {
		ids[i] = (ids[i]*7 + int32(i) + 1) % int32(t.program.Vocab)
	}
	return ids
}

func (t *target) reset(ctx context.Context, out *Session, cold []float32) error {
	s, err := runtime.NewSession(t.Engine, t.program)
	if err != nil {
		return err
	}
	if _, err := s.Append(ctx, t.other(), 0); err != nil {
		return err
	}
	s.Reset()
	got, err := appendTo(ctx, s, t.ref.opt.Prompt, 0)
	out.like(wide(cold), got, arithmetic)
	return err
}

// inTurn runs two requests a few tokens at a time, first each alone and then in turn.
func (t *target) inTurn(ctx context.Context, out *Session) error {
	prompts := [2][]int32{t.ref.opt.Prompt, t.other()}
	half := (len(prompts[0]) + 1) / 2
	parts := func(ids []int32) [][]int32 { return slices.Collect(slices.Chunk(ids, half)) }
	var alone [2][]float32
	for i, ids := range prompts {
		s, err := runtime.NewSession(t.Engine, t.program)
		if err != nil {
			return err
		}
		for _, part := range parts(ids) {
			if alone[i], err = appendTo(ctx, s, part, 0); err != nil {
				return err
			}
		}
	}
	var both [2]*runtime.Session
	for i := range both {
		var err error
		if both[i], err = runtime.NewSession(t.Engine, t.program); err != nil {
			return err
		}
	}
	var got [2][]float32
	for p := range parts(prompts[0]) {
		for i, s := range both {
			var err error
			if got[i], err = appendTo(ctx, s, parts(prompts[i])[p], 0); err != nil {
				return err
			}
		}
	}
	for i := range got {
		out.like(wide(alone[i]), got[i], arithmetic)
	}
	return nil
}

// fork copies a history, then has both sessions go on.
func (t *target) fork(ctx context.Context, out *Session) error {
	n := len(t.ref.opt.Prompt)
	s, err := runtime.NewSession(t.Engine, t.program)
	if err != nil {
		return err
	}
	if _, err := s.Append(ctx, t.ref.sequence[:n], 0); err != nil {
		return err
	}
	f, err := s.Fork()
	if err != nil {
		return err
	}
	rest := t.ref.sequence[n:len(t.ref.rows)]
	if len(rest) < 2 {
		out.Note = "nothing is decoded"
		return nil
	}
	if _, err := f.Append(ctx, rest[:1], 0); err != nil {
		return err
	}
	if _, err := s.Append(ctx, t.other()[:1], 0); err != nil { // at the same position
		return err
	}
	got, err := appendTo(ctx, f, rest[1:], 0)
	out.like(t.ref.rows[len(t.ref.rows)-1], got, t.logitsTolerance())
	return err
}

// chunks runs tokens in chunks of several sizes, and holds the logits behind each of them against the reference.
func (t *target) chunks(ctx context.Context, out *Session, ids []int32) error {
	ran := t.sizes(len(ids))
	for _, n := range ran {
		s, err := runtime.NewSession(t.Engine, t.program)
		if err != nil {
			return err
		}
		got, err := appendTo(ctx, s, ids, n)
		if err != nil {
			return err
		}
		out.like(t.ref.rows[len(ids)-1], got, t.logitsTolerance())
		s.Reset()
		all, err := s.Logits(ctx, ids, n)
		if err != nil {
			return err
		}
		for i, want := range t.ref.rows {
			out.like(want, all[i*t.program.Vocab:][:t.program.Vocab], t.logitsTolerance())
		}
	}
	out.Note = fmt.Sprintf("of %v tokens", ran)
	return nil
}

// sizes are those of the chunks that n tokens are run in.
func (t *target) sizes(n int) []int {
	sizes := []int{1, 2, 3, max(1, n-1), n}
	slices.Sort(sizes)
	return slices.DeleteFunc(slices.Compact(sizes), func(n int) bool { return n > t.program.Chunk })
}

// greedy generates as a user would. Where two tokens are as likely as the tolerance tells, either will do; what follows them differs.
func (t *target) greedy(ctx context.Context, out *Session) error {
	n := len(t.ref.opt.Prompt)
	want := t.ref.sequence[n:]
	s, err := runtime.NewSession(t.Engine, t.program)
	if err != nil {
		return err
	}
	for tok, err := range runtime.Generate(ctx, s, t.ref.opt.Prompt, runtime.Options{MaxTokens: len(want), IgnoreEOS: true}) {
		if err != nil {
			return err
		}
		out.IDs = append(out.IDs, tok.ID)
	}
	if len(out.IDs) != len(want) {
		return fmt.Errorf("%d ids, want %d", len(out.IDs), len(want))
	}
	for i, id := range out.IDs {
		if id == want[i] {
			continue
		}
		row := t.ref.rows[n-1+i]
		a := &ir.Array{Axes: []string{"vocab"}, Dims: []int{len(row)}, Data: row}
		scale, _ := scales(a, -1)
		gap := (row[want[i]] - row[id]) / scale[0]
		out.Error, out.Tolerance = Number(gap), Number(t.logitsTolerance())
		out.Passed = gap <= t.logitsTolerance()
		out.Note = fmt.Sprintf("token %d is %d, the reference's is %d: their logits differ by %.2g", i, id, want[i], gap)
		return nil
	}
	return nil
}

// logitsTolerance is the largest of the steps'.
func (t *target) logitsTolerance() float64 {
	most := 0.0
	for _, g := range t.Compiled.Module.Graphs {
		most = max(most, logitsTolerance(g))
	}
	return most
}
