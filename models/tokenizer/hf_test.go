package tokenizer_test

import (
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/llorch/llorch/models/tokenizer"
)

// hfOracle is what testdata/hf-oracle.py wrote.
type hfOracle struct {
	Texts []string  `json:"texts"`
	IDs   [][]int32 `json:"ids"`
	Words []struct {
		Pre  string  `json:"pre"`
		Ends [][]int `json:"ends"`
	} `json:"words"`
}

func readOracle(t *testing.T) (o hfOracle) {
	require.NoError(t, json.Unmarshal(read(t, "testdata/hf-oracle.json"), &o))
	require.Len(t, o.IDs, len(o.Texts))
	return o
}

// smallBPE is a byte-level vocabulary of 602 pieces.
func smallBPE(t testing.TB) tokenizer.Spec {
	spec, err := tokenizer.FromTokenizerJSON("bpe.json", read(t, "testdata/bpe.json"))
	require.NoError(t, err)
	return spec
}

// Hugging Face's tokenizers parses special pieces always.
func TestTokenizerJSON(t *testing.T) {
	tok := build(t, smallBPE(t))
	o := readOracle(t)
	require.GreaterOrEqual(t, len(o.Texts), 200)
	for i, text := range o.Texts {
		ids := tok.Encode(text, tokenizer.Options{Special: true})
		require.Equal(t, append([]int32{}, o.IDs[i]...), ids, "%q: %q", text, pieces(tok, ids))
	}
}

// Every pre-tokenizer cuts texts where Oniguruma does.
func TestWords(t *testing.T) {
	o := readOracle(t)
	require.Len(t, o.Words, len(tokenizer.PreTokenizers()))
	for i, pre := range tokenizer.PreTokenizers() {
		require.Equal(t, pre, o.Words[i].Pre)
		for j, want := range o.Words[i].Ends {
			require.Equal(t, want, tokenizer.WordEnds(pre, o.Texts[j]), "%q by %s", o.Texts[j], pre)
		}
	}
}

// Time grows with the text alone, even where an expression looks far ahead in vain, as DeepSeek LLM's \s+$ does.
func TestWordsOfLongTexts(t *testing.T) {
	for _, pre := range tokenizer.PreTokenizers() {
		for _, part := range []string{" ", "\t\n", "A", "a\u0301", "1", "'", "<sentinel:1", "一", "\u3000"} {
			text := strings.Repeat(part, 100_000) + "x"
			ends := tokenizer.WordEnds(pre, text)
			require.Equal(t, len(text), ends[len(ends)-1])
		}
	}
}

// ByteLevel and Digits stand for expressions of the table.
func TestNamedExpressions(t *testing.T) {
	require.Subset(t, tokenizer.Expressions(), tokenizer.NamedExpressions)
}

// The ways to write one SentencePiece vocabulary, by score and by merges, are one tokenizer.
func TestStories260KTokenizerJSON(t *testing.T) {
	path := shared(t, "models", "stories260k", "tokenizer.json")
	spec, err := tokenizer.FromTokenizerJSON(path, read(t, path))
	require.NoError(t, err)
	require.Equal(t, tokenizer.Ranked, spec.Model)
	require.Equal(t, []int32{0, 1, -1}, []int32{spec.UNK, spec.BOS, spec.EOS})
	require.True(t, spec.AddBOS)
	byRank := build(t, spec)
	byScore := load(t, shared(t, "models", "stories260k", "stories260k-f32.gguf"))
	texts := append(handmade(), strings.Repeat("Once upon a time, ", 1000))
	for r := rand.New(rand.NewPCG(5, 1)); len(texts) < 3000; {
		texts = append(texts, randomText(r, true))
	}
	for _, text := range texts {
		for _, opt := range []tokenizer.Options{{}, {Special: true}, {NoBOS: true}} {
			ids := byScore.Encode(text, opt)
			require.Equal(t, ids, byRank.Encode(text, opt), "%q", text)
			require.Equal(t, byScore.Decode(ids), byRank.Decode(ids))
		}
	}
}

// edit changes testdata/bpe.json.
func edit(t testing.TB, change func(file, model map[string]any)) []byte {
	var file map[string]any
	require.NoError(t, json.Unmarshal(read(t, "testdata/bpe.json"), &file))
	change(file, file["model"].(map[string]any))
	data, err := json.Marshal(file)
	require.NoError(t, err)
	return data
}

func parse(t testing.TB, text string) (v any) {
	require.NoError(t, json.Unmarshal([]byte(text), &v), text)
	return v
}

const (
	byteLevel = `{"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true,"use_regex":false}`
	llama3    = `{"type":"Split","pattern":{"Regex":"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"},"behavior":"Isolated","invert":false}`
	template  = `{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"b","type_id":0}},{"Sequence":{"id":"A","type_id":0}},{"SpecialToken":{"id":"e","type_id":0}}],"pair":[],"special_tokens":{"b":{"id":"b","ids":[1],"tokens":["b"]},"e":{"id":"e","ids":[2],"tokens":["e"]}}}`
)

// A file as Llama 3's.
func TestTokenizerJSONLikeLlama3(t *testing.T) {
	spec, err := tokenizer.FromTokenizerJSON("x", edit(t, func(file, model map[string]any) {
		file["pre_tokenizer"] = parse(t, `{"type":"Sequence","pretokenizers":[`+llama3+`,`+byteLevel+`]}`)
		file["post_processor"] = parse(t, `{"type":"Sequence","processors":[`+byteLevel+`,`+template+`]}`)
		model["ignore_merges"] = true
		var merges []any
		for _, m := range model["merges"].([]any) {
			pair := m.([]any)
			merges = append(merges, pair[0].(string)+" "+pair[1].(string))
		}
		model["merges"] = merges[:len(merges)-1] // of "ĠJ ohn", which only ignore_merges can make now
	}))
	require.NoError(t, err)
	require.Equal(t, "llama-bpe", spec.Pre)
	tok := build(t, spec)
	require.Equal(t, strings.Fields("<|im_start|> m e , ĠJohn ĠJ ohn s on <|im_end|>"), pieces(tok, tok.Encode("me, John Johnson", tokenizer.Options{})))
	require.Equal(t, strings.Fields("1 2 3 4"), pieces(tok, tok.Encode("1234", tokenizer.Options{NoBOS: true})))
}

func TestTokenizerJSONRefuses(t *testing.T) {
	for _, test := range []struct {
		key, value string // model.key for one of the model's
		want       string
	}{
		{"model", `{"type":"Unigram","vocab":[["a",0]]}`, `x: model: type "Unigram" is not supported, want "BPE"`},
		{"model", `null`, `x: has no model`},
		{"model.merges", `null`, `x: model: has no merges`},
		{"model.merges", `["a b", "a b"]`, `x: model: merge 1 "a b": is there twice`},
		{"model.merges", `["a b c"]`, `x: model: merge 0 "a b c": want two pieces with a space between`},
		{"model.merges", `[["a", "b c"]]`, `x: model: merge 0 ["a","b c"]: want two pieces without spaces`},
		{"model.merges", `["a §§"]`, `x: merge 0 "a §§": "§§" is no piece`},
		{"model.merges", `["x q"]`, `x: merge 0 "x q": "xq" is no piece`},
		{"model.vocab", `{"a": 0, "b": 0}`, `x: model: vocab: "a" and "b" have the same id 0`},
		{"model.vocab", `{"a": 7}`, `x: model: vocab: "a" has id 7, want 0 to 0, for each of 1 pieces one`},
		{"model.vocab", `{"a": -1}`, `x: model: vocab: "a" has id -1, want 0 to 0, for each of 1 pieces one`},
		{"model.dropout", `0.1`, `x: model: dropout 0.1 is not supported, want 0`},
		{"model.continuing_subword_prefix", `"##"`, `x: model: continuing_subword_prefix "##" is not supported`},
		{"model.end_of_word_suffix", `"</w>"`, `x: model: end_of_word_suffix "</w>" is not supported`},
		{"model.byte_fallback", `true`, `x: model: byte_fallback is not supported in a byte-level vocabulary`},
		{"normalizer", `{"type":"NFKC"}`, `x: pre_tokenizer: Digits is not supported behind a normalizer`},
		{"normalizer", `{"type":"Sequence","normalizers":[{"type":"NFC"},{"type":"Lowercase"}]}`, `x: pre_tokenizer: Digits is not supported behind a normalizer`},
		{"pre_tokenizer", `null`, `x: the tokenizer neither escapes spaces (Replace, Metaspace) nor is byte-level (ByteLevel), which is not supported`},
		{"pre_tokenizer", `{"type":"Whitespace"}`, `x: the tokenizer neither escapes spaces (Replace, Metaspace) nor is byte-level (ByteLevel), which is not supported`},
		{"pre_tokenizer", `{"type":"Sequence","pretokenizers":[{"type":"Punctuation"},` + byteLevel + `]}`, `x: pre_tokenizer: Punctuation is not supported, want Split, Digits or ByteLevel`},
		{"pre_tokenizer", `{"type":"Sequence","pretokenizers":[` + strings.Replace(llama3, "1,3", "1,4", 1) + `,` + byteLevel + `]}`,
			`x: pre_tokenizer: the regular expressions ["(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,4}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"] are those of no pre-tokenizer known here`},
		{"pre_tokenizer", `{"type":"Sequence","pretokenizers":[` + strings.Replace(llama3, "Isolated", "Removed", 1) + `,` + byteLevel + `]}`, `x: pre_tokenizer: Split: behavior "Removed", invert false is not supported, want "Isolated", false`},
		{"pre_tokenizer", `{"type":"Sequence","pretokenizers":[{"type":"Split","pattern":{"String":" "},"behavior":"Isolated","invert":false},` + byteLevel + `]}`, `x: pre_tokenizer: Split: is not by a regular expression, which is not supported`},
		{"pre_tokenizer", `{"type":"Sequence","pretokenizers":[` + byteLevel + `,` + byteLevel + `]}`, `x: pre_tokenizer: ByteLevel is not supported in front of other pre-tokenizers`},
		{"pre_tokenizer", strings.Replace(byteLevel, "false", "true", 1), `x: pre_tokenizer: ByteLevel: add_prefix_space = true is not supported`},
		{"pre_tokenizer", strings.Replace(byteLevel, "use_regex", "other", 1), `x: pre_tokenizer: ByteLevel: json: unknown field "other"`},
		{"pre_tokenizer", `{"type":"Metaspace","replacement":"▁","prepend_scheme":"first"}`, `x: pre_tokenizer: Metaspace: split = true is not supported`},
		{"pre_tokenizer", `{"type":"Metaspace","replacement":"_","split":false}`, `x: pre_tokenizer: Metaspace: replacement "_" is not supported, want "▁"`},
		{"post_processor", `{"type":"RobertaProcessing"}`, `x: post_processor: RobertaProcessing is not supported, want TemplateProcessing or ByteLevel`},
		{"post_processor", strings.Replace(template, "[1]", "[1,2]", 1), `x: post_processor: TemplateProcessing: special token "b" has the ids [1 2], want one of the vocabulary of 602 pieces`},
		{"post_processor", strings.Replace(template, `"single":[`, `"single":[{"SpecialToken":{"id":"e","type_id":0}},`, 1), `x: post_processor: TemplateProcessing: the template of one text has 4 steps, want the text, with at most one special token before and one behind it`},
		{"decoder", `{"type":"WordPiece"}`, `x: decoder: WordPiece is not supported in this tokenizer: {"type":"WordPiece"}`},
		{"added_tokens", `[{"id":5,"content":"x"}]`, `x: added_tokens: "x" has id 5, where the vocabulary has "#"`},
		{"added_tokens", `[{"id":700,"content":"x"}]`, `x: added_tokens: "x" has id 700, the vocabulary has 600 pieces, want the next id`},
		{"added_tokens", `[{"id":600,"content":"x y","single_word":true}]`, `x: added_tokens: "x y": single_word is not supported`},
	} {
		data := edit(t, func(file, model map[string]any) {
			if key, ok := strings.CutPrefix(test.key, "model."); ok {
				model[key] = parse(t, test.value)
				if key == "vocab" {
					model["merges"], file["added_tokens"] = []any{}, []any{}
				}
			} else {
				file[test.key] = parse(t, test.value)
			}
		})
		_, err := tokenizer.FromTokenizerJSON("x", data)
		require.EqualError(t, err, test.want)
	}
	_, err := tokenizer.FromTokenizerJSON("x", []byte("{"))
	require.EqualError(t, err, "x: unexpected end of JSON input")
}

// ranked is a SentencePiece vocabulary written as merges.
func ranked(t *testing.T, normalizer, cutter string) *tokenizer.Tokenizer {
	data := `{"added_tokens":[{"id":0,"content":"<unk>","special":true},{"id":1,"content":"<s>","special":true}],
		"normalizer":` + normalizer + `,"pre_tokenizer":` + cutter + `,
		"model":{"type":"BPE","unk_token":"<unk>","fuse_unk":true,"vocab":{"<unk>":0,"<s>":1,"▁":2,"a":3,"b":4,"▁a":5},"merges":["▁ a"]}}`
	spec, err := tokenizer.FromTokenizerJSON("x", []byte(data))
	require.NoError(t, err)
	return build(t, spec)
}

func TestSpacePrefix(t *testing.T) {
	const escape = `{"type":"Replace","pattern":{"String":" "},"content":"▁"}`
	metaspace := func(scheme string) string {
		return `{"type":"Metaspace","replacement":"▁","prepend_scheme":"` + scheme + `","split":false}`
	}
	for _, test := range []struct{ normalizer, cutter, want string }{
		{`{"type":"Sequence","normalizers":[{"type":"Prepend","prepend":"▁"},` + escape + `]}`, `null`, "▁a <s> ▁ ▁a b <unk> ▁ b"},
		{escape, `null`, "a <s> ▁a b <unk> ▁ b"},
		{escape, `{"type":"Split","pattern":{"String":" "},"behavior":"MergedWithPrevious","invert":false}`, "a <s> ▁a b <unk> ▁ b"}, // Gemma's
		{`null`, metaspace("always"), "▁a <s> ▁a b <unk> ▁ b"},
		{`null`, metaspace("first"), "▁a <s> ▁a b <unk> ▁ b"},
		{`null`, metaspace("never"), "a <s> ▁a b <unk> ▁ b"},
	} {
		tok := ranked(t, test.normalizer, test.cutter)
		require.Equal(t, strings.Fields(test.want), pieces(tok, tok.Encode("a<s> abxyz b", tokenizer.Options{Special: true})), test)
	}
	tok := ranked(t, `null`, metaspace("first"))
	require.Equal(t, strings.Fields("▁a <s> a"), pieces(tok, tok.Encode("a<s>a", tokenizer.Options{Special: true})))
	require.Equal(t, strings.Fields("<s> a"), pieces(tok, tok.Encode("<s>a", tokenizer.Options{Special: true})))
	tok = ranked(t, `null`, metaspace("always"))
	require.Equal(t, strings.Fields("▁a <s> ▁a"), pieces(tok, tok.Encode("a<s>a", tokenizer.Options{Special: true})))
}

// A file as Qwen 2's and 3's: text is put into normal form C, but for the special pieces, before it is cut.
func TestTokenizerJSONOfNFC(t *testing.T) {
	qwen2 := strings.Replace(llama3, "{1,3}", "", 1)
	file := func(normalizer string) *tokenizer.Tokenizer {
		spec, err := tokenizer.FromTokenizerJSON("x", edit(t, func(file, _ map[string]any) {
			file["normalizer"] = parse(t, normalizer)
			file["pre_tokenizer"] = parse(t, `{"type":"Sequence","pretokenizers":[`+qwen2+`,`+byteLevel+`]}`)
			for _, a := range file["added_tokens"].([]any) {
				a.(map[string]any)["normalized"] = false
			}
		}))
		require.NoError(t, err)
		require.Equal(t, "qwen2", spec.Pre)
		return build(t, spec)
	}
	plain, nfc := file(`null`), file(`{"type":"NFC"}`)
	opt := tokenizer.Options{}
	require.NotEqual(t, plain.Encode("caf\u00e9", opt), plain.Encode("cafe\u0301", opt))
	require.Equal(t, plain.Encode("caf\u00e9 \uac01", opt), nfc.Encode("cafe\u0301 \u1100\u1161\u11a8", opt))
	require.Equal(t, plain.Encode("a \xff b", opt), nfc.Encode("a \xff b", opt))
	for _, text := range readOracle(t).Texts {
		if isASCII(text) {
			require.Equal(t, plain.Encode(text, opt), nfc.Encode(text, opt), "%q", text)
		}
	}
	_, err := tokenizer.FromTokenizerJSON("x", []byte(`{"normalizer":{"type":"NFC"},"pre_tokenizer":{"type":"Metaspace","replacement":"▁","split":false},"model":{"unk_token":"a","fuse_unk":true,"vocab":{"a":0},"merges":[]}}`))
	require.EqualError(t, err, "x: pre_tokenizer: Metaspace is not supported behind NFC")
}

func isASCII(text string) bool {
	return strings.IndexFunc(text, func(r rune) bool { return r >= 0x80 }) < 0
}

func FuzzFromTokenizerJSON(f *testing.F) {
	small := `{"added_tokens":[{"id":3,"content":"<s>","special":true,"lstrip":true}],"pre_tokenizer":` + byteLevelGPT2 + `,"model":{"vocab":{"a":0,"b":1,"ab":2},"merges":["a b"]}}`
	f.Add([]byte(small))
	f.Add([]byte(strings.Replace(small, `["a b"]`, `[["a","b"]]`, 1)))
	f.Add([]byte(`{"normalizer":{"type":"Replace","pattern":{"String":" "},"content":"▁"},"model":{"type":"BPE","unk_token":"a","fuse_unk":true,"vocab":{"a":0,"b":1,"ab":2},"merges":["a b"]}}`))
	f.Add([]byte(`{"pre_tokenizer":{"type":"Metaspace","replacement":"▁","split":false},"post_processor":` + template + `,"model":{"unk_token":"a","fuse_unk":true,"vocab":{"a":0,"b":1,"c":2},"merges":[]}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		spec, err := tokenizer.FromTokenizerJSON("x", data)
		if err != nil {
			require.Contains(t, err.Error(), "x: ")
			return
		}
		tok, err := tokenizer.New(spec)
		require.NoError(t, err)
		for _, id := range tok.Encode(" ab <s>\xff\n", tokenizer.Options{Special: true}) {
			require.NotEmpty(t, tok.Piece(id))
		}
	})
}

const byteLevelGPT2 = `{"type":"ByteLevel","add_prefix_space":false}`
