package tokenizer

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// An hfAdded is a token that was added to the vocabulary, or a piece of it that
// is always one token.
type hfAdded struct {
	ID         int32  `json:"id"`
	Content    string `json:"content"`
	SingleWord bool   `json:"single_word"`
	LStrip     bool   `json:"lstrip"`
	RStrip     bool   `json:"rstrip"`
	Normalized bool   `json:"normalized"`
	Special    bool   `json:"special"`
}

// addTokens gives added tokens their types and appends those whose ids follow
// the vocabulary.
func (f *hfFile) addTokens(s *Spec) error {
	list := slices.Clone(f.Added)
	slices.SortStableFunc(list, func(a, b hfAdded) int { return int(a.ID) - int(b.ID) })
	for _, a := range list {
		size := len(s.Pieces)
		switch {
		case a.ID < 0 || int(a.ID) > size:
			return fmt.Errorf("added_tokens: %q has id %d, the vocabulary has %d pieces, want the next id", a.Content, a.ID, size)
		case int(a.ID) < size && s.Pieces[a.ID].Text != a.Content:
			return fmt.Errorf("added_tokens: %q has id %d, where the vocabulary has %q", a.Content, a.ID, s.Pieces[a.ID].Text)
		case a.Content == "":
			return fmt.Errorf("added_tokens: id %d has no content", a.ID)
		case a.SingleWord:
			return Missingf("added_tokens: %q: single_word is not supported", a.Content)
		case a.Normalized && !absent(f.Normalizer):
			return Missingf("added_tokens: %q: normalized is not supported with a normalizer", a.Content)
		case int(a.ID) == size:
			s.Pieces = append(s.Pieces, Piece{Text: a.Content})
		}
		p := &s.Pieces[a.ID]
		switch {
		case a.ID == s.UNK:
		case a.Special:
			p.Type = Control
		default:
			p.Type = UserDefined
		}
		if a.LStrip {
			p.Strip |= StripLeft
		}
		if a.RStrip {
			p.Strip |= StripRight
		}
	}
	return nil
}

// readEnds reads from the post_processor whether encodings begin with BOS and
// end with EOS.
func (f *hfFile) readEnds(s *Spec) error {
	list, err := components("post_processor", f.PostProcessor)
	if err != nil {
		return err
	}
	for _, c := range list {
		switch c.kind {
		case "ByteLevel": // moves offsets, which ids lack
		case "TemplateProcessing":
			if err := c.readTemplate(s); err != nil {
				return err
			}
		default:
			return c.refuse(" is not supported, want TemplateProcessing or ByteLevel")
		}
	}
	return nil
}

// hfStep is a step of a template: a special token or the text.
type hfStep struct {
	SpecialToken *hfPart
	Sequence     *hfPart
}

type hfPart struct {
	ID   string `json:"id"`
	Type int    `json:"type_id"` // which of two texts
}

func (c component) readTemplate(s *Spec) error {
	var set struct {
		Type    string   `json:"type"`
		Single  []hfStep `json:"single"`
		Pair    any      `json:"pair"` // of two texts, which nothing encodes
		Special map[string]struct {
			ID     string   `json:"id"`
			IDs    []int32  `json:"ids"`
			Tokens []string `json:"tokens"`
		} `json:"special_tokens"`
	}
	if err := c.settings(&set); err != nil {
		return err
	}
	var shape strings.Builder // b before the text, t the text, e behind it
	for _, step := range set.Single {
		if step.SpecialToken == nil {
			shape.WriteByte('t')
			continue
		}
		ids := set.Special[step.SpecialToken.ID].IDs
		if len(ids) != 1 || ids[0] < 0 || int(ids[0]) >= len(s.Pieces) {
			return fmt.Errorf("%s: special token %q has the ids %v, want one of the vocabulary of %d pieces", c.place, step.SpecialToken.ID, ids, len(s.Pieces))
		}
		if strings.Contains(shape.String(), "t") {
			shape.WriteByte('e')
			s.EOS, s.AddEOS = ids[0], true
		} else {
			shape.WriteByte('b')
			s.BOS, s.AddBOS = ids[0], true
		}
	}
	switch shape.String() {
	case "t", "bt", "te", "bte":
		return nil
	}
	return c.refuse(": the template of one text has %d steps, want the text, with at most one special token before and one behind it", len(set.Single))
}

// checkDecoder refuses a decoder that renders pieces in another way than the
// model's.
func (f *hfFile) checkDecoder(s *Spec) error {
	list, err := components("decoder", f.Decoder)
	if err != nil {
		return err
	}
	for _, c := range list {
		var set struct {
			Pattern hfPattern `json:"pattern"`
			Content string    `json:"content"`
			Start   int       `json:"start"`
			Stop    int       `json:"stop"`
		}
		switch c.kind {
		case "ByteLevel":
			if s.Model == BPE {
				continue
			}
		case "Metaspace", "ByteFallback", "Fuse":
			if s.Model == Ranked {
				continue
			}
		case "Replace", "Strip":
			if err := json.Unmarshal(c.raw, &set); err != nil {
				return err
			}
			replace := c.kind == "Replace" && set.Pattern.String != nil && *set.Pattern.String == space && set.Content == " "
			strip := c.kind == "Strip" && set.Content == " " && set.Start == 1 && set.Stop == 0 && s.AddSpacePrefix
			if s.Model == Ranked && (replace || strip) {
				continue
			}
		}
		return c.refuse(" is not supported in this tokenizer: %.100s", c.raw)
	}
	return nil
}
