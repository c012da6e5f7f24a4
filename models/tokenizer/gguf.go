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
	case model != "llama":
		return Spec{}, Missingf("%s: %smodel: tokenizer %q is not supported, want \"llama\" (SentencePiece BPE)", name, ggml, model)
	}
	k := keys{name: name, md: md}
	s := Spec{Model: SPM, Pieces: k.pieces()}
	for _, p := range s.Pieces {
		s.ByteFallback = s.ByteFallback || p.Type == Byte
	}
	size := len(s.Pieces)
	s.BOS = k.id("bos_token_id", 1, size)
	s.EOS = k.id("eos_token_id", 2, size)
	s.UNK = k.id("unknown_token_id", 0, size)
	for _, key := range []string{"eot_token_id", "eom_token_id"} {
		if id := k.id(key, -1, size); id >= 0 {
			s.EOG = append(s.EOG, id)
		}
	}
	s.AddBOS = k.bool("add_bos_token", true)
	s.AddEOS = k.bool("add_eos_token", false)
	s.AddSpacePrefix = k.bool("add_space_prefix", true)
	s.RemoveExtraWhitespaces = k.bool("remove_extra_whitespaces", false)
	if k.err != nil {
		return Spec{}, k.err
	}
	s.markEOG()
	if err := s.validate(); err != nil {
		return Spec{}, fmt.Errorf("%s: %w", name, err)
	}
	return s, nil
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

func (k *keys) pieces() []Piece {
	tokens, ok := lookup(k, k.md.Strings, "tokens")
	if !ok {
		k.fail("tokens", "missing")
	}
	scores, ok := lookup(k, k.md.Floats, "scores")
	if !ok || len(scores) != len(tokens) {
		k.fail("scores", "found %d, want one for each of %d tokens", len(scores), len(tokens))
	}
	types, ok := lookup(k, k.md.Ints, "token_type")
	if !ok || len(types) != len(tokens) {
		k.fail("token_type", "found %d, want one for each of %d tokens", len(types), len(tokens))
	}
	if k.err != nil {
		return nil
	}
	pieces := make([]Piece, len(tokens))
	for i, t := range types {
		if t < int32(Normal) || t > int32(Byte) {
			k.fail("token_type", "token %d %q has type %d, want 1 to %d", i, tokens[i], t, Byte)
			return nil
		}
		pieces[i] = Piece{Text: tokens[i], Score: scores[i], Type: Type(t)}
	}
	return pieces
}
