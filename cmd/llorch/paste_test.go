package main

import (
	"bytes"
	"io"
	"testing"

	"github.com/stretchr/testify/require"
)

// slow gives so many bytes a read.
type slow struct {
	in   io.Reader
	most int
}

func (s slow) Read(b []byte) (int, error) { return s.in.Read(b[:min(s.most, len(b))]) }

func TestKeyboard(t *testing.T) {
	for typed, want := range map[string]string{
		"ab\x03c\r":    "ab\x15c\r",
		"\x1b[A\x1b\r": "\x1b[A\x1b\r",
		"x" + pasteBegin + "a\rb\nc\r\nd\re" + pasteEnd + "\r":                 "x" + pasteBegin + "a␤b␤c␤d␤e" + pasteEnd + "\r",
		pasteBegin + "\t日\x03\x1b[2J\x1b[200~\x7f" + pasteEnd + "\x03":         pasteBegin + "\t日[2J[200~" + pasteEnd + "\x15",
		pasteBegin + "one\r" + pasteEnd + pasteBegin + "two" + pasteEnd + "\n": pasteBegin + "one␤" + pasteEnd + pasteBegin + "two" + pasteEnd + "\n",
	} {
		for _, most := range []int{1, 2, 3, 4, 5, 7, 1000} {
			got, err := io.ReadAll(slow{&keyboard{in: slow{bytes.NewReader([]byte(typed)), most}}, most})
			require.NoError(t, err)
			require.Equal(t, want, string(got), "%q, %d bytes a read", typed, most)
		}
	}
}
