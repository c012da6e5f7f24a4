package models

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestOpenPaths(t *testing.T) {
	hf := tiny(hfFormat).writeHF(t)
	gg := tiny(ggufFormat).writeGGUF(t)
	upper := filepath.Join(filepath.Dir(gg), "TINY.GGUF")
	for path, want := range map[string]*format{
		hf: hfFormat, hf + "/": hfFormat, filepath.Join(hf, "model.safetensors"): hfFormat,
		gg: ggufFormat, filepath.Dir(gg): ggufFormat,
	} {
		m, err := Open(path)
		require.NoError(t, err)
		require.Equal(t, path, m.Path)
		require.Equal(t, want.name, m.format.name)
		require.NoError(t, m.Close())
		require.NoError(t, m.Close())
	}
	require.NoError(t, os.Rename(gg, upper))
	m, err := Open(upper)
	require.NoError(t, err)
	require.Equal(t, "TINY", m.Name)
	require.NoError(t, m.Close())

	m, err = Open(hf)
	require.NoError(t, err)
	require.Equal(t, filepath.Base(hf), m.Name)
	require.NoError(t, m.Close())
}

func TestOpenName(t *testing.T) {
	m := tiny(ggufFormat)
	m.keys["general.name"] = "A Name"
	opened, _ := open(t, m, ggufFormat)
	require.Equal(t, "A Name", opened.Name)
}

func TestOpenRefuses(t *testing.T) {
	const want = "want a .gguf file, a folder with config.json and *.safetensors, or a folder with one .gguf file"
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	empty := filepath.Join(dir, "empty")
	require.NoError(t, os.Mkdir(empty, 0o700))
	text := write("text/model.txt", "hello")
	write("two/a.gguf", "")
	two := filepath.Dir(write("two/b.gguf", ""))
	bare := write("bare/model.safetensors", "")
	config := filepath.Dir(write("config/config.json", `{"model_type": "llama"}`))
	junk := write("junk.gguf", "this is no model")

	hf := tiny(hfFormat).writeHF(t)
	writeFile(t, hf, "other.safetensors", string(safetensorsFile(nil)))
	other := filepath.Join(hf, "other.safetensors")

	_, err := Open(filepath.Join(dir, "none"))
	require.ErrorIs(t, err, fs.ErrNotExist)
	for path, err := range map[string]string{
		empty:  empty + ": has neither config.json nor a .gguf file, " + want,
		text:   text + ": not a model's name, " + want,
		two:    two + ": has no config.json and 2 .gguf files, name one of them: a.gguf, b.gguf",
		bare:   bare + ": its folder has no config.json, " + want,
		config: config + ": has neither model.safetensors nor model.safetensors.index.json",
		junk:   junk + `: magic at byte 0: found "this", want "GGUF": not a GGUF file`,
		other:  other + ": not part of the model in its folder, which has " + filepath.Join(hf, "model.safetensors"),
	} {
		_, got := Open(path)
		require.EqualError(t, got, err)
	}
}

func TestShards(t *testing.T) {
	m := tiny(hfFormat)
	dir := m.writeHF(t)
	require.NoError(t, os.Remove(filepath.Join(dir, "model.safetensors")))
	index := `{"weight_map": {`
	for i, part := range [][]testTensor{m.tensors[:9], m.tensors[9:]} {
		name := []string{"model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"}[i]
		for j, tensor := range part {
			if i+j > 0 {
				index += ","
			}
			index += `"` + tensor.name + `":"` + name + `"`
		}
		writeFile(t, dir, name, string(safetensorsFile(part)))
	}
	writeFile(t, dir, "model.safetensors.index.json", index+"}}")
	opened, err := Open(filepath.Join(dir, "model-00002-of-00002.safetensors"))
	require.NoError(t, err)
	defer opened.Close()
	_, err = opened.Graph(Options{})
	require.NoError(t, err)
	require.Len(t, opened.TensorTable(), len(m.tensors))
	for _, tensor := range opened.TensorTable() {
		require.Equal(t, m.at(tensor.Name).shape, tensor.Shape)
	}
}

func TestInspect(t *testing.T) {
	m := tiny(ggufFormat)
	m.keys["general.architecture"] = "something else"
	c, err := Inspect(m.writeGGUF(t))
	require.NoError(t, err)
	require.Equal(t, "gguf", c.Kind)
	require.Contains(t, c.Metadata, Property{Key: "general.architecture", Type: "str", Value: `"something else"`})
	require.Len(t, c.Tensors, len(m.tensors))
	require.Equal(t, TensorInfo{Name: "token_embd.weight", DType: "f32", Shape: []int64{40, 32}, Bytes: 5120, File: c.Path},
		c.Tensors[m.index("token_embd.weight")])

	h := tiny(hfFormat)
	h.keys["model_type"], h.keys["nested"] = "other", map[string]any{"a": []int{1, 2}}
	c, err = Inspect(h.writeHF(t))
	require.NoError(t, err)
	require.Equal(t, "safetensors", c.Kind)
	require.Contains(t, c.Metadata, Property{Key: "model_type", Type: "string", Value: `"other"`})
	require.Contains(t, c.Metadata, Property{Key: "nested", Type: "object", Value: `{"a":[1,2]}`})
	require.Len(t, c.Tensors, len(h.tensors))
}

// TestControlCharacters: what a file calls things is shown on terminals, on one line.
func TestControlCharacters(t *testing.T) {
	for _, f := range []*format{ggufFormat, hfFormat} {
		m := tiny(f)
		m.add("a\t\nb", "f32", 1)
		path := m.writeHF(t)
		if f == ggufFormat {
			path = m.writeGGUF(t)
		}
		want := path + `: name "a\t\nb" has control characters`
		_, err := Open(path)
		require.EqualError(t, err, want)
		_, err = Inspect(path)
		require.EqualError(t, err, want)
	}
	m := tiny(ggufFormat)
	m.keys["general.name"] = "a\x1bb\nc"
	g, _ := open(t, m, ggufFormat)
	require.Equal(t, "a\uFFFDb\uFFFDc", g.Name)
	m.keys["llama.\nx"] = uint32(0)
	_, err := Open(m.writeGGUF(t))
	require.ErrorContains(t, err, `name "llama.\nx" has control characters`)
}
