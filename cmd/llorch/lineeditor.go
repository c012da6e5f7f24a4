package main

import (
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"unicode/utf8"

	"golang.org/x/term"
)

// lineEditor reads lines from a terminal, with editing and history. The terminal is as it was between lines, so that Ctrl-C is a signal
// then.
type lineEditor struct {
	in, out *os.File
	term    *term.Terminal
}

func newLineEditor(in, out *os.File) *lineEditor {
	screen := struct {
		io.Reader
		io.Writer
	}{&keyboard{in: in}, out}
	return &lineEditor{in, out, term.NewTerminal(screen, "> ")}
}

func (l *lineEditor) line() (string, error) {
	before, err := term.MakeRaw(int(l.in.Fd()))
	if err != nil {
		return "", err
	}
	defer func() { _ = term.Restore(int(l.in.Fd()), before) }()
	if width, height, err := term.GetSize(int(l.out.Fd())); err == nil && width > 0 {
		_ = l.term.SetSize(width, height)
	}
	l.term.SetBracketedPasteMode(true)
	defer l.term.SetBracketedPasteMode(false)
	defer l.whenKilled(before)()
	s, err := l.term.ReadLine()
	if err == term.ErrPasteIndicator { // pasted text is a line like any other
		err = nil
	}
	if err == nil && utf8.RuneCountInString(s) == mostTyped {
		return "", errLongLine
	}
	return strings.ReplaceAll(s, newlineSign, "\n"), err
}

// whenKilled has a signal that ends the program leave the terminal as it was, until it is told to stop.
func (l *lineEditor) whenKilled(before *term.State) (stop func()) {
	killed, over := make(chan os.Signal, 1), make(chan struct{})
	signal.Notify(killed, syscall.SIGTERM, syscall.SIGHUP)
	go func() {
		select {
		case s := <-killed:
			_, _ = io.WriteString(l.out, "\x1b[?2004l\r\n") // no bracketed paste
			_ = term.Restore(int(l.in.Fd()), before)
			os.Exit(128 + int(s.(syscall.Signal)))
		case <-over:
		}
	}()
	return func() { signal.Stop(killed); close(over) }
}

// mostTyped is where package term takes no more keys, and says nothing.
const mostTyped = 4096

var errLongLine = fmt.Errorf("a line that is typed ends at %d characters, and nothing was sent: paste the text, or end its lines with \\", mostTyped)
