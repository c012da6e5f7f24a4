package tokenizer

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// The values of Spec.Model.
const (
	SPM    = "spm"        // SentencePiece's BPE, merged by score
	Ranked = "spm-ranked" // SentencePiece's alphabet, merged by the rank of Merges, as tokenizer.json writes it
	BPE    = "bpe"        // byte-level BPE: words that Pre cuts, merged by the rank of Merges
)

// A Spec describes a tokenizer as plain data. Ids are indices of Pieces; -1
// stands for an absent one.
type Spec struct {
	Model  string  `json:"model"` // SPM, Ranked or BPE
	Pieces []Piece `json:"pieces"`

	// Merges are pairs of pieces with a space between, the first to merge first.
	Merges []string `json:"merges,omitempty"`
	// Pre names what cuts text into words, as GGUF's tokenizer.ggml.pre does.
	Pre          string `json:"pre,omitempty"`
	IgnoreMerges bool   `json:"ignore_merges,omitempty"` // a word that is a piece is not merged
	NFC          bool   `json:"nfc,omitempty"`           // text is put into Unicode's normal form C before it is cut

	BOS int32   `json:"bos"`
	EOS int32   `json:"eos"`
	UNK int32   `json:"unk"`
	EOG []int32 `json:"eog,omitempty"` // ids that end a generation, besides EOS

	AddBOS                 bool `json:"add_bos"`
	AddEOS                 bool `json:"add_eos"`
	AddSpacePrefix         bool `json:"add_space_prefix"`
	SpacePrefixOnce        bool `json:"space_prefix_once,omitempty"`    // only where the input begins, not behind special pieces
	SpacePrefixMissing     bool `json:"space_prefix_missing,omitempty"` // only where there is no space already
	RemoveExtraWhitespaces bool `json:"remove_extra_whitespaces"`
	ByteFallback           bool `json:"byte_fallback"`

	// ChatTemplate is the Jinja template that turns a conversation into text, "" where the model has none.
	ChatTemplate string `json:"chat_template,omitempty"`
}

// A Piece is one entry of the vocabulary.
type Piece struct {
	Text  string  `json:"text"`
	Score float32 `json:"score,omitempty"` // of two possible merges the higher is made first
	Type  Type    `json:"type"`

	// Strip makes a special piece take the whitespace beside it along.
	Strip Strip `json:"strip,omitempty"`
}

// Strip says on which sides a special piece takes whitespace along.
type Strip uint8

const (
	StripLeft Strip = 1 << iota
	StripRight
)

// Type is a piece's role, numbered as SentencePiece and GGUF number it.
type Type uint8

const (
	Normal      Type = 1 + iota
	Unknown          // stands for what no piece spells
	Control          // steers the model, renders nothing: <s>, </s>
	UserDefined      // always one token where its text occurs
	Unused           // kept out of encodings
	Byte             // one byte, written <0x00> to <0xFF>
)

var typeNames = [...]string{Normal: "normal", Unknown: "unknown", Control: "control", UserDefined: "user-defined", Unused: "unused", Byte: "byte"}

func (t Type) valid() bool { return t >= Normal && t <= Byte }

func (t Type) String() string {
	if !t.valid() {
		return fmt.Sprintf("type %d", uint8(t))
	}
	return typeNames[t]
}

// mergeable reports whether pieces of this type may arise by merging text.
func (t Type) mergeable() bool { return t == Normal || t == UserDefined || t == Unused }

// validate reports the first thing that keeps the spec from being a tokenizer.
func (s *Spec) validate() error {
	err := s.validateVocabulary()
	if err == nil && s.Model != SPM {
		_, err = s.rankMerges()
	}
	return err
}

// validateVocabulary is validate without the merges, one by one.
func (s *Spec) validateVocabulary() error {
	if s.Model != SPM && s.Model != Ranked && s.Model != BPE {
		return fmt.Errorf("tokenizer model %q is not supported, want %q, %q or %q", s.Model, SPM, Ranked, BPE)
	}
	if len(s.Pieces) == 0 {
		return errors.New("the vocabulary has no pieces")
	}
	if len(s.Pieces) > math.MaxInt32 {
		return fmt.Errorf("the vocabulary has %d pieces, at most %d have an id", len(s.Pieces), math.MaxInt32)
	}
	if err := s.validateIDs(); err != nil {
		return err
	}
	if err := s.validatePieces(); err != nil {
		return err
	}
	return s.validateModel()
}

// validateModel checks the settings that some models lack.
func (s *Spec) validateModel() error {
	switch known := preTokenizerNamed(s.Pre) != nil; {
	case s.Model == SPM && (len(s.Merges) > 0 || s.IgnoreMerges):
		return fmt.Errorf("model %q merges by score: it has no merges", SPM)
	case s.Model != BPE && s.Pre != "":
		return fmt.Errorf("model %q cuts no words: it has no pre-tokenizer", s.Model)
	case s.Model != BPE && s.NFC:
		return fmt.Errorf("model %q with Unicode's normal form C is not supported", s.Model)
	case s.Model == BPE && !known:
		return fmt.Errorf("pre-tokenizer %q is not supported, want one of %s", s.Pre, preTokenizerNames())
	case len(s.Merges) > mostMerges:
		return fmt.Errorf("the vocabulary has %d merges, at most %d are supported", len(s.Merges), mostMerges)
	}
	return nil
}

func (s *Spec) validateIDs() error {
	for _, x := range []struct {
		name     string
		id       int32
		required bool
	}{
		{"BOS", s.BOS, s.AddBOS},
		{"EOS", s.EOS, s.AddEOS},
		{"UNK", s.UNK, false},
	} {
		if x.id < -1 || int(x.id) >= len(s.Pieces) {
			return fmt.Errorf("%s id %d is outside the vocabulary of %d pieces", x.name, x.id, len(s.Pieces))
		}
		if x.required && x.id < 0 {
			return fmt.Errorf("encodings are to carry %s, which the vocabulary lacks", x.name)
		}
	}
	for _, id := range s.EOG {
		if id < 0 || int(id) >= len(s.Pieces) {
			return fmt.Errorf("end-of-generation id %d is outside the vocabulary of %d pieces", id, len(s.Pieces))
		}
	}
	return nil
}

func (s *Spec) validatePieces() error {
	ids := make(map[string]int, len(s.Pieces))
	var byteID [256]int // index + 1
	known := 0
	for i, p := range s.Pieces {
		switch first, dup := ids[p.Text]; {
		case !p.Type.valid():
			return fmt.Errorf("piece %d %q: type %d is unknown, want 1 to %d", i, p.Text, p.Type, Byte)
		case !utf8.ValidString(p.Text):
			return fmt.Errorf("piece %d %q: the text is not valid UTF-8", i, p.Text)
		case math.IsNaN(float64(p.Score)) || math.IsInf(float64(p.Score), 0):
			return fmt.Errorf("piece %d %q: score %v is not a finite number", i, p.Text, p.Score)
		case dup && p.Text != "": // padding: never matched, so it may repeat
			return fmt.Errorf("pieces %d and %d have the same text %q", first, i, p.Text)
		}
		ids[p.Text] = i
		if p.Type != Byte {
			continue
		}
		b, ok := byteValue(p.Text)
		if !ok {
			return fmt.Errorf("piece %d %q: a byte piece is written <0x00> to <0xFF>", i, p.Text)
		}
		if byteID[b] > 0 {
			return fmt.Errorf("pieces %d and %d both stand for byte 0x%02X", byteID[b]-1, i, b)
		}
		byteID[b] = i + 1
		known++
	}
	if s.Model != BPE && s.UNK < 0 && !(s.ByteFallback && known == 256) {
		return fmt.Errorf("text may be impossible to encode: the vocabulary has no unknown piece, and byte fallback (%t) with %d of 256 byte pieces", s.ByteFallback, known)
	}
	return nil
}

// byteValue parses the text of a byte piece.
func byteValue(text string) (byte, bool) {
	hex, ok := strings.CutPrefix(text, "<0x")
	if !ok || len(hex) != 3 || hex[2] != '>' {
		return 0, false
	}
	b, err := strconv.ParseUint(hex[:2], 16, 8)
	return byte(b), err == nil
}
