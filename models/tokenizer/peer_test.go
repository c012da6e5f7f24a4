package tokenizer_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/llorch/llorch/models/tokenizer"
)

const oracle = "testdata/spm-oracle.json"

// An oracleCase is a text and what llama.cpp makes of it with the vocabulary
// shared/data/vocab-llama-spm.gguf.
type oracleCase struct {
	Text    string  `json:"text,omitempty"`
	Hex     string  `json:"hex,omitempty"` // instead of Text where it is not valid UTF-8
	IDs     []int32 `json:"ids"`
	Special []int32 `json:"special,omitempty"` // with Options.Special, where that differs
}

// TestOracle compares with llama.cpp's ids of texts made by randomText and by hand.
func TestOracle(t *testing.T) {
	tok := load(t, shared(t, "data", "vocab-llama-spm.gguf"))
	data, err := os.ReadFile(oracle)
	require.NoError(t, err)
	var cases []oracleCase
	require.NoError(t, json.Unmarshal(data, &cases))
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

// TestPeer asks llama.cpp itself, which takes npm and gcc:
//
//	LLORCH_PEERGEN=10000 go test -run TestPeer -v        compares that many random texts and Austen's
//	LLORCH_PEERGEN=oracle go test -run TestPeer          rewrites testdata/spm-oracle.json
//
// LLORCH_PEERVOCAB names another GGUF than the shared one, to compare with.
func TestPeer(t *testing.T) {
	want := os.Getenv("LLORCH_PEERGEN")
	if want == "" {
		t.Skip("LLORCH_PEERGEN is not set")
	}
	if want == "oracle" {
		writeOracle(t)
		return
	}
	n, err := strconv.Atoi(want)
	require.NoError(t, err)
	r := rand.New(rand.NewPCG(rand.Uint64(), 1))
	texts := handmade()
	for range n {
		texts = append(texts, randomText(r))
	}
	austen, err := os.ReadFile(shared(t, "data", "austen-heldout.txt"))
	require.NoError(t, err)
	texts = append(texts, strings.Split(string(austen), "\n")...)
	texts = append(texts, string(austen))
	tok := load(t, peerVocab(t))
	for _, opt := range []tokenizer.Options{{}, {Special: true}, {NoBOS: true}, {NoBOS: true, Special: true}} {
		agree := 0
		for i, ids := range askPeer(t, texts, opt) {
			if got := tok.Encode(texts[i], opt); slices.Equal(got, ids) {
				agree++
			} else {
				t.Errorf("%+v %q:\n got %v\nwant %v", opt, texts[i], got, ids)
			}
		}
		t.Logf("%+v: %d of %d texts agree", opt, agree, len(texts))
	}
}

func peerVocab(t *testing.T) string {
	if path := os.Getenv("LLORCH_PEERVOCAB"); path != "" {
		return path
	}
	return shared(t, "data", "vocab-llama-spm.gguf")
}

func handmade() []string {
	texts := []string{"", " ", "  ", "\n", " Hello", "Hello", "<s>", " <s> ", "<s><s>", "</s>x</s>", "a<unk>b", "<s></s", "\t<s>\n", "▁", "\xe2\x96\x81\xe2\x96", strings.Repeat("a", 300), strings.Repeat(" ", 200), strings.Repeat("ab ", 100), strings.Repeat("😀", 50)}
	for _, kind := range atoms {
		texts = append(texts, kind...)
	}
	return texts
}

func writeOracle(t *testing.T) {
	texts := handmade()
	for r := rand.New(rand.NewPCG(1, 2)); len(texts) < 330; {
		texts = append(texts, randomText(r))
	}
	plain, special := askPeer(t, texts, tokenizer.Options{}), askPeer(t, texts, tokenizer.Options{Special: true})
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

func askPeer(t *testing.T, texts []string, opt tokenizer.Options) [][]int32 {
	args := []string{peerVocab(t), "tokenize"}
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
