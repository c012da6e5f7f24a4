package models

import (
	"math"
	"slices"
	"strings"
)

// arch is an architecture: what files call it and its keys and weights, and what sets it apart from Llama. Everything else about
// it follows from the Config that the row and a file make together.
type arch struct {
	name string // Config.Arch, and config.json's model_type
	hf   string // config.json's architectures
	gguf string // GGUF's general.architecture, which begins its keys

	keysHF   string    // keys of features_hf.go that it reads; the others' must be neutral
	keysGGUF string    // keys it reads besides readKeysGGUF
	names    []nameRow // of weights, in place of those of names.go or besides them

	config Config // what transformers assumes where a key is absent (KVHeads 0: as many as Heads), and what no key says

	style      string                  // GGUF's order of a rotated pair
	scaleEmbd  bool                    // embeddings are multiplied by √width
	offsetHF   float64                 // added to the weights of norms, in Hugging Face's files alone
	scoresGGUF func(c *Config) float64 // Config.AttnScale, which no key of GGUF says; nil: 0
}

// archs are the architectures. Several may have the same name in GGUF: the first is meant, since the others' files are the same.
var archs = []*arch{
	{
		name: "llama", hf: "LlamaForCausalLM", gguf: "llama", style: "interleaved",
		keysHF: "attention_bias mlp_bias", keysGGUF: "attention.sliding_window",
		config: Config{Vocab: 32000, Embd: 4096, FFN: 11008, Layers: 32, Heads: 32, Context: 2048, NormEps: 1e-6},
	},
	{ // Jiang et al. 2023, arXiv 2310.06825
		name: "mistral", hf: "MistralForCausalLM", gguf: "llama",
		keysHF: "sliding_window",
		config: Config{Vocab: 32000, Embd: 4096, FFN: 14336, Layers: 32, Heads: 32, KVHeads: 8, Context: 131072, NormEps: 1e-6,
			Sliding: Sliding{Window: 4096}},
	},
	{ // Yang et al. 2024, arXiv 2407.10671
		name: "qwen2", hf: "Qwen2ForCausalLM", gguf: "qwen2", style: "half",
		keysHF: "use_sliding_window sliding_window max_window_layers layer_types",
		config: Config{Vocab: 151936, Embd: 4096, FFN: 22016, Layers: 32, Heads: 32, Context: 32768, NormEps: 1e-6,
			AttnBias: true, Sliding: Sliding{Window: 4096, From: 28}},
	},
	{ // Yang et al. 2025, arXiv 2505.09388
		name: "qwen3", hf: "Qwen3ForCausalLM", gguf: "qwen3", style: "half",
		keysHF: "attention_bias use_sliding_window sliding_window max_window_layers layer_types",
		names: []nameRow{
			{"layers.#.attn.q_norm_w", "blk.#.attn_q_norm.weight", "model.layers.#.self_attn.q_norm.weight"},
			{"layers.#.attn.k_norm_w", "blk.#.attn_k_norm.weight", "model.layers.#.self_attn.k_norm.weight"},
		},
		config: Config{Vocab: 151936, Embd: 4096, FFN: 22016, Layers: 32, Heads: 32, HeadDim: 128, Context: 32768, NormEps: 1e-6,
			QKNorm: true, Sliding: Sliding{Window: 4096, From: 28}},
	},
	{ // Gemma Team 2024, arXiv 2408.00118
		name: "gemma2", hf: "Gemma2ForCausalLM", gguf: "gemma2", style: "half",
		keysHF:   "attention_bias sliding_window layer_types attn_logit_softcapping final_logit_softcapping query_pre_attn_scalar hidden_activation",
		keysGGUF: "attention.sliding_window attn_logit_softcapping final_logit_softcapping",
		names: []nameRow{
			{"layers.#.attn.post_norm_w", "blk.#.post_attention_norm.weight", "model.layers.#.post_attention_layernorm.weight"},
			{"layers.#.mlp.norm_w", "blk.#.ffn_norm.weight", "model.layers.#.pre_feedforward_layernorm.weight"},
			{"layers.#.mlp.post_norm_w", "blk.#.post_ffw_norm.weight", "model.layers.#.post_feedforward_layernorm.weight"},
		},
		config: Config{Vocab: 256000, Embd: 2304, FFN: 9216, Layers: 26, Heads: 8, KVHeads: 4, HeadDim: 256, Context: 8192, NormEps: 1e-6, Tied: true,
			PostNorms: true, Act: "gelu_tanh", AttnScale: 1. / 16, AttnCap: 50, LogitCap: 30, Sliding: Sliding{Window: 4096, Pattern: []bool{true, false}}},
		scaleEmbd: true, offsetHF: 1, scoresGGUF: gemma2Scale,
	},
	{ // Abdin et al. 2024, arXiv 2404.14219
		name: "phi3", hf: "Phi3ForCausalLM", gguf: "phi3", style: "half",
		keysHF: "sliding_window original_max_position_embeddings", keysGGUF: "attention.sliding_window",
		names: []nameRow{
			{"layers.#.attn.wq", "blk.#.attn_qkv.weight", "model.layers.#.self_attn.qkv_proj.weight"},
			{"layers.#.attn.wk", "blk.#.attn_qkv.weight", "model.layers.#.self_attn.qkv_proj.weight"},
			{"layers.#.attn.wv", "blk.#.attn_qkv.weight", "model.layers.#.self_attn.qkv_proj.weight"},
			{"layers.#.mlp.wgate", "blk.#.ffn_up.weight", "model.layers.#.mlp.gate_up_proj.weight"},
			{"layers.#.mlp.wup", "blk.#.ffn_up.weight", "model.layers.#.mlp.gate_up_proj.weight"},
		},
		config: Config{Vocab: 32064, Embd: 3072, FFN: 8192, Layers: 32, Heads: 32, Context: 4096, NormEps: 1e-5},
	},
}

// gemma2Scale is 1/√HeadDim but for the 27B model, known by its 46 layers, whose query_pre_attn_scalar no key of GGUF has.
func gemma2Scale(c *Config) float64 {
	if c.Layers == 46 {
		return 1 / math.Sqrt(float64(c.Embd)/float64(c.Heads))
	}
	return 0
}

// base is the Config before a file says anything.
func (a *arch) base() Config {
	c := a.config
	c.Arch = a.name
	c.Sliding.Pattern = slices.Clone(c.Sliding.Pattern)
	return c
}

// complete adds what follows from what a file says.
func (a *arch) complete(c *Config) {
	if a.scaleEmbd {
		c.EmbdScale = math.Sqrt(float64(c.Embd))
	}
	if c.Sliding.Window == 0 {
		c.Sliding = Sliding{}
	}
}

// reads reports that the architecture reads a key of features_hf.go.
func (a *arch) reads(key string) bool { return slices.Contains(strings.Fields(a.keysHF), key) }

// archBy finds the row that a file means by one of its names.
func archBy(name string, of func(*arch) string) *arch {
	if i := slices.IndexFunc(archs, func(a *arch) bool { return of(a) == name }); i >= 0 {
		return archs[i]
	}
	return nil
}

// archNames lists one of the names of the architectures, for an error: `"llama", "qwen2" or "phi3"`.
func archNames(of func(*arch) string) string {
	var list []string
	for _, a := range archs {
		if name := `"` + of(a) + `"`; !slices.Contains(list, name) {
			list = append(list, name)
		}
	}
	last := len(list) - 1
	return strings.Join(list[:last], ", ") + " or " + list[last]
}

func byType(a *arch) string { return a.name }
func byHF(a *arch) string   { return a.hf }
func byGGUF(a *arch) string { return a.gguf }
