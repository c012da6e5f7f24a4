package models

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/llorch/llorch/models/gguf"
)

// ropeFreqs is the tensor of Llama 3.1's frequency factors. No parameter of the graph takes it: it is part of the Config.
const ropeFreqs = "rope_freqs.weight"

// readKeysGGUF are the keys under the architecture's name that configGGUF reads for all of them, or that describe the model without changing it.
var readKeysGGUF = []string{
	"vocab_size", "context_length", "embedding_length", "block_count", "feed_forward_length",
	"attention.head_count", "attention.head_count_kv", "attention.key_length", "attention.value_length",
	"attention.layer_norm_rms_epsilon", "rope.dimension_count", "rope.freq_base", "rope.scaling.type", "rope.scaling.factor",
	"rope.scaling.original_context_length", "rope.scale_linear",
	"rope.scaling.finetuned", "tensor_data_layout",
}

// neutralGGUF are the values that change nothing of keys that otherwise would; for keys without a row, 0 and false.
var neutralGGUF = map[string][]string{
	"attention.causal":         {"true"},
	"rope.scaling.attn_factor": {"1"},
	"logit_scale":              {"0", "1"},
}

// configGGUF reads the Config from a GGUF's metadata and tensors. Absent keys have llama.cpp's defaults.
func configGGUF(f *gguf.File) (Config, *format, error) {
	m := &metadata{f: f}
	if err := m.checkFile(); err != nil {
		return Config{}, nil, err
	}
	m.format = ggufFormatOf(m.arch)
	m.checkKeys()
	c := m.read()
	if m.err == nil {
		m.err = c.validate(f.Name, m.format)
	}
	if m.err == nil {
		c.Rope.Factors, m.err = m.factors(c.Rope.Width / 2)
	}
	if m.err != nil {
		return Config{}, nil, m.err
	}
	return c, m.format, nil
}

// metadata reads the keys of a GGUF and keeps the first error.
type metadata struct {
	f      *gguf.File
	arch   *arch
	format *format
	err    error
}

func (m *metadata) fail(key, format string, args ...any) {
	if m.err == nil {
		m.err = fmt.Errorf("%s: %s: %s", m.f.Name, key, fmt.Sprintf(format, args...))
	}
}

// get is a lookup that keeps the error.
func get[T any](m *metadata, read func(string) (T, bool, error), key string) (T, bool) {
	v, ok, err := read(key)
	if err != nil && m.err == nil {
		m.err = err
	}
	return v, ok && err == nil
}

// checkFile finds the architecture and refuses files that hold no whole model of one.
func (m *metadata) checkFile() error {
	const archKey, typeKey, splitKey = "general.architecture", "general.type", "split.count"
	arch, ok := get(m, m.f.String, archKey)
	m.arch = archBy(arch, byGGUF)
	switch {
	case m.err != nil:
	case !ok:
		m.fail(archKey, "is missing, want %s", archNames(byGGUF))
	case m.arch == nil:
		m.fail(archKey, "%q is not supported, want %s", arch, archNames(byGGUF))
	}
	if kind, ok := get(m, m.f.String, typeKey); ok && kind != "model" {
		m.fail(typeKey, "%q is not supported, want \"model\"", kind)
	}
	if n, ok := get(m, m.f.Uint, splitKey); ok && n > 1 {
		m.fail(splitKey, "this is one of %d files, want the model in one: llama-gguf-split --merge joins them", n)
	}
	return m.err
}

// checkKeys refuses keys of the architecture that are not read and have a value that might change the computation.
func (m *metadata) checkKeys() {
	for _, kv := range m.f.Keys() {
		key, ok := strings.CutPrefix(kv.Key, m.format.prefix)
		if !ok || slices.Contains(readKeysGGUF, key) || slices.Contains(strings.Fields(m.arch.keysGGUF), key) {
			continue
		}
		neutral, ok := neutralGGUF[key]
		if !ok {
			neutral = []string{"0", "false"}
		}
		if !slices.Contains(neutral, kv.Value) {
			m.fail(kv.Key, "found %s, which may change the computation and is not supported", kv.Value)
		}
	}
}

func (m *metadata) read() Config {
	c := m.arch.base()
	c.Context = m.count("context_length", 0)
	c.Embd = m.count("embedding_length", 0)
	c.Layers = m.count("block_count", 0)
	c.NormEps = m.float("attention.layer_norm_rms_epsilon", math.NaN())
	name, _ := get(m, m.f.String, "general.name")
	c.Name = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) { // it is shown on terminals
			return utf8.RuneError
		}
		return r
	}, strings.ToValidUTF8(name, "\uFFFD"))
	c.FFN = m.perLayer("feed_forward_length", 0, c.Layers)
	c.Heads = m.perLayer("attention.head_count", 0, c.Layers)
	c.KVHeads = m.perLayer("attention.head_count_kv", c.Heads, c.Layers)
	c.Vocab = m.count("vocab_size", m.tokens())
	if m.err != nil {
		return c
	}
	c.HeadDim = m.headDim(c)
	if v := m.count("attention.value_length", c.HeadDim); v != c.HeadDim {
		m.fail(m.format.prefix+"attention.value_length", "found %d, want that of keys, which is %d", v, c.HeadDim)
	}
	c.Rope = Rope{
		Theta:  m.float("rope.freq_base", 10000),
		Width:  m.count("rope.dimension_count", c.HeadDim),
		Style:  m.arch.style,
		Linear: m.linear(),
	}
	_, hasHead := m.f.Tensor("output.weight")
	c.Tied = !hasHead
	c.AttnBias = m.hasAny("blk.0.attn_q.bias", "blk.0.attn_k.bias", "blk.0.attn_v.bias")
	c.OutBias = m.hasAny("blk.0.attn_output.bias")
	c.MLPBias = m.hasAny("blk.0.ffn_gate.bias", "blk.0.ffn_up.bias", "blk.0.ffn_down.bias")
	m.attention(&c)
	m.arch.complete(&c)
	return c
}

// attention reads what some architectures have: an absent key is the default for those that name it, and nothing for others.
func (m *metadata) attention(c *Config) {
	has := func(key string) bool { return slices.Contains(strings.Fields(m.arch.keysGGUF), key) }
	c.AttnScale = 0
	if m.arch.scoresGGUF != nil {
		c.AttnScale = m.arch.scoresGGUF(c)
	}
	if key := "attention.sliding_window"; !has(key) {
		c.Sliding = Sliding{}
	} else if v, ok := get(m, m.f.Uint, m.format.prefix+key); ok {
		c.Sliding.Window = 0
		if v > 0 {
			c.Sliding.Window = m.count(key, 1)
		}
	}
	for key, soft := range map[string]*float64{"attn_logit_softcapping": &c.AttnCap, "final_logit_softcapping": &c.LogitCap} {
		if has(key) {
			*soft = m.float(key, *soft)
		}
		if *soft < 0 {
			m.fail(m.format.prefix+key, "found %v, want a number above 0, or 0 for no cap", *soft)
		}
	}
}

// count reads an integer of 1 to maxCount; absent 0 means that the key must be there.
func (m *metadata) count(key string, absent int) int {
	key = m.format.prefix + key
	v, ok := get(m, m.f.Uint, key)
	switch {
	case !ok && absent == 0:
		m.fail(key, "is missing")
	case !ok:
		return absent
	case v < 1 || v > maxCount:
		m.fail(key, "found %d, want an integer of 1 to %d", v, int64(maxCount))
	default:
		return int(v)
	}
	return 1
}

// perLayer is count for a key that may be a list with a value for each layer, if these are all the same.
func (m *metadata) perLayer(key string, absent, layers int) int {
	list, ok, err := m.f.Ints(m.format.prefix + key)
	if err != nil || !ok {
		return m.count(key, absent) // no list: the error, if there is one, is count's
	}
	key = m.format.prefix + key
	if len(list) != layers {
		m.fail(key, "found a list of %d, want one for each of %d layers", len(list), layers)
		return 1
	}
	for i, v := range list {
		if v < 1 || v != list[0] {
			m.fail(key, "layer %d has %d and layer 0 has %d, want the same positive number for all", i, v, list[0])
			return 1
		}
	}
	return int(list[0])
}

// float reads a number; absent NaN means that the key must be there. Of an f32 it gives the shortest decimal that rounds
// to it, which is the number that was written: 1e-05, not 9.999999747378752e-06.
func (m *metadata) float(key string, absent float64) float64 {
	key = m.format.prefix + key
	v, ok := get(m, m.f.Float, key)
	switch {
	case !ok && math.IsNaN(absent):
		m.fail(key, "is missing")
		return 1
	case !ok:
		return absent
	case math.IsNaN(v) || math.IsInf(v, 0):
		m.fail(key, "found %v, want a number", v)
		return 1
	}
	if float64(float32(v)) == v {
		v, _ = strconv.ParseFloat(strconv.FormatFloat(v, 'g', -1, 32), 64)
	}
	return v
}

// tokens is the vocabulary's size where no key gives it: the rows of the embedding table, else the tokenizer's tokens.
func (m *metadata) tokens() int {
	if t, ok := m.f.Tensor("token_embd.weight"); ok && len(t.Dims) == 2 && t.Dims[1] <= maxCount {
		return int(t.Dims[1])
	}
	tokens, _ := get(m, m.f.Strings, "tokenizer.ggml.tokens")
	return len(tokens)
}

func (m *metadata) headDim(c Config) int {
	const key = "attention.key_length"
	if _, ok, err := m.f.Uint(m.format.prefix + key); ok || err != nil {
		return m.count(key, 1)
	}
	if c.Embd%c.Heads != 0 {
		m.fail(m.format.prefix+"embedding_length", "found %d, want a multiple of %s, which is %d, since %s is absent",
			c.Embd, m.format.heads, c.Heads, m.format.headDim)
	}
	return c.Embd / c.Heads
}

// linear is what positions are divided by, 0 for nothing. llama.cpp takes a scaling without a type for a linear one, and
// a factor of 0 for none.
func (m *metadata) linear() float64 {
	const typeKey, factorKey = "rope.scaling.type", "rope.scaling.factor"
	kind, ok := get(m, m.f.String, m.format.prefix+typeKey)
	if !ok {
		kind = "linear"
	}
	if kind != "linear" && kind != "none" {
		m.fail(m.format.prefix+typeKey, "%q is not supported, want \"none\" or \"linear\"", kind)
	}
	v := m.float(factorKey, m.float("rope.scale_linear", 0))
	if v < 0 {
		m.fail(m.format.prefix+factorKey, "found %v, want a number above 0", v)
	}
	if kind == "none" || v == 1 {
		return 0
	}
	return v
}

func (m *metadata) hasAny(tensors ...string) bool {
	return slices.ContainsFunc(tensors, func(name string) bool {
		_, ok := m.f.Tensor(name)
		return ok
	})
}
