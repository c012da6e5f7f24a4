package tokenizer

import (
	"fmt"
	"slices"
	"strings"
)

// A Tokenizer encodes and decodes by one vocabulary. It does not change after
// New, so that several goroutines may use it at once.
type Tokenizer struct {
	spec    Spec
	id      map[string]int32 // of mergeable pieces, nil for BPE
	longest int              // bytes of the longest of them
	joins   bytePairs        // which characters some piece has side by side
	byteID  [256]int32       // byte pieces, -1 where there is none
	special []int32          // pieces that split text, the longest first
	eog     []int32
	bpe     *bpe // nil for SPM
}

// New builds a tokenizer, or says what is wrong with the spec.
func New(spec Spec) (*Tokenizer, error) {
	if err := spec.validateVocabulary(); err != nil {
		return nil, fmt.Errorf("tokenizer: %w", err)
	}
	t := &Tokenizer{spec: spec}
	t.spec.Pieces = slices.Clone(spec.Pieces)
	if spec.Model != SPM {
		var err error
		if t.bpe, err = spec.newBPE(); err != nil {
			return nil, fmt.Errorf("tokenizer: %w", err)
		}
		t.spec.Merges = nil
	}
	if spec.Model != BPE {
		t.id = make(map[string]int32, len(spec.Pieces))
	}
	t.eog = slices.Clone(spec.EOG)
	if spec.EOS >= 0 {
		t.eog = append(t.eog, spec.EOS)
	}
	for b := range t.byteID {
		t.byteID[b] = -1
	}
	for i, p := range t.spec.Pieces {
		t.add(int32(i), p)
	}
	// Stable, so that of equally long pieces the first wins.
	slices.SortStableFunc(t.special, func(a, b int32) int {
		return len(t.spec.Pieces[b].Text) - len(t.spec.Pieces[a].Text)
	})
	return t, nil
}

// add enters a piece into the tables that encoding looks things up in.
func (t *Tokenizer) add(id int32, p Piece) {
	if p.Text == "" {
		return
	}
	if p.Type.mergeable() && t.id != nil {
		t.id[p.Text] = id
		t.longest = max(t.longest, len(p.Text))
		t.joins.add(p.Text)
	}
	switch p.Type {
	case Control, Unknown, UserDefined:
		t.special = append(t.special, id)
	case Byte:
		if b, ok := byteValue(p.Text); ok && t.spec.ByteFallback {
			t.byteID[b] = id
		}
	}
}

// Options vary an encoding.
type Options struct {
	// NoBOS leaves out the BOS and EOS that the vocabulary asks for.
	NoBOS bool
	// Special turns control and unknown pieces that the text spells into their
	// ids; otherwise they are text like any other. User-defined pieces are
	// always turned.
	Special bool
	// Foreign reports that a stretch of the text, by its bytes, is not the
	// caller's own: control and unknown pieces spelled there are text. It may be
	// nil. Extra spaces are kept where it is not, since bytes would move.
	Foreign func(from, to int) bool
}

// Encode returns the ids of text, which may be any bytes; they are never nil.
func (t *Tokenizer) Encode(text string, opt Options) []int32 {
	ids := make([]int32, 0, len(text)/3+2)
	if t.spec.AddBOS && !opt.NoBOS {
		ids = append(ids, t.spec.BOS)
	}
	if t.spec.RemoveExtraWhitespaces && opt.Foreign == nil {
		text = removeExtraSpaces(text)
	}
	for i, f := range t.split(text, opt) {
		if f.id >= 0 {
			ids = append(ids, f.id)
		} else {
			ids = t.encodeText(ids, f.text, i == 0)
		}
	}
	if t.spec.AddEOS && !opt.NoBOS {
		ids = append(ids, t.spec.EOS)
	}
	return ids
}

// encodeText appends the ids of text without special pieces, which is not empty.
func (t *Tokenizer) encodeText(ids []int32, text string, first bool) []int32 {
	if t.spec.Model == BPE {
		return t.encodeBPE(ids, text)
	}
	if t.spec.prefixed(text, first) {
		text = " " + text
	}
	text = strings.ReplaceAll(text, " ", space)
	if t.spec.Model == Ranked {
		return t.encodeRanked(ids, text)
	}
	return t.encodeSPM(ids, text)
}

// prefixed reports whether a space goes in front of text.
func (s *Spec) prefixed(text string, first bool) bool {
	return s.AddSpacePrefix &&
		(first || !s.SpacePrefixOnce) &&
		!(s.SpacePrefixMissing && (text[0] == ' ' || strings.HasPrefix(text, space)))
}

// removeExtraSpaces strips spaces at both ends and leaves one of each run, as
// SentencePiece's normalizer does; other whitespace stays.
func removeExtraSpaces(text string) string {
	words := strings.Split(text, " ")
	words = slices.DeleteFunc(words, func(w string) bool { return w == "" })
	return strings.Join(words, " ")
}

// Piece returns the text of a piece as the vocabulary writes it, "" where the
// id is outside of it.
func (t *Tokenizer) Piece(id int32) string {
	if !t.has(id) {
		return ""
	}
	return t.spec.Pieces[id].Text
}

// Size is the number of pieces; ids are smaller.
func (t *Tokenizer) Size() int { return len(t.spec.Pieces) }

// BOS is the id that begins a text, -1 where the vocabulary has none.
func (t *Tokenizer) BOS() int32 { return t.spec.BOS }

// EOS is the id that ends a text, -1 where the vocabulary has none.
func (t *Tokenizer) EOS() int32 { return t.spec.EOS }

// UNK is the id of the unknown piece, -1 where the vocabulary has none.
func (t *Tokenizer) UNK() int32 { return t.spec.UNK }

// IsEOG reports whether a model that produces id has ended its text.
func (t *Tokenizer) IsEOG(id int32) bool { return slices.Contains(t.eog, id) }

func (t *Tokenizer) has(id int32) bool { return id >= 0 && int(id) < len(t.spec.Pieces) }
