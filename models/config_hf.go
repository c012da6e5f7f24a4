package models

import (
	"fmt"
	"strings"
)

// configHF reads a Hugging Face config.json; file is its name in errors. Absent keys have the defaults of transformers'
// class for the architecture. unread are the keys that say nothing known, of weight or of none.
func configHF(file string, text []byte) (c Config, unread []string, err error) {
	o, err := parseObject(file, text)
	if err != nil {
		return Config{}, nil, err
	}
	a, err := archHF(o)
	if err != nil {
		return Config{}, nil, err
	}
	unread = checkKeysHF(o, a)
	c = readHF(o, a)
	if o.err == nil {
		o.err = c.validate(file, hfFormatOf(a))
	}
	if o.err != nil {
		return Config{}, nil, o.err
	}
	return c, unread, nil
}

// archHF is the architecture that model_type and architectures name, or the one of them that is there.
func archHF(o *object) (*arch, error) {
	list, kind := o.strings("architectures"), o.string("model_type", "")
	name := strings.Join(list, ", ")
	a := archBy(kind, byType)
	if kind == "" {
		a = archBy(name, byHF)
	}
	switch {
	case o.err != nil:
		return nil, o.err
	case name == "" && kind == "":
		return nil, fmt.Errorf("%s: names no architecture, want a model_type of %s", o.place, archNames(byType))
	case a == nil && kind != "":
		return nil, fmt.Errorf("%s: model_type: %q is not supported, want %s", o.place, kind, archNames(byType))
	case a == nil:
		return nil, fmt.Errorf("%s: architectures: %q is not supported, want %s", o.place, name, archNames(byHF))
	case name != "" && name != a.hf:
		return nil, fmt.Errorf("%s: architectures: %q is not supported with model_type %q, want %q", o.place, name, a.name, a.hf)
	}
	return a, nil
}

func readHF(o *object, a *arch) Config {
	c := a.base()
	c.Vocab = o.count("vocab_size", c.Vocab)
	c.Embd = o.count("hidden_size", c.Embd)
	c.FFN = o.count("intermediate_size", c.FFN)
	c.Layers = o.count("num_hidden_layers", c.Layers)
	c.Context = o.count("max_position_embeddings", c.Context)
	c.NormEps = o.float("rms_norm_eps", c.NormEps)
	c.Tied = o.bool("tie_word_embeddings", c.Tied)
	c.NormOffset = a.offsetHF
	readHeads(o, &c)
	c.Act = actHF(o, "hidden_act", c.Act)
	c.Rope = readRopeHF(o, c.HeadDim)
	for _, f := range featuresHF {
		if f.read != nil && a.reads(f.key) {
			f.read(o, &c)
		}
	}
	a.complete(&c)
	return c
}

// readHeads reads their number and size. null is what follows from the others, even where the class has a default.
func readHeads(o *object, c *Config) {
	const heads, kvHeads, headDim = "num_attention_heads", "num_key_value_heads", "head_dim"
	c.Heads = o.count(heads, c.Heads)
	_, given := o.raw[kvHeads]
	switch {
	case o.has(kvHeads):
		c.KVHeads = o.count(kvHeads, c.Heads)
	case given || c.KVHeads == 0:
		c.KVHeads = c.Heads
	}
	_, given = o.raw[headDim]
	switch {
	case o.has(headDim):
		c.HeadDim = o.count(headDim, 1)
	case given || c.HeadDim == 0:
		if c.Embd%c.Heads != 0 {
			o.fail("hidden_size", "found %d, want a multiple of num_attention_heads, which is %d, since head_dim is absent", c.Embd, c.Heads)
		}
		c.HeadDim = c.Embd / c.Heads
	}
}

// actsHF are the activations, by their names in transformers, as ops.
var actsHF = map[string]string{"silu": "silu", "swish": "silu", "gelu_pytorch_tanh": "gelu_tanh", "gelu_new": "gelu_tanh"}

// actHF reads an activation. It is the same op for every architecture, so none of them is the model's alone.
func actHF(o *object, key, absent string) string {
	if !o.has(key) {
		return absent
	}
	name := o.string(key, "")
	act, ok := actsHF[name]
	if !ok {
		o.fail(key, "%q is not supported, want %q, %q, %q or %q", name, "silu", "swish", "gelu_pytorch_tanh", "gelu_new")
	}
	if act == "silu" {
		return ""
	}
	return act
}
