package models

import (
	"encoding/binary"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/llorch/llorch/models/tokenizer"
)

// proto appends a length-delimited field of a protocol buffer.
func proto(number byte, value []byte) []byte {
	return append([]byte{number<<3 | 2, byte(len(value))}, value...)
}

// spmFileBytes is a tokenizer.model of six pieces.
func spmFileBytes() []byte {
	var b []byte
	for _, p := range []struct {
		text string
		kind byte
	}{{"<unk>", 2}, {"<s>", 3}, {"</s>", 3}, {"▁a", 1}, {"▁", 1}, {"a", 1}} {
		piece := proto(1, []byte(p.text))
		piece = binary.LittleEndian.AppendUint32(append(piece, 2<<3|5), math.Float32bits(-1))
		b = append(b, proto(1, append(piece, 3<<3, p.kind))...)
	}
	return append(b, proto(2, []byte{3 << 3, 2})...) // trainer_spec: model_type bpe
}

func TestTokenizerHF(t *testing.T) {
	tests := []struct {
		name  string
		files map[string]string
		apply func(s *tokenizer.Spec)
		err   string // behind the folder's name
	}{
		{"tokenizer.model alone", nil, func(s *tokenizer.Spec) {}, ""},
		{"ends", map[string]string{"tokenizer_config.json": `{"add_bos_token": false, "add_eos_token": true}`},
			func(s *tokenizer.Spec) { s.AddBOS, s.AddEOS = false, true }, ""},
		{"ends that are null", map[string]string{"tokenizer_config.json": `{"add_bos_token": null}`}, func(s *tokenizer.Spec) {}, ""},
		{"ends of a wrong type", map[string]string{"tokenizer_config.json": `{"add_bos_token": 1}`}, nil,
			"/tokenizer_config.json: add_bos_token: found 1, want true or false"},
		{"eos", map[string]string{"generation_config.json": `{"eos_token_id": [2, 5, 5]}`, "config.json": `{"eos_token_id": 4}`},
			func(s *tokenizer.Spec) { s.EOG = append(s.EOG, 5) }, ""},
		{"eos of the config", map[string]string{"generation_config.json": `{"eos_token_id": null}`, "config.json": `{"eos_token_id": 4}`},
			func(s *tokenizer.Spec) { s.EOG = append(s.EOG, 4) }, ""},
		{"eos outside", map[string]string{"config.json": `{"eos_token_id": [2, 6]}`}, nil, "/config.json: eos_token_id: found [2,6], want ids of 0 to 5"},
		{"added tokens", map[string]string{
			"added_tokens.json":     `{"<|im_end|>": 7, "<|im_start|>": 6}`,
			"tokenizer_config.json": `{"added_tokens_decoder": {"0": {"content": "<unk>", "special": true}, "7": {"content": "<|im_end|>", "special": true}, "8": {"content": "x", "special": false}}}`,
			"config.json":           `{"eos_token_id": 7}`,
		}, func(s *tokenizer.Spec) {
			s.Pieces = append(s.Pieces, tokenizer.Piece{Text: "<|im_start|>", Type: tokenizer.UserDefined},
				tokenizer.Piece{Text: "<|im_end|>", Type: tokenizer.Control}, tokenizer.Piece{Text: "x", Type: tokenizer.UserDefined})
			s.EOG = append(s.EOG, 7)
		}, ""},
		{"added token with a gap", map[string]string{"added_tokens.json": `{"x": 7}`}, nil,
			`/added_tokens.json: token 7 "x": the vocabulary has 6 pieces, want the next id`},
		{"added token in another's place", map[string]string{"added_tokens.json": `{"x": 3}`}, nil,
			`/added_tokens.json: token 3 "x": tokenizer.model has "▁a" there`},
		{"added token without an id", map[string]string{"tokenizer_config.json": `{"added_tokens_decoder": {"six": {}}}`}, nil,
			`/tokenizer_config.json: added_tokens_decoder: "six" is no id`},
	}
	base, err := tokenizer.FromSentencePiece("", spmFileBytes())
	require.NoError(t, err)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			writeFile(t, dir, "tokenizer.model", string(spmFileBytes()))
			for name, text := range test.files {
				writeFile(t, dir, name, text)
			}
			got, err := OpenTokenizer(dir)
			if test.err != "" {
				require.EqualError(t, err, dir+test.err)
				return
			}
			require.NoError(t, err)
			want := base
			want.Pieces = append([]tokenizer.Piece(nil), base.Pieces...)
			test.apply(&want)
			require.Equal(t, want, *got)
		})
	}
}

func TestNoTokenizer(t *testing.T) {
	dir := tiny(hfFormat).writeHF(t)
	m, err := Open(dir)
	require.NoError(t, err)
	defer m.Close()
	_, err = m.Graph(Options{})
	require.NoError(t, err, "a graph needs no tokenizer")
	_, err = m.Tokenizer()
	require.EqualError(t, err, dir+": has no tokenizer, want tokenizer.model or tokenizer.json: run with --ids to give token ids in place of text")
	writeFile(t, dir, "tokenizer.json", "{}")
	_, err = m.Tokenizer()
	require.EqualError(t, err, filepath.Join(dir, "tokenizer.json")+": has no model")
	writeFile(t, dir, "tokenizer.json", `{"model": {"type": "Unigram"}}`)
	_, err = m.Tokenizer()
	require.EqualError(t, err, filepath.Join(dir, "tokenizer.json")+`: model: type "Unigram" is not supported, want "BPE"`)
	require.True(t, errors.As(err, new(*tokenizer.Missing)), "a model may still run on ids")
}

// A vocabulary may be larger than the embedding table only by tokens that were added to it.
func TestTokenizerFits(t *testing.T) {
	for vocab, want := range map[int]string{8: "", 7: "", 6: "", 5: "TINY: the tokenizer has 6 pieces, but config.json says vocab_size 5"} {
		m := tiny(hfFormat)
		m.keys["vocab_size"] = vocab
		dir := m.writeHF(t)
		writeFile(t, dir, "tokenizer.model", string(spmFileBytes()))
		writeFile(t, dir, "added_tokens.json", `{"<end>": 7, "<pad>": 6}`)
		writeFile(t, dir, "generation_config.json", `{"eos_token_id": [2, 7]}`)
		opened, err := Open(dir)
		require.NoError(t, err)
		opened.Path = "TINY"
		s, err := opened.Tokenizer()
		if want != "" {
			require.EqualError(t, err, want)
			continue
		}
		require.NoError(t, err)
		require.Len(t, s.Pieces, vocab)
		require.Equal(t, vocab == 8, len(s.EOG) == 1)
		require.NoError(t, opened.Close())
	}
}

func TestTokenizerGGUF(t *testing.T) {
	path := shared(t, "data/vocab-llama-spm.gguf")
	s, err := OpenTokenizer(path)
	require.NoError(t, err)
	require.Len(t, s.Pieces, 32000)
	m, err := Open(path)
	require.NoError(t, err)
	defer m.Close()
	_, err = m.Graph(Options{})
	require.EqualError(t, err, path+": the metadata says llama.block_count 32, but there are 0 tensors in all")
}

// The folder and the GGUF of the same model have the same tokenizer.
func TestStoriesTokenizer(t *testing.T) {
	dir := shared(t, "models/stories260k")
	a, err := OpenTokenizer(dir)
	require.NoError(t, err)
	b, err := OpenTokenizer(filepath.Join(dir, "stories260k-f32.gguf"))
	require.NoError(t, err)
	require.Equal(t, b, a)
}

// A folder with tokenizer.json alone.
func TestTokenizerJSONFolder(t *testing.T) {
	const file = `{"added_tokens": [{"id": 3, "content": "<|im_end|>", "special": true}, {"id": 4, "content": "<x>", "special": false}],
		"pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false},
		"model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2}, "merges": ["a b"]}}`
	base, err := tokenizer.FromTokenizerJSON("", []byte(file))
	require.NoError(t, err)
	tests := []struct {
		name  string
		files map[string]string
		apply func(s *tokenizer.Spec)
		err   string // behind the folder's name
	}{
		{"alone", nil, func(s *tokenizer.Spec) {}, ""},
		{"ends", map[string]string{"tokenizer_config.json": `{"bos_token": {"content": "<x>"}, "eos_token": "<|im_end|>", "add_bos_token": true}`},
			func(s *tokenizer.Spec) { s.BOS, s.EOS, s.EOG, s.AddBOS = 4, 3, nil, true }, ""},
		{"ends that are null", map[string]string{"tokenizer_config.json": `{"bos_token": null}`}, func(s *tokenizer.Spec) {}, ""},
		{"ends that are no piece", map[string]string{"tokenizer_config.json": `{"eos_token": "</s>"}`}, nil,
			`/tokenizer_config.json: eos_token: tokenizer.json has no "</s>"`},
		{"no BOS to add", map[string]string{"tokenizer_config.json": `{"add_bos_token": true}`}, nil,
			"/tokenizer_config.json: add_bos_token: is true, but tokenizer.json has no BOS"},
		{"another's place", map[string]string{"added_tokens.json": `{"y": 2}`}, nil, `/added_tokens.json: token 2 "y": tokenizer.json has "ab" there`},
		{"more eos", map[string]string{"generation_config.json": `{"eos_token_id": [3, 4]}`}, func(s *tokenizer.Spec) { s.EOG = []int32{3, 4} }, ""},
		{"template", map[string]string{"tokenizer_config.json": `{"chat_template": "{{ x }}"}`}, func(s *tokenizer.Spec) { s.ChatTemplate = "{{ x }}" }, ""},
		{"templates", map[string]string{"tokenizer_config.json": `{"chat_template": [{"name": "tool_use", "template": "t"}, {"name": "default", "template": "d"}]}`},
			func(s *tokenizer.Spec) { s.ChatTemplate = "d" }, ""},
		{"templates without a default", map[string]string{"tokenizer_config.json": `{"chat_template": [{"name": "rag", "template": "t"}]}`}, func(s *tokenizer.Spec) {}, ""},
		{"template of a wrong type", map[string]string{"tokenizer_config.json": `{"chat_template": [1]}`}, nil,
			"/tokenizer_config.json: chat_template: found [1], want a string or a list of names and templates"},
		{"template in a file", map[string]string{"chat_template.jinja": "f\n", "tokenizer_config.json": `{"chat_template": "t"}`}, func(s *tokenizer.Spec) { s.ChatTemplate = "f\n" }, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			writeFile(t, dir, "tokenizer.json", file)
			for name, text := range test.files {
				writeFile(t, dir, name, text)
			}
			got, err := OpenTokenizer(dir)
			if test.err != "" {
				require.EqualError(t, err, dir+test.err)
				return
			}
			require.NoError(t, err)
			want := base
			want.EOG = slices.Clone(base.EOG)
			test.apply(&want)
			if len(got.EOG) == 0 {
				got.EOG = nil
			}
			require.Equal(t, want, *got)
		})
	}
}

// Without tokenizer.model the folder's tokenizer.json gives the same ids.
func TestStoriesTokenizerJSON(t *testing.T) {
	from := shared(t, "models/stories260k")
	dir := t.TempDir()
	for _, name := range []string{"tokenizer.json", "tokenizer_config.json", "config.json"} {
		text, err := os.ReadFile(filepath.Join(from, name))
		require.NoError(t, err)
		writeFile(t, dir, name, string(text))
	}
	byRank, err := OpenTokenizer(dir)
	require.NoError(t, err)
	byScore, err := OpenTokenizer(from)
	require.NoError(t, err)
	require.Equal(t, []int32{byScore.BOS, byScore.EOS, byScore.UNK}, []int32{byRank.BOS, byRank.EOS, byRank.UNK})
	require.Equal(t, byScore.AddBOS, byRank.AddBOS)
	a, err := tokenizer.New(*byRank)
	require.NoError(t, err)
	b, err := tokenizer.New(*byScore)
	require.NoError(t, err)
	const text = "Once upon a time, there was a little girl named Lily. She loved  to play 😀\n"
	require.Equal(t, b.Encode(text, tokenizer.Options{}), a.Encode(text, tokenizer.Options{}))
}
