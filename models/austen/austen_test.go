package austen_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/llorch/llorch/models/austen"
	"github.com/llorch/llorch/models/gguf"
	"github.com/llorch/llorch/models/tokenizer"
)

// TestGGUF checks what the project promises of the file: its size, the number of parameters, the types of the weights,
// and a context and licence for whoever opens it elsewhere.
func TestGGUF(t *testing.T) {
	require.LessOrEqual(t, len(austen.GGUF), 4_000_000, "bytes of austen.gguf")
	f, err := gguf.Parse("austen.gguf", austen.GGUF)
	require.NoError(t, err)

	parameters := int64(0)
	for _, tensor := range f.Tensors {
		n, want := int64(1), "f32"
		for _, d := range tensor.Dims {
			n *= d
		}
		if len(tensor.Dims) == 2 {
			want = "q8_0"
		}
		require.Equal(t, want, tensor.TypeName, tensor.Name)
		parameters += n
	}
	require.EqualValues(t, 2_952_000, parameters)

	context, _, err := f.Uint("llama.context_length")
	require.NoError(t, err)
	require.EqualValues(t, 1024, context)
	license, _, err := f.String("general.license")
	require.NoError(t, err)
	require.Equal(t, "apache-2.0", license)
}

// TestTokenizer checks that the file's vocabulary encodes as the SentencePiece model did that training used: the ids are
// Python's, and no space or newline is lost or added.
func TestTokenizer(t *testing.T) {
	f, err := gguf.Parse("austen.gguf", austen.GGUF)
	require.NoError(t, err)
	spec, err := tokenizer.FromGGUF("austen.gguf", f)
	require.NoError(t, err)
	tok, err := tokenizer.New(spec)
	require.NoError(t, err)

	for text, want := range map[string][]int32{
		"It is a truth":           {1, 970, 946, 366, 261, 259, 953, 324, 951},
		" \"Oh!\"  said\nEmma£\n": {1, 410, 870, 818, 944, 476, 13, 978, 680, 1023, 13},
		"CHAPTER 12\n\nMr. Café":  {1, 982, 975, 984, 996, 974, 978, 998, 944, 1006, 1008, 13, 13, 876, 967, 405, 947, 960, 198, 172},
	} {
		ids := tok.Encode(text, tokenizer.Options{})
		require.Equal(t, want, ids, "%q", text)
		require.Equal(t, text, tok.Decode(ids))
	}
}
