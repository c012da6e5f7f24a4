package tokenizer

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// SPM is the Spec.Model of SentencePiece's BPE, merged by score.
const SPM = "spm"

// A Spec describes a tokenizer as plain data. Ids are indices of Pieces; -1
// stands for an absent one.
type Spec struct {
	Model  string  `json:"model"` // SPM
	Pieces []Piece `json:"pieces"`

	BOS int32   `json:"bos"`
	EOS int32   `json:"eos"`
	UNK int32   `json:"unk"`
	EOG []int32 `json:"eog,omitempty"` // ids that end a generation, besides EOS

	AddBOS                 bool `json:"add_bos"`
	AddEOS                 bool `json:"add_eos"`
	AddSpacePrefix         bool `json:"add_space_prefix"`
	RemoveExtraWhitespaces bool `json:"remove_extra_whitespaces"`
	ByteFallback           bool `json:"byte_fallback"`
}

// A Piece is one entry of the vocabulary.
type Piece struct {
	Text  string  `json:"text"`
	Score float32 `json:"score"` // of two possible merges the higher is made first
	Type  Type    `json:"type"`
}

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
	if s.Model != SPM {
		return fmt.Errorf("tokenizer model %q is not supported, want %q", s.Model, SPM)
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
	return s.validatePieces()
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
	if s.UNK < 0 && !(s.ByteFallback && known == 256) {
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
