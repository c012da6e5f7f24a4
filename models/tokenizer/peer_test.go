package tokenizer_test

import (
	"bytes"
	"cmp"
	"encoding/hex"
	"encoding/json"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/llorch/llorch/models/tokenizer"
)

// What llama.cpp makes of texts with shared/data/vocab-llama-spm.gguf, and with
// testdata/bpe.json as a GGUF.
const (
	spmOracle = "testdata/spm-oracle.json"
	bpeOracle = "testdata/bpe-oracle.json"
)

// An oracleCase is a text and its ids.
type oracleCase struct {
	Text    string  `json:"text,omitempty"`
	Hex     string  `json:"hex,omitempty"` // instead of Text where it is not valid UTF-8
	IDs     []int32 `json:"ids"`
	Special []int32 `json:"special,omitempty"` // with Options.Special, where that differs
}

// TestOracle compares with llama.cpp's ids of texts made by randomText and by hand.
func TestOracle(t *testing.T) {
	checkOracle(t, load(t, shared(t, "data", "vocab-llama-spm.gguf")), spmOracle)
}

func TestOracleBPE(t *testing.T) {
	spec, err := tokenizer.FromGGUF("", smallGGUF(t))
	require.NoError(t, err)
	checkOracle(t, build(t, spec), bpeOracle)
}

func checkOracle(t *testing.T, tok *tokenizer.Tokenizer, oracle string) {
	var cases []oracleCase
	require.NoError(t, json.Unmarshal(read(t, oracle), &cases))
	require.Greater(t, len(cases), 250)
	for _, c := range cases {
		if c.Hex != "" {
			b, err := hex.DecodeString(c.Hex)
			require.NoError(t, err)
			c.Text = string(b)
		}
		if c.Special == nil {
			c.Special = c.IDs
		}
		require.Equal(t, c.IDs, tok.Encode(c.Text, tokenizer.Options{}), "%q", c.Text)
		require.Equal(t, c.IDs[1:], tok.Encode(c.Text, tokenizer.Options{NoBOS: true}), "%q", c.Text)
		require.Equal(t, c.Special, tok.Encode(c.Text, tokenizer.Options{Special: true}), "%q", c.Text)
	}
}

// smallGGUF is testdata/bpe.json as a GGUF's keys.
func smallGGUF(t testing.TB) metadata {
	spec := smallBPE(t)
	var tokens []string
	var types []int32
	for _, p := range spec.Pieces {
		tokens, types = append(tokens, p.Text), append(types, int32(p.Type))
	}
	return metadata{
		"general.architecture":         "llama",
		"tokenizer.ggml.model":         "gpt2",
		"tokenizer.ggml.pre":           spec.Pre,
		"tokenizer.ggml.tokens":        tokens,
		"tokenizer.ggml.token_type":    types,
		"tokenizer.ggml.merges":        spec.Merges,
		"tokenizer.ggml.bos_token_id":  uint64(1),
		"tokenizer.ggml.eos_token_id":  uint64(2),
		"tokenizer.ggml.add_bos_token": true,
	}
}

// TestPeer compares the ids of random texts and of Austen's with those that
// llama.cpp itself gives, which takes npm and gcc the first time. LLORCH_PEERGEN
// is another number of texts than 10,000, or "oracle", which rewrites
// spmOracle and bpeOracle.
func TestPeer(t *testing.T) {
	vocab := shared(t, "data", "vocab-llama-spm.gguf")
	if out, err := exec.Command(shared(t, "tools", "peergen.sh"), vocab, "tokenize").CombinedOutput(); err != nil && os.Getenv("LLORCH_PEERGEN") == "" {
		t.Skipf("peergen.sh, which needs npm and gcc, does not run here: %v: %.200s", err, out)
	}
	want := cmp.Or(os.Getenv("LLORCH_PEERGEN"), "10000")
	if want == "oracle" {
		writeOracle(t, vocab, spmOracle, true)
		writeOracle(t, writeMetadata(t, smallGGUF(t)), bpeOracle, false)
		return
	}
	n, err := strconv.Atoi(want)
	require.NoError(t, err)
	t.Run("SentencePiece", func(t *testing.T) { comparePeer(t, vocab, n, true) })
	t.Run("SmolLM2", func(t *testing.T) { comparePeer(t, smollm2(t), n, false) })
}

// smollm2 is the path of SmolLM2-135M-Instruct.Q4_1.gguf, from LLORCH_SMOLLM2
// or the user's cache.
func smollm2(t testing.TB) string {
	path := os.Getenv("LLORCH_SMOLLM2")
	if path == "" {
		cache, err := os.UserCacheDir()
		require.NoError(t, err)
		path = filepath.Join(cache, "llorch", "SmolLM2-135M-Instruct.Q4_1.gguf")
	}
	if _, err := os.Stat(path); err != nil {
		t.Skipf("%s is absent; LLORCH_SMOLLM2 may name another", path)
	}
	return path
}

// comparePeer compares n random texts, and some that are not random.
func comparePeer(t *testing.T, vocab string, n int, beyond bool) {
	texts := handmade()
	for r := rand.New(rand.NewPCG(2, 1)); n > 0; n-- {
		texts = append(texts, randomText(r, beyond))
	}
	austen, err := os.ReadFile(shared(t, "data", "austen-heldout.txt"))
	require.NoError(t, err)
	texts = append(texts, strings.Split(string(austen), "\n")...)
	texts = append(texts, string(austen))
	tok := load(t, vocab)
	for _, opt := range []tokenizer.Options{{}, {Special: true}, {NoBOS: true}, {NoBOS: true, Special: true}} {
		agree := 0
		for i, ids := range askPeer(t, vocab, texts, opt) {
			if got := tok.Encode(texts[i], opt); slices.Equal(got, ids) {
				agree++
			} else if i-agree < 10 {
				t.Errorf("%+v %q:\n got %v\nwant %v", opt, texts[i], got, ids)
			}
		}
		t.Logf("%+v: %d of %d texts agree", opt, agree, len(texts))
	}
}

func handmade() []string {
	texts := []string{"", " ", "  ", "\n", " Hello", "Hello", "<s>", " <s> ", "<s><s>", "</s>x</s>", "a<unk>b", "<s></s", "\t<s>\n", "▁", "\xe2\x96\x81\xe2\x96", strings.Repeat("a", 300), strings.Repeat(" ", 200), strings.Repeat("ab ", 100), strings.Repeat("😀", 50)}
	for _, kind := range atoms {
		texts = append(texts, kind...)
	}
	return texts
}

func writeOracle(t *testing.T, vocab, oracle string, beyond bool) {
	texts := handmade()
	for r := rand.New(rand.NewPCG(1, 2)); len(texts) < 400; {
		texts = append(texts, randomText(r, beyond))
	}
	plain, special := askPeer(t, vocab, texts, tokenizer.Options{}), askPeer(t, vocab, texts, tokenizer.Options{Special: true})
	out := []byte("[\n")
	for i, text := range texts {
		c := oracleCase{Text: text, IDs: plain[i]}
		if !utf8.ValidString(text) {
			c.Text, c.Hex = "", hex.EncodeToString([]byte(text))
		}
		if !slices.Equal(special[i], c.IDs) {
			c.Special = special[i]
		}
		line, err := json.Marshal(c)
		require.NoError(t, err)
		out = append(append(out, line...), ",\n"...)
	}
	out = append(bytes.TrimSuffix(out, []byte(",\n")), "\n]\n"...)
	require.NoError(t, os.WriteFile(oracle, out, 0o644))
}

func askPeer(t *testing.T, vocab string, texts []string, opt tokenizer.Options) [][]int32 {
	args := []string{vocab, "tokenize"}
	if opt.Special {
		args = append(args, "--special")
	}
	if opt.NoBOS {
		args = append(args, "--no-bos")
	}
	cmd := exec.Command(shared(t, "tools", "peergen.sh"), args...)
	cmd.Stdin = strings.NewReader(strings.Join(texts, "\x00") + "\x00")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	require.NoError(t, err)
	var all [][]int32
	for line := range bytes.Lines(out) {
		ids := []int32{}
		require.NoError(t, json.Unmarshal(line, &ids))
		all = append(all, ids)
	}
	require.Len(t, all, len(texts))
	return all
}

// everyPair is a vocabulary that shows where words end: every two bytes merge,
// in an order that tells the pairs apart.
func everyPair(pre string) metadata {
	var chars, pairs []string
	for b := range 256 {
		chars = append(chars, byteChar(byte(b)))
	}
	for i := range 1 << 16 {
		j := i * 40503 & 0xffff // odd, so that it is a permutation
		pairs = append(pairs, chars[j>>8]+" "+chars[j&255])
	}
	tokens := slices.Clone(chars)
	for _, p := range pairs {
		tokens = append(tokens, strings.Replace(p, " ", "", 1))
	}
	return metadata{
		"general.architecture":        "llama",
		"tokenizer.ggml.model":        "gpt2",
		"tokenizer.ggml.pre":          pre,
		"tokenizer.ggml.tokens":       tokens,
		"tokenizer.ggml.merges":       pairs,
		"tokenizer.ggml.bos_token_id": uint64(0),
		"tokenizer.ggml.eos_token_id": uint64(1),
	}
}

func byteChar(b byte) string {
	if b > 0x20 && b < 0x7f || b > 0xa0 && b != 0xad {
		return string(rune(b))
	}
	next := 0x100
	for c := range int(b) {
		if c <= 0x20 || c >= 0x7f && c <= 0xa0 {
			next++
		}
	}
	return string(rune(next))
}

// approximate are the pre-tokenizers whose letters llama.cpp approximates: it
// takes small and capital ones, marks and Han for plain letters there.
var approximate = []string{"gpt-4o", "tekken", "youtu", "kimi-k2"}

// differing are what llama.cpp's other expressions see otherwise: it folds no
// "ſ" to "s", and DeepSeek's ranges do not have the spaces in them.
func differing(pre string) string {
	if strings.HasPrefix(pre, "deepseek-") {
		return "\u1680\u2003\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
	}
	return "ſ"
}

// TestPeerWords compares where llama.cpp ends words, for every pre-tokenizer.
// It takes minutes, and LLORCH_PEERGEN to be set.
func TestPeerWords(t *testing.T) {
	n, err := strconv.Atoi(os.Getenv("LLORCH_PEERGEN"))
	if err != nil {
		t.Skip("LLORCH_PEERGEN is no number of texts")
	}
	for _, pre := range tokenizer.PreTokenizers() {
		if slices.Contains(approximate, pre) {
			continue
		}
		var texts []string
		for r := rand.New(rand.NewPCG(3, 1)); len(texts) < n; {
			if text := randomText(r, false); !strings.ContainsAny(text, differing(pre)) {
				texts = append(texts, text)
			}
		}
		md := everyPair(pre)
		spec, err := tokenizer.FromGGUF("", md)
		require.NoError(t, err)
		tok := build(t, spec)
		agree := 0
		for i, ids := range askPeer(t, writeMetadata(t, md), texts, tokenizer.Options{}) {
			if got := tok.Encode(texts[i], tokenizer.Options{}); slices.Equal(got, ids) {
				agree++
			} else if i-agree < 3 {
				t.Errorf("%s: %q:\n got %q\nwant %q", pre, texts[i], pieces(tok, got), pieces(tok, ids))
			}
		}
		t.Logf("%s: %d of %d texts agree", pre, agree, n)
	}
}
