package score

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/llorch/llorch/models/tokenizer"
	"github.com/llorch/llorch/runtime"
)

// Options say how a text is scored.
type Options struct {
	// Window is the most tokens of a window; 0 is the model's context.
	Window int
	// Chunk is the most tokens of a step; 0 is the program's. It does not change the definition of the result.
	Chunk int
	// Progress is told after each window, when not nil.
	Progress func(windows, of int)
}

// Result is a text's score.
type Result struct {
	BitsPerByte float64 `json:"bits_per_byte"`
	Perplexity  float64 `json:"perplexity"` // of a token
	NLL         float64 `json:"nll"`        // mean of a predicted token, in nats
	Bytes       int     `json:"bytes"`      // of the text, that BitsPerByte is over
	TextBytes   int     `json:"text_bytes"`
	Tokens      int     `json:"tokens"` // of the text
	Predicted   int     `json:"predicted_tokens"`
	Windows     int     `json:"windows"`
	Window      int     `json:"window"` // tokens of a window
	BOS         bool    `json:"bos"`    // windows begin with it, so that every token is predicted
	Spelled     bool    `json:"spelled"`
}

// Text scores a text, which may be any bytes.
func Text(ctx context.Context, m *runtime.Model, text string, opt Options) (Result, error) {
	if err := check(m, opt); err != nil {
		return Result{}, err
	}
	if text == "" {
		return Result{}, errors.New("the text is empty: there is nothing to score")
	}
	ids := m.Tokenizer.Encode(text, tokenizer.Options{NoBOS: true})
	r := Result{TextBytes: len(text), Tokens: len(ids), Window: opt.Window, BOS: m.Tokenizer.BOS() >= 0}
	if r.Window == 0 {
		r.Window = m.Program.Context
	}
	if err := r.checkTokens(len(text)); err != nil {
		return Result{}, err
	}
	session, err := m.NewSession()
	if err != nil {
		return Result{}, err
	}
	s := &scorer{session: session, vocab: m.Program.Vocab, chunk: opt.Chunk}
	if s.chunk == 0 {
		s.chunk = m.Program.Chunk
	}
	r.Windows = (len(ids) + r.Window - 1) / r.Window
	for window := range slices.Chunk(ids, r.Window) {
		sequence := window
		if r.BOS {
			sequence = append([]int32{m.Tokenizer.BOS()}, window...)
		}
		if err := s.add(ctx, sequence); err != nil {
			return Result{}, fmt.Errorf("window %d of %d: %w", s.windows+1, r.Windows, err)
		}
		if opt.Progress != nil {
			opt.Progress(s.windows, r.Windows)
		}
	}
	return r, r.finish(s, m, ids, text)
}

// check says why m cannot score with opt.
func check(m *runtime.Model, opt Options) error {
	p := m.Program
	switch {
	case m.Tokenizer == nil:
		return fmt.Errorf("model %s has no tokenizer: a text cannot become tokens", p.Model)
	case m.Tokenizer.Size() > p.Vocab:
		return fmt.Errorf("the tokenizer has %d pieces, the model predicts %d tokens", m.Tokenizer.Size(), p.Vocab)
	case opt.Window < 0 || opt.Window > p.Context:
		return fmt.Errorf("window of %d tokens: want 1 to %d, the model's context", opt.Window, p.Context)
	case opt.Chunk < 0 || opt.Chunk > p.Chunk:
		return fmt.Errorf("chunk of %d tokens: the program's steps take 1 to %d", opt.Chunk, p.Chunk)
	}
	return nil
}

// checkTokens says why a text of that many bytes has nothing to predict.
func (r *Result) checkTokens(bytes int) error {
	switch {
	case r.Tokens == 0:
		return fmt.Errorf("the text of %d bytes has no tokens: there is nothing to score", bytes)
	case !r.BOS && min(r.Tokens, r.Window) == 1:
		return fmt.Errorf("nothing to predict with %d tokens in windows of %d: the vocabulary has no BOS that could precede a window's first token",
			r.Tokens, r.Window)
	}
	return nil
}

// finish computes the means.
func (r *Result) finish(s *scorer, m *runtime.Model, ids []int32, text string) error {
	ends, spelled := spell(m.Tokenizer, ids, text, unrendered(m.Program.Tokenizer, text))
	r.Spelled, r.Predicted, r.Bytes = spelled, s.predicted, len(text)
	for i := 0; !r.BOS && i < len(ids); i += r.Window {
		r.Bytes -= ends[i] - endBefore(ends, i)
	}
	r.NLL = s.nll / float64(s.predicted)
	r.Perplexity = math.Exp(r.NLL)
	r.BitsPerByte = s.nll / math.Ln2 / float64(r.Bytes)
	if r.Bytes == 0 || math.IsInf(r.Perplexity, 0) {
		return fmt.Errorf("%.4g nats a token over %d bytes have no score in finite numbers", r.NLL, r.Bytes)
	}
	return nil
}

// scorer sums up windows.
type scorer struct {
	session   *runtime.Session
	vocab     int
	chunk     int
	nll       float64 // in nats
	predicted int
	windows   int
}

// add scores every token of a sequence but the first.
func (s *scorer) add(ctx context.Context, sequence []int32) error {
	s.session.Reset()
	fed, next := sequence[:len(sequence)-1], sequence[1:]
	for len(fed) > 0 {
		n := min(s.chunk, len(fed))
		logits, err := s.session.Logits(ctx, fed[:n], n)
		if err != nil {
			return err
		}
		for i, id := range next[:n] {
			nll, err := negLogProb(logits[i*s.vocab:][:s.vocab], id)
			if err != nil {
				return fmt.Errorf("token %d (id %d): %w", s.session.Len()-n+i, id, err)
			}
			s.nll += nll
		}
		s.predicted += n
		fed, next = fed[n:], next[n:]
	}
	s.windows++
	return nil
}
