package models

import (
	"fmt"
	"strings"
)

const ggufName, hfName = "gguf", "safetensors"

// format is how one kind of model file spells what a Config of one architecture says.
type format struct {
	name   string // ggufName or hfName
	keysIn string // where the keys stand, in an error's words
	prefix string // of GGUF's keys: "llama."
	names  []nameRow
	tensor func(nameRow) string

	vocab, embd, layers, heads, kvHeads, headDim, ffn, context, eps, theta, width string
}

func hfFormatOf(a *arch) *format {
	return &format{
		name: hfName, keysIn: "config.json", names: a.weightNames(), tensor: inHF,
		vocab: "vocab_size", embd: "hidden_size", layers: "num_hidden_layers",
		heads: "num_attention_heads", kvHeads: "num_key_value_heads", headDim: "head_dim",
		ffn: "intermediate_size", context: "max_position_embeddings",
		eps: "rms_norm_eps", theta: "rope_theta", width: "partial_rotary_factor",
	}
}

func ggufFormatOf(a *arch) *format {
	p := a.gguf + "."
	return &format{
		name: ggufName, keysIn: "the metadata", prefix: p, names: a.weightNames(), tensor: inGGUF,
		vocab: p + "vocab_size", embd: p + "embedding_length", layers: p + "block_count",
		heads: p + "attention.head_count", kvHeads: p + "attention.head_count_kv", headDim: p + "attention.key_length",
		ffn: p + "feed_forward_length", context: p + "context_length",
		eps: p + "attention.layer_norm_rms_epsilon", theta: p + "rope.freq_base", width: p + "rope.dimension_count",
	}
}

// fileName is a weight's name in a file, by its path in the graph.
func (f *format) fileName(path string) (string, error) {
	row, layer := splitLayer(path)
	for _, n := range f.names {
		if n.path == row {
			return strings.Replace(f.tensor(n), "#", layer, 1), nil
		}
	}
	return "", fmt.Errorf("weight %s has no name in a file", path)
}

// graphPaths is the inverse of fileName: the weights that a tensor holds one above the other, mostly one.
func (f *format) graphPaths(tensor string) (paths []string) {
	row, layer := splitLayer(tensor)
	for _, n := range f.names {
		if f.tensor(n) == row {
			paths = append(paths, strings.Replace(n.path, "#", layer, 1))
		}
	}
	return paths
}

// knows reports a tensor that the table of names has.
func (f *format) knows(tensor string) bool { return len(f.graphPaths(tensor)) > 0 }
