package runtime

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/llorch/llorch/models/tokenizer"
)

// Model is a program on an engine, with its tokenizer.
type Model struct {
	Program   *Program
	Engine    Engine
	Tokenizer *tokenizer.Tokenizer // nil when the program has none
}

// NewModel builds the program's tokenizer. The engine remains the caller's to close.
func NewModel(p *Program, e Engine) (*Model, error) {
	m := &Model{Program: p, Engine: e}
	if p.Tokenizer != nil {
		var err error
		if m.Tokenizer, err = tokenizer.New(*p.Tokenizer); err != nil {
			return nil, fmt.Errorf("model %s: %w", p.Model, err)
		}
	}
	return m, nil
}

// NewSession makes an empty session.
func (m *Model) NewSession() (*Session, error) { return NewSession(m.Engine, m.Program) }

// Generate yields what follows prompt in a session of its own. The model's tokenizer is used unless opt has one.
func (m *Model) Generate(ctx context.Context, prompt string, opt Options) iter.Seq2[Token, error] {
	return func(yield func(Token, error) bool) {
		if opt.Tokenizer == nil {
			opt.Tokenizer = m.Tokenizer
		}
		if opt.Tokenizer == nil {
			yield(Token{}, fmt.Errorf("model %s has no tokenizer: a prompt must be ids", m.Program.Model))
			return
		}
		s, err := m.NewSession()
		if err != nil {
			yield(Token{}, err)
			return
		}
		Generate(ctx, s, opt.Tokenizer.Encode(prompt, tokenizer.Options{}), opt)(yield)
	}
}

// Complete is Generate, run to its end.
func (m *Model) Complete(ctx context.Context, prompt string, opt Options) (Result, error) {
	var r Result
	if opt.Result != nil {
		return r, errors.New("complete: the result is returned, Options.Result must be nil")
	}
	opt.Result = &r
	for _, err := range m.Generate(ctx, prompt, opt) {
		if err != nil {
			return r, err
		}
	}
	return r, nil
}
