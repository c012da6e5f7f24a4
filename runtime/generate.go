package runtime

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/llorch/llorch/models/tokenizer"
	"github.com/llorch/llorch/runtime/sample"
)

// Options say how to generate. The zero value is greedy decoding of ids until the context is full.
type Options struct {
	Tokenizer *tokenizer.Tokenizer // turns ids into text and knows which end a generation; nil for ids alone
	MaxTokens int                  // the most tokens to generate; 0 or less is as many as the context takes
	Sample    sample.Params
	Stop      []string // the text ends before the first of these
	IgnoreEOS bool     // an end-of-generation token is a token like any other
	Chunk     int      // the most tokens of one prefill step; 0 is Program.Chunk
	Result    *Result  // where to keep the summary, unless nil; it is up to date whenever a token is yielded, and after the last
}

// NoToken is the ID of a Token that carries text alone.
const NoToken = -1

// Token is a generated token and the text that it made certain: "" while a character or a possible stop string is
// incomplete. Where the end made more text certain without another token, the last one's ID is NoToken.
type Token struct {
	ID   int32
	Text string
}

// Generate runs prompt behind the session's history and yields the tokens that follow. With no prompt it continues the
// history. An error is the last thing that it yields; a full context and a cancelled ctx are no errors, but reasons to stop.
//
// The session has the prompt and every token that was fed. The last generated token is not among them, because its logits
// are not needed: who continues puts Tokens that the session lacks in front of the next prompt.
func Generate(ctx context.Context, s *Session, prompt []int32, opt Options) iter.Seq2[Token, error] {
	return func(yield func(Token, error) bool) {
		g, err := newGeneration(s, prompt, opt)
		if err == nil {
			err = g.run(ctx, prompt, yield)
		}
		if err != nil {
			yield(Token{}, err)
		}
	}
}

// generation is one run of Generate.
type generation struct {
	session *Session
	opt     Options
	sampler *sample.Sampler
	text    *text // nil without a tokenizer
	left    bool  // the caller broke out of the loop
	result  *Result
}

func newGeneration(s *Session, prompt []int32, opt Options) (*generation, error) {
	g := &generation{session: s, opt: opt, result: opt.Result}
	if g.result == nil {
		g.result = new(Result)
	}
	*g.result = newResult(s.Len(), prompt)
	if len(prompt) == 0 && s.Len() == 0 {
		return nil, errors.New("prompt of 0 tokens in an empty session: there is nothing to continue")
	}
	var err error
	if g.sampler, err = sample.New(opt.Sample, s.program.Vocab); err != nil {
		return nil, err
	}
	for _, ids := range [][]int32{s.past, prompt} {
		for _, id := range ids {
			g.sampler.Accept(id)
		}
	}
	if opt.Tokenizer != nil {
		g.text, err = newText(opt, append(s.Tokens(), prompt...))
	} else if len(opt.Stop) > 0 {
		err = fmt.Errorf("stop string %q: there is no tokenizer to make text", opt.Stop[0])
	}
	return g, err
}

// run yields tokens until one ends the generation. The error that it returns is yet to be yielded.
func (g *generation) run(ctx context.Context, prompt []int32, yield func(Token, error) bool) error {
	r := g.result
	start := time.Now()
	logits, err := g.prefill(ctx, prompt)
	r.Prefill.Duration = time.Since(start)
	if err == nil {
		err = g.decode(ctx, logits, func(tok Token) bool { return yield(tok, nil) })
	}
	if isCancelled(ctx, err) {
		r.StopReason, err = StopCancelled, nil
	}
	if err != nil || r.StopReason == StopLength || r.StopReason == StopString || r.StopReason == StopContext || g.left {
		return err
	}
	if tail := g.end(); tail != "" {
		yield(Token{ID: NoToken, Text: tail}, nil)
	}
	return nil
}

// decode chooses tokens and runs them until one ends the generation.
func (g *generation) decode(ctx context.Context, logits []float32, yield func(Token) bool) error {
	start := time.Now()
	timed := func(tok Token) bool { // without the caller's time
		g.result.Decode.Duration += time.Since(start)
		defer func() { start = time.Now() }()
		return yield(tok)
	}
	defer func() { g.result.Decode.Duration += time.Since(start) }()
	id, err := g.sampler.Sample(logits)
	if err != nil || !g.accept(id, timed) {
		return err
	}
	if g.likeliest() {
		return g.session.Follow(ctx, id, g.room(), func(id int32) bool {
			g.result.Steps++
			return g.accept(id, timed)
		})
	}
	for {
		if id, err = g.next(ctx, id); err != nil {
			return err
		}
		g.result.Steps++
		if !g.accept(id, timed) {
			return nil
		}
	}
}

// next runs a token and chooses the one that follows: from the likeliest, where the engine finds those and they suffice.
func (g *generation) next(ctx context.Context, id int32) (int32, error) {
	e, ok := g.session.engine.(CandidateEngine)
	if !ok || !g.opt.Sample.Best() {
		logits, err := g.session.Append(ctx, []int32{id}, 0)
		if err != nil {
			return 0, err
		}
		return g.sampler.Sample(logits)
	}
	best, logSumExp, all, err := g.session.candidates(ctx, e, id)
	if err != nil {
		return 0, err
	}
	if id, ok := g.sampler.SampleBest(best, logSumExp, all); ok {
		return id, nil
	}
	logits, err := e.Row(ctx)
	if err != nil {
		return 0, err
	}
	return g.sampler.Sample(logits)
}

// likeliest reports that the engine can choose as the sampler would.
func (g *generation) likeliest() bool { return g.opt.Sample.Greedy() && g.session.Greedy() }

// room is how many tokens may follow.
func (g *generation) room() int {
	n := g.session.program.Context - g.session.Len()
	if g.opt.MaxTokens > 0 {
		n = min(n, g.opt.MaxTokens-g.result.Tokens)
	}
	return n
}

// accept yields a chosen token, and reports whether others follow it.
func (g *generation) accept(id int32, yield func(Token) bool) bool {
	r := g.result
	if g.opt.Tokenizer != nil && g.opt.Tokenizer.IsEOG(id) && !g.opt.IgnoreEOS {
		r.StopReason = StopEOS
		return false
	}
	more := yield(g.take(id))
	if !more && r.StopReason == "" { // by breaking out of the loop
		r.StopReason, g.left = StopCancelled, true
	}
	return more && r.StopReason == ""
}

// prefill runs the prompt. With none, it runs the history's last token again, for its logits.
func (g *generation) prefill(ctx context.Context, prompt []int32) ([]float32, error) {
	if len(prompt) > 0 {
		return g.session.Append(ctx, prompt, g.opt.Chunk)
	}
	s := g.session
	history := s.past
	s.past = history[:len(history)-1]
	logits, err := s.Append(ctx, []int32{history[len(history)-1]}, g.opt.Chunk)
	if err != nil {
		s.past = history
	}
	return logits, err
}

// take enters a chosen token into the result and finds out whether it is the last.
func (g *generation) take(id int32) Token {
	r := g.result
	g.sampler.Accept(id)
	r.IDs = append(r.IDs, id)
	r.Tokens++
	tok := Token{ID: id}
	stopped := false
	if g.text != nil {
		tok.Text, stopped = g.text.next(id)
		r.Text = g.text.out.String()
	}
	switch {
	case stopped:
		r.StopReason = StopString
	case r.Tokens == g.opt.MaxTokens:
		r.StopReason = StopLength
	case g.session.Len() == g.session.program.Context:
		r.StopReason = StopContext
	default:
		return tok
	}
	tok.Text += g.end()
	return tok
}

// end returns the text that nothing follows. It may hold a stop string that only the end decided. Half a character that the
// prompt left is no text of a generation without tokens.
func (g *generation) end() string {
	if g.text == nil || g.result.Tokens == 0 {
		return ""
	}
	tail, stopped := g.text.flush()
	g.result.Text = g.text.out.String()
	if stopped {
		g.result.StopReason = StopString
	}
	return tail
}

// isCancelled reports whether err is only ctx having ended.
func isCancelled(ctx context.Context, err error) bool {
	return err != nil && ctx.Err() != nil && (errors.Is(err, ctx.Err()) || errors.Is(err, context.Cause(ctx)))
}
