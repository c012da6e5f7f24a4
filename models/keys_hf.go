package models

import (
	"encoding/json"
	"maps"
	"reflect"
	"strings"
)

// readKeysHF are the keys that configHF reads.
const readKeysHF = `architectures model_type vocab_size hidden_size intermediate_size num_hidden_layers num_attention_heads
	num_key_value_heads head_dim max_position_embeddings rms_norm_eps rope_theta rope_scaling rope_parameters
	tie_word_embeddings hidden_act partial_rotary_factor`

// harmlessKeysHF do not bear on the logits: training, file keeping, generation (tokenizer.go reads the ids).
const harmlessKeysHF = `torch_dtype dtype transformers_version use_cache initializer_range attention_dropout hidden_dropout
	resid_pdrop embd_pdrop attn_pdrop bos_token_id eos_token_id pad_token_id unk_token_id sep_token_id decoder_start_token_id
	max_length min_length do_sample temperature top_k top_p num_beams output_attentions output_hidden_states return_dict
	gradient_checkpointing auto_map task_specific_params id2label label2id problem_type finetuning_task
	keys_to_ignore_at_inference tokenizer_class prefix torchscript use_bfloat16 name_or_path transformers.js_config
	unsloth_fixed unsloth_version chunk_size_feed_forward max_sequence_length max_seq_len pad_to_multiple_of
	max_window_layers cache_implementation is_llama_config`

// foreignKeysHF change what a model computes in ways that no architecture here has, unless they have the value given here, null,
// or an empty one.
var foreignKeysHF = map[string]any{
	"quantization_config":             nil,
	"compression_config":              nil,
	"sliding_window_pattern":          nil,
	"use_mrope":                       false,
	"dual_chunk_attention_config":     nil,
	"attention_chunk_size":            nil,
	"no_rope_layers":                  nil,
	"no_rope_layer_interval":          nil,
	"attention_multiplier":            nil,
	"embedding_multiplier":            1.0,
	"residual_multiplier":             1.0,
	"logits_scaling":                  1.0,
	"logit_scale":                     1.0,
	"scale_emb":                       1.0,
	"scale_depth":                     nil,
	"dim_model_base":                  nil,
	"pretraining_tp":                  1.0,
	"clip_qkv":                        nil,
	"qk_norm":                         false,
	"use_qk_norm":                     false,
	"qk_layernorm":                    false,
	"qkv_bias":                        false,
	"bias":                            false,
	"use_bias":                        false,
	"lm_head_bias":                    false,
	"alibi":                           false,
	"parallel_attn":                   false,
	"use_parallel_residual":           false,
	"scale_attn_by_inverse_layer_idx": false,
	"attn_temperature_tuning":         false,
	"rope_interleaved":                false,
	"rotary_pct":                      1.0,
	"rotary_dim":                      nil,
	"rotary_emb_base":                 nil,
	"num_local_experts":               0.0,
	"num_experts":                     0.0,
	"n_routed_experts":                0.0,
	"num_experts_per_tok":             0.0,
	"num_nextn_predict_layers":        0.0,
	"is_encoder_decoder":              false,
	"is_causal":                       true,
	"add_cross_attention":             false,
	"tie_encoder_decoder":             false,
	"pruned_heads":                    nil,
	"text_config":                     nil,
	"vision_config":                   nil,
	"v_head_dim":                      nil,
	"q_lora_rank":                     nil,
	"kv_lora_rank":                    nil,
	"num_kv_shared_layers":            0.0,
	"rope_local_base_freq":            nil,
	"block_configs":                   nil,
	"interleave_moe_layer_step":       0.0,
	"intermediate_size_mlp":           nil,
	"cross_attention_layers":          nil,
	"per_layer_config":                nil,
	"hidden_size_per_layer_input":     0.0,
	"attention_k_eq_v":                false,
	"enable_moe_block":                false,
	"use_bidirectional_attention":     false,
	"attn_output_gate":                false,
	"linear_num_key_heads":            nil,
	"linear_conv_kernel_dim":          nil,
	"mamba_d_state":                   nil,
	"hybrid_override_pattern":         nil,
}

// checkKeysHF refuses what would change the computation, and lists the keys of which nothing is known.
func checkKeysHF(o *object, a *arch) (unread []string) {
	known, neutral := map[string]bool{"layer_types": true}, maps.Clone(foreignKeysHF)
	for _, key := range strings.Fields(readKeysHF + " " + harmlessKeysHF + " " + a.keysHF) {
		known[key] = true
	}
	for _, f := range featuresHF {
		if !a.reads(f.key) {
			neutral[f.key] = f.neutral
		}
	}
	if !a.reads("layer_types") {
		for _, kind := range o.strings("layer_types") {
			if kind != fullLayer {
				o.fail("layer_types", "layers of type %q are not supported, want %q", kind, fullLayer)
			}
		}
	}
	for _, key := range o.keys {
		neutral, foreign := neutral[key]
		switch {
		case known[key]:
		case foreign && o.has(key) && !isNeutral(o.raw[key], neutral):
			o.fail(key, "found %s, which changes the computation and is not supported", o.shown(key))
		case !foreign && !strings.HasPrefix(key, "_"):
			unread = append(unread, key)
		}
	}
	return unread
}

// isNeutral reports a value that changes nothing: the key's own such value, or an empty one.
func isNeutral(raw json.RawMessage, neutral any) bool {
	var v any
	if json.Unmarshal(raw, &v) != nil {
		return false // a number beyond float64
	}
	switch v := v.(type) {
	case string:
		return v == ""
	case []any:
		return len(v) == 0
	case map[string]any:
		return len(v) == 0
	}
	return neutral != nil && reflect.DeepEqual(v, neutral)
}
