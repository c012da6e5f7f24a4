package tokenizer

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// An hfModel is the model of a tokenizer.json.
type hfModel struct {
	Type         string             `json:"type"`
	Dropout      *float64           `json:"dropout"`
	Unknown      *string            `json:"unk_token"`
	Prefix       *string            `json:"continuing_subword_prefix"`
	Suffix       *string            `json:"end_of_word_suffix"`
	FuseUnknown  bool               `json:"fuse_unk"`
	ByteFallback bool               `json:"byte_fallback"`
	IgnoreMerges bool               `json:"ignore_merges"`
	Vocab        map[string]int32   `json:"vocab"`
	Merges       *[]json.RawMessage `json:"merges"`
}

func (m *hfModel) read(raw json.RawMessage) error {
	if absent(raw) {
		return errors.New("has no model")
	}
	// Unigram's vocabulary is a list, so the type is read before the rest.
	var head struct {
		Type string `json:"type"`
	}
	if err := json.Unmarshal(raw, &head); err != nil {
		return fmt.Errorf("model: %w", err)
	}
	if head.Type != "BPE" && head.Type != "" { // old files have no type
		return Missingf("model: type %q is not supported, want \"BPE\"", head.Type)
	}
	if err := json.Unmarshal(raw, m); err != nil {
		return fmt.Errorf("model: %w", err)
	}
	switch {
	case m.Merges == nil:
		return errors.New("model: has no merges")
	case m.Dropout != nil && *m.Dropout != 0:
		return Missingf("model: dropout %v is not supported, want 0", *m.Dropout)
	case m.Prefix != nil && *m.Prefix != "":
		return Missingf("model: continuing_subword_prefix %q is not supported", *m.Prefix)
	case m.Suffix != nil && *m.Suffix != "":
		return Missingf("model: end_of_word_suffix %q is not supported", *m.Suffix)
	}
	return nil
}

// pieces makes the vocabulary a list. Those of tokens added to it may be
// missing.
func (m *hfModel) pieces(s *Spec) error {
	s.Pieces = make([]Piece, len(m.Vocab))
	for text, id := range m.Vocab {
		if id < 0 || int(id) >= len(m.Vocab) {
			return fmt.Errorf("model: vocab: %q has id %d, want 0 to %d, for each of %d pieces one", text, id, len(m.Vocab)-1, len(m.Vocab))
		}
		p := &s.Pieces[id]
		if p.Type != 0 {
			return fmt.Errorf("model: vocab: %q and %q have the same id %d", min(text, p.Text), max(text, p.Text), id)
		}
		*p = Piece{Text: text, Type: Normal}
		if _, ok := byteValue(text); ok && m.ByteFallback {
			p.Type = Byte
		}
	}
	s.ByteFallback = m.ByteFallback
	return m.unknown(s)
}

// unknown finds the unknown piece. Byte-level BPE has none, since it can spell
// every byte.
func (m *hfModel) unknown(s *Spec) error {
	if s.Model == BPE {
		spelt := 0
		for text := range m.Vocab {
			if _, ok := byteOf(text); ok {
				spelt++
			}
		}
		if m.ByteFallback {
			return Missingf("model: byte_fallback is not supported in a byte-level vocabulary")
		}
		if m.Unknown != nil && spelt < 256 {
			return Missingf("model: unk_token %q is not supported in a byte-level vocabulary that spells %d of 256 bytes", *m.Unknown, spelt)
		}
		s.IgnoreMerges = m.IgnoreMerges
		return nil
	}
	if m.IgnoreMerges {
		return Missingf("model: ignore_merges is not supported without a pre-tokenizer that cuts words")
	}
	if m.Unknown == nil {
		return nil
	}
	id, ok := m.Vocab[*m.Unknown]
	if !ok {
		return fmt.Errorf("model: unk_token %q is no piece", *m.Unknown)
	}
	if !m.FuseUnknown && !m.ByteFallback {
		return Missingf("model: fuse_unk = false is not supported without byte_fallback")
	}
	s.UNK, s.Pieces[id].Type = id, Unknown
	return nil
}

// merges reads the merges, written "a b" or ["a", "b"].
func (m *hfModel) merges(s *Spec) error {
	seen := make(map[string]bool, len(*m.Merges))
	s.Merges = make([]string, len(*m.Merges))
	for i, raw := range *m.Merges {
		var pair [2]string
		var text string
		switch {
		case json.Unmarshal(raw, &text) == nil:
			if strings.Count(text, " ") != 1 {
				return fmt.Errorf("model: merge %d %q: want two pieces with a space between", i, text)
			}
		case json.Unmarshal(raw, &pair) == nil && !strings.Contains(pair[0]+pair[1], " "):
			text = pair[0] + " " + pair[1]
		default:
			return fmt.Errorf("model: merge %d %.60s: want two pieces without spaces", i, raw)
		}
		if seen[text] {
			return fmt.Errorf("model: merge %d %q: is there twice", i, text)
		}
		seen[text] = true
		s.Merges[i] = text
	}
	return nil
}
