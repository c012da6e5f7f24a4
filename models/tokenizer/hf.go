package tokenizer

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
)

// FromTokenizerJSON reads a tokenizer.json of Hugging Face: byte-level BPE, or
// SentencePiece's BPE written as merges. A component, a setting or a regular
// expression that is not known is refused by name. The file does not say which
// piece ends a text; EOS is -1 unless encodings are to carry it. Errors begin
// with name; one of a kind of tokenizer that is not supported is a *Missing.
func FromTokenizerJSON(name string, data []byte) (Spec, error) {
	var f hfFile
	if err := json.Unmarshal(data, &f); err != nil {
		return Spec{}, fmt.Errorf("%s: %w", name, err)
	}
	s, err := f.spec()
	if err == nil {
		s.markEOG()
		err = s.validate()
	}
	switch refused := (*Missing)(nil); {
	case errors.As(err, &refused):
		return Spec{}, Missingf("%s: %v", name, err)
	case err != nil:
		return Spec{}, fmt.Errorf("%s: %w", name, err)
	}
	return s, nil
}

// An hfFile is a tokenizer.json. Truncation and padding are not the
// vocabulary's and are not read.
type hfFile struct {
	Added         []hfAdded       `json:"added_tokens"`
	Normalizer    json.RawMessage `json:"normalizer"`
	PreTokenizer  json.RawMessage `json:"pre_tokenizer"`
	PostProcessor json.RawMessage `json:"post_processor"`
	Decoder       json.RawMessage `json:"decoder"`
	Model         json.RawMessage `json:"model"`
}

func (f *hfFile) spec() (Spec, error) {
	s := Spec{BOS: -1, EOS: -1, UNK: -1}
	var m hfModel
	for _, read := range []func() error{
		func() error { return m.read(f.Model) },
		func() error { return f.readText(&s) },
		func() error { return m.pieces(&s) },
		func() error { return f.addTokens(&s) },
		func() error { return m.merges(&s) },
		func() error { return f.readEnds(&s) },
		func() error { return f.checkDecoder(&s) },
	} {
		if err := read(); err != nil {
			return Spec{}, err
		}
	}
	return s, nil
}

// components are the parts of a normalizer, pre_tokenizer, post_processor or
// decoder, those of a Sequence one by one.
func components(place string, raw json.RawMessage) ([]component, error) {
	if absent(raw) {
		return nil, nil
	}
	var head struct {
		Type          string            `json:"type"`
		Normalizers   []json.RawMessage `json:"normalizers"`
		PreTokenizers []json.RawMessage `json:"pretokenizers"`
		Processors    []json.RawMessage `json:"processors"`
		Decoders      []json.RawMessage `json:"decoders"`
	}
	if err := json.Unmarshal(raw, &head); err != nil {
		return nil, fmt.Errorf("%s: %w", place, err)
	}
	if head.Type != "Sequence" {
		return []component{{place + ": " + head.Type, head.Type, raw}}, nil
	}
	var list []component
	for _, raw := range slices.Concat(head.Normalizers, head.PreTokenizers, head.Processors, head.Decoders) {
		c, err := components(place, raw)
		if err != nil {
			return nil, err
		}
		list = append(list, c...)
	}
	return list, nil
}

func absent(raw json.RawMessage) bool { return len(raw) == 0 || string(raw) == "null" }

// A component is one part, read by its type.
type component struct {
	place, kind string
	raw         json.RawMessage
}

// settings decodes the component, of which nothing else than to's fields may
// be set.
func (c component) settings(to any) error {
	d := json.NewDecoder(bytes.NewReader(c.raw))
	d.DisallowUnknownFields()
	if err := d.Decode(to); err != nil && err != io.EOF {
		return fmt.Errorf("%s: %w", c.place, err)
	}
	return nil
}

// refuse is the error of a component that is not supported.
func (c component) refuse(format string, args ...any) error {
	return Missingf("%s%s", c.place, fmt.Sprintf(format, args...))
}
