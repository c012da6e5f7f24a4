package models

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/llorch/llorch/ir"
	"github.com/llorch/llorch/ir/kernel"
)

// open writes m in a format and opens it; the returned text hides where it lies and the lines of llama.go.
func open(t testing.TB, m *testModel, f *format) (*Model, func(error) string) {
	path := ""
	if f == hfFormat {
		path = m.writeHF(t)
	} else {
		path = m.writeGGUF(t)
	}
	opened, err := Open(path)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, opened.Close()) })
	line := regexp.MustCompile(`models/llama\.go:\d+`)
	return opened, func(err error) string {
		require.Error(t, err)
		return line.ReplaceAllString(strings.ReplaceAll(err.Error(), path, "TINY"), "llama.go")
	}
}

func TestProve(t *testing.T) {
	tests := []struct {
		name   string
		format *format
		edit   func(m *testModel)
		want   string
	}{
		{"missing", hfFormat, func(m *testModel) { m.drop("model.norm.weight") }, `
llama.go: norm_w: param: model.norm.weight is not in TINY
    graph  f32[embd=32]`},
		{"missing in every layer", ggufFormat, func(m *testModel) { m.drop("blk.0.attn_q.weight", "blk.1.attn_q.weight") }, `
llama.go: layers.0.attn.wq: param: blk.0.attn_q.weight is not in TINY
    graph  f32[heads=32, embd=32]
    the same in layer 1`},
		{"no head, but not tied", hfFormat, func(m *testModel) { m.drop("lm_head.weight") }, `
llama.go: head: param: lm_head.weight is not in TINY
    graph  f32[vocab=40, embd=32]
    config.json says tie_word_embeddings false by default`},
		{"unknown", ggufFormat, func(m *testModel) {
			m.add("blk.0.attn_q_norm.weight", "f32", 8)
			m.add("blk.1.attn_q_norm.weight", "f32", 8)
			m.add("rope_factors_long.weight", "f32", 4)
		}, `
TINY: tensor blk.0.attn_q_norm.weight f32[8]: nothing in the graph takes it; the same in layer 1
TINY: tensor rope_factors_long.weight f32[4]: nothing in the graph takes it`},
		{"KV heads contradict the config", hfFormat, func(m *testModel) {
			for _, name := range []string{"model.layers.0.self_attn.k_proj.weight", "model.layers.1.self_attn.k_proj.weight"} {
				m.at(name).shape = []int64{32, 32}
			}
		}, `
llama.go: layers.0.attn.wk: param: model.layers.0.self_attn.k_proj.weight in TINY/model.safetensors has another shape
    graph  f32[kv_heads=16, embd=32]
    file   f32[kv_heads=32, embd=32]
    config.json says num_key_value_heads 2, head_dim 8 by default; the same in layer 1`},
		{"FFN contradicts the metadata", ggufFormat, func(m *testModel) { m.at("blk.1.ffn_down.weight").shape = []int64{32, 65} }, `
llama.go: layers.1.mlp.wdown: param: blk.1.ffn_down.weight in TINY has another shape
    graph  f32[embd=32, ffn=64]
    file   f32[embd=32, ffn=65]
    the metadata says llama.feed_forward_length 64`},
		{"transposed, and an axis too many", ggufFormat, func(m *testModel) {
			m.at("token_embd.weight").shape = []int64{32, 40}
			m.at("output_norm.weight").shape = []int64{1, 32}
		}, `
llama.go: embed: param: token_embd.weight in TINY has another shape
    graph  f32[vocab=40, embd=32]
    file   f32[vocab=32, embd=40]
    the metadata says llama.vocab_size 40, llama.embedding_length 32
llama.go: norm_w: param: output_norm.weight in TINY has another shape: [1 32], of 2 axes
    graph  f32[embd=32]`},
		{"types", ggufFormat, func(m *testModel) {
			m.at("blk.0.attn_v.weight").dtype = "i32"
			m.at("blk.1.attn_v.weight").dtype = "i32"
			m.at("output_norm.weight").dtype = "i32"
		}, `
llama.go: layers.0.attn.wv: param: blk.0.attn_v.weight in TINY is i32, which is not supported, want WEIGHTS
    the same in layer 1
llama.go: norm_w: param: output_norm.weight in TINY is i32, which is not supported, want WEIGHTS`},
		{"fewer layers than tensors", hfFormat, func(m *testModel) { m.keys["num_hidden_layers"] = 1; keepLayer1(m) }, `
TINY/model.safetensors: tensor model.layers.1.input_layernorm.weight f32[32]: nothing in the graph takes it: config.json says num_hidden_layers 1, the tensors are of 2`},
		{"more layers than tensors", ggufFormat, func(m *testModel) { m.keys["llama.block_count"] = uint32(22) }, `
TINY: the metadata says llama.block_count 22, but there are 21 tensors in all`},
		{"biases that the config denies", hfFormat, func(m *testModel) {
			m.add("model.layers.0.self_attn.o_proj.bias", "f32", 32)
			m.add("model.layers.1.mlp.up_proj.bias", "f32", 64)
		}, `
TINY/model.safetensors: tensor model.layers.0.self_attn.o_proj.bias f32[32]: nothing in the graph takes it: config.json says attention_bias false by default
TINY/model.safetensors: tensor model.layers.1.mlp.up_proj.bias f32[64]: nothing in the graph takes it: config.json says mlp_bias false by default`},
		{"some biases", ggufFormat, func(m *testModel) {
			m.add("blk.0.attn_q.bias", "f32", 32)
			m.add("blk.1.attn_q.bias", "f32", 32)
			m.add("blk.1.attn_output.bias", "f32", 32)
		}, `
llama.go: layers.0.attn.bk: param: blk.0.attn_k.bias is not in TINY
    graph  f32[kv_heads=16]
    the biases of layer 0 decide for all: of q, k and v together, of the output, of the MLP's three together; the same in layer 1
llama.go: layers.0.attn.bv: param: blk.0.attn_v.bias is not in TINY
    graph  f32[kv_heads=16]
    the biases of layer 0 decide for all: of q, k and v together, of the output, of the MLP's three together; the same in layer 1
TINY: tensor blk.1.attn_output.bias f32[32]: nothing in the graph takes it: the biases of layer 0 decide for all: of q, k and v together, of the output, of the MLP's three together`},
		{"tied, with another head", hfFormat, func(m *testModel) { m.keys["tie_word_embeddings"] = true }, `
TINY/model.safetensors: tensor lm_head.weight f32[40 32] differs from model.embed_tokens.weight f32[40 32], but config.json says tie_word_embeddings true`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			m := tiny(test.format)
			test.edit(m)
			opened, text := open(t, m, test.format)
			_, err := opened.Graph(Options{})
			want := strings.ReplaceAll(strings.TrimPrefix(test.want, "\n"), "WEIGHTS", weightTypes())
			require.Equal(t, want, text(err))
		})
	}
}

func TestProveAccepts(t *testing.T) {
	tests := []struct {
		name   string
		format *format
		edit   func(m *testModel)
	}{
		{"GGUF", ggufFormat, func(m *testModel) {}},
		{"HF", hfFormat, func(m *testModel) {}},
		{"GGUF's frequency factors", ggufFormat, func(m *testModel) {
			m.tensors = append(m.tensors, testTensor{ropeFreqs, "f32", []int64{4}, f32Bytes(1, 1, 2, 8)})
		}},
		{"inv_freq of old checkpoints", hfFormat, func(m *testModel) { m.add("model.layers.0.self_attn.rotary_emb.inv_freq", "f32", 4) }},
		{"tied in GGUF", ggufFormat, func(m *testModel) { m.drop("output.weight") }},
		{"tied, with the same head", hfFormat, func(m *testModel) {
			m.keys["tie_word_embeddings"] = true
			m.at("lm_head.weight").data = m.at("model.embed_tokens.weight").bytes(7)
			m.at("model.embed_tokens.weight").data = m.at("lm_head.weight").data
		}},
		{"biases", hfFormat, func(m *testModel) {
			m.keys["attention_bias"], m.keys["num_hidden_layers"] = true, 2
			for _, p := range []struct {
				name string
				n    int64
			}{{"q", 32}, {"k", 16}, {"v", 16}, {"o", 32}} {
				m.add("model.layers.0.self_attn."+p.name+"_proj.bias", "f32", p.n)
				m.add("model.layers.1.self_attn."+p.name+"_proj.bias", "f32", p.n)
			}
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			m := tiny(test.format)
			test.edit(m)
			opened, _ := open(t, m, test.format)
			g, err := opened.Graph(Options{})
			require.NoError(t, err)
			require.Equal(t, kernel.F32, g.Node("layers.0.attn.k_cache").Type.DType)
			for _, n := range g.Leaves(ir.FromWeights) {
				name, err := test.format.fileName(n.Name)
				require.NoError(t, err)
				data, dtype, err := opened.Data(n.Name)
				require.NoError(t, err)
				require.Equal(t, kernel.F32, dtype)
				require.Equal(t, m.at(name).bytes(uint64(m.index(name))), data)
			}
		})
	}
}

func TestGraphDTypes(t *testing.T) {
	m := tiny(hfFormat)
	for i := range m.tensors {
		m.tensors[i].dtype = "bf16"
	}
	m.at("model.layers.1.mlp.up_proj.weight").dtype = "f16"
	m.at("model.norm.weight").dtype = "f32"
	opened, _ := open(t, m, hfFormat)
	g, err := opened.Graph(Options{})
	require.NoError(t, err)
	require.Equal(t, kernel.BF16, g.Node("embed").Type.DType)
	require.Equal(t, kernel.F16, g.Node("layers.1.mlp.wup").Type.DType)
	require.Equal(t, kernel.F32, g.Node("norm_w").Type.DType)
	require.Equal(t, kernel.F16, g.Node("layers.0.attn.k_cache").Type.DType, "half the memory for a model of half precision")
	_, dtype, err := opened.Data("layers.0.attn.wq")
	require.NoError(t, err)
	require.Equal(t, kernel.BF16, dtype)
}

func TestGraphOptions(t *testing.T) {
	opened, text := open(t, tiny(ggufFormat), ggufFormat)
	g, err := opened.Graph(Options{Context: 100, KV: kernel.F16})
	require.NoError(t, err)
	require.Equal(t, "state f16[kv_head=2, ctx=100, dim=8]", g.Node("layers.0.attn.k_cache").Type.String())
	for want, o := range map[string]Options{
		"TINY: a context of 129 is asked for, want 1 to the model's own, which is 128": {Context: 129},
		"TINY: a context of -1 is asked for, want 1 to the model's own, which is 128":  {Context: -1},
		"TINY: a KV cache of bf16 is asked for, want f32 or f16":                       {KV: kernel.BF16},
	} {
		_, err := opened.Graph(o)
		require.Equal(t, want, text(err))
	}
	_, _, err = opened.Data("layers.7.attn.wq")
	require.Equal(t, "TINY: has no tensor blk.7.attn_q.weight, which is layers.7.attn.wq in the graph", text(err))
	_, _, err = opened.Data("layers.0.attn.wz")
	require.Equal(t, "weight layers.0.attn.wz has no name in a file", text(err))
	require.NoError(t, opened.Close())
	_, _, err = opened.Data("embed")
	require.Equal(t, "TINY: is closed", text(err))
}

func TestLayerList(t *testing.T) {
	for want, layers := range map[string][]string{
		"layer 3":           {"3"},
		"layers 1 to 2":     {"1", "2"},
		"layers 0 to 11":    {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11"},
		"layers 1, 2, 5, 9": {"1", "2", "5", "9"},
	} {
		require.Equal(t, want, layerList(layers))
	}
}

// keepLayer1 leaves one tensor of layer 1.
func keepLayer1(m *testModel) {
	for _, t := range m.tensors {
		if strings.HasPrefix(t.name, "model.layers.1.") && t.name != "model.layers.1.input_layernorm.weight" {
			defer m.drop(t.name)
		}
	}
}
