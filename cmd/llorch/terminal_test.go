//go:build linux || darwin

package main

import (
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
	"github.com/stretchr/testify/require"

	"github.com/llorch/llorch/models/austen"
)

// screen is what a terminal has shown.
type screen struct {
	mu   sync.Mutex
	text strings.Builder
}

func (s *screen) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(b)
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// terminal is llorch at a terminal.
type terminal struct {
	t      *testing.T
	ctx    context.Context
	cmd    *exec.Cmd
	keys   *os.File
	screen *screen
	seen   int // bytes of what it has shown
}

func startTerminal(t *testing.T, args ...string) *terminal {
	llorch, err := exec.LookPath("llorch") // which testscript.Main has put there
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, llorch, args...)
	keys, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 24, Cols: 120})
	if err != nil {
		t.Skip("needs a pseudo-terminal: ", err)
	}
	t.Cleanup(func() { _ = keys.Close() })
	shown := &screen{}
	go func() { _, _ = io.Copy(shown, keys) }()
	return &terminal{t: t, ctx: ctx, cmd: cmd, keys: keys, screen: shown}
}

// expect waits until a text is shown behind what was seen.
func (x *terminal) expect(text string) {
	x.t.Helper()
	for {
		if at := strings.Index(x.screen.String()[x.seen:], text); at >= 0 {
			x.seen += at + len(text)
			return
		}
		if x.ctx.Err() != nil {
			x.t.Fatalf("no %q in %q", text, x.screen.String()[x.seen:])
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func (x *terminal) press(keys string) {
	_, err := x.keys.WriteString(keys)
	require.NoError(x.t, err)
}

// TestChatOnATerminal types at llorch chat: a line is edited, cleared, and called up again.
func TestChatOnATerminal(t *testing.T) {
	model := filepath.Join(t.TempDir(), "m.gguf")
	const form = `{{ bos_token }}{% for m in messages %}{{ m.role[0] }}{{ m.content }}{% endfor %}a`
	require.NoError(t, os.WriteFile(model, tinyGGUF(form), 0o644))
	x := startTerminal(t, "chat", model, "-n", "3", "--threads", "1")
	x.expect("/help lists commands")
	x.expect("> ")
	x.press("ax\x7fb\r") // backspace
	x.expect("[0 tokens in the cache, ")
	x.expect("> ")
	x.press("zzz\x03\x1b[A\r") // Ctrl-C clears the line, and the arrow calls up the one before
	x.expect("tokens in the cache, ")
	x.expect("> ")
	x.press("/save " + model + ".json\r")
	x.expect("> ")
	x.press("/stats\r")
	x.expect("[4 messages; ")
	x.expect("> ")
	x.press("/nothing\r")
	x.expect("/nothing is no command")
	x.expect("> ")
	x.press("\x04")
	require.NoError(t, x.cmd.Wait(), x.screen.String())
	saved, err := os.ReadFile(model + ".json")
	require.NoError(t, err)
	require.Equal(t, 2, strings.Count(string(saved), `"content": "ab"`), "%s", saved)
}

// TestStoppedReply: Ctrl-C ends a reply and not the program, and the conversation goes on with what was said.
func TestStoppedReply(t *testing.T) {
	dir := t.TempDir()
	model, form := filepath.Join(dir, "m.gguf"), filepath.Join(dir, "form")
	require.NoError(t, os.WriteFile(model, austen.GGUF, 0o644))
	require.NoError(t, os.WriteFile(form, []byte(`{% for m in messages %}{{ m.content }}{% endfor %}`), 0o644))
	x := startTerminal(t, "chat", model, "--template", form, "-n", "0", "--threads", "1")
	x.expect("> ")
	x.press("It is a truth universally acknowledged, that\r")
	x.expect("e") // of the echoed line
	x.expect("\n")
	x.expect("e") // of the reply
	x.press("\x03")
	x.expect(", stopped]")
	x.expect("> ")
	x.press("/stats\r")
	x.expect("[2 messages; ")
	x.expect("> ")
	x.press("/quit\r")
	require.NoError(t, x.cmd.Wait(), x.screen.String())
}

// TestPastedMessage: the lines of pasted text are one message, which Enter sends, and a typed line that package term cuts is not sent.
func TestPastedMessage(t *testing.T) {
	model := filepath.Join(t.TempDir(), "m.gguf")
	require.NoError(t, os.WriteFile(model, tinyGGUF(`{% for m in messages %}{{ m.content[:9] }}{% endfor %}`), 0o644))
	x := startTerminal(t, "chat", model, "-n", "1", "--threads", "1")
	x.expect("> ")
	x.press("x: " + pasteBegin + "a\r\tb\r\nc" + pasteEnd)
	x.expect("x: a␤")
	x.press("\r")
	x.expect("cut off by -n]")
	x.expect("> ")
	x.press("/save " + model + ".json\r")
	x.expect("[2 messages written to m.gguf.json]")
	x.expect("> ")
	x.press(strings.Repeat("y", 4200) + "\r")
	x.expect("a line that is typed ends at 4096 characters")
	x.expect("> ")
	x.press("/stats\r")
	x.expect("[2 messages; ")
	x.press("/quit\r")
	require.NoError(t, x.cmd.Wait(), x.screen.String())
	saved, err := os.ReadFile(model + ".json")
	require.NoError(t, err)
	require.Contains(t, string(saved), `"content": "x: a\n\tb\nc"`)
}

// TestKilledAtThePrompt: a terminal is given back by a program that is told to end.
func TestKilledAtThePrompt(t *testing.T) {
	model := filepath.Join(t.TempDir(), "m.gguf")
	require.NoError(t, os.WriteFile(model, tinyGGUF(`{{ messages }}`), 0o644))
	x := startTerminal(t, "chat", model, "--threads", "1")
	x.expect("\x1b[?2004h> ")
	require.NoError(t, x.cmd.Process.Signal(syscall.SIGTERM))
	x.expect("\x1b[?2004l")
	var status *exec.ExitError
	require.ErrorAs(t, x.cmd.Wait(), &status)
	require.Equal(t, 128+15, status.ExitCode())
}

// TestManyInterrupts: a Ctrl-C that comes when the reply is over does not end the program.
func TestManyInterrupts(t *testing.T) {
	dir := t.TempDir()
	model, form := filepath.Join(dir, "m.gguf"), filepath.Join(dir, "form")
	require.NoError(t, os.WriteFile(model, austen.GGUF, 0o644))
	require.NoError(t, os.WriteFile(form, []byte(`{% for m in messages %}{{ m.content }}{% endfor %}`), 0o644))
	x := startTerminal(t, "chat", model, "--template", form, "-n", "0", "--threads", "1")
	x.expect("> ")
	for range 4 {
		x.press("It is a truth\r")
		x.expect("\n")
		for range 300 { // more than a reply takes to end
			require.NoError(t, x.cmd.Process.Signal(os.Interrupt))
			time.Sleep(100 * time.Microsecond)
		}
		x.expect("stopped")
		x.expect("> ")
		x.press("/reset\r")
		x.expect("> ")
	}
	x.press("/quit\r")
	require.NoError(t, x.cmd.Wait(), x.screen.String())
}
