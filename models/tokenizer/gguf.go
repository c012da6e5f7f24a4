package tokenizer

import "fmt"

// Metadata looks up a GGUF's keys: the value, and whether the key is there. An
// error says that the value is of another kind, naming file and key.
type Metadata interface {
	String(key string) (string, bool, error)
	Uint(key string) (uint64, bool, error)
	Bool(key string) (bool, bool, error)
	Strings(key string) ([]string, bool, error)
	Floats(key string) ([]float32, bool, error)
	Ints(key string) ([]int32, bool, error)
}

const ggml = "tokenizer.ggml."

// FromGGUF reads the tokenizer of a GGUF. What the file leaves out has the
// values that llama.cpp assumes. Errors begin with name.
func FromGGUF(name string, md Metadata) (Spec, error) {
	model, ok, err := md.String(ggml + "model")
	switch {
	case err != nil:
		return Spec{}, err
	case !ok:
		return Spec{}, Missingf("%s: %smodel: missing; the file has no tokenizer", name, ggml)
	}
	k := keys{name: name, md: md}
	var s Spec
	switch model {
	case "llama":
		s = k.spm()
	case "gpt2":
		s = k.bpe()
	default:
		return Spec{}, Missingf("%s: %smodel: tokenizer %q is not supported, want \"llama\" (SentencePiece BPE) or \"gpt2\" (byte-level BPE)", name, ggml, model)
	}
	for _, key := range []string{"eot_token_id", "eom_token_id"} {
		if id := k.id(key, -1, len(s.Pieces)); id >= 0 {
			s.EOG = append(s.EOG, id)
		}
	}
	s.AddEOS = k.bool("add_eos_token", false)
	if k.err == nil {
		s.ChatTemplate, _, k.err = md.String("tokenizer.chat_template")
	}
	if k.err != nil {
		return Spec{}, k.err
	}
	s.markEOG()
	if err := s.validate(); err != nil {
		return Spec{}, fmt.Errorf("%s: %w", name, err)
	}
	return s, nil
}

// spm reads what is SentencePiece's own.
func (k *keys) spm() Spec {
	s := Spec{Model: SPM, Pieces: k.pieces(true)}
	for _, p := range s.Pieces {
		s.ByteFallback = s.ByteFallback || p.Type == Byte
	}
	size := len(s.Pieces)
	s.BOS = k.id("bos_token_id", 1, size)
	s.EOS = k.id("eos_token_id", 2, size)
	s.UNK = k.id("unknown_token_id", 0, size)
	s.AddBOS = k.bool("add_bos_token", true)
	s.AddSpacePrefix = k.bool("add_space_prefix", true)
	s.RemoveExtraWhitespaces = k.bool("remove_extra_whitespaces", false)
	return s
}

// bpe reads what is byte-level BPE's own. Encodings have no unknown piece,
// whatever the file calls one: llama.cpp makes none either.
func (k *keys) bpe() Spec {
	name, ok := lookup(k, k.md.String, "pre")
	pre := preTokenizerNamed(name)
	switch {
	case k.err != nil:
	case !ok:
		k.err = Missingf("%s: %spre: missing, want one of %s", k.name, ggml, preTokenizerNames())
	case pre == nil:
		k.err = Missingf("%s: %spre: pre-tokenizer %q is not supported, want one of %s", k.name, ggml, name, preTokenizerNames())
	}
	if k.err != nil {
		return Spec{}
	}
	s := Spec{Model: BPE, Pieces: k.pieces(false), UNK: -1, Pre: name, IgnoreMerges: pre.ignoreMerges}
	if s.Merges, ok = lookup(k, k.md.Strings, "merges"); !ok {
		k.fail("merges", "missing")
	}
	bos, eos := int32(11), int32(11)
	if pre.noBOS {
		bos = -1
	}
	s.BOS = k.id("bos_token_id", bos, len(s.Pieces))
	s.EOS = k.id("eos_token_id", eos, len(s.Pieces))
	s.AddBOS = k.bool("add_bos_token", pre.addBOS)
	return s
}

// keys looks up keys until one fails, then keeps its error.
type keys struct {
	name string
	md   Metadata
	err  error
}

func (k *keys) fail(key, format string, args ...any) {
	if k.err == nil {
		k.err = fmt.Errorf("%s: %s%s: %s", k.name, ggml, key, fmt.Sprintf(format, args...))
	}
}

// lookup calls one of Metadata's methods; ok is false where it fails.
func lookup[T any](k *keys, get func(string) (T, bool, error), key string) (v T, ok bool) {
	if k.err != nil {
		return v, false
	}
	v, ok, err := get(ggml + key)
	k.err = err
	return v, ok && err == nil
}

func (k *keys) bool(key string, absent bool) bool {
	if v, ok := lookup(k, k.md.Bool, key); ok {
		return v
	}
	return absent
}

// id reads an id of a vocabulary of size pieces. A value that is assumed
// because the key is absent must only fit.
func (k *keys) id(key string, absent int32, size int) int32 {
	v, ok := lookup(k, k.md.Uint, key)
	switch {
	case !ok && int(absent) < size:
		return absent
	case ok && v < uint64(size):
		return int32(v)
	case ok:
		k.fail(key, "id %d is outside the vocabulary of %d pieces", v, size)
	}
	return -1
}

// pieces reads the vocabulary. Where it is scored, each piece must have a score
// and a type; otherwise types may be missing, which makes every piece normal.
func (k *keys) pieces(scored bool) []Piece {
	tokens, ok := lookup(k, k.md.Strings, "tokens")
	if !ok {
		k.fail("tokens", "missing")
	}
	var scores []float32
	if scored {
		if scores, _ = lookup(k, k.md.Floats, "scores"); len(scores) != len(tokens) {
			k.fail("scores", "found %d, want one for each of %d tokens", len(scores), len(tokens))
		}
	}
	types, typed := lookup(k, k.md.Ints, "token_type")
	if (typed || scored) && len(types) != len(tokens) {
		k.fail("token_type", "found %d, want one for each of %d tokens", len(types), len(tokens))
	}
	if k.err != nil {
		return nil
	}
	pieces := make([]Piece, len(tokens))
	for i, text := range tokens {
		pieces[i] = Piece{Text: text, Type: Normal}
		if scored {
			pieces[i].Score = scores[i]
		}
		if !typed {
			continue
		}
		t := types[i]
		if t < int32(Normal) || t > int32(Byte) {
			k.fail("token_type", "token %d %q has type %d, want 1 to %d", i, text, t, Byte)
			return nil
		}
		pieces[i].Type = Type(t)
	}
	return pieces
}
