package models

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// Published config.json files of Llama's relatives, shortened to what matters here.
var publishedFamilies = []struct {
	name, text string
	want       Config
}{
	{"Mistral 7B v0.1", `{"architectures": ["MistralForCausalLM"], "bos_token_id": 1, "eos_token_id": 2, "hidden_act": "silu", "hidden_size": 4096,
		"initializer_range": 0.02, "intermediate_size": 14336, "max_position_embeddings": 32768, "model_type": "mistral", "num_attention_heads": 32,
		"num_hidden_layers": 32, "num_key_value_heads": 8, "rms_norm_eps": 1e-05, "rope_theta": 10000.0, "sliding_window": 4096,
		"tie_word_embeddings": false, "torch_dtype": "bfloat16", "transformers_version": "4.34.0.dev0", "use_cache": true, "vocab_size": 32000}`,
		Config{Arch: "mistral", Vocab: 32000, Embd: 4096, FFN: 14336, Layers: 32, Heads: 32, KVHeads: 8, HeadDim: 128, Context: 32768, NormEps: 1e-5,
			Rope: rope(10000, 128), Sliding: Sliding{Window: 4096}}},
	{"Mistral Nemo: no window, a head size of its own", `{"architectures": ["MistralForCausalLM"], "attention_dropout": 0.0, "head_dim": 128, "hidden_act": "silu",
		"hidden_size": 5120, "intermediate_size": 14336, "max_position_embeddings": 131072, "model_type": "mistral", "num_attention_heads": 32,
		"num_hidden_layers": 40, "num_key_value_heads": 8, "rms_norm_eps": 1e-05, "rope_theta": 1000000.0, "sliding_window": null, "vocab_size": 131072}`,
		Config{Arch: "mistral", Vocab: 131072, Embd: 5120, FFN: 14336, Layers: 40, Heads: 32, KVHeads: 8, HeadDim: 128, Context: 131072, NormEps: 1e-5,
			Rope: rope(1e6, 128)}},
	{"Qwen2.5 0.5B: a window that is not used", `{"architectures": ["Qwen2ForCausalLM"], "attention_dropout": 0.0, "hidden_act": "silu", "hidden_size": 896,
		"intermediate_size": 4864, "max_position_embeddings": 32768, "max_window_layers": 24, "model_type": "qwen2", "num_attention_heads": 14,
		"num_hidden_layers": 24, "num_key_value_heads": 2, "rms_norm_eps": 1e-06, "rope_theta": 1000000.0, "sliding_window": 32768,
		"tie_word_embeddings": true, "torch_dtype": "bfloat16", "use_mrope": false, "use_sliding_window": false, "vocab_size": 151936}`,
		Config{Arch: "qwen2", Vocab: 151936, Embd: 896, FFN: 4864, Layers: 24, Heads: 14, KVHeads: 2, HeadDim: 64, Context: 32768, NormEps: 1e-6, Tied: true,
			Rope: rope(1e6, 64), AttnBias: true}},
	{"Qwen2 with a window from a layer on", `{"model_type": "qwen2", "hidden_size": 64, "num_attention_heads": 4, "num_hidden_layers": 4, "use_sliding_window": true,
		"sliding_window": 8, "max_window_layers": 2}`,
		Config{Arch: "qwen2", Vocab: 151936, Embd: 64, FFN: 22016, Layers: 4, Heads: 4, KVHeads: 4, HeadDim: 16, Context: 32768, NormEps: 1e-6,
			Rope: rope(10000, 16), AttnBias: true, Sliding: Sliding{Window: 8, From: 2}}},
	{"Qwen3 0.6B", `{"architectures": ["Qwen3ForCausalLM"], "attention_bias": false, "attention_dropout": 0.0, "head_dim": 128, "hidden_act": "silu",
		"hidden_size": 1024, "intermediate_size": 3072, "max_position_embeddings": 40960, "max_window_layers": 28, "model_type": "qwen3",
		"num_attention_heads": 16, "num_hidden_layers": 28, "num_key_value_heads": 8, "rms_norm_eps": 1e-06, "rope_scaling": null,
		"rope_theta": 1000000, "sliding_window": null, "tie_word_embeddings": true, "use_sliding_window": false, "vocab_size": 151936}`,
		Config{Arch: "qwen3", Vocab: 151936, Embd: 1024, FFN: 3072, Layers: 28, Heads: 16, KVHeads: 8, HeadDim: 128, Context: 40960, NormEps: 1e-6, Tied: true,
			Rope: rope(1e6, 128), QKNorm: true}},
	{"Gemma 2 27B", `{"architectures": ["Gemma2ForCausalLM"], "attention_bias": false, "attn_logit_softcapping": 50.0, "cache_implementation": "hybrid",
		"final_logit_softcapping": 30.0, "head_dim": 128, "hidden_act": "gelu_pytorch_tanh", "hidden_activation": "gelu_pytorch_tanh",
		"hidden_size": 4608, "intermediate_size": 36864, "max_position_embeddings": 8192, "model_type": "gemma2", "num_attention_heads": 32,
		"num_hidden_layers": 46, "num_key_value_heads": 16, "query_pre_attn_scalar": 144, "rms_norm_eps": 1e-06, "rope_theta": 10000.0,
		"sliding_window": 4096, "vocab_size": 256000, "_attn_implementation": "eager"}`,
		Config{Arch: "gemma2", Vocab: 256000, Embd: 4608, FFN: 36864, Layers: 46, Heads: 32, KVHeads: 16, HeadDim: 128, Context: 8192, NormEps: 1e-6, Tied: true,
			Rope: rope(10000, 128), PostNorms: true, NormOffset: 1, Act: "gelu_tanh", EmbdScale: 67.88225099390856, AttnScale: 1. / 12, AttnCap: 50, LogitCap: 30,
			Sliding: Sliding{Window: 4096, Pattern: []bool{true, false}}}},
	{"Gemma 2 by its class's defaults, without caps", `{"model_type": "gemma2", "attn_logit_softcapping": null, "final_logit_softcapping": null}`,
		Config{Arch: "gemma2", Vocab: 256000, Embd: 2304, FFN: 9216, Layers: 26, Heads: 8, KVHeads: 4, HeadDim: 256, Context: 8192, NormEps: 1e-6, Tied: true,
			Rope: rope(10000, 256), PostNorms: true, NormOffset: 1, Act: "gelu_tanh", EmbdScale: 48, AttnScale: 1. / 16,
			Sliding: Sliding{Window: 4096, Pattern: []bool{true, false}}}},
	{"Phi-3 mini 4k", `{"architectures": ["Phi3ForCausalLM"], "attention_bias": false, "attention_dropout": 0.0, "auto_map": {"AutoConfig": "configuration_phi3.Phi3Config"},
		"embd_pdrop": 0.0, "hidden_act": "silu", "hidden_size": 3072, "intermediate_size": 8192, "max_position_embeddings": 4096, "model_type": "phi3",
		"num_attention_heads": 32, "num_hidden_layers": 32, "num_key_value_heads": 32, "original_max_position_embeddings": 4096, "resid_pdrop": 0.0,
		"rms_norm_eps": 1e-05, "rope_scaling": null, "rope_theta": 10000.0, "sliding_window": 2047, "tie_word_embeddings": false, "vocab_size": 32064}`,
		Config{Arch: "phi3", Vocab: 32064, Embd: 3072, FFN: 8192, Layers: 32, Heads: 32, KVHeads: 32, HeadDim: 96, Context: 4096, NormEps: 1e-5,
			Rope: rope(10000, 96), Sliding: Sliding{Window: 2047}}},
}

func TestPublishedFamilies(t *testing.T) {
	for _, test := range publishedFamilies {
		t.Run(test.name, func(t *testing.T) {
			got, unread, err := configHF("config.json", []byte(test.text))
			require.NoError(t, err)
			require.Empty(t, unread)
			require.Equal(t, test.want, got)
		})
	}
}

// Each refusal: an architecture, what stands in its config, and the error behind the file's name.
var refusedFamilies = []struct{ arch, text, want string }{
	{"mistral", `"attention_bias": true`, "attention_bias: found true, which changes the computation and is not supported"},
	{"mistral", `"sliding_window": 0`, "sliding_window: found 0, want an integer of 1 to 2147483648"},
	{"mistral", `"layer_types": ["sliding_attention"]`, `layer_types: layers of type "sliding_attention" are not supported, want "full_attention"`},
	{"mistral", `"num_local_experts": 8`, "num_local_experts: found 8, which changes the computation and is not supported"},
	{"mistral", `"hidden_act": "relu"`, `hidden_act: "relu" is not supported, want "silu", "swish", "gelu_pytorch_tanh" or "gelu_new"`},
	{"qwen2", `"mlp_bias": true`, "mlp_bias: found true, which changes the computation and is not supported"},
	{"qwen2", `"use_mrope": true`, "use_mrope: found true, which changes the computation and is not supported"},
	{"qwen2", `"rope_scaling": {"type": "yarn", "factor": 4.0, "original_max_position_embeddings": 32768}`, `rope_scaling: type: "yarn" is not supported, want default, linear or llama3`},
	{"qwen2", `"rope_scaling": {"type": "mrope", "mrope_section": [16, 24, 24]}`, `rope_scaling: type: "mrope" is not supported, want default, linear or llama3`},
	{"qwen2", `"num_hidden_layers": 2, "layer_types": ["full_attention", "sliding_attention"]`, `layer_types: has layers of type "sliding_attention", but use_sliding_window says false`},
	{"qwen2", `"num_hidden_layers": 2, "layer_types": ["full_attention"]`, "layer_types: found a list of 1, want one for each of 2 layers"},
	{"qwen2", `"use_sliding_window": true, "max_window_layers": -1`, "max_window_layers: found -1, want an integer of 1 to 2147483648"},
	{"qwen2", `"dual_chunk_attention_config": {"chunk_size": 8192}`, `dual_chunk_attention_config: found {"chunk_size":8192}, which changes the computation and is not supported`},
	{"qwen3", `"num_experts": 128`, "num_experts: found 128, which changes the computation and is not supported"},
	{"qwen3", `"num_hidden_layers": 1, "layer_types": ["linear_attention"]`, `layer_types: layers of type "linear_attention" are not supported, want "full_attention" or "sliding_attention"`},
	{"gemma2", `"hidden_activation": "gelu"`, `hidden_activation: "gelu" is not supported, want "silu", "swish", "gelu_pytorch_tanh" or "gelu_new"`},
	{"gemma2", `"attn_logit_softcapping": -1`, "attn_logit_softcapping: found -1, want a number above 0"},
	{"gemma2", `"query_pre_attn_scalar": 0`, "query_pre_attn_scalar: found 0, want a number above 0"},
	{"gemma2", `"sliding_window": null, "num_hidden_layers": 1, "layer_types": ["sliding_attention"]`, `layer_types: has layers of type "sliding_attention", but sliding_window says null`},
	{"gemma2", `"use_bidirectional_attention": true`, "use_bidirectional_attention: found true, which changes the computation and is not supported"},
	{"gemma2", `"rope_local_base_freq": 10000.0`, "rope_local_base_freq: found 10000.0, which changes the computation and is not supported"},
	{"gemma2", `"attn_logit_softcapping": 1e-300`, "attn_logit_softcapping: found a number that 32 bits do not hold well, want 1e-30 to 1e+30"},
	{"gemma2", `"final_logit_softcapping": 1e300`, "final_logit_softcapping: found a number that 32 bits do not hold well, want 1e-30 to 1e+30"},
	{"gemma2", `"query_pre_attn_scalar": 1e-300`, "query_pre_attn_scalar: found a number that 32 bits do not hold well, want 1e-30 to 1e+30"},
	{"phi3", `"rope_scaling": {"type": "longrope", "long_factor": [1.0], "short_factor": [1.0]}`, `rope_scaling: type: "longrope" is not supported, want default, linear or llama3`},
	{"phi3", `"rope_scaling": {"type": "su", "long_factor": [1.0], "short_factor": [1.0]}`, `rope_scaling: type: "su" is not supported, want default, linear or llama3`},
	{"phi3", `"partial_rotary_factor": 0.31`, "partial_rotary_factor: rotates 29 elements of a head, want an even number of 2 to 96 (head_dim)"},
	{"phi3", `"attention_bias": true`, "attention_bias: found true, which changes the computation and is not supported"},
	{"phi3", `"query_pre_attn_scalar": 256`, "query_pre_attn_scalar: found 256, which changes the computation and is not supported"},
	{"phi3", `"hidden_activation": "gelu_pytorch_tanh"`, `hidden_activation: found "gelu_pytorch_tanh", which changes the computation and is not supported`},
}

func TestRefusedFamilies(t *testing.T) {
	for _, test := range refusedFamilies {
		t.Run(test.arch+" "+test.text, func(t *testing.T) {
			_, _, err := configHF("config.json", []byte(`{"model_type": "`+test.arch+`", `+test.text+`}`))
			require.EqualError(t, err, "config.json: "+test.want)
		})
	}
	for _, arch := range []string{"qwen2_moe", "qwen3_moe", "gemma", "gemma3_text", "phi", "phimoe", "mistral3"} {
		_, _, err := configHF("config.json", []byte(`{"model_type": "`+arch+`"}`))
		require.EqualError(t, err, `config.json: model_type: "`+arch+`" is not supported, want "llama", "mistral", "qwen2", "qwen3", "gemma2" or "phi3"`)
	}
}

// TestRefusedFamiliesGGUF: a key that another architecture reads is refused where this one does not.
func TestRefusedFamiliesGGUF(t *testing.T) {
	for _, test := range []struct {
		arch, key string
		value     any
		want      string
	}{
		{"qwen2", "attention.sliding_window", uint32(8), "found 8, which may change the computation and is not supported"},
		{"gemma2", "attn_logit_softcapping", float32(1e38), "found a number that 32 bits do not hold well, want 1e-30 to 1e+30"},
		{"qwen3", "attn_logit_softcapping", float32(50), "found 50, which may change the computation and is not supported"},
		{"qwen3", "expert_count", uint32(128), "found 128, which may change the computation and is not supported"},
		{"phi3", "rope.scaling.type", "longrope", `"longrope" is not supported, want "none" or "linear"`},
		{"phi3", "rope.scaling.attn_factor", float32(1.19), "found 1.19, which may change the computation and is not supported"},
		{"gemma2", "final_logit_softcapping", float32(-30), "found -30, want a number above 0, or 0 for no cap"},
		{"gemma2", "attention.sliding_window_pattern", uint32(6), "found 6, which may change the computation and is not supported"},
	} {
		t.Run(test.arch+" "+test.key, func(t *testing.T) {
			dir, _ := readOracle(t, test.arch)
			m, err := Open(dir)
			require.NoError(t, err)
			defer m.Close()
			set := asGGUF(t, m)
			set.keys[test.arch+"."+test.key] = test.value
			_, err = Parse("m.gguf", set.gguf())
			require.EqualError(t, err, "m.gguf: "+test.arch+"."+test.key+": "+test.want)
		})
	}
}

// TestDefaultsGGUF: what llama.cpp assumes of Gemma 2 where a key is absent.
func TestDefaultsGGUF(t *testing.T) {
	dir, _ := readOracle(t, "gemma2")
	m, err := Open(dir)
	require.NoError(t, err)
	defer m.Close()
	set := asGGUF(t, m)
	for _, key := range []string{"attention.sliding_window", "attn_logit_softcapping", "final_logit_softcapping"} {
		delete(set.keys, "gemma2."+key)
	}
	got, err := Parse("m.gguf", set.gguf())
	require.NoError(t, err)
	require.Equal(t, []float64{50, 30}, []float64{got.AttnCap, got.LogitCap})
	require.Equal(t, Sliding{Window: 4096, Pattern: []bool{true, false}}, got.Sliding)
	require.Equal(t, 1/12., gemma2Scale(&Config{Layers: 46, Embd: 4608, Heads: 32}), "the 27B model's")
}
