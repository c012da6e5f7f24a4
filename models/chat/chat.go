// Package chat turns a conversation into the prompt that a model was trained on,
// by the Jinja template that the model carries (tokenizer.chat_template in a GGUF
// file, chat_template in tokenizer_config.json).
//
//	t, err := chat.Parse(source)
//	prompt, err := t.Render(chat.Input{
//		Messages:            []chat.Message{{Role: "user", Content: "Hello"}},
//		AddGenerationPrompt: true,
//		BOS:                 "<s>",
//		EOS:                 "</s>",
//	})
//
// A template sees the variables that transformers' apply_chat_template gives it:
// messages, add_generation_prompt, bos_token, eos_token, tools and documents
// (both none); the functions raise_exception and strftime_now; and what package
// jinja describes.
//
// # Control tokens
//
// A prompt is tokenised with its control tokens recognised, and a message may
// contain the letters of one, such as <|im_end|>. A [Prompt] therefore says which
// of its bytes come from messages, and [Prompt.FromMessage] answers for a place
// in it. The guarantee: if the tokenizer takes as a control token only those
// occurrences for which FromMessage is false, no content of a message adds,
// removes or completes one, whatever the template does to the content, and the
// letters reach the model as ordinary text.
//
// A role is the template's own text if it is one of the field's usual names, since
// templates build tokens from it ("<|" + role + "|>"); any other role counts as
// content.
package chat

import (
	"errors"
	"fmt"
	"sort"
	"time"

	"github.com/llorch/llorch/models/chat/jinja"
)

// A Message is one turn of a conversation.
type Message struct {
	Role, Content string
}

// An Input is what a template renders.
type Input struct {
	Messages            []Message
	AddGenerationPrompt bool      // end with the start of the assistant's turn
	BOS, EOS            string    // the tokens' texts; undefined where empty
	Now                 time.Time // for strftime_now
}

// A Template is a parsed chat template. It may be used by many goroutines.
type Template struct{ jinja *jinja.Template }

// Parse reads a template. Its error names the line and what is not understood.
func Parse(source string) (*Template, error) {
	t, err := jinja.Parse(source)
	if err != nil {
		return nil, fmt.Errorf("chat template: %w", err)
	}
	return &Template{t}, nil
}

// A Prompt is a rendered conversation.
type Prompt struct {
	Text     string
	messages []jinja.Span
}

// FromMessage tells whether any of the bytes from up to to of the text comes from
// a message.
func (p Prompt) FromMessage(from, to int) bool {
	i := sort.Search(len(p.messages), func(i int) bool { return p.messages[i].To > from })
	return i < len(p.messages) && p.messages[i].From < to
}

// Render runs the template. Its error is a [jinja.Raised] if the template itself
// refuses the conversation.
func (t *Template) Render(in Input) (Prompt, error) {
	if len(in.Messages) == 0 {
		return Prompt{}, errors.New("chat template: the conversation has no messages")
	}
	messages := make([]jinja.Value, len(in.Messages))
	for i, m := range in.Messages {
		d := jinja.NewDict()
		d.Set("role", role(m.Role))
		d.Set("content", jinja.InputText(m.Content))
		messages[i] = d
	}
	vars := map[string]jinja.Value{
		"messages":              jinja.NewList(messages...),
		"add_generation_prompt": in.AddGenerationPrompt,
		"tools":                 nil,
		"documents":             nil,
	}
	for name, token := range map[string]string{"bos_token": in.BOS, "eos_token": in.EOS} {
		if token != "" {
			vars[name] = jinja.TemplateText(token)
		}
	}
	text, err := t.jinja.Render(vars, jinja.Env{Now: in.Now})
	if err != nil {
		return Prompt{}, fmt.Errorf("chat template: %w", err)
	}
	return Prompt{text.String(), text.Input()}, nil
}

func role(name string) jinja.Text {
	switch name {
	case "system", "user", "assistant", "tool", "developer", "model", "ipython", "function":
		return jinja.TemplateText(name)
	}
	return jinja.InputText(name)
}
