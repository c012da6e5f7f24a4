package tokenizer_test

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/llorch/llorch/models/tokenizer"
)

func TestEncode(t *testing.T) {
	letters := normal(-10, "▁", "a", "b", "c", "<", "s", ">", "é")
	merges := slices.Concat(letters, normal(-1, "ab"), normal(-2, "bc", "▁a"), normal(-3, "abc", "▁ab"))
	tests := []struct {
		name    string
		spec    tokenizer.Spec
		text    string
		special bool
		want    string // pieces, a space between
	}{
		{"empty", vocab(allBytes, merges...), "", false, ""},
		{"best score first", vocab(allBytes, merges...), "abc", false, "▁ab c"},
		{"spaces are characters", vocab(allBytes, merges...), "ab c", false, "▁ab ▁ c"},
		{"a lower score is better than none", vocab(allBytes, merges...), "bbc", false, "▁ b bc"},
		{"no path to the whole", vocab(allBytes, slices.Concat(letters, normal(-1, "abc"))...), "abc", false, "▁ a b c"},
		{"ties go to the left", vocab(allBytes, slices.Concat(letters, normal(-1, "aa"))...), "aaaaa", false, "▁ aa aa a"},
		{"ties of different pieces", vocab(allBytes, slices.Concat(letters, normal(-1, "bc", "ab"))...), "abc", false, "▁ ab c"},
		{"a run of spaces", vocab(allBytes, slices.Concat(letters, normal(-1, "▁▁"))...), "  a", false, "▁▁ ▁ a"},
		{"two-byte character", vocab(allBytes, letters...), "éa", false, "▁ é a"},

		{"byte fallback", vocab(allBytes, letters...), "😀a", false, "▁ <0xF0> <0x9F> <0x98> <0x80> a"},
		{"newline", vocab(allBytes, letters...), "\n", false, "▁ <0x0A>"},
		{"byte pieces cannot be spelt", vocab(allBytes, letters...), "<0x0A>", false, "▁ < <0x30> <0x78> <0x30> <0x41> >"},
		{"unknown where a byte is missing", vocab(0x90, letters...), "\u0082a", false, "▁ <unk> <0x82> a"},
		{"unknown beside a byte", vocab(0xa0, letters...), "\xf0\x9fa", false, "▁ <unk> <0x9F> <0x61>"},
		{"one unknown a run", vocab(noBytes, letters...), "x日ya z", false, "▁ <unk> a ▁ <unk>"},
		{"byte pieces without fallback", without(vocab(allBytes, letters...)), "x", false, "▁ <unk>"},

		{"stray continuation byte", vocab(allBytes, letters...), "\x80a", false, "▁ <0x80> a"},
		{"a lead byte swallows what follows", vocab(allBytes, letters...), "\xc3ab", false, "▁ <0xC3> <0x61> b"},
		{"cut short", vocab(allBytes, letters...), "a\xf0\x9f", false, "▁ a <0xF0> <0x9F>"},
		{"NUL", vocab(allBytes, letters...), "a\x00", false, "▁ a <0x00>"},

		{"control is text", vocab(allBytes, slices.Concat(letters, normal(-1, "<s"))...), "a<s>", false, "▁ a <s >"},
		{"control", vocab(allBytes, letters...), "a<s>b</s>", true, "▁ a <s> ▁ b </s>"},
		{"unknown as written", vocab(allBytes, letters...), "<unk>", true, "<unk>"},
		{"user-defined", vocab(allBytes, slices.Concat(letters, piece("bc", 0, tokenizer.UserDefined))...), "abca", false, "▁ a bc ▁ a"},
		{"user-defined in merges' way", vocab(allBytes, slices.Concat(merges, piece("ca", 0, tokenizer.UserDefined))...), "abca", false, "▁ab ca"},
		{"longer ones first", vocab(allBytes, slices.Concat(letters, piece("ab", 0, tokenizer.UserDefined), piece("bcb", 0, tokenizer.UserDefined))...), "abcbab", false, "▁ a bcb ab"},
		{"overlapping itself", vocab(allBytes, slices.Concat(letters, piece("aa", 0, tokenizer.UserDefined), piece("aaa", 0, tokenizer.UserDefined))...), "aaaaaaaa", false, "aaa aaa aa"},
		{"equally long: the first", vocab(allBytes, slices.Concat(letters, piece("bc", 0, tokenizer.UserDefined), piece("ab", 0, tokenizer.UserDefined))...), "abc", false, "▁ a bc"},

		{"unused comes apart", vocab(allBytes, slices.Concat(letters, normal(-2, "ab"), piece("abc", -1, tokenizer.Unused))...), "abc", false, "▁ ab c"},
		{"unused leads on", vocab(allBytes, slices.Concat(letters, normal(-2, "abc"), piece("ab", -1, tokenizer.Unused))...), "abcab", false, "▁ abc a b"},
		{"unused character", vocab(allBytes, slices.Concat(letters, piece("x", -1, tokenizer.Unused))...), "x", false, "▁ x"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			tok := build(t, test.spec)
			got := pieces(tok, tok.Encode(test.text, tokenizer.Options{Special: test.special}))
			require.Equal(t, strings.Fields(test.want), got)
		})
	}
}

// Of many equally long pieces, too, the first in the vocabulary is matched first.
func TestEquallyLongUserDefined(t *testing.T) {
	list := normal(-1, "▁", "a", "z")
	for c := 'y'; c > 'a'; c-- {
		list = append(list, piece(string([]rune{c, c + 1}), 0, tokenizer.UserDefined)...)
	}
	tok := build(t, vocab(noBytes, list...))
	require.Equal(t, strings.Fields("▁ a <unk> cd ef gh ij kl mn op qr st uv wx yz"), pieces(tok, tok.Encode("abcdefghijklmnopqrstuvwxyz", tokenizer.Options{})))
}

func without(s tokenizer.Spec) tokenizer.Spec {
	s.ByteFallback = false
	return s
}

// A control piece cannot be forged even where merges lead to its text.
func TestControlIsNotMerged(t *testing.T) {
	tok := build(t, vocab(allBytes, normal(-1, "▁", "<", "s", ">", "<s", "s>")...))
	require.Equal(t, []string{"▁", "<s", ">"}, pieces(tok, tok.Encode("<s>", tokenizer.Options{})))
}

func TestEncodeSettings(t *testing.T) {
	spec := vocab(noBytes, normal(-1, "▁", "a", "b", "\t")...)
	encode := func(text string, opt tokenizer.Options, change func(*tokenizer.Spec)) string {
		s := spec
		change(&s)
		tok := build(t, s)
		return strings.Join(pieces(tok, tok.Encode(text, opt)), " ")
	}
	plain := tokenizer.Options{}
	require.Equal(t, "a ▁ b", encode("a b", plain, func(s *tokenizer.Spec) { s.AddSpacePrefix = false }))
	require.Equal(t, "<s> ▁ a", encode("a", plain, func(s *tokenizer.Spec) { s.AddBOS = true }))
	require.Equal(t, "<s>", encode("", plain, func(s *tokenizer.Spec) { s.AddBOS = true }))
	require.Equal(t, "<s> ▁ a </s>", encode("a", plain, func(s *tokenizer.Spec) { s.AddBOS, s.AddEOS = true, true }))
	require.Equal(t, "▁ a", encode("a", tokenizer.Options{NoBOS: true}, func(s *tokenizer.Spec) { s.AddBOS, s.AddEOS = true, true }))
	require.Equal(t, "▁ a ▁ b", encode("  a   b ", plain, func(s *tokenizer.Spec) { s.RemoveExtraWhitespaces = true }))
	require.Equal(t, "▁ \t ▁ \t", encode("\t \t", plain, func(s *tokenizer.Spec) { s.RemoveExtraWhitespaces = true }))
	require.Equal(t, "", encode("   ", plain, func(s *tokenizer.Spec) { s.RemoveExtraWhitespaces = true }))
}

// slowEncode merges by searching all neighbours of the whole text for the best
// each time.
func slowEncode(spec tokenizer.Spec, text string) []string {
	score := map[string]float32{}
	for _, p := range spec.Pieces {
		if p.Type == tokenizer.Normal {
			score[p.Text] = p.Score
		}
	}
	symbols := strings.Split("▁"+strings.ReplaceAll(text, " ", "▁"), "")
	for {
		best := -1
		for i := range len(symbols) - 1 {
			s, ok := score[symbols[i]+symbols[i+1]]
			if ok && (best < 0 || s > score[symbols[best]+symbols[best+1]]) {
				best = i
			}
		}
		if best < 0 {
			return symbols
		}
		symbols = slices.Replace(symbols, best, best+2, symbols[best]+symbols[best+1])
	}
}

func TestEncodeIsGreedyMerging(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		list := normal(-100, "▁", "a", "b", "é", "日")
		texts := rapid.SliceOfNDistinct(rapid.StringOfN(rapid.SampledFrom([]rune("ab▁é日")), 2, 5, -1), 0, 25, rapid.ID).Draw(t, "pieces")
		for _, text := range texts {
			list = append(list, normal(float32(rapid.IntRange(-4, 0).Draw(t, "score")), text)...)
		}
		spec := vocab(noBytes, list...)
		tok, err := tokenizer.New(spec)
		require.NoError(t, err)
		text := rapid.StringOfN(rapid.SampledFrom([]rune("ab é日")), 1, 40, -1).Draw(t, "text")
		require.Equal(t, slowEncode(spec, text), pieces(tok, tok.Encode(text, tokenizer.Options{})))
	})
}

func FuzzRoundTrip(f *testing.F) {
	list := normal(-10, "▁", "a", "b", "e", "t", "h", "é", "日", "<", ">", "s")
	tok := build(f, vocab(allBytes, slices.Concat(list, normal(-1, "th", "▁a", "▁▁", "日b"), normal(-2, "the", "▁the", "▁▁▁▁"))...))
	for _, kind := range atoms {
		f.Add(strings.Join(kind, " "))
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, id := range tok.Encode(text, tokenizer.Options{Special: true}) {
			require.NotEmpty(t, tok.Piece(id))
		}
		ids := tok.Encode(text, tokenizer.Options{})
		require.NotContains(t, ids, tok.BOS())
		require.NotContains(t, ids, tok.UNK())
		got := tok.Decode(ids)
		require.True(t, utf8.ValidString(got))
		if utf8.ValidString(text) {
			require.Equal(t, strings.ReplaceAll(text, "▁", " "), got)
		}
	})
}

func FuzzRoundTripBPE(f *testing.F) {
	tok := build(f, smallBPE(f))
	for _, kind := range atoms {
		f.Add(strings.Join(kind, " "))
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, id := range tok.Encode(text, tokenizer.Options{Special: true}) {
			require.NotEmpty(t, tok.Piece(id))
		}
		ids := tok.Encode(text, tokenizer.Options{})
		for _, id := range ids {
			require.False(t, tok.IsEOG(id), "text forges %q", tok.Piece(id))
		}
		got := tok.Decode(ids)
		require.True(t, utf8.ValidString(got))
		if utf8.ValidString(text) {
			require.Equal(t, text, got)
		}
		s := tok.Stream(nil)
		var b strings.Builder
		for _, id := range ids {
			b.WriteString(s.Next(id))
		}
		require.Equal(t, got, b.String()+s.Flush())
	})
}

// slowBPE merges one word by searching all neighbours for the first merge in the list each time.
func slowBPE(merges []string, word string) []string {
	symbols := strings.Split(word, "")
	for _, m := range merges {
		left, right, _ := strings.Cut(m, " ")
		for i := 0; i+1 < len(symbols); i++ {
			if symbols[i] == left && symbols[i+1] == right {
				symbols = slices.Replace(symbols, i, i+2, left+right)
			}
		}
	}
	return symbols
}

// Short words are merged by scanning, long ones by a queue; both as slowBPE does, which goes through the merges once, as it
// may where every merge stands behind those that make its parts.
func TestMergesByRank(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		list := normal(0, "a", "b", "c")
		var merges []string
		for range rapid.IntRange(0, 12).Draw(t, "merges") {
			left, right := rapid.SampledFrom(list).Draw(t, "left").Text, rapid.SampledFrom(list).Draw(t, "right").Text
			if !slices.ContainsFunc(list, func(p tokenizer.Piece) bool { return p.Text == left+right }) {
				list = append(list, normal(0, left+right)...)
				merges = append(merges, left+" "+right)
			}
		}
		spec := tokenizer.Spec{Model: tokenizer.BPE, Pre: "gpt-2", Pieces: list, Merges: merges, BOS: -1, EOS: -1, UNK: -1}
		tok, err := tokenizer.New(spec)
		require.NoError(t, err)
		word := rapid.StringOfN(rapid.SampledFrom([]rune("abc")), 1, rapid.SampledFrom([]int{6, 48, 49, 200}).Draw(t, "most"), -1).Draw(t, "word")
		require.Equal(t, slowBPE(merges, word), pieces(tok, tok.Encode(word, tokenizer.Options{})))
	})
}

func BenchmarkEncode(b *testing.B) {
	tok := load(b, shared(b, "data", "vocab-llama-spm.gguf"))
	austen := read(b, shared(b, "data", "austen-train.txt"))[:1<<20]
	for _, text := range []struct{ name, text string }{
		{"english", string(austen)},
		{"one-letter", strings.Repeat("a", 1<<20)}, // a single stretch: the queue at its longest
		{"spaces", strings.Repeat(" ", 1<<20)},
		{"emoji", strings.Repeat("🦙", 1<<18)},
	} {
		b.Run(text.name, func(b *testing.B) {
			b.SetBytes(int64(len(text.text)))
			for b.Loop() {
				tok.Encode(text.text, tokenizer.Options{})
			}
		})
	}
}
