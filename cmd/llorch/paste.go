package main

import (
	"bytes"
	"io"
	"strings"
)

// newlineSign stands for the end of a line in pasted text while that is edited: what is pasted is one message, as long as it may be.
const newlineSign = "␤"

const pasteBegin, pasteEnd = "\x1b[200~", "\x1b[201~"

// keyboard is what is typed, as package term is to read it. Ctrl-C clears the line, as Ctrl-U does, where term would end the input. Of
// pasted text, which the terminal marks, ends of lines become newlineSign and other control characters are left out: they would steer
// the terminal that shows them.
type keyboard struct {
	in      io.Reader
	begun   int    // bytes of pasteBegin that were the last ones
	pasting bool   // behind pasteBegin
	held    []byte // of pasted text, and perhaps the beginning of pasteEnd or of "\r\n"
	ready   []byte
}

func (k *keyboard) Read(b []byte) (n int, err error) {
	for len(k.ready) == 0 && err == nil {
		var more [256]byte
		n, err = k.in.Read(more[:])
		k.take(more[:n])
	}
	n = copy(b, k.ready)
	k.ready = k.ready[n:]
	return n, err
}

// take translates what was read.
func (k *keyboard) take(b []byte) {
	b = append(k.held, b...)
	k.held = nil
	for len(b) > 0 && k.held == nil {
		if k.pasting {
			b = b[k.pasted(b):]
		} else {
			k.pressed(b[0])
			b = b[1:]
		}
	}
}

// pressed passes a byte of a key on, so that a lone Esc is one.
func (k *keyboard) pressed(c byte) {
	switch {
	case c == pasteBegin[k.begun]:
		k.begun++
	case c == pasteBegin[0]:
		k.begun = 1
	default:
		k.begun = 0
	}
	if k.pasting = k.begun == len(pasteBegin); k.pasting {
		k.begun = 0
	}
	if c == 3 {
		c = 21
	}
	k.ready = append(k.ready, c)
}

// pasted translates what b begins with, and tells how many bytes that are.
func (k *keyboard) pasted(b []byte) int {
	switch {
	case bytes.HasPrefix(b, []byte(pasteEnd)):
		k.ready = append(k.ready, pasteEnd...)
		k.pasting = false
		return len(pasteEnd)
	case strings.HasPrefix(pasteEnd, string(b)) || string(b) == "\r":
		k.held = bytes.Clone(b) // what follows decides
	case b[0] >= ' ' && b[0] != 127 || b[0] == '\t':
		k.ready = append(k.ready, b[0])
	case b[0] == '\n' || b[0] == '\r' && b[1] != '\n':
		k.ready = append(k.ready, newlineSign...)
	}
	return 1
}
