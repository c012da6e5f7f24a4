package models

import "math"

// featureHF is a key of config.json that some architectures have: what it says, and the value that says nothing to the others.
type featureHF struct {
	key     string
	neutral any
	read    func(o *object, c *Config) // nil: another row reads it too
}

// featuresHF are read in this order by the architectures whose rows name them.
var featuresHF = []featureHF{
	{"attention_bias", false, func(o *object, c *Config) { // one switch for all four
		c.AttnBias = o.bool("attention_bias", false)
		c.OutBias = c.AttnBias
	}},
	{"mlp_bias", false, func(o *object, c *Config) { c.MLPBias = o.bool("mlp_bias", false) }},
	{"hidden_activation", nil, func(o *object, c *Config) { c.Act = actHF(o, "hidden_activation", "gelu_tanh") }},
	{"query_pre_attn_scalar", nil, func(o *object, c *Config) {
		if o.has("query_pre_attn_scalar") {
			c.AttnScale = 1 / math.Sqrt(o.positive("query_pre_attn_scalar"))
		}
	}},
	{"attn_logit_softcapping", nil, func(o *object, c *Config) { c.AttnCap = capHF(o, "attn_logit_softcapping", c.AttnCap) }},
	{"final_logit_softcapping", nil, func(o *object, c *Config) { c.LogitCap = capHF(o, "final_logit_softcapping", c.LogitCap) }},
	{"sliding_window", nil, func(o *object, c *Config) { c.Sliding.Window = windowHF(o, c.Sliding.Window) }},
	{"max_window_layers", nil, func(o *object, c *Config) { c.Sliding.From = fromHF(o, c.Sliding.From) }},
	{"layer_types", nil, layerTypesHF},
	{"use_sliding_window", false, func(o *object, c *Config) {
		if o.bool("use_sliding_window", false) {
			return
		}
		if c.Sliding.Pattern != nil {
			o.fail("layer_types", "has layers of type %q, but use_sliding_window says false", slidingLayer)
		}
		c.Sliding = Sliding{}
	}},
	{"original_max_position_embeddings", nil, nil}, // of longrope, which readRopeHF refuses
}

// capHF reads a soft cap; null is none.
func capHF(o *object, key string, absent float64) float64 {
	raw, given := o.raw[key]
	switch {
	case !given:
		return absent
	case string(raw) == "null":
		return 0
	}
	return o.positive(key)
}

// windowHF reads the number of tokens that a query sees; null is all.
func windowHF(o *object, absent int) int {
	const key = "sliding_window"
	if raw, given := o.raw[key]; given && string(raw) == "null" {
		return 0
	}
	return o.count(key, absent)
}

// fromHF reads how many layers see everything: 0 or more.
func fromHF(o *object, absent int) int {
	const key = "max_window_layers"
	if raw, given := o.raw[key]; given && string(raw) == "0" {
		return 0
	}
	return o.count(key, absent)
}

const fullLayer, slidingLayer = "full_attention", "sliding_attention"

// layerTypesHF reads the kind of each layer, which goes before what follows from other keys.
func layerTypesHF(o *object, c *Config) {
	const key = "layer_types"
	list := o.strings(key)
	if list == nil {
		return
	}
	if len(list) != c.Layers {
		o.fail(key, "found a list of %d, want one for each of %d layers", len(list), c.Layers)
	}
	c.Sliding.From, c.Sliding.Pattern = 0, nil
	slides := false
	for _, kind := range list {
		if kind != fullLayer && kind != slidingLayer {
			o.fail(key, "layers of type %q are not supported, want %q or %q", kind, fullLayer, slidingLayer)
		}
		c.Sliding.Pattern = append(c.Sliding.Pattern, kind == slidingLayer)
		slides = slides || kind == slidingLayer
	}
	switch {
	case !slides:
		c.Sliding = Sliding{}
	case c.Sliding.Window == 0:
		o.fail(key, "has layers of type %q, but sliding_window says null", slidingLayer)
	}
}
