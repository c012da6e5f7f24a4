package dialogue

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
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

// Save writes the conversation to a file, as JSON: all of it, or nothing. A file that is there is replaced if it is a saved
// conversation, and may be written to.
func (d *Dialogue) Save(path string) error {
	f := file{Llorch: version, Model: d.model.Program.Model, System: d.system, Messages: []message{}}
	for _, m := range d.messages {
		f.Messages = append(f.Messages, message{m.Role, m.Content})
	}
	text, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		return err
	}
	at, mode, err := replaceable(path)
	if err != nil {
		return err
	}
	if err := replace(at, mode, append(text, '\n')); err != nil {
		return fmt.Errorf("%s: %w", path, cause(err))
	}
	return nil
}

// replaceable is where path leads, and the mode that a file there has or is to have. It refuses what is no saved conversation:
// somebody else's file, or a device.
func replaceable(path string) (at string, mode fs.FileMode, err error) {
	at, err = filepath.EvalSymlinks(path)
	if errors.Is(err, fs.ErrNotExist) {
		return path, 0o600, nil
	}
	if err != nil {
		return "", 0, err
	}
	info, err := os.Stat(at)
	if err != nil {
		return "", 0, err
	}
	if !info.Mode().IsRegular() {
		return "", 0, fmt.Errorf("%s: is no regular file", path)
	}
	// A rename would replace a file that may not be written to.
	w, err := os.OpenFile(at, os.O_WRONLY, 0)
	if err != nil {
		return "", 0, err
	}
	if err := w.Close(); err != nil {
		return "", 0, err
	}
	if info.Size() > 0 {
		if _, err := read(at); err != nil {
			return "", 0, fmt.Errorf("%s: is there and no saved conversation, so it is left as it is", path)
		}
	}
	return at, info.Mode().Perm(), nil
}

// replace writes a file beside the one at path, and then puts it in its place.
func replace(path string, mode fs.FileMode, text []byte) error {
	part, err := os.CreateTemp(filepath.Dir(path), ".llorch*.part")
	if err != nil {
		return err
	}
	_, err = part.Write(text)
	if err = errors.Join(err, part.Chmod(mode), part.Close()); err == nil {
		err = os.Rename(part.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(part.Name()))
	}
	return nil
}

// cause is an error without the name of the file that was written first, which says nothing to whoever named another.
func cause(err error) error {
	if at := new(fs.PathError); errors.As(err, &at) {
		return at.Err
	}
	if at := new(os.LinkError); errors.As(err, &at) {
		return at.Err
	}
	return err
}

// read reads a saved conversation.
func read(path string) (f file, err error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return file{}, err
	}
	if err := json.Unmarshal(text, &f); err != nil {
		if at := new(json.UnmarshalTypeError); errors.As(err, &at) {
			err = fmt.Errorf("at byte %d: found %s where a saved conversation has something else", at.Offset, at.Value)
		}
		return file{}, fmt.Errorf("%s: %w", path, err)
	}
	if f.Llorch != version {
		return file{}, fmt.Errorf("%s: no saved conversation of version %d: llorch_conversation is %d", path, version, f.Llorch)
	}
	return f, nil
}

// Load replaces the conversation, the system message included, by one that was saved. Its tokens are run with the next message. It
// returns the name of the model that it was held with. After an error the conversation is as it was.
func (d *Dialogue) Load(path string) (model string, err error) {
	f, err := read(path)
	if err != nil {
		return "", err
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
