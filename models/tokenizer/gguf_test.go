package tokenizer_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/llorch/llorch/models/tokenizer"
)

func kv() metadata {
	return metadata{
		"tokenizer.ggml.model":      "llama",
		"tokenizer.ggml.tokens":     []string{"<unk>", "<s>", "</s>", "a", "<|im_end|>", "<0x0A>"},
		"tokenizer.ggml.scores":     []float32{0, 0, 0, -1, -2, 0},
		"tokenizer.ggml.token_type": []int32{2, 3, 3, 1, 4, 6},
	}
}

func TestFromGGUF(t *testing.T) {
	want := tokenizer.Spec{
		Model: tokenizer.SPM,
		Pieces: []tokenizer.Piece{
			{Text: "<unk>", Type: tokenizer.Unknown},
			{Text: "<s>", Type: tokenizer.Control},
			{Text: "</s>", Type: tokenizer.Control},
			{Text: "a", Score: -1, Type: tokenizer.Normal},
			{Text: "<|im_end|>", Score: -2, Type: tokenizer.Control},
			{Text: "<0x0A>", Type: tokenizer.Byte},
		},
		UNK: 0, BOS: 1, EOS: 2, EOG: []int32{4},
		AddBOS:         true,
		AddSpacePrefix: true,
		ByteFallback:   true,
	}
	got, err := tokenizer.FromGGUF("x.gguf", kv())
	require.NoError(t, err)
	require.Equal(t, want, got)

	md := kv()
	md["tokenizer.ggml.bos_token_id"] = uint64(2)
	md["tokenizer.ggml.eos_token_id"] = uint64(4)
	md["tokenizer.ggml.eot_token_id"] = uint64(3)
	md["tokenizer.ggml.unknown_token_id"] = uint64(1)
	md["tokenizer.ggml.add_bos_token"] = false
	md["tokenizer.ggml.add_eos_token"] = true
	md["tokenizer.ggml.add_space_prefix"] = false
	md["tokenizer.ggml.remove_extra_whitespaces"] = true
	want.BOS, want.EOS, want.UNK, want.EOG = 2, 4, 1, []int32{3, 2}
	want.AddBOS, want.AddEOS, want.AddSpacePrefix, want.RemoveExtraWhitespaces = false, true, false, true
	got, err = tokenizer.FromGGUF("x.gguf", md)
	require.NoError(t, err)
	require.Equal(t, want, got)
}

func TestFromGGUFRefuses(t *testing.T) {
	for _, test := range []struct {
		key   string
		value any // nil: the key is absent
		want  string
	}{
		{"model", nil, "x.gguf: tokenizer.ggml.model: missing; the file has no tokenizer"},
		{"model", "bert", `x.gguf: tokenizer.ggml.model: tokenizer "bert" is not supported, want "llama" (SentencePiece BPE) or "gpt2" (byte-level BPE)`},
		{"model", uint64(1), `test.gguf: key "tokenizer.ggml.model": found uint64, want string`},
		{"tokens", nil, "x.gguf: tokenizer.ggml.tokens: missing"},
		{"tokens", []string{}, "x.gguf: tokenizer.ggml.scores: found 6, want one for each of 0 tokens"},
		{"tokens", []float32{1}, `test.gguf: key "tokenizer.ggml.tokens": found []float32, want []string`},
		{"scores", nil, "x.gguf: tokenizer.ggml.scores: found 0, want one for each of 6 tokens"},
		{"scores", make([]float32, 5), "x.gguf: tokenizer.ggml.scores: found 5, want one for each of 6 tokens"},
		{"token_type", nil, "x.gguf: tokenizer.ggml.token_type: found 0, want one for each of 6 tokens"},
		{"token_type", make([]int32, 7), "x.gguf: tokenizer.ggml.token_type: found 7, want one for each of 6 tokens"},
		{"token_type", []int32{2, 3, 3, 1, 257, 6}, `x.gguf: tokenizer.ggml.token_type: token 4 "<|im_end|>" has type 257, want 1 to 6`},
		{"token_type", []int32{2, 3, 3, 6, 1, 6}, `x.gguf: piece 3 "a": a byte piece is written <0x00> to <0xFF>`},
		{"bos_token_id", uint64(6), "x.gguf: tokenizer.ggml.bos_token_id: id 6 is outside the vocabulary of 6 pieces"},
		{"eot_token_id", uint64(1 << 40), "x.gguf: tokenizer.ggml.eot_token_id: id 1099511627776 is outside the vocabulary of 6 pieces"},
		{"add_bos_token", "yes", `test.gguf: key "tokenizer.ggml.add_bos_token": found string, want bool`},
	} {
		md := kv()
		if test.value == nil {
			delete(md, "tokenizer.ggml."+test.key)
		} else {
			md["tokenizer.ggml."+test.key] = test.value
		}
		_, err := tokenizer.FromGGUF("x.gguf", md)
		require.EqualError(t, err, test.want)
	}
}

func kvBPE() metadata {
	return metadata{
		"tokenizer.chat_template":         "{{ messages }}",
		"tokenizer.ggml.model":            "gpt2",
		"tokenizer.ggml.pre":              "llama-bpe",
		"tokenizer.ggml.tokens":           []string{"a", "b", "ab", "<|begin|>", "<|im_end|>", "Ġ"},
		"tokenizer.ggml.token_type":       []int32{1, 1, 1, 3, 4, 1},
		"tokenizer.ggml.merges":           []string{"a b", "a b"},
		"tokenizer.ggml.bos_token_id":     uint64(3),
		"tokenizer.ggml.eos_token_id":     uint64(4),
		"tokenizer.ggml.unknown_token_id": uint64(0),
	}
}

func TestFromGGUFBPE(t *testing.T) {
	want := tokenizer.Spec{
		Model: tokenizer.BPE, Pre: "llama-bpe", IgnoreMerges: true,
		Pieces: []tokenizer.Piece{
			{Text: "a", Type: tokenizer.Normal},
			{Text: "b", Type: tokenizer.Normal},
			{Text: "ab", Type: tokenizer.Normal},
			{Text: "<|begin|>", Type: tokenizer.Control},
			{Text: "<|im_end|>", Type: tokenizer.Control},
			{Text: "Ġ", Type: tokenizer.Normal},
		},
		Merges:       []string{"a b", "a b"},
		BOS:          3,
		EOS:          4,
		UNK:          -1,
		AddBOS:       true,
		ChatTemplate: "{{ messages }}",
	}
	got, err := tokenizer.FromGGUF("x.gguf", kvBPE())
	require.NoError(t, err)
	require.Equal(t, want, got)
	tok := build(t, got)
	require.Equal(t, []int32{3, 2, 0, 5}, tok.Encode("abac ", tokenizer.Options{}), "a byte without a piece is left out")

	// Without the keys: types are normal, and llama.cpp's ids.
	md := kvBPE()
	md["tokenizer.ggml.pre"] = "smollm"
	for _, key := range []string{"token_type", "bos_token_id", "eos_token_id"} {
		delete(md, "tokenizer.ggml."+key)
	}
	got, err = tokenizer.FromGGUF("x.gguf", md)
	require.NoError(t, err)
	require.False(t, got.AddBOS || got.IgnoreMerges)
	require.Equal(t, []int32{-1, -1}, []int32{got.BOS, got.EOS}, "11 is outside the vocabulary")
	require.Equal(t, tokenizer.Normal, got.Pieces[3].Type)
	require.Equal(t, []int32{4}, got.EOG)
}

func TestFromGGUFBPERefuses(t *testing.T) {
	for _, test := range []struct {
		key   string
		value any // nil: the key is absent
		want  string
	}{
		{"pre", "llama-4", `x.gguf: tokenizer.ggml.pre: pre-tokenizer "llama-4" is not supported, want one of a.x-4.0, bailingmoe, `},
		{"pre", nil, "x.gguf: tokenizer.ggml.pre: missing, want one of a.x-4.0, bailingmoe, "},
		{"merges", nil, "x.gguf: tokenizer.ggml.merges: missing"},
		{"merges", []string{"ab"}, `x.gguf: merge 0 "ab": want two pieces with a space between`},
		{"merges", []string{"a b", "b "}, `x.gguf: merge 1 "b ": "" is no piece`},
		{"merges", []string{"a x"}, `x.gguf: merge 0 "a x": "x" is no piece`},
		{"merges", []string{""}, `x.gguf: merge 0 "": want two pieces with a space between`},
		{"merges", []string{"b a"}, `x.gguf: merge 0 "b a": "ba" is no piece`},
		{"token_type", []int32{1}, "x.gguf: tokenizer.ggml.token_type: found 1, want one for each of 6 tokens"},
		{"bos_token_id", uint64(6), "x.gguf: tokenizer.ggml.bos_token_id: id 6 is outside the vocabulary of 6 pieces"},
	} {
		md := kvBPE()
		delete(md, "tokenizer.ggml."+test.key)
		if test.value != nil {
			md["tokenizer.ggml."+test.key] = test.value
		}
		_, err := tokenizer.FromGGUF("x.gguf", md)
		require.ErrorContains(t, err, test.want)
		require.Equal(t, test.key == "pre", errors.As(err, new(*tokenizer.Missing)))
	}
}

// A merge into a control piece is none, so that text cannot forge it.
func TestControlIsNotMergedByRank(t *testing.T) {
	md := kvBPE()
	md["tokenizer.ggml.token_type"] = []int32{1, 1, 3, 3, 3, 1}
	spec, err := tokenizer.FromGGUF("x.gguf", md)
	require.NoError(t, err)
	tok := build(t, spec)
	require.Equal(t, []int32{3, 0, 1}, tok.Encode("ab", tokenizer.Options{}))
	require.Equal(t, []int32{3, 2}, tok.Encode("ab", tokenizer.Options{Special: true}))
}

// Where a message may end in a call too, <|end|> ends one of several.
func TestEndIsNoEnd(t *testing.T) {
	md := kvBPE()
	md["tokenizer.ggml.tokens"] = []string{"a", "b", "ab", "<|return|>", "<|call|>", "<|end|>"}
	spec, err := tokenizer.FromGGUF("x.gguf", md)
	require.NoError(t, err)
	tok := build(t, spec)
	require.Equal(t, []bool{true, true, false}, []bool{tok.IsEOG(3), tok.IsEOG(4), tok.IsEOG(5)})
}
