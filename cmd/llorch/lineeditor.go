package main

import (
	"io"
	"os"

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
	}{clearing{in}, out}
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
	s, err := l.term.ReadLine()
	if err == term.ErrPasteIndicator { // pasted text is a line like any other
		err = nil
	}
	return s, err
}

// clearing has Ctrl-C clear the line, as Ctrl-U does, where package term would end the input.
type clearing struct{ io.Reader }

func (c clearing) Read(b []byte) (int, error) {
	n, err := c.Reader.Read(b)
	for i := range b[:n] {
		if b[i] == 3 {
			b[i] = 21
		}
	}
	return n, err
}
