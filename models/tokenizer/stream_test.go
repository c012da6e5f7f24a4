package tokenizer_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/llorch/llorch/models/tokenizer"
)

func streamTokenizer(t testing.TB) *tokenizer.Tokenizer {
	return build(t, vocab(allBytes, slices.Concat(
		normal(-1, "▁", "a", "b", "▁a", "▁▁", "é", "a▁b", "🦙", ""),
		piece("▁u ", 0, tokenizer.UserDefined),
		piece("▁unused", 0, tokenizer.Unused))...))
}

// ids finds pieces by their text.
func ids(t require.TestingT, tok *tokenizer.Tokenizer, texts ...string) (list []int32) {
	for _, text := range texts {
		id := int32(0)
		for id < int32(tok.Size()) && tok.Piece(id) != text {
			id++
		}
		require.Less(t, id, int32(tok.Size()), text)
		list = append(list, id)
	}
	return list
}

func TestDecode(t *testing.T) {
	tok := streamTokenizer(t)
	for _, test := range []struct {
		pieces string // a comma between
		want   string
	}{
		{"<s>,▁a,▁a", "a a"},
		{"▁a,</s>,▁a,<unk>", "a a"},
		{"▁▁,▁a", "  a"},
		{"a▁b", "a b"},
		{"a,▁unused", "a unused"},
		{"▁u ,▁a", "▁u  a"},
		{"<0x20>,▁a", "  a"},
		{"<0xF0>,<0x9F>,<0xA6>,<0x99>", "🦙"},
		{"<0xF0>,<s>,<0x9F>,<0xA6>,<0x99>", "🦙"},
		{"<0xF0>,<0x9F>,a", "\ufffd\ufffda"},
		{"a,<0xC3>", "a\ufffd"},
		{"<0xFF>,é", "\ufffdé"},
	} {
		require.Equal(t, test.want, tok.Decode(ids(t, tok, strings.Split(test.pieces, ",")...)), test.pieces)
	}
	require.Equal(t, "", tok.Decode(nil))
	require.Equal(t, "aa", tok.Decode(append(ids(t, tok, "a"), -1, int32(tok.Size()), ids(t, tok, "a")[0])))
}

func TestDecodeKeepsSpaceWithoutPrefix(t *testing.T) {
	spec := vocab(allBytes, normal(-1, "▁a")...)
	spec.AddSpacePrefix = false
	tok := build(t, spec)
	require.Equal(t, " a", tok.Decode(ids(t, tok, "▁a")))
}

func TestStreamHoldsIncompleteCharacters(t *testing.T) {
	tok := streamTokenizer(t)
	s := tok.Stream(ids(t, tok, "<s>"))
	var got []string
	for _, id := range ids(t, tok, "▁a", "<0xF0>", "<0x9F>", "<0xA6>", "<0x99>", "▁a", "<0xF0>", "b", "<0xC3>") {
		got = append(got, s.Next(id))
	}
	require.Equal(t, []string{"a", "", "", "", "🦙", " a", "", "\ufffdb", ""}, got)
	require.Equal(t, "\ufffd", s.Flush())
	require.Equal(t, "", s.Flush())
}

func TestStreamContinuesPrompt(t *testing.T) {
	tok := streamTokenizer(t)
	next := func(prompt []int32, more ...string) string {
		s := tok.Stream(prompt)
		var b strings.Builder
		for _, id := range ids(t, tok, more...) {
			b.WriteString(s.Next(id))
		}
		return b.String() + s.Flush()
	}
	require.Equal(t, " a", next(ids(t, tok, "<s>", "▁a"), "▁a"))
	require.Equal(t, " a", next(ids(t, tok, "▁a", "</s>"), "▁a"))
	require.Equal(t, "a", next(ids(t, tok, "<s>"), "▁a"))
	require.Equal(t, "a", next(nil, "▁a"))
	require.Equal(t, "🦙", next(ids(t, tok, "a", "<0xF0>", "<0x9F>"), "<0xA6>", "<0x99>"))
}

// Whatever the ids and wherever the prompt ends, the stream says what Decode says.
func TestStreamIsDecode(t *testing.T) {
	tok := streamTokenizer(t)
	rapid.Check(t, func(t *rapid.T) {
		all := rapid.SliceOf(rapid.OneOf(
			rapid.Int32Range(-1, int32(tok.Size())),
			rapid.SampledFrom(ids(t, tok, "<0xF0>", "<0x9F>", "<0xA6>", "<0x99>", "▁", "▁a", "<s>")),
		)).Draw(t, "ids")
		cut := rapid.IntRange(0, len(all)).Draw(t, "prompt")
		// The prompt's part, as a stream that is not flushed.
		var b strings.Builder
		s := tok.Stream(nil)
		for _, id := range all[:cut] {
			b.WriteString(s.Next(id))
		}
		s = tok.Stream(all[:cut])
		for _, id := range all[cut:] {
			b.WriteString(s.Next(id))
		}
		b.WriteString(s.Flush())
		require.Equal(t, tok.Decode(all), b.String())
	})
}

// A byte-level piece may begin or end within a character; one that is not written in bytes' characters stands for itself.
func TestStreamBPE(t *testing.T) {
	tok := build(t, smallBPE(t))
	s := tok.Stream(tok.Encode("I", tokenizer.Options{}))
	var got []string
	for _, id := range append(ids(t, tok, "'", "m", "Ġ", "ð", "Ł", "ĺ", "Ģ", "<tool>", "<|im_end|>", "Ċ", "Ã", "b"), -1, int32(tok.Size())) {
		got = append(got, s.Next(id))
	}
	require.Equal(t, []string{"'", "m", " ", "", "", "", "😀", "<tool>", "", "\n", "", "\ufffdb", "", ""}, got)
	spec := smallBPE(t)
	spec.Pieces = append(spec.Pieces, tokenizer.Piece{Text: "x y→", Type: tokenizer.Normal})
	require.Equal(t, "x y→!", build(t, spec).Decode([]int32{602, 3}))
}
