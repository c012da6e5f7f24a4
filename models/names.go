package models

import (
	"slices"
	"strconv"
	"strings"
)

// nameRow is a weight under its three names; # stands for the layer.
type nameRow struct {
	path, gguf, hf string
}

// names is the one table of weight names; an architecture's row has what it spells otherwise.
var names = []nameRow{
	{"embed", "token_embd.weight", "model.embed_tokens.weight"},
	{"norm_w", "output_norm.weight", "model.norm.weight"},
	{"head", "output.weight", "lm_head.weight"},
	{"layers.#.attn.norm_w", "blk.#.attn_norm.weight", "model.layers.#.input_layernorm.weight"},
	{"layers.#.attn.wq", "blk.#.attn_q.weight", "model.layers.#.self_attn.q_proj.weight"},
	{"layers.#.attn.wk", "blk.#.attn_k.weight", "model.layers.#.self_attn.k_proj.weight"},
	{"layers.#.attn.wv", "blk.#.attn_v.weight", "model.layers.#.self_attn.v_proj.weight"},
	{"layers.#.attn.wo", "blk.#.attn_output.weight", "model.layers.#.self_attn.o_proj.weight"},
	{"layers.#.attn.bq", "blk.#.attn_q.bias", "model.layers.#.self_attn.q_proj.bias"},
	{"layers.#.attn.bk", "blk.#.attn_k.bias", "model.layers.#.self_attn.k_proj.bias"},
	{"layers.#.attn.bv", "blk.#.attn_v.bias", "model.layers.#.self_attn.v_proj.bias"},
	{"layers.#.attn.bo", "blk.#.attn_output.bias", "model.layers.#.self_attn.o_proj.bias"},
	{"layers.#.mlp.norm_w", "blk.#.ffn_norm.weight", "model.layers.#.post_attention_layernorm.weight"},
	{"layers.#.mlp.wgate", "blk.#.ffn_gate.weight", "model.layers.#.mlp.gate_proj.weight"},
	{"layers.#.mlp.wup", "blk.#.ffn_up.weight", "model.layers.#.mlp.up_proj.weight"},
	{"layers.#.mlp.wdown", "blk.#.ffn_down.weight", "model.layers.#.mlp.down_proj.weight"},
	{"layers.#.mlp.bgate", "blk.#.ffn_gate.bias", "model.layers.#.mlp.gate_proj.bias"},
	{"layers.#.mlp.bup", "blk.#.ffn_up.bias", "model.layers.#.mlp.up_proj.bias"},
	{"layers.#.mlp.bdown", "blk.#.ffn_down.bias", "model.layers.#.mlp.down_proj.bias"},
}

// weightNames is the table as an architecture has it.
func (a *arch) weightNames() []nameRow {
	all := slices.Clone(names)
	for _, n := range a.names {
		if i := slices.IndexFunc(all, func(old nameRow) bool { return old.path == n.path }); i >= 0 {
			all[i] = n
		} else {
			all = append(all, n)
		}
	}
	return all
}

// splitLayer puts # in the place of a name's layer: "layers.3.attn.wq" is "layers.#.attn.wq" and "3".
func splitLayer(name string) (row, layer string) {
	parts := strings.Split(name, ".")
	for i, p := range parts {
		if n, err := strconv.ParseUint(p, 10, 31); err == nil && strconv.FormatUint(n, 10) == p {
			parts[i] = "#"
			return strings.Join(parts, "."), p
		}
	}
	return name, ""
}

func inGGUF(n nameRow) string { return n.gguf }
func inHF(n nameRow) string   { return n.hf }
