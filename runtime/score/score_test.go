package score

import (
	"context"
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/llorch/llorch/models/tokenizer"
)

// TestUniform: a model that knows nothing has the vocabulary's size as perplexity.
func TestUniform(t *testing.T) {
	m, _ := toyModel(toySpec(), uniform)
	r, err := Text(context.Background(), m, "abc abc abc", Options{})
	require.NoError(t, err)
	require.Equal(t, 12, r.Tokens, "with the space in front")
	require.Equal(t, 12, r.Predicted)
	require.Equal(t, 11, r.Bytes)
	require.Equal(t, 2, r.Windows)
	require.Equal(t, 8, r.Window)
	require.True(t, r.BOS && r.Spelled)
	require.InDelta(t, toyVocab, r.Perplexity, 1e-9)
	require.InDelta(t, math.Log(toyVocab), r.NLL, 1e-12)
	require.InDelta(t, 12*math.Log2(toyVocab)/11, r.BitsPerByte, 1e-12)
}

// TestDefinition compares with the definition, computed without sessions, chunks or logarithms of sums.
func TestDefinition(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		spec := toySpec()
		if !rapid.Bool().Draw(t, "bos") {
			spec.BOS, spec.AddBOS = -1, false
		}
		text := rapid.StringOfN(rapid.RuneFrom([]rune("abc é!")), 2, 40, -1).Draw(t, "text")
		window := rapid.IntRange(2, 8).Draw(t, "window")
		m, _ := toyModel(spec, hashed)
		ids := m.Tokenizer.Encode(text, tokenizer.Options{NoBOS: true})

		log2, predicted := 0.0, 0
		for at, id := range ids {
			begin := at - at%window
			history := ids[begin:at]
			if spec.BOS >= 0 {
				history = append([]int32{spec.BOS}, history...)
			}
			if len(history) > 0 {
				log2 -= math.Log2(prob(hashed(history), id))
				predicted++
			}
		}
		if predicted == 0 {
			t.Skip("a single token, without BOS")
		}
		r, err := Text(context.Background(), m, text, Options{Window: window, Chunk: rapid.IntRange(0, 3).Draw(t, "chunk")})
		if r.Bytes == 0 && err != nil {
			t.Skip("half a character is all that is predicted")
		}
		require.NoError(t, err)
		require.Equal(t, len(ids), r.Tokens)
		require.Equal(t, predicted, r.Predicted)
		require.Equal(t, (len(ids)+window-1)/window, r.Windows)
		require.Equal(t, len(text), r.TextBytes)
		require.InEpsilon(t, math.Exp2(log2/float64(predicted)), r.Perplexity, 1e-9)
		require.InEpsilon(t, log2/float64(r.Bytes), r.BitsPerByte, 1e-9)
		if spec.BOS >= 0 {
			require.Equal(t, len(text), r.Bytes)
		}
	})
}

// TestFed: a window of W tokens takes W positions, BOS and all its tokens but the last; each is a sequence of its own.
func TestFed(t *testing.T) {
	m, e := toyModel(toySpec(), hashed)
	windows := []string{}
	r, err := Text(context.Background(), m, "abcabca", Options{Window: 4, Chunk: 3, Progress: func(n, of int) {
		windows = append(windows, fmt.Sprintf("%d/%d", n, of))
	}})
	require.NoError(t, err)
	require.Equal(t, 8, r.Tokens)
	require.Equal(t, [][]int32{{bos, space, a}, {bos, space, a, b}, {bos, a, b}, {bos, a, b, c}}, e.fed)
	require.Equal(t, []string{"1/2", "2/2"}, windows)
}

// TestWithoutBOS: the first token of a window is not predicted, nor are the bytes of the characters that it completes counted.
func TestWithoutBOS(t *testing.T) {
	spec := toySpec()
	spec.BOS, spec.AddBOS, spec.AddSpacePrefix = -1, false, false
	m, e := toyModel(spec, uniform)
	r, err := Text(context.Background(), m, "aébc!!b", Options{Window: 2}) // a C3 | A9 b | c !! | b
	require.NoError(t, err)
	require.Equal(t, 7, r.Tokens)
	require.Equal(t, 3, r.Predicted)
	require.Equal(t, 8, r.TextBytes)
	require.Equal(t, 8-1-2-1-1, r.Bytes)
	require.Equal(t, 4, r.Windows)
	require.False(t, r.BOS)
	require.InDelta(t, 3*math.Log2(toyVocab)/3, r.BitsPerByte, 1e-12)
	require.Equal(t, [][]int32{{a}, {eByte2}, {c}}, e.fed)
}

// TestSpelled: what the tokens leave out makes a score too good, and is told.
func TestSpelled(t *testing.T) {
	narrow := toySpec()
	narrow.RemoveExtraWhitespaces = true
	missing := toySpec()
	missing.SpacePrefixMissing = true
	for _, c := range []struct {
		spec tokenizer.Spec
		text string
		want bool
	}{
		{toySpec(), "a b", true},
		{toySpec(), " a  b ", true},
		{toySpec(), "é!!a!! b", true}, // the tokenizer puts spaces behind !!
		{toySpec(), "a\xc3", true},    // a byte of no character
		{toySpec(), "\xa9\xc3\xa9", true},
		{toySpec(), "a�", false}, // three bytes without pieces
		{toySpec(), "axb", false},
		{narrow, "a b", true},
		{narrow, "a  b", false},
		{narrow, "a b ", false},
		{missing, "a b", true},
		{missing, " a b", true},
		{missing, "  a b", true},
		{missing, " axb", false},
	} {
		m, _ := toyModel(c.spec, hashed)
		r, err := Text(context.Background(), m, c.text, Options{})
		require.NoError(t, err)
		require.Equal(t, c.want, r.Spelled, "%q", c.text)
		require.Equal(t, len(c.text), r.Bytes)
	}
}

func TestErrors(t *testing.T) {
	noBOS := toySpec()
	noBOS.BOS, noBOS.AddBOS, noBOS.AddSpacePrefix = -1, false, false
	trims := toySpec()
	trims.RemoveExtraWhitespaces, trims.AddSpacePrefix = true, false
	nan := func([]int32) []float32 { return append(uniform(nil)[1:], float32(math.NaN())) }
	never := func([]int32) []float32 {
		row := uniform(nil)
		row[b] = float32(math.Inf(-1))
		return row
	}
	for name, c := range map[string]struct {
		spec tokenizer.Spec
		row  func([]int32) []float32
		text string
		opt  Options
		want string
	}{
		"empty":           {toySpec(), hashed, "", Options{}, "the text is empty"},
		"no tokens":       {trims, hashed, "  ", Options{}, "the text of 2 bytes has no tokens"},
		"window too long": {toySpec(), hashed, "a", Options{Window: 9}, "window of 9 tokens: want 1 to 8, the model's context"},
		"negative window": {toySpec(), hashed, "a", Options{Window: -1}, "window of -1 tokens"},
		"chunk too long":  {toySpec(), hashed, "a", Options{Chunk: 4}, "chunk of 4 tokens: the program's steps take 1 to 3"},
		"one token":       {noBOS, hashed, "a", Options{}, "nothing to predict with 1 tokens"},
		"windows of one":  {noBOS, hashed, "aaa", Options{Window: 1}, "in windows of 1: the vocabulary has no BOS"},
		"half characters": {noBOS, hashed, "aé", Options{Window: 2}, "over 0 bytes"},
		"NaN":             {toySpec(), nan, "a", Options{}, "window 1 of 1: token 0 (id 5): the largest of the model's logits is NaN"},
		"impossible":      {toySpec(), never, "aaaaaaab", Options{}, "window 2 of 2: token 0 (id 3): the model gives it a logit of -Inf"},
	} {
		t.Run(name, func(t *testing.T) {
			m, _ := toyModel(c.spec, c.row)
			_, err := Text(context.Background(), m, c.text, c.opt)
			require.ErrorContains(t, err, c.want)
		})
	}
	m, _ := toyModel(toySpec(), hashed)
	m.Tokenizer = nil
	_, err := Text(context.Background(), m, "a", Options{})
	require.ErrorContains(t, err, "model toy has no tokenizer")
}

func TestCancelled(t *testing.T) {
	m, _ := toyModel(toySpec(), hashed)
	ctx, cancel := context.WithCancel(context.Background())
	_, err := Text(ctx, m, "abcabcabcabc", Options{Progress: func(int, int) { cancel() }})
	require.ErrorIs(t, err, context.Canceled)
}

// TestNegLogProb holds the stable sum against exact cases, in reach of f32 but not of exp.
func TestNegLogProb(t *testing.T) {
	for _, c := range []struct {
		logits []float32
		id     int32
		want   float64
	}{
		{[]float32{0, 0}, 0, math.Ln2},
		{[]float32{3e38, 3e38, 3e38, 3e38}, 3, 2 * math.Ln2},
		{[]float32{-3e38, -3e38}, 1, math.Ln2},
		{[]float32{1000, 0}, 0, 0},
		{[]float32{1000, 0}, 1, 1000},
		{[]float32{float32(math.Inf(-1)), 5}, 1, 0},
	} {
		got, err := negLogProb(c.logits, c.id)
		require.NoError(t, err)
		require.InDelta(t, c.want, got, 1e-12, "%v", c.logits)
	}
}
