package models

import (
	"fmt"
	"strconv"
	"strings"
)

// fact is a key of the model's configuration and what follows from it.
type fact struct {
	key   string
	value any
}

// says quotes the configuration: "config.json says num_key_value_heads 4, head_dim 8 by default".
func (m *Model) says(facts ...fact) string {
	list := make([]string, len(facts))
	for i, f := range facts {
		list[i] = fmt.Sprintf("%s %v", f.key, f.value)
		if !m.present(f.key) {
			list[i] += " by default"
		}
	}
	return m.format.keysIn + " says " + strings.Join(list, ", ")
}

// axisFacts are the keys that an axis's extent comes from.
func (m *Model) axisFacts(axis string) []fact {
	f, c := m.format, m.Config
	switch axis {
	case "vocab":
		return []fact{{f.vocab, c.Vocab}}
	case "embd":
		return []fact{{f.embd, c.Embd}}
	case "ffn":
		return []fact{{f.ffn, c.FFN}}
	case "heads":
		return []fact{{f.heads, c.Heads}, {f.headDim, c.HeadDim}}
	case "kv_heads":
		return []fact{{f.kvHeads, c.KVHeads}, {f.headDim, c.HeadDim}}
	}
	return nil
}

// whyWanted says why the graph has a parameter of that path, or has not; "" where there is no more to say.
func (m *Model) whyWanted(path string) string {
	row, layer := splitLayer(path)
	if n, err := strconv.Atoi(layer); err == nil {
		if have := m.layersInFile(); n >= m.Layers || n >= have {
			return m.says(fact{m.format.layers, m.Layers}) + fmt.Sprintf(", the tensors are of %d", have)
		}
	}
	bias := strings.HasPrefix(row[strings.LastIndexByte(row, '.')+1:], "b")
	switch {
	case row == "head" && m.format.name == hfName:
		return m.says(fact{"tie_word_embeddings", m.Tied})
	case !bias:
		return ""
	case m.format.name == ggufName:
		return "the biases of layer 0 decide for all: of q, k and v together, of the output, of the MLP's three together"
	case !archBy(m.Arch, byType).reads("attention_bias") && m.AttnBias:
		return m.Arch + " has biases of q, k and v and no others"
	case !archBy(m.Arch, byType).reads("attention_bias"):
		return m.Arch + " has no biases"
	case strings.HasPrefix(row, "layers.#.attn."):
		return m.says(fact{"attention_bias", m.AttnBias})
	}
	return m.says(fact{"mlp_bias", m.MLPBias})
}

// layersInFile is one more than the last layer that a tensor is of.
func (m *Model) layersInFile() int {
	n := 0
	for _, t := range m.weights.list {
		if m.format.knows(t.Name) {
			_, layer := splitLayer(t.Name)
			if i, err := strconv.Atoi(layer); err == nil {
				n = max(n, i+1)
			}
		}
	}
	return n
}
