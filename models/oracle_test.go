package models

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/llorch/llorch/ir"
	"github.com/llorch/llorch/ir/eval"
	"github.com/llorch/llorch/ir/kernel"
)

// oracle is a model of testdata/oracle and its logits by transformers in float64.
type oracle struct {
	Tokens []int64     `json:"tokens"`
	Logits [][]float64 `json:"logits"`
}

var families = []string{"llama", "mistral", "qwen2", "qwen3", "gemma2", "phi3"}

func readOracle(t testing.TB, family string) (dir string, o oracle) {
	dir = filepath.Join("testdata", "oracle", family)
	text, err := os.ReadFile(filepath.Join(dir, "logits.json"))
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, &o))
	return dir, o
}

// evaluate runs the reference over tokens, in steps of these lengths, and returns the logits of every position.
func evaluate(t testing.TB, m *Model, tokens []int64, steps []int) [][]float64 {
	g, err := m.Graph(Options{KV: kernel.F32})
	require.NoError(t, err)
	state, past := map[string]*ir.Array{}, 0
	var logits [][]float64
	for _, n := range steps {
		env := map[string]int64{"S": int64(n), "P": int64(past)}
		value := func(node *ir.Node) (*ir.Array, error) {
			a, err := ir.NewArray(node.Type, env)
			if err != nil || node.Name == "tokens" {
				for i := range a.Data {
					a.Data[i] = float64(tokens[past+i])
				}
				return a, err
			}
			data, dtype, err := m.Data(node.Name)
			if err != nil {
				return nil, err
			}
			narrow := make([]float32, len(a.Data))
			dtype.Row().Decode(narrow, data)
			for i, v := range narrow {
				a.Data[i] = float64(v)
			}
			return a, nil
		}
		out, err := eval.Eval(g, eval.Run{Env: env, State: state, Value: value})
		require.NoError(t, err)
		logits = append(logits, slices.Collect(slices.Chunk(out[0].Data, m.Vocab))...)
		past += n
	}
	return logits
}

// off is the largest difference of two tables of logits.
func off(t testing.TB, want, got [][]float64) (most float64) {
	require.Len(t, got, len(want))
	for i := range want {
		require.Len(t, got[i], len(want[i]))
		for j, w := range want[i] {
			most = max(most, math.Abs(w-got[i][j]))
		}
	}
	require.False(t, math.IsNaN(most))
	return most
}

// ways are how a prompt longer than the windows may be cut: whole, in chunks with decoding between, token by token.
var ways = [][]int{{17}, {6, 1, 1, 7, 1, 1}, slices.Repeat([]int{1}, 17)}

// TestFamilies holds the logits of each family, from a folder and from a GGUF of the same weights, against transformers.
func TestFamilies(t *testing.T) {
	for _, family := range families {
		t.Run(family, func(t *testing.T) {
			dir, want := readOracle(t, family)
			hf, err := Open(dir)
			require.NoError(t, err)
			defer hf.Close()
			require.Equal(t, family, hf.Arch)
			require.Empty(t, hf.Unread)
			gg, err := Parse(family+".gguf", asGGUF(t, hf).gguf())
			require.NoError(t, err)
			said := want.Logits // what GGUF can say of the model
			if family == "qwen2" || family == "gemma2" {
				m := *hf
				m.AttnScale = 0
				if family == "qwen2" {
					m.Sliding = Sliding{}
				}
				said = evaluate(t, &m, want.Tokens, ways[0])
			}
			for _, steps := range ways {
				a, b := off(t, want.Logits, evaluate(t, hf, want.Tokens, steps)), off(t, said, evaluate(t, gg, want.Tokens, steps))
				t.Logf("%d steps: %.1e from the folder, %.1e from the GGUF", len(steps), a, b)
				require.Less(t, max(a, b), 1e-9)
			}
		})
	}
}

// TestFeaturesMatter: without any one of what sets a family apart, the logits are others, so TestFamilies would notice.
func TestFeaturesMatter(t *testing.T) {
	for name, drop := range map[string]func(c *Config){
		"mistral window":     func(c *Config) { c.Sliding = Sliding{} },
		"mistral window + 1": func(c *Config) { c.Sliding.Window++ },
		"qwen2 window":       func(c *Config) { c.Sliding.Pattern[1] = false },
		"qwen3 theta":        func(c *Config) { c.Rope.Theta = 10000 },
		"gemma2 act":         func(c *Config) { c.Act = "" },
		"gemma2 embd scale":  func(c *Config) { c.EmbdScale = 0 },
		"gemma2 attn scale":  func(c *Config) { c.AttnScale = 0 },
		"gemma2 attn cap":    func(c *Config) { c.AttnCap = 0 },
		"gemma2 logit cap":   func(c *Config) { c.LogitCap = 0 },
		"gemma2 offset":      func(c *Config) { c.NormOffset = 0 },
		"gemma2 layers":      func(c *Config) { c.Sliding.Pattern = []bool{false, true, false} },
		"phi3 partial":       func(c *Config) { c.Rope.Width = 4 },
		"phi3 window":        func(c *Config) { c.Sliding.Window-- },
	} {
		t.Run(name, func(t *testing.T) {
			dir, want := readOracle(t, strings.Fields(name)[0])
			m, err := Open(dir)
			require.NoError(t, err)
			defer m.Close()
			drop(&m.Config)
			require.Greater(t, off(t, want.Logits, evaluate(t, m, want.Tokens, ways[0])), 1e-3)
		})
	}
}

// TestFusedRows: a tensor of several weights must have the rows of all of them.
func TestFusedRows(t *testing.T) {
	dir, _ := readOracle(t, "phi3")
	m, err := Open(dir)
	require.NoError(t, err)
	defer m.Close()
	m.Heads, m.KVHeads = 4, 4
	_, err = m.Graph(Options{})
	require.ErrorContains(t, err, "model.layers.0.self_attn.qkv_proj.weight in "+filepath.Join(dir, "model.safetensors")+
		" has another shape: it holds the 48 rows of layers.0.attn.wq, layers.0.attn.wk, layers.0.attn.wv")
	require.ErrorContains(t, err, "config.json says num_attention_heads 4, head_dim 4 by default; the same in layer 1")
	_, _, err = m.Data("layers.0.attn.wv")
	require.ErrorContains(t, err, "has shape [40 24], want the 48 rows of")
}

// namesGGUF are the weights as llama.cpp's converter names them; what is not here is in base.
var namesGGUF = map[string]map[string]string{
	"base": {
		"model.embed_tokens.weight": "token_embd.weight", "model.norm.weight": "output_norm.weight", "lm_head.weight": "output.weight",
		"input_layernorm.weight": "attn_norm.weight", "post_attention_layernorm.weight": "ffn_norm.weight",
		"self_attn.q_proj.weight": "attn_q.weight", "self_attn.k_proj.weight": "attn_k.weight", "self_attn.v_proj.weight": "attn_v.weight",
		"self_attn.q_proj.bias": "attn_q.bias", "self_attn.k_proj.bias": "attn_k.bias", "self_attn.v_proj.bias": "attn_v.bias",
		"self_attn.o_proj.weight": "attn_output.weight", "self_attn.q_norm.weight": "attn_q_norm.weight", "self_attn.k_norm.weight": "attn_k_norm.weight",
		"mlp.gate_proj.weight": "ffn_gate.weight", "mlp.up_proj.weight": "ffn_up.weight", "mlp.down_proj.weight": "ffn_down.weight",
		"self_attn.qkv_proj.weight": "attn_qkv.weight", "mlp.gate_up_proj.weight": "ffn_up.weight",
	},
	"gemma2": {
		"post_attention_layernorm.weight": "post_attention_norm.weight", "pre_feedforward_layernorm.weight": "ffn_norm.weight",
		"post_feedforward_layernorm.weight": "post_ffw_norm.weight",
	},
}

// asGGUF writes a Hugging Face model as llama.cpp's converter does.
func asGGUF(t testing.TB, m *Model) *testModel {
	arch := m.Arch
	if arch == "mistral" {
		arch = "llama"
	}
	c, set := m.Config, &testModel{keys: map[string]any{"general.architecture": arch}}
	key := func(name string, value any) { set.keys[arch+"."+name] = value }
	for name, v := range map[string]int{
		"vocab_size": c.Vocab, "context_length": c.Context, "embedding_length": c.Embd, "block_count": c.Layers, "feed_forward_length": c.FFN,
		"attention.head_count": c.Heads, "attention.head_count_kv": c.KVHeads, "attention.key_length": c.HeadDim,
		"attention.value_length": c.HeadDim, "rope.dimension_count": c.Rope.Width,
	} {
		key(name, uint32(v))
	}
	key("attention.layer_norm_rms_epsilon", float32(c.NormEps))
	key("rope.freq_base", float32(c.Rope.Theta))
	if c.Sliding.Window > 0 && arch != "qwen2" {
		key("attention.sliding_window", uint32(c.Sliding.Window))
	}
	if arch == "gemma2" {
		key("attn_logit_softcapping", float32(c.AttnCap))
		key("final_logit_softcapping", float32(c.LogitCap))
	}
	for _, info := range m.TensorTable() {
		d, _ := info.dtype()
		data := m.weights.data(m.weights.index[info.Name])
		tensor := testTensor{name: nameGGUF(t, arch, info.Name), dtype: info.DType, shape: info.Shape, data: data}
		switch {
		case len(info.Shape) == 1:
			v := make([]float32, info.Shape[0])
			d.Row().Decode(v, data)
			for i := range v {
				v[i] += float32(c.NormOffset)
			}
			tensor.dtype, tensor.data = "f32", f32Bytes(v...)
		case arch == "llama" && strings.Contains(info.Name, "q_proj"):
			tensor.data = permuted(data, c.Heads, c.HeadDim)
		case arch == "llama" && strings.Contains(info.Name, "k_proj"):
			tensor.data = permuted(data, c.KVHeads, c.HeadDim)
		}
		set.tensors = append(set.tensors, tensor)
	}
	return set
}

func nameGGUF(t testing.TB, arch, name string) string {
	prefix, rest := "", name
	if layer, ok := strings.CutPrefix(name, "model.layers."); ok {
		n, tail, _ := strings.Cut(layer, ".")
		prefix, rest = "blk."+n+".", tail
	}
	for _, table := range []string{arch, "base"} {
		if to, ok := namesGGUF[table][rest]; ok {
			return prefix + to
		}
	}
	t.Fatalf("%s has no name in GGUF", name)
	return ""
}

// TestWidestWindow: a window as wide as numbers get is one of the whole context, which 32 bits of a GPU's kernels hold.
func TestWidestWindow(t *testing.T) {
	dir, want := readOracle(t, "mistral")
	m, err := Open(dir)
	require.NoError(t, err)
	defer m.Close()
	m.Sliding.Window = m.Context
	all := evaluate(t, m, want.Tokens, ways[0])
	m.Sliding.Window = maxCount
	require.Zero(t, off(t, all, evaluate(t, m, want.Tokens, ways[0])))
	g, err := m.Graph(Options{Context: 48})
	require.NoError(t, err)
	require.Equal(t, "48", g.Node("mask_sliding").DimAttr("window").String())
}

// TestFusedRowsSay: of a tensor that holds several projections, every key that its rows come from is named.
func TestFusedRowsSay(t *testing.T) {
	dir, _ := readOracle(t, "phi3")
	m, err := Open(dir)
	require.NoError(t, err)
	defer m.Close()
	m.KVHeads = 3
	_, err = m.Graph(Options{})
	require.ErrorContains(t, err, "config.json says num_attention_heads 6, head_dim 4 by default, num_key_value_heads 3; the same in layer 1")
}

// permuted has the rows of a head, the first halves of pairs and then the second, in pairs.
func permuted(data []byte, heads, dim int) []byte {
	row := len(data) / (heads * dim)
	var out []byte
	for h := range heads {
		for i := range dim {
			from := h*dim + i/2 + i%2*dim/2
			out = append(out, data[from*row:(from+1)*row]...)
		}
	}
	return out
}
