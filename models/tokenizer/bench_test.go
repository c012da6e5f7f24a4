package tokenizer_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/llorch/llorch/models/tokenizer"
)

func BenchmarkEncodeBPE(b *testing.B) {
	tok := load(b, smollm2(b))
	austen := read(b, shared(b, "data", "austen-train.txt"))
	for _, text := range []struct{ name, text string }{
		{"english", string(austen)},
		{"one-letter", strings.Repeat("a", 1<<20)}, // a single word: the queue at its longest
		{"spaces", strings.Repeat(" ", 1<<20)},
		{"emoji", strings.Repeat("🦙", 1<<18)},
		{"code", strings.Repeat("func main() {\n\tfmt.Println(\"hi\")\n}\n", 1<<15)},
	} {
		b.Run(text.name, func(b *testing.B) {
			b.SetBytes(int64(len(text.text)))
			for b.Loop() {
				tok.Encode(text.text, tokenizer.Options{})
			}
		})
	}
}

// BenchmarkNewBPE reads and builds SmolLM2's vocabulary, and one of the size of Llama 3's.
func BenchmarkNewBPE(b *testing.B) {
	large := everyPair("llama-bpe")
	tokens, merges := large["tokenizer.ggml.tokens"].([]string), large["tokenizer.ggml.merges"].([]string)
	for _, m := range merges[:62_000] { // with a letter behind, in two ways
		left, right, _ := strings.Cut(m, " ")
		tokens = append(tokens, left+right+"a")
		merges = append(merges, left+right+" a", left+" "+right+"a")
	}
	large["tokenizer.ggml.tokens"], large["tokenizer.ggml.merges"] = tokens, merges
	b.Run("128k", func(b *testing.B) { benchmarkNew(b, large) })
	b.Run("SmolLM2", func(b *testing.B) { benchmarkNew(b, readMetadata(b, smollm2(b))) })
}

func benchmarkNew(b *testing.B, md metadata) {
	b.Run("read", func(b *testing.B) {
		for b.Loop() {
			_, err := tokenizer.FromGGUF("", md)
			require.NoError(b, err)
		}
	})
	spec, err := tokenizer.FromGGUF("", md)
	require.NoError(b, err)
	b.Run("build", func(b *testing.B) {
		for b.Loop() {
			_, err := tokenizer.New(spec)
			require.NoError(b, err)
		}
	})
}
