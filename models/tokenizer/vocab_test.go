package tokenizer_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/llorch/llorch/models/tokenizer"
)

const noBytes, allBytes = 0, 256

// vocab is a Spec as Llama's: <unk> <s> </s>, the first n byte pieces, and more.
func vocab(n int, more ...tokenizer.Piece) tokenizer.Spec {
	s := tokenizer.Spec{
		Model: tokenizer.SPM,
		Pieces: []tokenizer.Piece{
			{Text: "<unk>", Type: tokenizer.Unknown},
			{Text: "<s>", Type: tokenizer.Control},
			{Text: "</s>", Type: tokenizer.Control},
		},
		UNK: 0, BOS: 1, EOS: 2,
		AddSpacePrefix: true,
		ByteFallback:   n > 0,
	}
	for b := range n {
		s.Pieces = append(s.Pieces, tokenizer.Piece{Text: fmt.Sprintf("<0x%02X>", b), Type: tokenizer.Byte})
	}
	s.Pieces = append(s.Pieces, more...)
	return s
}

func normal(score float32, texts ...string) (list []tokenizer.Piece) {
	for _, text := range texts {
		list = append(list, tokenizer.Piece{Text: text, Score: score, Type: tokenizer.Normal})
	}
	return list
}

func piece(text string, score float32, kind tokenizer.Type) []tokenizer.Piece {
	return []tokenizer.Piece{{Text: text, Score: score, Type: kind}}
}

func build(t testing.TB, s tokenizer.Spec) *tokenizer.Tokenizer {
	tok, err := tokenizer.New(s)
	require.NoError(t, err)
	return tok
}

// pieces spells ids in the vocabulary's own words.
func pieces(tok *tokenizer.Tokenizer, ids []int32) []string {
	list := []string{}
	for _, id := range ids {
		list = append(list, tok.Piece(id))
	}
	return list
}
