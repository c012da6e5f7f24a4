package tokenizer_test

import (
	"encoding/binary"
	"encoding/json"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/llorch/llorch/models/tokenizer"
)

func read(t testing.TB, path string) []byte {
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	return data
}

// The GGUF of a model and its tokenizer.model describe one tokenizer.
func TestStories260K(t *testing.T) {
	path := shared(t, "models", "stories260k", "tokenizer.model")
	spec, err := tokenizer.FromSentencePiece(path, read(t, path))
	require.NoError(t, err)
	path = shared(t, "models", "stories260k", "stories260k-f32.gguf")
	fromGGUF, err := tokenizer.FromGGUF(path, readMetadata(t, path))
	require.NoError(t, err)
	require.Equal(t, fromGGUF, spec)
}

// expected.json was written by another implementation.
func TestStories260KTexts(t *testing.T) {
	var expected struct {
		Greedy []struct {
			Prompt    string  `json:"prompt"`
			PromptIDs []int32 `json:"prompt_ids"`
			IDs       []int32 `json:"ids"`
			Text      string  `json:"text"`
		} `json:"greedy"`
	}
	require.NoError(t, json.Unmarshal(read(t, shared(t, "models", "stories260k", "expected.json")), &expected))
	require.NotEmpty(t, expected.Greedy)
	tok := load(t, shared(t, "models", "stories260k", "stories260k-f32.gguf"))
	for _, c := range expected.Greedy {
		require.Equal(t, c.PromptIDs, tok.Encode(c.Prompt, tokenizer.Options{}))
		require.Equal(t, c.Prompt, tok.Decode(c.PromptIDs))
		s := tok.Stream(c.PromptIDs)
		text := ""
		for _, id := range c.IDs {
			text += s.Next(id)
		}
		// Its writer printed control pieces.
		require.Equal(t, strings.ReplaceAll(c.Text, "<s>", ""), text+s.Flush())
	}
}

// Fields in protobuf's wire format.
func num(field, v uint64) []byte {
	return binary.AppendUvarint(binary.AppendUvarint(nil, field<<3), v)
}

func str(field uint64, parts ...[]byte) []byte {
	var body []byte
	for _, p := range parts {
		body = append(body, p...)
	}
	return append(binary.AppendUvarint(binary.AppendUvarint(nil, field<<3|2), uint64(len(body))), body...)
}

func float(field uint64, v float32) []byte {
	return binary.LittleEndian.AppendUint32(binary.AppendUvarint(nil, field<<3|5), math.Float32bits(v))
}

func file(parts ...[]byte) (data []byte) {
	for _, p := range parts {
		data = append(data, p...)
	}
	return data
}

var (
	unk     = str(1, str(1, []byte("<unk>")), num(3, 2))
	bos     = str(1, str(1, []byte("<s>")), num(3, 3))
	eos     = str(1, str(1, []byte("</s>")), num(3, 3))
	letter  = str(1, str(1, []byte("a")), float(2, -1.5))
	bpe     = str(2, num(3, 2))
	minimal = file(unk, bos, eos, letter, bpe)
)

func TestFromSentencePiece(t *testing.T) {
	want := vocab(noBytes, normal(-1.5, "a")...)
	want.AddBOS = true
	want.RemoveExtraWhitespaces = true // the format's default
	got, err := tokenizer.FromSentencePiece("m", minimal)
	require.NoError(t, err)
	require.Equal(t, want, got)

	// Later fields override, unknown ones of every wire type are passed over.
	absent := uint64(math.MaxUint64) // -1
	got, err = tokenizer.FromSentencePiece("m", file(minimal,
		str(2, num(41, absent), num(42, 3), num(35, 1), num(43, absent), float(10, 1)),
		str(3, str(1, []byte("identity")), str(2), num(3, 0), num(4, 0), num(5, 1)),
		str(4, []byte("self test")), num(200, 1), float(201, 1), append([]byte{0xd1, 0x0c}, make([]byte, 8)...)))
	require.NoError(t, err)
	want.BOS, want.EOS, want.EOG, want.ByteFallback = -1, 3, []int32{2}, true
	want.AddBOS, want.AddSpacePrefix, want.RemoveExtraWhitespaces = false, false, false
	require.Equal(t, want, got)
}

func TestFromSentencePieceRefuses(t *testing.T) {
	for _, test := range []struct {
		data []byte
		want string
	}{
		{nil, "m: model_type 1 (unigram) is not supported, want 2 (bpe)"},
		{bpe, "m: the vocabulary has no pieces"},
		{file(minimal, str(2, num(3, 1))), "m: model_type 1 (unigram) is not supported, want 2 (bpe)"},
		{file(minimal, str(2, num(3, 9))), "m: model_type 9 is unknown, want 2 (bpe)"},
		{file(minimal, str(3, str(1, []byte("nmt_nfkc")), str(2, []byte("x")))), `m: normalizer "nmt_nfkc" rewrites characters, which is not supported, want "identity"`},
		{file(minimal, str(5, str(2, []byte("x")))), "m: denormalizer_spec rewrites characters, which is not supported"},
		{file(minimal, str(2, num(24, 1))), "m: treat_whitespace_as_suffix is not supported"},
		{file(minimal, str(3, num(5, 0))), "m: escape_whitespaces = false is not supported"},
		{file(minimal, str(2, num(40, 4))), "m: UNK id 4 is outside the vocabulary of 4 pieces"},
		{file(minimal, str(2, num(40, 1<<31))), "m: byte 46: unk_id is 2147483648, want -2147483648 to 2147483647"},
		{file(minimal, letter), `m: pieces 3 and 4 have the same text "a"`},

		{file(minimal, str(1, float(2, 1))), "m: byte 44: piece 4 has no text"},
		{file(minimal, str(1, str(1, []byte("b")), num(3, 7))), `m: byte 49: piece 4 "b": type 7 is unknown, want 1 to 6`},
		{file(minimal, str(1, num(1, 1))), "m: byte 46: piece text has wire type 0, want 2"},
		{file(minimal, num(1, 1)), "m: byte 44: piece has wire type 0, want 2"},
		{file(minimal, str(1, num(2, 1))), "m: byte 46: piece score has wire type 0, want 5"},
		{file(minimal, str(2, str(3))), "m: byte 46: model_type has wire type 2, want 0"},
		{file(minimal, []byte{0x0a}), "m: byte 45: the file ends within a number"},
		{file(minimal, []byte{0x0a, 0x05, 1}), "m: byte 46: a value of 5 bytes, 1 remain"},
		{file(minimal, []byte{0x0d, 1, 2}), "m: byte 45: a value of 4 bytes, 2 remain"},
		{file(minimal, []byte{0x09, 1, 2}), "m: byte 45: a value of 8 bytes, 2 remain"},
		{file(minimal, []byte{0x0b}), "m: byte 44: field 1 has wire type 3, want 0, 1, 2 or 5"},
		{file(minimal, []byte{0x02, 0}), "m: byte 44: field number 0, want 1 to 536870911"},
		{file(minimal, []byte("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01")), "m: byte 44: a number does not fit 64 bits"},
		{file(minimal, binary.AppendUvarint([]byte{0x0a}, math.MaxUint64)), "m: byte 55: a value of 18446744073709551615 bytes, 0 remain"},
	} {
		_, err := tokenizer.FromSentencePiece("m", test.data)
		require.Error(t, err)
		require.Equal(t, test.want, err.Error())
	}
}

func FuzzFromSentencePiece(f *testing.F) {
	f.Add(minimal)
	f.Add(file(minimal, str(3, str(1, []byte("identity")), num(3, 0), num(4, 0)), str(2, num(35, 1), num(41, 3))))
	f.Fuzz(func(t *testing.T, data []byte) {
		spec, err := tokenizer.FromSentencePiece("m", data)
		if err != nil {
			require.Regexp(t, "^m: ", err.Error())
			return
		}
		tok := build(t, spec)
		for _, text := range []string{"a b", "<s>\xff日", string(data)} {
			tok.Decode(tok.Encode(text, tokenizer.Options{Special: true}))
		}
	})
}
