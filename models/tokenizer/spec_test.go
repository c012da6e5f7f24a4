package tokenizer_test

import (
	"encoding/json"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/llorch/llorch/models/tokenizer"
)

func TestNewRefuses(t *testing.T) {
	for _, test := range []struct {
		change func(*tokenizer.Spec)
		want   string
	}{
		{func(s *tokenizer.Spec) { s.Model = "gpt2" }, `tokenizer: tokenizer model "gpt2" is not supported, want "spm", "spm-ranked" or "bpe"`},
		{func(s *tokenizer.Spec) { s.Pieces = nil }, "tokenizer: the vocabulary has no pieces"},
		{func(s *tokenizer.Spec) { s.BOS = 260 }, "tokenizer: BOS id 260 is outside the vocabulary of 260 pieces"},
		{func(s *tokenizer.Spec) { s.EOS = -2 }, "tokenizer: EOS id -2 is outside the vocabulary of 260 pieces"},
		{func(s *tokenizer.Spec) { s.UNK = math.MaxInt32 }, "tokenizer: UNK id 2147483647 is outside the vocabulary of 260 pieces"},
		{func(s *tokenizer.Spec) { s.EOG = []int32{2, -1} }, "tokenizer: end-of-generation id -1 is outside the vocabulary of 260 pieces"},
		{func(s *tokenizer.Spec) { s.BOS, s.AddBOS = -1, true }, "tokenizer: encodings are to carry BOS, which the vocabulary lacks"},
		{func(s *tokenizer.Spec) { s.EOS, s.AddEOS = -1, true }, "tokenizer: encodings are to carry EOS, which the vocabulary lacks"},
		{func(s *tokenizer.Spec) { s.Pieces[4].Type = 0 }, `tokenizer: piece 4 "<0x01>": type 0 is unknown, want 1 to 6`},
		{func(s *tokenizer.Spec) { s.Pieces[4].Type = 7 }, `tokenizer: piece 4 "<0x01>": type 7 is unknown, want 1 to 6`},
		{func(s *tokenizer.Spec) { s.Pieces[259].Text = "\xff" }, `tokenizer: piece 259 "\xff": the text is not valid UTF-8`},
		{func(s *tokenizer.Spec) { s.Pieces[259].Score = float32(math.NaN()) }, `tokenizer: piece 259 "a": score NaN is not a finite number`},
		{func(s *tokenizer.Spec) { s.Pieces[259].Text = "<s>" }, `tokenizer: pieces 1 and 259 have the same text "<s>"`},
		{func(s *tokenizer.Spec) { s.Pieces[259].Type = tokenizer.Byte }, `tokenizer: piece 259 "a": a byte piece is written <0x00> to <0xFF>`},
		{func(s *tokenizer.Spec) { s.Pieces[13].Text = "<0x+A>" }, `tokenizer: piece 13 "<0x+A>": a byte piece is written <0x00> to <0xFF>`},
		{func(s *tokenizer.Spec) {
			s.Pieces[259] = tokenizer.Piece{Text: "<0xff>", Type: tokenizer.Byte}
		}, "tokenizer: pieces 258 and 259 both stand for byte 0xFF"},
		{func(s *tokenizer.Spec) { s.UNK = -1; s.Pieces[3].Type = tokenizer.Normal }, "tokenizer: text may be impossible to encode: the vocabulary has no unknown piece, and byte fallback (true) with 255 of 256 byte pieces"},
		{func(s *tokenizer.Spec) { s.UNK = -1; s.ByteFallback = false }, "tokenizer: text may be impossible to encode: the vocabulary has no unknown piece, and byte fallback (false) with 256 of 256 byte pieces"},
	} {
		s := vocab(allBytes, normal(-1, "a")...)
		test.change(&s)
		_, err := tokenizer.New(s)
		require.EqualError(t, err, test.want)
	}
}

func TestNewRefusesBPE(t *testing.T) {
	for _, test := range []struct {
		change func(*tokenizer.Spec)
		want   string
	}{
		{func(s *tokenizer.Spec) { s.Pre = "x" }, `tokenizer: pre-tokenizer "x" is not supported, want one of a.x-4.0, `},
		{func(s *tokenizer.Spec) { s.Model = tokenizer.Ranked }, `tokenizer: text may be impossible to encode: the vocabulary has no unknown piece`},
		{func(s *tokenizer.Spec) { s.Model, s.UNK = tokenizer.Ranked, 0 }, `tokenizer: model "spm-ranked" cuts no words: it has no pre-tokenizer`},
		{func(s *tokenizer.Spec) { s.Model, s.UNK, s.Pre = tokenizer.SPM, 0, "" }, `tokenizer: model "spm" merges by score: it has no merges`},
		{func(s *tokenizer.Spec) { s.Merges[7] = "a§ b" }, `tokenizer: merge 7 "a§ b": "a§" is no piece`},
	} {
		s := smallBPE(t)
		test.change(&s)
		_, err := tokenizer.New(s)
		require.ErrorContains(t, err, test.want)
	}
}

// TestSpecJSONBPE: the manifest of an artifact carries a spec as JSON.
func TestSpecJSONBPE(t *testing.T) {
	s := smallBPE(t)
	s.ChatTemplate = "{{ '<' }}"
	data, err := json.Marshal(s)
	require.NoError(t, err)
	var back tokenizer.Spec
	require.NoError(t, json.Unmarshal(data, &back))
	require.Equal(t, s, back)
}

func TestNewAccepts(t *testing.T) {
	s := vocab(allBytes, normal(-1, "a", "", "")...)
	s.UNK, s.BOS, s.EOS, s.EOG = -1, -1, -1, []int32{1}
	tok := build(t, s)
	require.Equal(t, []int32{-1, -1, -1}, []int32{tok.BOS(), tok.EOS(), tok.UNK()})
	require.Equal(t, 262, tok.Size())
	require.True(t, tok.IsEOG(1))
	require.False(t, tok.IsEOG(2))
	require.False(t, tok.IsEOG(-1))
	require.Equal(t, "", tok.Piece(-1))
	require.Equal(t, "", tok.Piece(262))
	require.Equal(t, "a", tok.Piece(259))
}

func TestTypeString(t *testing.T) {
	require.Equal(t, "user-defined", tokenizer.UserDefined.String())
	require.Equal(t, "type 0", tokenizer.Type(0).String())
}

// New keeps nothing of the caller's.
func TestNewCopies(t *testing.T) {
	s := vocab(noBytes, normal(-1, "a")...)
	tok := build(t, s)
	s.Pieces[3].Text = "b"
	require.Equal(t, "a", tok.Piece(3))
}

func TestSpecJSON(t *testing.T) {
	s := vocab(allBytes, normal(-1.25, "▁é", "\"\n\u2028<", "😀")...)
	s.EOG = []int32{2, 5}
	s.AddBOS = true
	data, err := json.Marshal(s)
	require.NoError(t, err)
	var back tokenizer.Spec
	require.NoError(t, json.Unmarshal(data, &back))
	require.Equal(t, s, back)
}
