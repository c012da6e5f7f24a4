package models

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/llorch/llorch/ir"
	"github.com/llorch/llorch/models/gguf"
)

// A config.json is refused with an error that names the file, or is a Config that validates and has finite frequencies.
func FuzzConfigHF(f *testing.F) {
	for _, c := range publishedHF {
		f.Add([]byte(c.text))
	}
	for _, c := range publishedFamilies {
		f.Add([]byte(c.text))
	}
	for _, c := range refusedFamilies {
		f.Add([]byte(`{"model_type": "` + c.arch + `", ` + c.text + `}`))
	}
	for _, c := range refusedHF {
		f.Add([]byte(`{` + llamaHead + `, ` + c.text + `}`))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		c, _, err := configHF("config.json", text)
		if err != nil {
			require.Contains(t, err.Error(), "config.json: ")
			return
		}
		require.True(t, json.Valid(text))
		require.NoError(t, c.validate("config.json", hfFormat))
		require.Len(t, c.Rope.Frequencies(), c.Rope.Width/2)
	})
}

// smallest is tiny with one layer and a tenth of each extent: fuzzing is slow on large inputs.
func smallest() *testModel {
	m := tiny(ggufFormat)
	f := ggufFormat
	for key, v := range map[string]uint32{f.vocab: 4, f.embd: 4, f.layers: 1, f.heads: 2, f.kvHeads: 1, f.ffn: 6} {
		m.keys[key] = v
	}
	extent := map[int64]int64{40: 4, 32: 4, 16: 2, 64: 6}
	m.tensors = slices.DeleteFunc(m.tensors, func(t testTensor) bool { return strings.HasPrefix(t.name, "blk.1.") })
	for i := range m.tensors {
		shape := slices.Clone(m.tensors[i].shape)
		for j, d := range shape {
			shape[j] = extent[d]
		}
		m.tensors[i].shape = shape
	}
	return m
}

// A GGUF is refused, or what Open gives can be used: a graph that was proved has all its bytes.
func FuzzOpenGGUF(f *testing.F) {
	f.Add(smallest().gguf())
	odd := smallest()
	odd.keys["llama.attention.head_count_kv"] = []int32{1}
	odd.keys["llama.rope.scaling.factor"] = float32(2)
	odd.keys["tokenizer.ggml.model"] = "llama"
	odd.keys["tokenizer.ggml.tokens"] = []string{"<unk>", "a"}
	odd.keys["tokenizer.ggml.scores"] = []float32{0, -1}
	odd.keys["tokenizer.ggml.token_type"] = []int32{2, 1}
	odd.drop("output.weight")
	odd.add("blk.0.attn_output.bias", "f16", 4)
	odd.tensors = append(odd.tensors, testTensor{ropeFreqs, "f32", []int64{1}, f32Bytes(2)})
	f.Add(odd.gguf())
	for _, m := range []*testModel{smallest(), odd} {
		opened, err := newGGUF(m.parsed(f))
		require.NoError(f, err)
		_, err = opened.Graph(Options{})
		require.NoError(f, err, "a seed that is refused would not reach the graph")
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := gguf.Parse("fuzz.gguf", data)
		if err != nil {
			return
		}
		m, err := newGGUF(file)
		if err != nil {
			require.Contains(t, err.Error(), "fuzz.gguf: ")
			return
		}
		_, _ = m.Tokenizer()
		g, err := m.Graph(Options{})
		if err != nil {
			return
		}
		for _, n := range g.Leaves(ir.FromWeights) {
			data, dtype, err := m.Data(n.Name)
			require.NoError(t, err)
			require.Equal(t, n.Type.DType, dtype)
			elems := int64(1)
			for _, a := range n.Type.Axes {
				d, _ := a.Dim.Const()
				elems *= d
			}
			size, err := dtype.RowBytes(elems)
			require.NoError(t, err)
			require.EqualValues(t, size, len(data))
		}
	})
}
