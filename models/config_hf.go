package models

import (
	"fmt"
	"strings"
)

// What config.json may call the architectures that there are.
const (
	hfArch = "LlamaForCausalLM"
	hfType = "llama"
)

// configHF reads a Hugging Face config.json; file is its name in errors. Absent keys have the defaults of transformers'
// LlamaConfig. unread are the keys that say nothing known, of weight or of none.
func configHF(file string, text []byte) (c Config, unread []string, err error) {
	o, err := parseObject(file, text)
	if err != nil {
		return Config{}, nil, err
	}
	if err := checkArchHF(o); err != nil {
		return Config{}, nil, err
	}
	unread = checkKeysHF(o)
	c = readHF(o)
	if o.err == nil {
		o.err = c.validate(file, hfFormat)
	}
	if o.err != nil {
		return Config{}, nil, o.err
	}
	return c, unread, nil
}

func checkArchHF(o *object) error {
	archs, kind := o.strings("architectures"), ""
	if o.has("model_type") {
		kind = o.string("model_type", "")
	}
	const want = `want architectures ["` + hfArch + `"], model_type "` + hfType + `"`
	switch {
	case o.err != nil:
		return o.err
	case len(archs) == 0 && kind == "":
		return fmt.Errorf("%s: names no architecture, %s", o.place, want)
	case kind != "" && kind != hfType:
		return fmt.Errorf("%s: model_type: %q is not supported, %s", o.place, kind, want)
	case len(archs) > 0 && (len(archs) > 1 || archs[0] != hfArch):
		return fmt.Errorf("%s: architectures: %q is not supported, %s", o.place, strings.Join(archs, ", "), want)
	}
	return nil
}

func readHF(o *object) Config {
	c := Config{
		Arch:     "llama",
		Vocab:    o.count("vocab_size", 32000),
		Embd:     o.count("hidden_size", 4096),
		FFN:      o.count("intermediate_size", 11008),
		Layers:   o.count("num_hidden_layers", 32),
		Heads:    o.count("num_attention_heads", 32),
		Context:  o.count("max_position_embeddings", 2048),
		NormEps:  o.float("rms_norm_eps", 1e-6),
		Tied:     o.bool("tie_word_embeddings", false),
		AttnBias: o.bool("attention_bias", false),
		MLPBias:  o.bool("mlp_bias", false),
	}
	c.OutBias = c.AttnBias // transformers' Llama has one switch for all four
	c.KVHeads = c.Heads
	if o.has("num_key_value_heads") {
		c.KVHeads = o.count("num_key_value_heads", c.Heads)
	}
	if o.has("head_dim") {
		c.HeadDim = o.count("head_dim", 1)
	} else {
		if c.Embd%c.Heads != 0 {
			o.fail("hidden_size", "found %d, want a multiple of num_attention_heads, which is %d, since head_dim is absent", c.Embd, c.Heads)
		}
		c.HeadDim = c.Embd / c.Heads
	}
	if act := o.string("hidden_act", "silu"); act != "silu" && act != "swish" {
		o.fail("hidden_act", "%q is not supported, want \"silu\" or \"swish\"", act)
	}
	c.Rope = readRopeHF(o, c.HeadDim)
	return c
}
