package safetensors

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"unicode/utf8"
)

// decoder reads JSON a token at a time, so that duplicate keys are noticed, which encoding/json would merge. Its
// errors give the byte in the file.
type decoder struct {
	json *json.Decoder
	base int64 // byte of the file at which the JSON begins
}

// newDecoder refuses text that is not UTF-8, where different names could decode to the same one.
func newDecoder(text []byte, base int64) (*decoder, error) {
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRune(text[i:])
		if r == utf8.RuneError && size == 1 {
			return nil, fmt.Errorf("at byte %d: found byte %#x, want UTF-8", base+int64(i), text[i])
		}
		i += size
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	return &decoder{d, base}, nil
}

// at is the byte behind the last token.
func (d *decoder) at() int64 { return d.base + d.json.InputOffset() }

func (d *decoder) token() (json.Token, error) {
	t, err := d.json.Token()
	if errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("at byte %d: the JSON ends too early", d.at())
	}
	if err != nil {
		return nil, fmt.Errorf("at byte %d: %w", d.at(), err)
	}
	return t, nil
}

func (d *decoder) unexpected(found json.Token, want string) error {
	return fmt.Errorf("at byte %d: found %s, want %s", d.at(), describe(found), want)
}

func describe(t json.Token) string {
	switch t := t.(type) {
	case string:
		return "string " + strconv.Quote(t)
	case json.Number:
		return "number " + t.String()
	case nil:
		return "null"
	}
	return fmt.Sprint(t) // a delimiter or a bool
}

// object calls value for every key; value has to read what belongs to it.
func (d *decoder) object(value func(key string) error) error {
	if err := d.open('{', "an object"); err != nil {
		return err
	}
	seen := map[string]bool{}
	for d.json.More() {
		t, err := d.token()
		if err != nil {
			return err
		}
		key, ok := t.(string)
		if !ok {
			return d.unexpected(t, "a key")
		}
		if seen[key] {
			return fmt.Errorf("at byte %d: duplicate key %q", d.at(), key)
		}
		seen[key] = true
		if err := value(key); err != nil {
			return err
		}
	}
	_, err := d.token() // the closing brace, or what is wrong in its place
	return err
}

func (d *decoder) open(delim json.Delim, want string) error {
	t, err := d.token()
	if err != nil {
		return err
	}
	if t != delim {
		return d.unexpected(t, want)
	}
	return nil
}

// integers reads an array of integers that are not negative.
func (d *decoder) integers() ([]int64, error) {
	if err := d.open('[', "an array of integers"); err != nil {
		return nil, err
	}
	list := []int64{}
	for d.json.More() {
		t, err := d.token()
		if err != nil {
			return nil, err
		}
		n, ok := t.(json.Number)
		if !ok {
			return nil, d.unexpected(t, "an integer")
		}
		v, err := strconv.ParseInt(n.String(), 10, 64)
		if err != nil || v < 0 {
			return nil, d.unexpected(t, "an integer of 0 to 9223372036854775807")
		}
		list = append(list, v)
	}
	_, err := d.token()
	return list, err
}

func (d *decoder) string() (string, error) {
	t, err := d.token()
	if err != nil {
		return "", err
	}
	s, ok := t.(string)
	if !ok {
		return "", d.unexpected(t, "a string")
	}
	return s, nil
}

// skip reads a value of any kind.
func (d *decoder) skip() error {
	var value json.RawMessage
	if err := d.json.Decode(&value); err != nil {
		return fmt.Errorf("at byte %d: %w", d.at(), err)
	}
	return nil
}

// end refuses anything but white space behind the value.
func (d *decoder) end() error {
	at := d.at()
	if t, err := d.json.Token(); !errors.Is(err, io.EOF) {
		if err != nil {
			return fmt.Errorf("at byte %d: %w", at, err)
		}
		return fmt.Errorf("at byte %d: found %s behind the JSON, want its end", at, describe(t))
	}
	return nil
}
