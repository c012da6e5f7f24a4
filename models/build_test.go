package models

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/llorch/llorch/models/gguf"
)

// testTensor is a tensor of a model that a test writes.
type testTensor struct {
	name  string
	dtype string  // "f32", "f16", "bf16", "q8_0"
	shape []int64 // slowest axis first
	data  []byte  // random when nil
}

func (t testTensor) bytes(seed uint64) []byte {
	if t.data != nil {
		return t.data
	}
	n := int64(1)
	for _, d := range t.shape {
		n *= d
	}
	size := map[string]int64{"f32": 4 * n, "f16": 2 * n, "bf16": 2 * n, "i32": 4 * n, "q8_0": n / 32 * 34}[t.dtype]
	b := make([]byte, size)
	r := rand.New(rand.NewPCG(seed, 1))
	for i := 0; i+1 < len(b); i += 2 { // bits of small numbers in every float type
		binary.LittleEndian.PutUint16(b[i:], 0x3800|uint16(r.IntN(0x200)))
	}
	return b
}

// testModel is a model as keys and tensors, to be broken by a test and written in either format.
type testModel struct {
	keys    map[string]any // uint32, float32, string, bool, []int32, []string, []float32 for GGUF; anything for JSON
	tensors []testTensor
}

var hfFormat, ggufFormat = hfFormatOf(archs[0]), ggufFormatOf(archs[0])

// tiny is a whole Llama of two layers in one of the formats, made from names.go's table and llama.go's shapes by hand.
func tiny(f *format) *testModel {
	m := &testModel{keys: map[string]any{
		f.vocab: uint32(40), f.embd: uint32(32), f.layers: uint32(2), f.heads: uint32(4), f.kvHeads: uint32(2),
		f.ffn: uint32(64), f.context: uint32(128), f.eps: float32(1e-5),
	}}
	if f == hfFormat {
		m.keys["architectures"], m.keys["model_type"] = []string{"LlamaForCausalLM"}, "llama"
	} else {
		m.keys["general.architecture"] = "llama"
	}
	shapes := map[string][]int64{
		"embed": {40, 32}, "head": {40, 32}, "norm_w": {32},
		"layers.#.attn.norm_w": {32}, "layers.#.mlp.norm_w": {32},
		"layers.#.attn.wq": {32, 32}, "layers.#.attn.wk": {16, 32}, "layers.#.attn.wv": {16, 32}, "layers.#.attn.wo": {32, 32},
		"layers.#.mlp.wgate": {64, 32}, "layers.#.mlp.wup": {64, 32}, "layers.#.mlp.wdown": {32, 64},
	}
	for _, path := range slices.Sorted(maps.Keys(shapes)) {
		for layer := range 2 {
			name, err := f.fileName(replaceLayer(path, layer))
			if err != nil {
				panic(err)
			}
			if m.index(name) < 0 {
				m.tensors = append(m.tensors, testTensor{name: name, dtype: "f32", shape: shapes[path]})
			}
		}
	}
	return m
}

func replaceLayer(path string, layer int) string {
	return string(bytes.Replace([]byte(path), []byte("#"), fmt.Append(nil, layer), 1))
}

func (m *testModel) index(name string) int {
	return slices.IndexFunc(m.tensors, func(t testTensor) bool { return t.name == name })
}

// at is the tensor of that name, which must be there.
func (m *testModel) at(name string) *testTensor { return &m.tensors[m.index(name)] }

func (m *testModel) drop(names ...string) {
	m.tensors = slices.DeleteFunc(m.tensors, func(t testTensor) bool { return slices.Contains(names, t.name) })
}

func (m *testModel) add(name, dtype string, shape ...int64) {
	m.tensors = append(m.tensors, testTensor{name: name, dtype: dtype, shape: shape})
}

// writeHF writes a folder.
func (m *testModel) writeHF(t testing.TB) string {
	dir := t.TempDir()
	text, err := json.Marshal(m.keys)
	require.NoError(t, err)
	writeFile(t, dir, "config.json", string(text))
	writeFile(t, dir, "model.safetensors", string(safetensorsFile(m.tensors)))
	return dir
}

func writeFile(t testing.TB, dir, name, text string) {
	require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
}

func safetensorsFile(tensors []testTensor) []byte {
	var header, data bytes.Buffer
	header.WriteByte('{')
	for i, t := range tensors {
		b := t.bytes(uint64(i))
		if i > 0 {
			header.WriteByte(',')
		}
		shape, _ := json.Marshal(t.shape)
		fmt.Fprintf(&header, `%q:{"dtype":%q,"shape":%s,"data_offsets":[%d,%d]}`,
			t.name, bytes.ToUpper([]byte(t.dtype)), shape, data.Len(), data.Len()+len(b))
		data.Write(b)
	}
	header.WriteByte('}')
	out := binary.LittleEndian.AppendUint64(nil, uint64(header.Len()))
	return append(append(out, header.Bytes()...), data.Bytes()...)
}

// writeGGUF writes a file.
func (m *testModel) writeGGUF(t testing.TB) string {
	path := filepath.Join(t.TempDir(), "tiny.gguf")
	require.NoError(t, os.WriteFile(path, m.gguf(), 0o600))
	return path
}

// parsed is the model as a GGUF in memory.
func (m *testModel) parsed(t testing.TB) *gguf.File {
	f, err := gguf.Parse("tiny.gguf", m.gguf())
	require.NoError(t, err)
	return f
}

func (m *testModel) gguf() []byte {
	w := &ggufWriter{}
	w.WriteString("GGUF")
	w.put(uint32(3), uint64(len(m.tensors)), uint64(len(m.keys)))
	for _, key := range slices.Sorted(maps.Keys(m.keys)) {
		w.put(key)
		w.value(m.keys[key])
	}
	offset := 0
	for i, t := range m.tensors {
		w.put(t.name, uint32(len(t.shape)))
		for _, d := range slices.Backward(t.shape) {
			w.put(uint64(d))
		}
		w.put(map[string]uint32{"f32": 0, "f16": 1, "q8_0": 8, "i32": 26, "bf16": 30}[t.dtype], uint64(offset))
		offset += (len(t.bytes(uint64(i))) + 31) / 32 * 32
	}
	w.pad()
	for i, t := range m.tensors {
		w.Write(t.bytes(uint64(i)))
		w.pad()
	}
	return w.Bytes()
}

type ggufWriter struct{ bytes.Buffer }

func (w *ggufWriter) pad() {
	for w.Len()%32 != 0 {
		w.WriteByte(0)
	}
}

func (w *ggufWriter) put(values ...any) {
	for _, v := range values {
		if s, ok := v.(string); ok {
			w.put(uint64(len(s)))
			w.WriteString(s)
			continue
		}
		if err := binary.Write(w, binary.LittleEndian, v); err != nil {
			panic(err)
		}
	}
}

func (w *ggufWriter) value(v any) {
	switch v := v.(type) {
	case uint32:
		w.put(uint32(4), v)
	case int32:
		w.put(uint32(5), v)
	case float32:
		w.put(uint32(6), v)
	case bool:
		w.put(uint32(7), v)
	case string:
		w.put(uint32(8), v)
	case []int32:
		w.put(uint32(9), uint32(5), uint64(len(v)), v)
	case []float32:
		w.put(uint32(9), uint32(6), uint64(len(v)), v)
	case []string:
		w.put(uint32(9), uint32(8), uint64(len(v)))
		for _, s := range v {
			w.put(s)
		}
	default:
		panic(fmt.Sprintf("%T", v))
	}
}

func f32Bytes(values ...float32) []byte {
	var b []byte
	for _, v := range values {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
	}
	return b
}

// shared is a path of the folder next to the repository; the test is skipped without it.
func shared(t testing.TB, path string) string {
	full := filepath.Join("..", "..", "shared", path)
	if _, err := os.Stat(full); err != nil {
		t.Skip("no " + full)
	}
	return full
}
