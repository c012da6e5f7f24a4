// Package dialogue holds a conversation with a model: its messages, and the session whose KV cache has their tokens.
//
// Each turn renders the whole conversation by the model's template, as the model was trained on it, and runs only those tokens that the
// cache does not begin with: as a rule the new message. Where a template rewrites what was said before, or a reply's tokens are not
// those that its text is split into, more is run again, and never something else than the template's text.
package dialogue

import (
	"context"
	"fmt"

	"github.com/llorch/llorch/models/chat"
	"github.com/llorch/llorch/runtime"
)

// Dialogue is a conversation. It is not safe for concurrent use.
type Dialogue struct {
	model    *runtime.Model
	form     *Form
	session  *runtime.Session
	system   string
	messages []chat.Message // without the system's
	last     Turn
}

// Turn is what a message took.
type Turn struct {
	runtime.Result
	Reused int // tokens of the prompt that the cache had; Result.PromptTokens were run
}

// New begins a conversation in a form. A system message may be empty.
func New(f *Form, system string) (*Dialogue, error) {
	s, err := f.model.NewSession()
	if err != nil {
		return nil, err
	}
	return &Dialogue{model: f.model, form: f, session: s, system: system}, nil
}

// Say adds a message and yields the reply's text as it becomes certain, until yield returns false, which ends the reply there, as a
// cancelled ctx does. What was said so far is then the reply. Options.Tokenizer and Options.Result are set by Say. After an error, and
// where nothing was said, the conversation is as it was.
func (d *Dialogue) Say(ctx context.Context, text string, o runtime.Options, yield func(text string) bool) (Turn, error) {
	messages := append(d.messages[:len(d.messages):len(d.messages)], chat.Message{Role: "user", Content: text})
	ids, err := d.form.Prompt(d.system, messages)
	if err != nil {
		return Turn{}, err
	}
	if n := d.model.Program.Context; len(ids) >= n {
		return Turn{}, fmt.Errorf("the conversation would have %d tokens, and the context has room for %d with a reply", len(ids), n)
	}
	shared := common(d.session.Tokens(), ids)
	if err := d.session.Truncate(shared); err != nil {
		return Turn{}, err
	}
	turn := Turn{Reused: shared}
	o.Tokenizer, o.Result = d.model.Tokenizer, &turn.Result
	for tok, err := range runtime.Generate(ctx, d.session, ids[shared:], o) {
		if err != nil {
			return turn, err
		}
		if tok.Text != "" && !yield(tok.Text) {
			break
		}
	}
	turn.PromptTokens = min(turn.PromptTokens, d.session.Len()-shared) // a step that was stopped has read nothing
	d.last = turn
	if turn.StopReason == runtime.StopCancelled && turn.Text == "" {
		return turn, nil
	}
	d.messages = append(messages, chat.Message{Role: "assistant", Content: turn.Text})
	return turn, nil
}

// common is how many ids both begin with, less than all of the prompt: the last one is run for its logits.
func common(past, prompt []int32) int {
	n := 0
	for n < min(len(past), len(prompt)-1) && past[n] == prompt[n] {
		n++
	}
	return n
}

// Messages are those of the conversation, without the system's.
func (d *Dialogue) Messages() []chat.Message { return d.messages }

// Cached is how many tokens the cache holds, of a context of so many.
func (d *Dialogue) Cached() (tokens, context int) { return d.session.Len(), d.model.Program.Context }

// Last is the last turn.
func (d *Dialogue) Last() Turn { return d.last }

// Reset forgets the messages. The cache keeps its tokens, as another conversation may begin with them.
func (d *Dialogue) Reset() { d.messages, d.last = nil, Turn{} }
