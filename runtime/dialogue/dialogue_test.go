package dialogue

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/llorch/llorch/models/tokenizer"
	"github.com/llorch/llorch/runtime"
)

// parrot is an engine whose model says a letter after each number of tokens.
type parrot struct {
	vocab int
	says  func(n int) int32
	steps [][]int32 // that were run
	fails error
}

type noCache struct{}

func (noCache) CopyFrom(runtime.Cache, int) error  { return nil }
func (noCache) Bytes() int64                       { return 0 }
func (p *parrot) NewCache() (runtime.Cache, error) { return noCache{}, nil }
func (p *parrot) Close() error                     { return nil }
func (p *parrot) run() (n int)                     { return len(p.steps) }
func (p *parrot) since(n int) (ids []int32)        { return flat(p.steps[n:]) }
func flat(parts [][]int32) (all []int32) {
	for _, part := range parts {
		all = append(all, part...)
	}
	return all
}

func (p *parrot) Step(ctx context.Context, _ string, _ runtime.Cache, past int, tokens []int32) ([]float32, error) {
	if err := errors.Join(p.fails, ctx.Err()); err != nil {
		return nil, err
	}
	p.steps = append(p.steps, append([]int32{}, tokens...))
	logits := make([]float32, p.vocab)
	logits[p.says(past+len(tokens))] = 1
	return logits, nil
}

const bos, eos, letterA, letterB, letterC = 1, 2, 3, 4, 5

// start is a conversation with a parrot in a context of 64 tokens, of letters a to z and a few control tokens.
func start(t *testing.T, template, system string) (*Dialogue, *parrot) {
	spec := &tokenizer.Spec{Model: tokenizer.SPM, BOS: bos, EOS: eos, Pieces: []tokenizer.Piece{
		{Text: "<unk>", Type: tokenizer.Unknown}, {Text: "<s>", Type: tokenizer.Control}, {Text: "</s>", Type: tokenizer.Control},
	}}
	for c := 'a'; c <= 'z'; c++ {
		spec.Pieces = append(spec.Pieces, tokenizer.Piece{Text: string(c), Type: tokenizer.Normal})
	}
	spec.Pieces = append(spec.Pieces, tokenizer.Piece{Text: ":", Type: tokenizer.Normal}, tokenizer.Piece{Text: "ab", Type: tokenizer.Normal, Score: 1})
	spec.ChatTemplate = template
	e := &parrot{vocab: len(spec.Pieces), says: func(int) int32 { return letterC }}
	p := &runtime.Program{Context: 64, Vocab: e.vocab, Chunk: 16, Model: "parrot", Symbols: []string{"S", "P"}, Tokenizer: spec,
		Steps: []runtime.Step{{Name: runtime.Decode}, {Name: runtime.Prefill}}}
	m, err := runtime.NewModel(p, e)
	require.NoError(t, err)
	f, err := NewForm(m, "")
	require.NoError(t, err)
	d, err := New(f, system)
	require.NoError(t, err)
	return d, e
}

const plain = `{{ bos_token }}{% for m in messages %}{{ m.role[0] }}:{{ m.content }}{{ eos_token }}{% endfor %}a:`

func say(t *testing.T, d *Dialogue, text string, most int) Turn {
	var said strings.Builder
	turn, err := d.Say(t.Context(), text, runtime.Options{MaxTokens: most}, func(part string) bool { said.WriteString(part); return true })
	require.NoError(t, err)
	require.Equal(t, turn.Text, said.String())
	return turn
}

// A turn runs the end of the last reply, which nothing had followed, and what is new.
func TestTurns(t *testing.T) {
	d, e := start(t, plain, "x")
	first := say(t, d, "hi", 4)
	require.Zero(t, first.Reused)
	require.Equal(t, 1+4+5+2, first.PromptTokens) // <s> s:x</s> u:hi</s> a:
	require.Len(t, first.IDs, 4)
	cached, most := d.Cached()
	require.Equal(t, 12+3, cached)
	require.Equal(t, 64, most)
	n := e.run()
	second := say(t, d, "yo", 2)
	require.Equal(t, cached, second.Reused)
	require.Equal(t, 1+1+5+2, second.PromptTokens) // the last letter, </s> u:yo</s> a:
	require.Len(t, e.since(n), second.PromptTokens+1)
	whole, err := d.form.Prompt("x", d.Messages()[:3])
	require.NoError(t, err)
	require.Equal(t, len(whole), second.Reused+second.PromptTokens, "the cache has what the template writes")
}

// A reply whose tokens are not those of its text is run again from there.
func TestReplyOfOtherTokens(t *testing.T) {
	d, e := start(t, plain, "")
	e.says = func(n int) int32 { return []int32{letterA, letterB, eos}[(n-8)%3] } // a, b: its text is the piece ab
	first := say(t, d, "hi", 0)
	require.Equal(t, "ab", first.Text)
	cached, _ := d.Cached()
	second := say(t, d, "yo", 1)
	require.Equal(t, cached-2, second.Reused)
}

// A template that drops what was said before is followed.
func TestForgetfulTemplate(t *testing.T) {
	d, _ := start(t, `{{ bos_token }}{{ messages[-1].content }}a:`, "")
	say(t, d, "hello", 3)
	turn := say(t, d, "help", 3)
	require.Equal(t, 1+3, turn.Reused) // <s>hel
	require.Equal(t, 1+2, turn.PromptTokens)
}

func TestTooLong(t *testing.T) {
	d, _ := start(t, plain, "")
	say(t, d, "hi", 4)
	before := len(d.Messages())
	_, err := d.Say(t.Context(), strings.Repeat("z", 60), runtime.Options{}, func(string) bool { return true })
	require.EqualError(t, err, "the conversation would have 78 tokens, and the context has room for 64 with a reply")
	require.Len(t, d.Messages(), before)
	require.Positive(t, say(t, d, "yo", 4).Reused)
}

// A reply that is stopped is what was said; one that never began leaves the conversation as it was.
func TestStopped(t *testing.T) {
	d, e := start(t, plain, "")
	turn, err := d.Say(t.Context(), "hi", runtime.Options{}, func(string) bool { return false })
	require.NoError(t, err)
	require.Equal(t, runtime.StopCancelled, turn.StopReason)
	require.Len(t, d.Messages(), 2)
	require.Equal(t, turn.Text, d.Messages()[1].Content)
	require.Len(t, turn.Text, 1)
	say(t, d, "go", 2)

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	turn, err = d.Say(ctx, "yo", runtime.Options{}, func(string) bool { return true })
	require.NoError(t, err)
	require.Len(t, d.Messages(), 4)
	require.Zero(t, turn.PromptTokens, "none was read")
	cached, _ := d.Cached()
	require.Equal(t, cached, turn.Reused)

	e.fails = errors.New("the device is gone")
	_, err = d.Say(t.Context(), "yo", runtime.Options{}, func(string) bool { return true })
	require.ErrorContains(t, err, "the device is gone")
	require.Len(t, d.Messages(), 4)
	e.fails = nil
	require.Positive(t, say(t, d, "yo", 2).Reused)
}

func TestFiles(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "c.json")
	d, _ := start(t, plain, "x")
	say(t, d, "hi", 4)
	want := d.Messages()
	require.NoError(t, d.Save(path))
	require.NoError(t, d.Save(path), "over itself")
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, left, 1)

	other, _ := start(t, plain, "")
	model, err := other.Load(path)
	require.NoError(t, err)
	require.Equal(t, "parrot", model)
	require.Equal(t, want, other.Messages())
	require.Equal(t, say(t, d, "yo", 4).IDs, say(t, other, "yo", 4).IDs)

	d.Reset()
	require.Empty(t, d.Messages())
	require.Positive(t, say(t, d, "hi", 1).Reused, "the cache is kept")

	require.Error(t, d.Save(filepath.Join(dir, "none", "c.json")))
	link := filepath.Join(dir, "link.json")
	require.NoError(t, os.Chmod(path, 0o640))
	if os.Symlink(path, link) == nil {
		require.NoError(t, d.Save(link))
		info, err := os.Lstat(link)
		require.NoError(t, err)
		require.NotZero(t, info.Mode()&os.ModeSymlink, "a link still leads to the file")
		info, err = os.Stat(path)
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o640), info.Mode().Perm())
	}
	for text, want := range map[string]string{
		`{`:                "unexpected end of JSON input",
		`{"messages": []}`: "no saved conversation of version 1: llorch_conversation is 0",
		`[1]`:              "at byte 1: found array where a saved conversation has something else",
		`{"llorch_conversation": 1, "messages": [{"role": "assistant"}]}`: `message 0 is of role "assistant", want user`,
		`{"llorch_conversation": 1, "messages": [{"role": "user"}]}`:      "the last of 1 messages has no reply",
	} {
		require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
		before := d.Messages()
		_, err := d.Load(path)
		require.ErrorContains(t, err, path+": "+want)
		require.Equal(t, before, d.Messages())
	}
}

func TestForms(t *testing.T) {
	d, _ := start(t, plain, "")
	m := d.model
	m.Program.Tokenizer.ChatTemplate = ""
	_, err := NewForm(m, "")
	require.EqualError(t, err, "has no chat template")
	f, err := NewForm(m, "{% if false %}x{% endif %}")
	require.NoError(t, err)
	_, err = f.Prompt("x", nil)
	require.EqualError(t, err, "the chat template makes no text of the conversation")
	_, err = f.Prompt("", nil)
	require.EqualError(t, err, "chat template: the conversation has no messages")
	_, err = NewForm(m, "{% x %}")
	require.ErrorContains(t, err, "chat template: line 1")
	m.Tokenizer = nil
	_, err = NewForm(m, plain)
	require.EqualError(t, err, "has no tokenizer")
}
