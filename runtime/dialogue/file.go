package dialogue

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/llorch/llorch/models/chat"
)

// file is a saved conversation.
type file struct {
	Llorch   int       `json:"llorch_conversation"` // version of the format
	Model    string    `json:"model"`
	System   string    `json:"system,omitempty"`
	Messages []message `json:"messages"`
}

type message struct {
	Role    string `json:"role"`
	Content string `json:"content"`
}

const version = 1

// Save writes the conversation to a file, as JSON: all of it, or nothing.
func (d *Dialogue) Save(path string) (err error) {
	f := file{Llorch: version, Model: d.model.Program.Model, System: d.system, Messages: []message{}}
	for _, m := range d.messages {
		f.Messages = append(f.Messages, message{m.Role, m.Content})
	}
	text, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		return err
	}
	part, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".part*")
	if err != nil {
		return err
	}
	_, err = part.Write(append(text, '\n'))
	if err = errors.Join(err, part.Close()); err == nil {
		err = os.Rename(part.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(part.Name()))
	}
	return nil
}

// Load replaces the conversation, the system message included, by one that was saved. Its tokens are run with the next message. It
// returns the name of the model that it was held with. After an error the conversation is as it was.
func (d *Dialogue) Load(path string) (model string, err error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	var f file
	if err := json.Unmarshal(text, &f); err != nil {
		return "", fmt.Errorf("%s: %w", path, err)
	}
	if f.Llorch != version {
		return "", fmt.Errorf("%s: no saved conversation of version %d: llorch_conversation is %d", path, version, f.Llorch)
	}
	var messages []chat.Message
	for i, m := range f.Messages {
		if want := [2]string{"user", "assistant"}[i%2]; m.Role != want {
			return "", fmt.Errorf("%s: message %d is of role %q, want %s", path, i, m.Role, want)
		}
		messages = append(messages, chat.Message{Role: m.Role, Content: m.Content})
	}
	if len(messages)%2 != 0 {
		return "", fmt.Errorf("%s: the last of %d messages has no reply", path, len(messages))
	}
	d.system, d.messages, d.last = f.System, messages, Turn{}
	return f.Model, nil
}
