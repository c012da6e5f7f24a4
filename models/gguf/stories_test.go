package gguf

import (
	"encoding/json"
	"fmt"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/llorch/llorch/models/safetensors"
)

// The two files of stories260k were written by different programs from the same weights.
func TestStoriesAgainstSafetensors(t *testing.T) {
	f, err := Open(sharedFile(t, "models/stories260k/stories260k-f32.gguf"))
	require.NoError(t, err)
	defer f.Close()
	s, err := safetensors.Open(sharedFile(t, "models/stories260k/model.safetensors"))
	require.NoError(t, err)
	defer s.Close()

	theirs := map[string]*safetensors.Tensor{}
	for i := range s.Tensors {
		theirs[s.Tensors[i].Name] = &s.Tensors[i]
	}
	require.Equal(t, uint32(3), f.Version)
	for i := range f.Tensors {
		ours := &f.Tensors[i]
		name, heads := huggingFaceName(t, f, ours.Name)
		other := theirs[name]
		require.NotNil(t, other, "%s is %s there", ours.Name, name)
		delete(theirs, name)

		require.Equal(t, "f32", ours.TypeName)
		require.Equal(t, "F32", other.DType)
		require.Equal(t, len(other.Shape), len(ours.Dims), name)
		for axis, n := range other.Shape {
			require.Equal(t, n, ours.Dims[len(ours.Dims)-1-axis], name)
		}
		want := s.Data(other)
		if heads > 0 {
			want = interleaveHalves(want, heads, int(other.Shape[0]), int(other.Size/other.Shape[0]))
		}
		require.Equal(t, want, f.Data(ours), name)
	}
	require.Empty(t, theirs, "not in the GGUF file")
}

// huggingFaceName translates a tensor's name. Of Q and K, whose rows the two formats order differently, it also gives
// the number of heads.
func huggingFaceName(t *testing.T, f *File, name string) (string, int) {
	t.Helper()
	if whole := map[string]string{
		"token_embd.weight":  "model.embed_tokens.weight",
		"output_norm.weight": "model.norm.weight",
		"output.weight":      "lm_head.weight",
	}[name]; whole != "" {
		return whole, 0
	}
	var layer int
	var part string
	_, err := fmt.Sscanf(name, "blk.%d.%s", &layer, &part)
	require.NoError(t, err, name)
	headsKey := map[string]string{
		"attn_q.weight": "llama.attention.head_count",
		"attn_k.weight": "llama.attention.head_count_kv",
	}[part]
	heads, _, err := f.Uint(headsKey)
	require.NoError(t, err)
	return fmt.Sprintf("model.layers.%d.%s", layer, map[string]string{
		"attn_norm.weight":   "input_layernorm.weight",
		"attn_q.weight":      "self_attn.q_proj.weight",
		"attn_k.weight":      "self_attn.k_proj.weight",
		"attn_v.weight":      "self_attn.v_proj.weight",
		"attn_output.weight": "self_attn.o_proj.weight",
		"ffn_norm.weight":    "post_attention_layernorm.weight",
		"ffn_gate.weight":    "mlp.gate_proj.weight",
		"ffn_up.weight":      "mlp.up_proj.weight",
		"ffn_down.weight":    "mlp.down_proj.weight",
	}[part]), int(heads)
}

// interleaveHalves turns Hugging Face's order of a head's rows (first halves of the RoPE pairs, then second halves)
// into GGUF's (pair by pair).
func interleaveHalves(data []byte, heads, rows, rowBytes int) []byte {
	dim := rows / heads
	var out []byte
	for row := range rows {
		head, pair, half := row/dim, row%dim/2, row%2
		from := head*dim + half*dim/2 + pair
		out = append(out, data[from*rowBytes:(from+1)*rowBytes]...)
	}
	return out
}

// config.json describes the same model as the GGUF's metadata.
func TestStoriesMetadata(t *testing.T) {
	f, err := Open(sharedFile(t, "models/stories260k/stories260k-f32.gguf"))
	require.NoError(t, err)
	defer f.Close()
	text, err := os.ReadFile(sharedFile(t, "models/stories260k/config.json"))
	require.NoError(t, err)
	var config map[string]any
	require.NoError(t, json.Unmarshal(text, &config))

	for key, theirs := range map[string]string{
		"llama.embedding_length":                 "hidden_size",
		"llama.block_count":                      "num_hidden_layers",
		"llama.feed_forward_length":              "intermediate_size",
		"llama.attention.head_count":             "num_attention_heads",
		"llama.attention.head_count_kv":          "num_key_value_heads",
		"llama.context_length":                   "max_position_embeddings",
		"llama.attention.layer_norm_rms_epsilon": "rms_norm_eps",
	} {
		got, ok, err := f.Float(key)
		require.NoError(t, err)
		require.True(t, ok, key)
		require.InEpsilon(t, config[theirs], got, 1e-6, key)
	}
}

func TestVocabulary(t *testing.T) {
	f, err := Open(sharedFile(t, "data/vocab-llama-spm.gguf"))
	require.NoError(t, err)
	require.Empty(t, f.Tensors)

	model, ok, err := f.String("tokenizer.ggml.model")
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, "llama", model)

	tokens, _, err := f.Strings("tokenizer.ggml.tokens")
	require.NoError(t, err)
	scores, _, err := f.Floats("tokenizer.ggml.scores")
	require.NoError(t, err)
	types, _, err := f.Ints("tokenizer.ggml.token_type")
	require.NoError(t, err)
	require.NoError(t, f.Close())

	// What is known of Llama's SentencePiece model; the copies must outlive the mapping.
	require.Len(t, tokens, 32000)
	require.Len(t, scores, 32000)
	require.Len(t, types, 32000)
	require.Equal(t, []string{"<unk>", "<s>", "</s>", "<0x00>"}, tokens[:4])
	require.Equal(t, "▁t", tokens[260])
	require.Equal(t, []int32{2, 3, 3, 6}, types[:4]) // unknown, control, control, byte
	require.Equal(t, []float32{-1, -2}, scores[260:262])
}
