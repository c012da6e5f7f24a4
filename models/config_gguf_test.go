package models

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// tinyWant is the Config of tiny, apart from what the formats differ in.
func tinyWant(f *format) Config {
	c := Config{Arch: "llama", Vocab: 40, Embd: 32, Layers: 2, Heads: 4, KVHeads: 2, HeadDim: 8, FFN: 64, Context: 128,
		NormEps: 1e-5, Rope: Rope{Theta: 10000, Width: 8, Style: "half"}}
	if f == ggufFormat {
		c.Rope.Style = "interleaved"
	}
	return c
}

func TestConfigGGUF(t *testing.T) {
	tests := []struct {
		name  string
		edit  func(m *testModel)
		apply func(c *Config)
	}{
		{"defaults", func(m *testModel) {}, func(c *Config) {}},
		{"no head_count_kv", func(m *testModel) { delete(m.keys, "llama.attention.head_count_kv") }, func(c *Config) { c.KVHeads = 4 }},
		{"lists with one value", func(m *testModel) {
			m.keys["llama.attention.head_count_kv"] = []int32{2, 2}
			m.keys["llama.attention.head_count"] = []int32{4, 4}
			m.keys["llama.feed_forward_length"] = []int32{64, 64}
		}, func(c *Config) {}},
		{"name", func(m *testModel) { m.keys["general.name"] = "Tiny" }, func(c *Config) { c.Name = "Tiny" }},
		{"vocabulary by the embedding's rows", func(m *testModel) { delete(m.keys, "llama.vocab_size") }, func(c *Config) {}},
		{"vocabulary by the tokens", func(m *testModel) {
			delete(m.keys, "llama.vocab_size")
			m.drop("token_embd.weight")
			m.keys["tokenizer.ggml.tokens"] = []string{"a", "b", "c"}
		}, func(c *Config) { c.Vocab = 3 }},
		{"head size", func(m *testModel) {
			m.keys["llama.attention.key_length"], m.keys["llama.attention.value_length"] = uint32(16), uint32(16)
		}, func(c *Config) { c.HeadDim, c.Rope.Width = 16, 16 }},
		{"partial rotation", func(m *testModel) { m.keys["llama.rope.dimension_count"] = uint32(4) }, func(c *Config) { c.Rope.Width = 4 }},
		{"base", func(m *testModel) { m.keys["llama.rope.freq_base"] = float32(5e5) }, func(c *Config) { c.Rope.Theta = 5e5 }},
		{"linear scaling", func(m *testModel) {
			m.keys["llama.rope.scaling.type"], m.keys["llama.rope.scaling.factor"] = "linear", float32(2.5)
			m.keys["llama.rope.scaling.original_context_length"] = uint32(64)
		}, func(c *Config) { c.Rope.Linear = 2.5 }},
		{"linear scaling without a type", func(m *testModel) { m.keys["llama.rope.scaling.factor"] = float32(4) }, func(c *Config) { c.Rope.Linear = 4 }},
		{"linear scaling of old", func(m *testModel) { m.keys["llama.rope.scale_linear"] = float32(4) }, func(c *Config) { c.Rope.Linear = 4 }},
		{"no scaling", func(m *testModel) {
			m.keys["llama.rope.scaling.type"], m.keys["llama.rope.scaling.factor"] = "none", float32(4)
		}, func(c *Config) {}},
		{"scaling by 1", func(m *testModel) { m.keys["llama.rope.scaling.factor"] = float32(1) }, func(c *Config) {}},
		{"tied", func(m *testModel) { m.drop("output.weight") }, func(c *Config) { c.Tied = true }},
		{"biases", func(m *testModel) {
			m.add("blk.0.attn_k.bias", "f32", 16)
			m.add("blk.0.attn_output.bias", "f32", 32)
			m.add("blk.0.ffn_up.bias", "f32", 64)
		}, func(c *Config) { c.AttnBias, c.OutBias, c.MLPBias = true, true, true }},
		{"frequency factors", func(m *testModel) {
			m.tensors = append(m.tensors, testTensor{ropeFreqs, "f32", []int64{4}, f32Bytes(1, 1, 2.5, 8)})
		}, func(c *Config) { c.Rope.Factors = []float64{1, 1, 2.5, 8} }},
		{"what is off", func(m *testModel) {
			m.keys["llama.expert_count"], m.keys["llama.attention.causal"] = uint32(0), true
			m.keys["llama.attention.clamp_kqv"], m.keys["llama.rope.scaling.attn_factor"] = float32(0), float32(1)
			m.keys["llama.tensor_data_layout"], m.keys["general.type"] = "Meta AI original pth", "model"
		}, func(c *Config) {}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			m, want := tiny(ggufFormat), tinyWant(ggufFormat)
			test.edit(m)
			test.apply(&want)
			got, _, err := configGGUF(m.parsed(t))
			require.NoError(t, err)
			require.Equal(t, want, got)
		})
	}
}

func TestRefusedGGUF(t *testing.T) {
	set := func(key string, value any) func(m *testModel) {
		return func(m *testModel) { m.keys[key] = value }
	}
	without := func(key string) func(m *testModel) {
		return func(m *testModel) { delete(m.keys, key) }
	}
	freqs := func(dtype string, data []byte, shape ...int64) func(m *testModel) {
		return func(m *testModel) {
			m.tensors = append(m.tensors, testTensor{ropeFreqs, dtype, shape, data})
		}
	}
	tests := []struct {
		edit func(m *testModel)
		want string
	}{
		{without("general.architecture"), `general.architecture: is missing, want "llama", "qwen2", "qwen3", "gemma2" or "phi3"`},
		{set("general.architecture", "qwen2moe"), `general.architecture: "qwen2moe" is not supported, want "llama", "qwen2", "qwen3", "gemma2" or "phi3"`},
		{set("general.type", "adapter"), `general.type: "adapter" is not supported, want "model"`},
		{set("split.count", uint32(3)), "split.count: this is one of 3 files, want the model in one: llama-gguf-split --merge joins them"},
		{without("llama.context_length"), "llama.context_length: is missing"},
		{without("llama.attention.layer_norm_rms_epsilon"), "llama.attention.layer_norm_rms_epsilon: is missing"},
		{set("llama.attention.layer_norm_rms_epsilon", float32(0)), "llama.attention.layer_norm_rms_epsilon: found 0, want a number between 0 and 1"},
		{set("llama.block_count", uint32(0)), "llama.block_count: found 0, want an integer of 1 to 2147483648"},
		{set("llama.embedding_length", uint32(4e9)), "llama.embedding_length: found 4000000000, want an integer of 1 to 2147483648"},
		{set("llama.embedding_length", uint32(30)), "llama.embedding_length: found 30, want a multiple of llama.attention.head_count, which is 4, since llama.attention.key_length is absent"},
		{set("llama.attention.head_count_kv", uint32(3)), "llama.attention.head_count: found 4, want a multiple of llama.attention.head_count_kv, which is 3"},
		{set("llama.attention.head_count_kv", []int32{2, 4}), "llama.attention.head_count_kv: layer 1 has 4 and layer 0 has 2, want the same positive number for all"},
		{set("llama.attention.head_count_kv", []int32{2, 2, 2}), "llama.attention.head_count_kv: found a list of 3, want one for each of 2 layers"},
		{set("llama.attention.value_length", uint32(16)), "llama.attention.value_length: found 16, want that of keys, which is 8"},
		{set("llama.attention.key_length", uint32(7)), "llama.attention.key_length: found 7, want an even number: rotary embeddings turn pairs of elements"},
		{set("llama.rope.dimension_count", uint32(10)), "llama.rope.dimension_count: rotates 10 elements of a head, want an even number of 2 to 8 (llama.attention.key_length)"},
		{set("llama.rope.scaling.type", "yarn"), `llama.rope.scaling.type: "yarn" is not supported, want "none" or "linear"`},
		{set("llama.rope.scaling.factor", float32(-2)), "llama.rope.scaling.factor: found -2, want a number above 0"},
		{set("llama.expert_count", uint32(8)), "llama.expert_count: found 8, which may change the computation and is not supported"},
		{set("llama.attention.sliding_window", uint32(4e9)), "llama.attention.sliding_window: found 4000000000, want an integer of 1 to 2147483648"},
		{set("llama.attn_logit_softcapping", float32(50)), "llama.attn_logit_softcapping: found 50, which may change the computation and is not supported"},
		{set("llama.attention.causal", false), "llama.attention.causal: found false, which may change the computation and is not supported"},
		{freqs("f16", nil, 4), "rope_freqs.weight: found type f16, want f32"},
		{freqs("f32", nil, 8), "rope_freqs.weight: found shape [8], want [4], half of llama.rope.dimension_count"},
		{freqs("f32", f32Bytes(1, 0, 1, 1), 4), "rope_freqs.weight: element 1 is 0, want a number above 0"},
	}
	for _, test := range tests {
		t.Run(test.want, func(t *testing.T) {
			m := tiny(ggufFormat)
			test.edit(m)
			_, _, err := configGGUF(m.parsed(t))
			require.EqualError(t, err, "tiny.gguf: "+test.want)
		})
	}
}

func TestStoriesConfig(t *testing.T) {
	hf, err := Open(shared(t, "models/stories260k"))
	require.NoError(t, err)
	defer hf.Close()
	gg, err := Open(shared(t, "models/stories260k/stories260k-f32.gguf"))
	require.NoError(t, err)
	defer gg.Close()

	require.Equal(t, "half", hf.Rope.Style)
	require.Equal(t, "interleaved", gg.Rope.Style)
	a, b := hf.Config, gg.Config
	a.Rope.Style, a.Name, b.Name = b.Rope.Style, "", "" // the folder's name, and the one that the metadata gives
	require.Equal(t, b, a)
}
