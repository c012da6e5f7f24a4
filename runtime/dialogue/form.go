package dialogue

import (
	"errors"
	"time"

	"github.com/llorch/llorch/models/chat"
	"github.com/llorch/llorch/models/tokenizer"
	"github.com/llorch/llorch/runtime"
)

// Form is how a model's conversations are written: by a template, in tokens of its vocabulary.
type Form struct {
	model    *runtime.Model
	template *chat.Template
}

// NewForm takes a template in Jinja, or the model's own if it is empty.
func NewForm(m *runtime.Model, template string) (*Form, error) {
	if m.Tokenizer == nil {
		return nil, errors.New("has no tokenizer")
	}
	if template == "" {
		template = m.Program.Tokenizer.ChatTemplate
	}
	if template == "" {
		return nil, errors.New("has no chat template")
	}
	t, err := chat.Parse(template)
	if err != nil {
		return nil, err
	}
	return &Form{m, t}, nil
}

// Prompt is the ids of a conversation up to where a reply begins: of the system message, if there is one, and of the messages. A
// control token stands where the template writes one, and nowhere else.
func (f *Form) Prompt(system string, messages []chat.Message) ([]int32, error) {
	t := f.model.Tokenizer
	in := chat.Input{AddGenerationPrompt: true, BOS: t.Piece(t.BOS()), EOS: t.Piece(t.EOS()), Now: time.Now()}
	if system != "" {
		in.Messages = append(in.Messages, chat.Message{Role: "system", Content: system})
	}
	in.Messages = append(in.Messages, messages...)
	p, err := f.template.Render(in)
	if err != nil {
		return nil, err
	}
	ids := t.Encode(p.Text, tokenizer.Options{NoBOS: true, Special: true, Foreign: p.FromMessage})
	if len(ids) == 0 {
		return nil, errors.New("the chat template makes no text of the conversation")
	}
	return ids, nil
}
