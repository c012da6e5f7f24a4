package safetensors

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const (
	oneByte = `{"dtype":"U8","shape":[1],"data_offsets":[0,1]}`
	second  = `{"dtype":"U8","shape":[2],"data_offsets":[1,3]}`
)

// shards is a valid folder of two shards.
func shards() map[string][]byte {
	return map[string][]byte{
		indexName:       []byte(`{"metadata":{"total_size":4,"more":[{}]},"weight_map":{"z":"1.safetensors","b":"2.safetensors","a":"1.safetensors"}}`),
		"1.safetensors": file(`{"z":`+oneByte+`,"a":`+second+`}`, counting(3)),
		"2.safetensors": file(`{"b":`+oneByte+`}`, []byte{9}),
	}
}

func TestOpenDirShards(t *testing.T) {
	dir := folder(t, shards())
	s, err := OpenDir(dir)
	require.NoError(t, err)

	var names []string
	for _, tensor := range s.Tensors() {
		names = append(names, tensor.Name)
	}
	require.Equal(t, []string{"a", "b", "z"}, names)
	for name, want := range map[string]struct {
		file string
		data []byte
	}{"a": {"1.safetensors", []byte{2, 3}}, "b": {"2.safetensors", []byte{9}}, "z": {"1.safetensors", []byte{1}}} {
		tensor, ok := s.ByName(name)
		require.True(t, ok, name)
		require.Equal(t, filepath.Join(dir, want.file), tensor.File)
		require.Equal(t, want.data, s.Data(tensor))
	}
	_, ok := s.ByName("c")
	require.False(t, ok)
	require.NoError(t, s.Close())
}

func TestOpenDirSubfolder(t *testing.T) {
	files := shards()
	files["sub/2.safetensors"] = files["2.safetensors"]
	delete(files, "2.safetensors")
	files[indexName] = []byte(strings.ReplaceAll(string(files[indexName]), "2.safe", "sub/2.safe"))
	s, err := OpenDir(folder(t, files))
	require.NoError(t, err)
	require.Len(t, s.Tensors(), 3)
	require.NoError(t, s.Close())
}

// As in transformers, a single file goes before an index.
func TestOpenDirSingle(t *testing.T) {
	files := shards()
	files[singleName] = file(`{"x":`+oneByte+`}`, []byte{5})
	s, err := OpenDir(folder(t, files))
	require.NoError(t, err)
	require.Len(t, s.Tensors(), 1)
	require.Equal(t, []byte{5}, s.Data(&s.Tensors()[0]))
	require.NoError(t, s.Close())
}

func TestOpenDirErrors(t *testing.T) {
	index := func(text string) map[string][]byte {
		files := shards()
		files[indexName] = []byte(text)
		return files
	}
	with := func(name, text string, n int) map[string][]byte {
		files := shards()
		files[name] = file(text, counting(n))
		return files
	}
	const x = "DIR/model.safetensors.index.json: "
	for _, c := range []struct {
		name  string
		files map[string][]byte
		want  string
	}{
		{"empty folder", nil, `DIR: has neither model.safetensors nor model.safetensors.index.json`},
		{"single file broken", map[string][]byte{singleName: nil}, `DIR/model.safetensors: header length at byte 0: takes 8 bytes, the file has 0`},
		{"index broken", index(`{"weight_map":{`), x + `at byte 15: the JSON ends too early`},
		{"index goes on", index(`{"weight_map":{}}{`), x + `at byte 17: found { behind the JSON, want its end`},
		{"index no UTF-8", index("{\"\xff\":{}}"), x + `at byte 2: found byte 0xff, want UTF-8`},
		{"index metadata broken", index(`{"metadata":{]}}`), x + `at byte 12: invalid character ']' looking for beginning of object key string`},
		{"index without map", index(`{"metadata":{}}`), x + `has no weight_map`},
		{"index map twice", index(`{"weight_map":{},"weight_map":{}}`), x + `at byte 29: duplicate key "weight_map"`},
		{"index tensor twice", index(`{"weight_map":{"a":"1.safetensors","a":"2.safetensors"}}`), x + `at byte 38: duplicate key "a"`},
		{"index shard no string", index(`{"weight_map":{"a":1}}`), x + `weight_map: tensor "a": at byte 20: found number 1, want a string`},
		{"shard above", index(`{"weight_map":{"a":"../x"}}`), x + `weight_map: tensor "a": shard "../x" is no plain path within the model's folder`},
		{"shard above, later", index(`{"weight_map":{"a":"x/../../y"}}`), x + `weight_map: tensor "a": shard "x/../../y" is no plain path within the model's folder`},
		{"shard absolute", index(`{"weight_map":{"a":"/etc/passwd"}}`), x + `weight_map: tensor "a": shard "/etc/passwd" is no plain path within the model's folder`},
		{"shard of Windows", index(`{"weight_map":{"a":"..\\x"}}`), x + `weight_map: tensor "a": shard "..\\x" is no plain path within the model's folder`},
		{"shard with a drive", index(`{"weight_map":{"a":"C:x"}}`), x + `weight_map: tensor "a": shard "C:x" is no plain path within the model's folder`},
		{"shard empty", index(`{"weight_map":{"a":""}}`), x + `weight_map: tensor "a": shard "" is no plain path within the model's folder`},
		{"shard spelled twice", index(`{"weight_map":{"a":"./1.safetensors"}}`), x + `weight_map: tensor "a": shard "./1.safetensors" is no plain path within the model's folder`},
		{"shard missing", index(`{"weight_map":{"z":"3.safetensors","b":"3.safetensors"}}`), x + `weight_map: tensor "b": shard 3.safetensors does not exist`},
		{"shard broken", with("1.safetensors", "x", 0), `DIR/1.safetensors: header at byte 8: begins with "x", want "{"`},
		{"tensor missing in its shard", with("2.safetensors", "{}", 0), x + `weight_map: tensor "b": not in 2.safetensors`},
		{"tensor in another shard", index(`{"weight_map":{"z":"1.safetensors","b":"1.safetensors","a":"2.safetensors"}}`), x + `weight_map: tensor "a": not in 2.safetensors`},
		{"tensor missing in the index", with("2.safetensors", `{"b":`+oneByte+`,"c":`+second+`}`, 3), `DIR/2.safetensors: tensor "c": not in the weight_map of DIR/model.safetensors.index.json`},
		{"tensor in two shards", with("2.safetensors", `{"b":`+oneByte+`,"a":`+second+`}`, 3), `DIR/2.safetensors: tensor "a": also in DIR/1.safetensors`},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := folder(t, c.files)
			_, err := OpenDir(dir)
			require.Error(t, err)
			got := strings.ReplaceAll(err.Error(), dir, "DIR")
			require.Equal(t, c.want, strings.ReplaceAll(got, "DIR"+string(os.PathSeparator), "DIR/"))
		})
	}
}

func TestOpenDirStories(t *testing.T) {
	s, err := OpenDir(filepath.Dir(sharedFile(t, "models/stories260k/model.safetensors")))
	require.NoError(t, err)
	embed, ok := s.ByName("model.embed_tokens.weight")
	require.True(t, ok)
	require.Equal(t, []int64{512, 64}, embed.Shape)
	require.Len(t, s.Data(embed), 512*64*4)
	require.NoError(t, s.Close())
}
