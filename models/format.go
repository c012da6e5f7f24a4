package models

// format is how one kind of model file spells what a Config says.
type format struct {
	name   string // "gguf", "safetensors"
	keysIn string // where the keys stand, in an error's words
	tensor func(nameRow) string

	vocab, embd, layers, heads, kvHeads, headDim, ffn, context, eps, theta, width string
}

var hfFormat = &format{
	name: "safetensors", keysIn: "config.json", tensor: inHF,
	vocab: "vocab_size", embd: "hidden_size", layers: "num_hidden_layers",
	heads: "num_attention_heads", kvHeads: "num_key_value_heads", headDim: "head_dim",
	ffn: "intermediate_size", context: "max_position_embeddings",
	eps: "rms_norm_eps", theta: "rope_theta", width: "partial_rotary_factor",
}

var ggufFormat = &format{
	name: "gguf", keysIn: "the metadata", tensor: inGGUF,
	vocab: "llama.vocab_size", embd: "llama.embedding_length", layers: "llama.block_count",
	heads: "llama.attention.head_count", kvHeads: "llama.attention.head_count_kv", headDim: "llama.attention.key_length",
	ffn: "llama.feed_forward_length", context: "llama.context_length",
	eps: "llama.attention.layer_norm_rms_epsilon", theta: "llama.rope.freq_base", width: "llama.rope.dimension_count",
}
