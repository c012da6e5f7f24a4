package models

import (
	"encoding/json"
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

const llamaHead = `"architectures": ["LlamaForCausalLM"], "model_type": "llama"`

func rope(theta float64, width int) Rope { return Rope{Theta: theta, Width: width, Style: "half"} }

// Published config.json files, shortened to what matters here and what is often beside it.
var publishedHF = []struct {
	name, text string
	want       Config
}{
	{"nothing but the architecture: LlamaConfig's defaults", `{` + llamaHead + `}`,
		Config{Vocab: 32000, Embd: 4096, FFN: 11008, Layers: 32, Heads: 32, KVHeads: 32, HeadDim: 128, Context: 2048, NormEps: 1e-6, Rope: rope(10000, 128)}},
	{"model_type alone", `{"model_type": "llama"}`,
		Config{Vocab: 32000, Embd: 4096, FFN: 11008, Layers: 32, Heads: 32, KVHeads: 32, HeadDim: 128, Context: 2048, NormEps: 1e-6, Rope: rope(10000, 128)}},
	{"Llama 1 7B", `{` + llamaHead + `, "bos_token_id": 1, "eos_token_id": 2, "hidden_act": "silu", "hidden_size": 4096, "intermediate_size": 11008,
		"initializer_range": 0.02, "max_position_embeddings": 2048, "num_attention_heads": 32, "num_hidden_layers": 32, "pad_token_id": 0,
		"rms_norm_eps": 1e-06, "tie_word_embeddings": false, "torch_dtype": "float16", "transformers_version": "4.28.0", "use_cache": true, "vocab_size": 32000}`,
		Config{Vocab: 32000, Embd: 4096, FFN: 11008, Layers: 32, Heads: 32, KVHeads: 32, HeadDim: 128, Context: 2048, NormEps: 1e-6, Rope: rope(10000, 128)}},
	{"Llama 2 70B", `{"_name_or_path": "meta-llama/Llama-2-70b-hf", ` + llamaHead + `, "hidden_act": "silu", "hidden_size": 8192, "intermediate_size": 28672,
		"max_position_embeddings": 4096, "num_attention_heads": 64, "num_hidden_layers": 80, "num_key_value_heads": 8, "pretraining_tp": 1,
		"rms_norm_eps": 1e-05, "rope_scaling": null, "tie_word_embeddings": false, "torch_dtype": "float16", "vocab_size": 32000}`,
		Config{Vocab: 32000, Embd: 8192, FFN: 28672, Layers: 80, Heads: 64, KVHeads: 8, HeadDim: 128, Context: 4096, NormEps: 1e-5, Rope: rope(10000, 128)}},
	{"Llama 3 8B", `{` + llamaHead + `, "attention_bias": false, "attention_dropout": 0.0, "bos_token_id": 128000, "eos_token_id": 128001,
		"hidden_act": "silu", "hidden_size": 4096, "intermediate_size": 14336, "max_position_embeddings": 8192, "num_attention_heads": 32,
		"num_hidden_layers": 32, "num_key_value_heads": 8, "pretraining_tp": 1, "rms_norm_eps": 1e-05, "rope_scaling": null, "rope_theta": 500000.0,
		"tie_word_embeddings": false, "torch_dtype": "bfloat16", "vocab_size": 128256}`,
		Config{Vocab: 128256, Embd: 4096, FFN: 14336, Layers: 32, Heads: 32, KVHeads: 8, HeadDim: 128, Context: 8192, NormEps: 1e-5, Rope: rope(500000, 128)}},
	{"Llama 3.1 8B", `{` + llamaHead + `, "eos_token_id": [128001, 128008, 128009], "hidden_size": 4096, "intermediate_size": 14336, "max_position_embeddings": 131072,
		"mlp_bias": false, "num_attention_heads": 32, "num_hidden_layers": 32, "num_key_value_heads": 8, "rms_norm_eps": 1e-05,
		"rope_scaling": {"factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 8192, "rope_type": "llama3"},
		"rope_theta": 500000.0, "tie_word_embeddings": false, "vocab_size": 128256}`,
		Config{Vocab: 128256, Embd: 4096, FFN: 14336, Layers: 32, Heads: 32, KVHeads: 8, HeadDim: 128, Context: 131072, NormEps: 1e-5,
			Rope: Rope{Theta: 500000, Width: 128, Style: "half", Llama3: &Llama3Scaling{8, 1, 4, 8192}}}},
	{"Llama 3.2 1B", `{` + llamaHead + `, "head_dim": 64, "hidden_size": 2048, "intermediate_size": 8192, "max_position_embeddings": 131072,
		"num_attention_heads": 32, "num_hidden_layers": 16, "num_key_value_heads": 8, "rms_norm_eps": 1e-05,
		"rope_scaling": {"factor": 32.0, "high_freq_factor": 4.0, "low_freq_factor": 1.0, "original_max_position_embeddings": 8192, "rope_type": "llama3"},
		"rope_theta": 500000.0, "tie_word_embeddings": true, "vocab_size": 128256}`,
		Config{Vocab: 128256, Embd: 2048, FFN: 8192, Layers: 16, Heads: 32, KVHeads: 8, HeadDim: 64, Context: 131072, NormEps: 1e-5, Tied: true,
			Rope: Rope{Theta: 500000, Width: 64, Style: "half", Llama3: &Llama3Scaling{32, 1, 4, 8192}}}},
	{"Llama 3.2 1B as transformers 5 writes it", `{` + llamaHead + `, "dtype": "bfloat16", "head_dim": 64, "hidden_size": 2048, "intermediate_size": 8192, "max_position_embeddings": 131072,
		"num_attention_heads": 32, "num_hidden_layers": 16, "num_key_value_heads": 8, "rms_norm_eps": 1e-05,
		"rope_parameters": {"factor": 32.0, "high_freq_factor": 4.0, "low_freq_factor": 1.0, "original_max_position_embeddings": 8192, "rope_theta": 500000.0, "rope_type": "llama3"},
		"tie_word_embeddings": true, "transformers_version": "5.0.0", "vocab_size": 128256}`,
		Config{Vocab: 128256, Embd: 2048, FFN: 8192, Layers: 16, Heads: 32, KVHeads: 8, HeadDim: 64, Context: 131072, NormEps: 1e-5, Tied: true,
			Rope: Rope{Theta: 500000, Width: 64, Style: "half", Llama3: &Llama3Scaling{32, 1, 4, 8192}}}},
	{"TinyLlama 1.1B", `{` + llamaHead + `, "hidden_size": 2048, "intermediate_size": 5632, "max_position_embeddings": 2048, "num_attention_heads": 32,
		"num_hidden_layers": 22, "num_key_value_heads": 4, "pretraining_tp": 1, "rms_norm_eps": 1e-05, "rope_scaling": null, "rope_theta": 10000.0, "vocab_size": 32000}`,
		Config{Vocab: 32000, Embd: 2048, FFN: 5632, Layers: 22, Heads: 32, KVHeads: 4, HeadDim: 64, Context: 2048, NormEps: 1e-5, Rope: rope(10000, 64)}},
	{"SmolLM2 135M", `{` + llamaHead + `, "hidden_size": 576, "intermediate_size": 1536, "is_llama_config": true, "max_position_embeddings": 8192,
		"num_attention_heads": 9, "num_hidden_layers": 30, "num_key_value_heads": 3, "pretraining_tp": 1, "rms_norm_eps": 1e-05,
		"rope_interleaved": false, "rope_scaling": null, "rope_theta": 100000, "tie_word_embeddings": true, "transformers.js_config": {"dtype": "q4"}, "vocab_size": 49152}`,
		Config{Vocab: 49152, Embd: 576, FFN: 1536, Layers: 30, Heads: 9, KVHeads: 3, HeadDim: 64, Context: 8192, NormEps: 1e-5, Tied: true, Rope: rope(100000, 64)}},
	{"multi-query, linear scaling in the oldest spelling", `{` + llamaHead + `, "num_key_value_heads": 1, "rope_scaling": {"type": "linear", "factor": 8}}`,
		Config{Vocab: 32000, Embd: 4096, FFN: 11008, Layers: 32, Heads: 32, KVHeads: 1, HeadDim: 128, Context: 2048, NormEps: 1e-6,
			Rope: Rope{Theta: 10000, Width: 128, Style: "half", Linear: 8}}},
	{"head_dim that is not hidden_size/heads, swish", `{` + llamaHead + `, "hidden_size": 100, "num_attention_heads": 3, "num_key_value_heads": 3, "head_dim": 32, "hidden_act": "swish"}`,
		Config{Vocab: 32000, Embd: 100, FFN: 11008, Layers: 32, Heads: 3, KVHeads: 3, HeadDim: 32, Context: 2048, NormEps: 1e-6, Rope: rope(10000, 32)}},
	{"nulls that mean the default", `{` + llamaHead + `, "num_key_value_heads": null, "head_dim": null, "rope_parameters": null, "rope_scaling": null, "partial_rotary_factor": null, "sliding_window": null, "quantization_config": null}`,
		Config{Vocab: 32000, Embd: 4096, FFN: 11008, Layers: 32, Heads: 32, KVHeads: 32, HeadDim: 128, Context: 2048, NormEps: 1e-6, Rope: rope(10000, 128)}},
	{"biases, partial rotation, default rope_type", `{` + llamaHead + `, "attention_bias": true, "mlp_bias": true, "partial_rotary_factor": 0.5, "rope_parameters": {"rope_type": "default", "rope_theta": 2e6}}`,
		Config{Vocab: 32000, Embd: 4096, FFN: 11008, Layers: 32, Heads: 32, KVHeads: 32, HeadDim: 128, Context: 2048, NormEps: 1e-6, Rope: rope(2e6, 64),
			AttnBias: true, OutBias: true, MLPBias: true}},
	{"rope_theta over 2^31, as Gradient's long-context Llama 3 has", `{` + llamaHead + `, "rope_theta": 3580165449.0, "layer_types": ["full_attention", "full_attention"]}`,
		Config{Vocab: 32000, Embd: 4096, FFN: 11008, Layers: 32, Heads: 32, KVHeads: 32, HeadDim: 128, Context: 2048, NormEps: 1e-6, Rope: rope(3580165449, 128)}},
	{"both spellings that agree", `{` + llamaHead + `, "rope_scaling": {"type": "linear", "rope_type": "linear", "factor": 2.0}, "rope_parameters": {"type": "linear", "rope_type": "linear", "factor": 2}}`,
		Config{Vocab: 32000, Embd: 4096, FFN: 11008, Layers: 32, Heads: 32, KVHeads: 32, HeadDim: 128, Context: 2048, NormEps: 1e-6,
			Rope: Rope{Theta: 10000, Width: 128, Style: "half", Linear: 2}}},
}

func TestPublishedHF(t *testing.T) {
	for _, test := range publishedHF {
		t.Run(test.name, func(t *testing.T) {
			got, _, err := configHF("config.json", []byte(test.text))
			require.NoError(t, err)
			if test.want.Arch == "" {
				test.want.Arch = "llama"
			}
			require.Equal(t, test.want, got)
		})
	}
}

func TestUnreadHF(t *testing.T) {
	_, unread, err := configHF("config.json", []byte(`{`+llamaHead+`, "_commit": 1, "is_llama_config": true, "use_cache": true, "what_is_this": {"a": 1}}`))
	require.NoError(t, err)
	require.Equal(t, []string{"what_is_this"}, unread)
}

// Each refusal: what stands in an otherwise empty config, and the error behind the file's name.
var refusedHF = []struct{ text, want string }{
	{``, "at byte 0: the JSON ends too early"},
	{`[1]`, "found no object"},
	{`{"a": 1`, "at byte 7: the JSON ends too early"},
	{`{"a": 1} x`, "found more behind the object, want the end of the file"},
	{`{"a": NaN}`, "at byte 5: invalid character 'N' looking for beginning of value"},
	{`{"a": 1, "b": 2, "a": 1}`, `duplicate key "a"`},
	{`{}`, `names no architecture, want a model_type of "llama", "mistral", "qwen2", "qwen3", "gemma2" or "phi3"`},
	{`{"architectures": ["MixtralForCausalLM"], "model_type": "mixtral"}`, `model_type: "mixtral" is not supported, want "llama", "mistral", "qwen2", "qwen3", "gemma2" or "phi3"`},
	{`{"architectures": ["Qwen3MoeForCausalLM"]}`, `architectures: "Qwen3MoeForCausalLM" is not supported, want "LlamaForCausalLM", "MistralForCausalLM", "Qwen2ForCausalLM", "Qwen3ForCausalLM", "Gemma2ForCausalLM" or "Phi3ForCausalLM"`},
	{`{"architectures": ["LlamaForSequenceClassification"], "model_type": "llama"}`, `architectures: "LlamaForSequenceClassification" is not supported with model_type "llama", want "LlamaForCausalLM"`},
	{`{"architectures": ["MistralForCausalLM"], "model_type": "llama"}`, `architectures: "MistralForCausalLM" is not supported with model_type "llama", want "LlamaForCausalLM"`},
	{`{"architectures": "LlamaForCausalLM"}`, `architectures: found "LlamaForCausalLM", want a list of strings`},
	{`{"model_type": 1}`, `model_type: found 1, want a string`},
	{`"vocab_size": "32000"`, `vocab_size: found "32000", want an integer of 1 to 2147483648`},
	{`"vocab_size": null`, `vocab_size: found null, want an integer of 1 to 2147483648`},
	{`"hidden_size": -4096`, "hidden_size: found -4096, want an integer of 1 to 2147483648"},
	{`"hidden_size": 4096.0`, "hidden_size: found 4096.0, want an integer of 1 to 2147483648"},
	{`"num_hidden_layers": 0`, "num_hidden_layers: found 0, want an integer of 1 to 2147483648"},
	{`"intermediate_size": 2147483649`, "intermediate_size: found 2147483649, want an integer of 1 to 2147483648"},
	{`"intermediate_size": 99999999999999999999999`, "intermediate_size: found 99999999999999999999999, want an integer of 1 to 2147483648"},
	{`"num_attention_heads": [32]`, "num_attention_heads: found [32], want an integer of 1 to 2147483648"},
	{`"num_attention_heads": 32, "num_key_value_heads": 5`, "num_attention_heads: found 32, want a multiple of num_key_value_heads, which is 5"},
	{`"num_attention_heads": 24`, "hidden_size: found 4096, want a multiple of num_attention_heads, which is 24, since head_dim is absent"},
	{`"head_dim": 63`, "head_dim: found 63, want an even number: rotary embeddings turn pairs of elements"},
	{`"head_dim": 65538`, "head_dim: found 65538, want at most 65536"},
	{`"num_attention_heads": 1048576, "head_dim": 4096`, "num_attention_heads: 1048576 heads of 4096 (head_dim) have 4294967296 elements, want at most 2147483648"},
	{`"rms_norm_eps": 0`, "rms_norm_eps: found 0, want a number between 0 and 1"},
	{`"rms_norm_eps": "1e-5"`, `rms_norm_eps: found "1e-5", want a number`},
	{`"rms_norm_eps": 1e999`, `rms_norm_eps: found 1e999, want a number`},
	{`"rope_theta": 1e-300`, "rope_theta: found 1e-300, which with the scaling turns a pair by 2.05e+295 radians a position, want at most 1e+06"},
	{`"ro\u001bpe": 1`, `key "ro\x1bpe" has control characters`},
	{`"rope_theta": -1`, "rope_theta: found -1, want a number above 0, at most 1e+15"},
	{`"tie_word_embeddings": 1`, "tie_word_embeddings: found 1, want true or false"},
	{`"attention_bias": null`, "attention_bias: found null, want true or false"},
	{`"hidden_act": "gelu"`, `hidden_act: "gelu" is not supported, want "silu", "swish", "gelu_pytorch_tanh" or "gelu_new"`},
	{`"partial_rotary_factor": 1.5`, "partial_rotary_factor: found 1.5, want a number above 0, at most 1"},
	{`"head_dim": 8, "partial_rotary_factor": 0.4`, "partial_rotary_factor: rotates 3 elements of a head, want an even number of 2 to 8 (head_dim)"},
	{`"rope_scaling": 2`, "rope_scaling: found 2, want an object"},
	{`"rope_scaling": {"type": "dynamic", "factor": 2}`, `rope_scaling: type: "dynamic" is not supported, want default, linear or llama3`},
	{`"rope_scaling": {"rope_type": "yarn", "factor": 2}`, `rope_scaling: rope_type: "yarn" is not supported, want default, linear or llama3`},
	{`"rope_parameters": {"rope_type": "longrope"}`, `rope_parameters: rope_type: "longrope" is not supported, want default, linear or llama3`},
	{`"rope_scaling": {"type": "linear", "rope_type": "llama3", "factor": 2}`, `rope_scaling: rope_type: found "llama3", but type says "linear"`},
	{`"rope_scaling": {"type": "linear"}`, "rope_scaling: factor: is missing"},
	{`"rope_scaling": {"type": "linear", "factor": 0}`, "rope_scaling: factor: found 0, want a number above 0"},
	{`"rope_scaling": {"type": "linear", "factor": 2, "factor": 4}`, `rope_scaling: duplicate key "factor"`},
	{`"rope_scaling": {"type": "linear", "factor": 2, "beta_fast": 32}`, `rope_scaling: beta_fast: found 32, which rope_type "linear" does not have: it takes rope_type, type, rope_theta, partial_rotary_factor, factor`},
	{`"rope_scaling": {"rope_type": "llama3", "factor": 8, "low_freq_factor": 4, "high_freq_factor": 4, "original_max_position_embeddings": 8192}`,
		"rope_scaling: high_freq_factor: found 4, want more than low_freq_factor, which is 4"},
	{`"rope_scaling": {"rope_type": "llama3", "factor": 8, "low_freq_factor": 1, "high_freq_factor": 4}`, "rope_scaling: original_max_position_embeddings: is missing"},
	{`"rope_scaling": {"factor": 2}, "rope_parameters": {"factor": 3}`, `rope_parameters: found {"factor":3}, but rope_scaling says {"factor":2}`},
	{`"rope_theta": 1e4, "rope_parameters": {"rope_theta": 5e5}`, "rope_parameters: rope_theta: found 5e5, but config.json says 1e4"},
	{`"rope_parameters": {"full_attention": {"rope_type": "default"}}`, "rope_parameters: full_attention: rotary embeddings that differ by layer are not supported, want one rope_type for all"},
	{`"sliding_window": 4096`, "sliding_window: found 4096, which changes the computation and is not supported"},
	{`"attn_logit_softcapping": 50.0`, "attn_logit_softcapping: found 50.0, which changes the computation and is not supported"},
	{`"query_pre_attn_scalar": 256`, "query_pre_attn_scalar: found 256, which changes the computation and is not supported"},
	{`"quantization_config": {"quant_method": "gptq", "bits": 4}`, `quantization_config: found {"quant_method":"gptq","bits":4}, which changes the computation and is not supported`},
	{`"pretraining_tp": 2`, "pretraining_tp: found 2, which changes the computation and is not supported"},
	{`"num_local_experts": 8`, "num_local_experts: found 8, which changes the computation and is not supported"},
	{`"layer_types": ["full_attention", "sliding_attention"]`, `layer_types: layers of type "sliding_attention" are not supported, want "full_attention"`},
}

func TestRefusedHF(t *testing.T) {
	for _, test := range refusedHF {
		t.Run(test.want, func(t *testing.T) {
			text := test.text
			if text != "" && text[0] == '"' {
				text = `{` + llamaHead + `, ` + text + `}`
			}
			_, _, err := configHF("config.json", []byte(text))
			require.EqualError(t, err, "config.json: "+test.want)
		})
	}
}

// Every key of the table is refused with a value that it does not list, and passes with the one it does, or none.
func TestForeignKeysHF(t *testing.T) {
	for _, key := range slices.Sorted(maps.Keys(foreignKeysHF)) {
		neutral, err := json.Marshal(foreignKeysHF[key])
		require.NoError(t, err)
		for _, value := range []string{string(neutral), "null", "[]", "{}", `""`} {
			_, unread, err := configHF("config.json", []byte(`{`+llamaHead+`, "`+key+`": `+value+`}`))
			require.NoError(t, err)
			require.Empty(t, unread)
		}
		for _, value := range []string{"17", `"x"`, `[false]`, `{"a": 1}`, "1e999"} {
			_, _, err := configHF("config.json", []byte(`{`+llamaHead+`, "`+key+`": `+value+`}`))
			require.ErrorContains(t, err, "config.json: "+key+": found ")
		}
	}
}
