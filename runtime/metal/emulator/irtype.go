package emulator

import (
	"fmt"
	"strconv"
	"strings"
)

// layout is the room that a type of LLVM IR takes: bytes that a store writes, bytes from one element of an array to the next.
type layout struct {
	store, size, align int
}

// irTypes lays out types, as x86-64 does. It knows the structs that a module names.
type irTypes map[string]string

var scalars = map[string]layout{
	"half": {2, 2, 2}, "bfloat": {2, 2, 2}, "float": {4, 4, 4}, "double": {8, 8, 8}, "ptr": {8, 8, 8},
}

// read lays out the type that a text begins with, and returns what follows it.
func (t irTypes) read(text string) (l layout, rest string, err error) {
	text = strings.TrimLeft(text, " ")
	switch {
	case text == "":
		return l, "", fmt.Errorf("no type")
	case text[0] == '[':
		n, elem, rest, err := t.elements(text[1:], "]")
		size := n * elem.size
		return layout{size, size, elem.align}, rest, err
	case strings.HasPrefix(text, "<{"):
		return t.fields(text[2:], "}>", true)
	case text[0] == '<':
		n, elem, rest, err := t.elements(text[1:], ">")
		store := n * elem.store
		size := 1
		for size < store {
			size *= 2
		}
		return layout{store, size, size}, rest, err
	case text[0] == '{':
		return t.fields(text[1:], "}", false)
	}
	word, rest := word(text)
	if l, ok := scalars[word]; ok {
		if word == "ptr" {
			rest = strings.TrimLeft(rest, " ")
			if strings.HasPrefix(rest, "addrspace(") {
				_, rest, _ = strings.Cut(rest, ")")
			}
		}
		return l, rest, nil
	}
	if bits, err := strconv.Atoi(strings.TrimPrefix(word, "i")); err == nil && word[0] == 'i' && bits > 0 && bits <= 64 {
		size := 1
		for size*8 < bits {
			size *= 2
		}
		return layout{(bits + 7) / 8, size, size}, rest, nil
	}
	if definition, ok := t[word]; ok {
		l, _, err := t.read(definition)
		return l, rest, err
	}
	return l, rest, fmt.Errorf("unknown type %q", word)
}

// word is the text up to a space, comma or bracket; names may be quoted.
func word(text string) (word, rest string) {
	if q := strings.TrimPrefix(text, `%"`); q != text {
		if end := strings.IndexByte(q, '"'); end >= 0 {
			return text[:end+3], text[end+3:]
		}
	}
	if end := strings.IndexAny(text, " ,]>})"); end >= 0 {
		return text[:end], text[end:]
	}
	return text, ""
}

// elements reads the rest of an array or vector: "4 x float]".
func (t irTypes) elements(text, end string) (n int, elem layout, rest string, err error) {
	count, of, _ := strings.Cut(text, " x ")
	if n, err = strconv.Atoi(count); err != nil {
		return 0, elem, "", fmt.Errorf("bad array %q", text)
	}
	if elem, rest, err = t.read(of); err != nil {
		return 0, elem, "", err
	}
	rest, ok := strings.CutPrefix(rest, end)
	if !ok {
		return 0, elem, "", fmt.Errorf("bad array %q", text)
	}
	return n, elem, rest, nil
}

// fields reads the rest of a struct: " float, i32 }".
func (t irTypes) fields(text, end string, packed bool) (l layout, rest string, err error) {
	l.align = 1
	for {
		text = strings.TrimLeft(text, " ,")
		if rest, ok := strings.CutPrefix(text, end); ok {
			l.size = roundUp(l.size, l.align)
			l.store = l.size
			return l, rest, nil
		}
		var f layout
		if f, text, err = t.read(text); err != nil {
			return l, "", err
		}
		if packed {
			f.align = 1
		}
		l.size = roundUp(l.size, f.align) + f.size
		l.align = max(l.align, f.align)
	}
}

func roundUp(n, to int) int { return (n + to - 1) / to * to }
