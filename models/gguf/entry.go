package gguf

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// entry is one key and where its value lies.
type entry struct {
	key   string
	at    int64 // byte at which the key begins
	typ   valueType
	elem  valueType // of an array's elements
	count uint64    // of an array's elements
	off   int64     // first byte of the value, or of an array's first element
	end   int64
}

func (e *entry) place() string { return fmt.Sprintf("key %q at byte %d", e.key, e.at) }

// typeName is "u32", "str", "arr[str]".
func (e *entry) typeName() string {
	if e.typ == typeArr {
		return "arr[" + e.elem.String() + "]"
	}
	return e.typ.String()
}

func (f *File) readEntries(r *reader, n uint64) error {
	f.entries = make([]entry, 0, n)
	f.byKey = make(map[string]int, n)
	for i := range n {
		at := r.pos
		key, err := r.str("name")
		if err != nil {
			return fmt.Errorf("key %d of %d: %w", i, n, err)
		}
		if len(key) == 0 {
			return fmt.Errorf("key %d of %d: name at byte %d: found 0 bytes, want 1 or more", i, n, at)
		}
		e := entry{key: string(key), at: at}
		if first, ok := f.byKey[e.key]; ok {
			return fmt.Errorf("%s: duplicate of the one at byte %d", e.place(), f.entries[first].at)
		}
		if err := e.readValue(r); err != nil {
			return fmt.Errorf("key %q: %w", e.key, err)
		}
		f.byKey[e.key] = len(f.entries)
		f.entries = append(f.entries, e)
	}
	return nil
}

func (e *entry) readValue(r *reader) (err error) {
	if e.typ, err = r.readType("value type"); err != nil {
		return err
	}
	if e.typ == typeArr {
		if e.elem, e.count, err = r.readArray(); err != nil {
			return err
		}
		e.off = r.pos
		err = r.skip(e.elem, e.count, 1)
	} else {
		e.off = r.pos
		err = r.skip(e.typ, 1, 0)
	}
	e.end = r.pos
	return err
}

// KV describes a key for people to read.
type KV struct {
	Key   string
	Type  string // "u32", "str", "arr[str]", ...
	Len   int64  // elements of an array; 0 for other types
	Value string // shortened: a long string or array ends with …
}

// Keys describes the metadata in file order.
func (f *File) Keys() []KV {
	kvs := make([]KV, len(f.entries))
	for i := range f.entries {
		e := &f.entries[i]
		kvs[i] = KV{Key: e.key, Type: e.typeName(), Len: int64(e.count), Value: f.render(e)}
	}
	return kvs
}

const (
	maxShownElems = 6
	maxShownBytes = 60 // of a string
)

func (f *File) render(e *entry) string {
	r := &reader{data: f.data[:e.end], pos: e.off}
	if e.typ != typeArr {
		return renderNext(r, e.typ)
	}
	var b strings.Builder
	b.WriteByte('[')
	for i := range e.count {
		if i > 0 {
			b.WriteString(", ")
		}
		if i == maxShownElems {
			b.WriteString("…")
			break
		}
		b.WriteString(renderNext(r, e.elem))
	}
	b.WriteByte(']')
	return b.String()
}

// renderNext renders the value at r, which Parse has checked, so that reads cannot fail.
func renderNext(r *reader, t valueType) string {
	switch t {
	case typeStr:
		s, _ := r.str("")
		return quote(s)
	case typeArr:
		elem, n, _ := r.readArray()
		_ = r.skip(elem, n, maxNesting)
		return fmt.Sprintf("arr[%s] of %d", elem, n)
	}
	b, _ := r.take(t.size(), "")
	switch t {
	case typeF32:
		return strconv.FormatFloat(float64(decodeF32(b)), 'g', -1, 32)
	case typeF64:
		return strconv.FormatFloat(decodeF64(b), 'g', -1, 64)
	case typeBool:
		return strconv.FormatBool(b[0] != 0)
	}
	bits, negative, _ := decodeInt(t, b)
	if negative {
		return strconv.FormatInt(int64(bits), 10)
	}
	return strconv.FormatUint(bits, 10)
}

// quote quotes the beginning of s, cut between characters.
func quote(s []byte) string {
	if len(s) <= maxShownBytes {
		return strconv.Quote(string(s))
	}
	cut := maxShownBytes
	for cut > maxShownBytes-utf8.UTFMax && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return strconv.Quote(string(s[:cut])) + "…"
}
