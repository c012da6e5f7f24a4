package tokenizer

import "fmt"

// FromSentencePiece reads a tokenizer.model: SentencePiece's ModelProto, whose
// BPE kind with the identity normalizer is what Llama uses. The file does not
// say whether encodings begin with BOS or end with EOS; the spec has Llama's
// answer, BOS only. Errors begin with name.
func FromSentencePiece(name string, data []byte) (Spec, error) {
	f := modelProto{
		model: 1,
		spec: Spec{
			Model: SPM,
			UNK:   0, BOS: 1, EOS: 2,
			AddSpacePrefix:         true,
			RemoveExtraWhitespaces: true,
		},
	}
	err := message{data: data}.each(f.field)
	if err == nil {
		err = f.supported()
	}
	if err == nil {
		f.spec.AddBOS = f.spec.BOS >= 0
		f.spec.markEOG()
		err = f.spec.validate()
	}
	if err != nil {
		return Spec{}, fmt.Errorf("%s: %w", name, err)
	}
	return f.spec, nil
}

// A modelProto collects the fields of sentencepiece_model.proto that bear on
// encoding and decoding. It starts with their defaults.
type modelProto struct {
	spec         Spec
	model        int32 // index of modelTypes
	spaceSuffix  bool
	plainSpaces  bool // escape_whitespaces is off
	normalizer   string
	charsmap     bool // normalizer_spec rewrites characters
	denormalizer bool // denormalizer_spec does
}

var modelTypes = [...]string{1: "unigram", 2: "bpe", 3: "word", 4: "char"}

func (m *modelProto) field(f field) error {
	switch f.number {
	case 1:
		return m.piece(f)
	case 2:
		return f.fields("trainer_spec", m.trainer)
	case 3:
		return f.fields("normalizer_spec", m.normalizerSpec)
	case 5:
		return f.fields("denormalizer_spec", func(f field) error {
			m.denormalizer = m.denormalizer || f.number == 2 && len(f.bytes) > 0
			return nil
		})
	}
	return nil
}

func (m *modelProto) piece(f field) error {
	p := Piece{Type: Normal}
	err := f.fields("piece", func(f field) error {
		switch f.number {
		case 1:
			return f.string(&p.Text, "piece text")
		case 2:
			return f.float(&p.Score, "piece score")
		case 3:
			var t int32
			if err := f.int32(&t, "piece type"); err != nil {
				return err
			}
			if t < int32(Normal) || t > int32(Byte) {
				return f.errorf("piece %d %q: type %d is unknown, want 1 to %d", len(m.spec.Pieces), p.Text, t, Byte)
			}
			p.Type = Type(t)
		}
		return nil
	})
	if err == nil && p.Text == "" {
		err = f.errorf("piece %d has no text", len(m.spec.Pieces))
	}
	m.spec.Pieces = append(m.spec.Pieces, p)
	return err
}

func (m *modelProto) trainer(f field) error {
	switch f.number {
	case 3:
		return f.int32(&m.model, "model_type")
	case 24:
		return f.bool(&m.spaceSuffix, "treat_whitespace_as_suffix")
	case 35:
		return f.bool(&m.spec.ByteFallback, "byte_fallback")
	case 40:
		return f.int32(&m.spec.UNK, "unk_id")
	case 41:
		return f.int32(&m.spec.BOS, "bos_id")
	case 42:
		return f.int32(&m.spec.EOS, "eos_id")
	}
	return nil
}

func (m *modelProto) normalizerSpec(f field) error {
	switch f.number {
	case 1:
		return f.string(&m.normalizer, "normalizer name")
	case 2:
		m.charsmap = len(f.bytes) > 0
		return f.is(wireBytes, "precompiled_charsmap")
	case 3:
		return f.bool(&m.spec.AddSpacePrefix, "add_dummy_prefix")
	case 4:
		return f.bool(&m.spec.RemoveExtraWhitespaces, "remove_extra_whitespaces")
	case 5:
		escape := true
		err := f.bool(&escape, "escape_whitespaces")
		m.plainSpaces = !escape
		return err
	}
	return nil
}

// supported refuses by name what would change ids and is not implemented.
func (m *modelProto) supported() error {
	switch {
	case m.model < 1 || int(m.model) >= len(modelTypes):
		return fmt.Errorf("model_type %d is unknown, want 2 (bpe)", m.model)
	case m.model != 2:
		return fmt.Errorf("model_type %d (%s) is not supported, want 2 (bpe)", m.model, modelTypes[m.model])
	case m.charsmap:
		return fmt.Errorf("normalizer %q rewrites characters, which is not supported, want \"identity\"", m.normalizer)
	case m.denormalizer:
		return fmt.Errorf("denormalizer_spec rewrites characters, which is not supported")
	case m.spaceSuffix:
		return fmt.Errorf("treat_whitespace_as_suffix is not supported")
	case m.plainSpaces:
		return fmt.Errorf("escape_whitespaces = false is not supported")
	}
	return nil
}
