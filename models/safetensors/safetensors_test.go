package safetensors

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"runtime"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestParse(t *testing.T) {
	data := small()
	f, err := Parse("t", data)
	require.NoError(t, err)
	require.Equal(t, map[string]string{"format": "pt"}, f.Metadata)
	start := int64(len(data) - 26)
	require.Equal(t, []Tensor{
		{Name: "a", DType: "F32", Shape: []int64{2, 3}, Offset: start, Size: 24, File: "t"},
		{Name: "none", DType: "I64", Shape: []int64{0, 7}, Offset: start + 24, Size: 0, File: "t"},
		{Name: "b", DType: "BF16", Shape: []int64{}, Offset: start + 24, Size: 2, File: "t"},
	}, f.Tensors)
	require.Equal(t, counting(24), f.Data(&f.Tensors[0]))
	require.Equal(t, 24, cap(f.Data(&f.Tensors[0])), "Data must not reach into the next tensor")
	require.Empty(t, f.Data(&f.Tensors[1]))
	require.Equal(t, []byte{25, 26}, f.Data(&f.Tensors[2]))
	require.NoError(t, f.Close())
}

func TestParseEmpty(t *testing.T) {
	f, err := Parse("t", file("{}", nil))
	require.NoError(t, err)
	require.Empty(t, f.Tensors)
	require.Empty(t, f.Metadata)
}

// The format's list of dtypes, with the bytes that 8 elements take.
func TestDTypes(t *testing.T) {
	want := map[string]int{
		"BOOL": 8, "U8": 8, "I8": 8, "F8_E4M3": 8, "F8_E5M2": 8, "F8_E8M0": 8, "F8_E4M3FNUZ": 8, "F8_E5M2FNUZ": 8,
		"F4": 4, "F6_E2M3": 6, "F6_E3M2": 6, "I16": 16, "U16": 16, "F16": 16, "BF16": 16,
		"I32": 32, "U32": 32, "F32": 32, "I64": 64, "U64": 64, "F64": 64, "C64": 64,
	}
	require.ElementsMatch(t, slices.Collect(maps.Keys(want)), slices.Collect(maps.Keys(dtypeBits)))
	for dtype, size := range want {
		header := fmt.Sprintf(`{"x":{"dtype":%q,"shape":[2,4],"data_offsets":[0,%d]}}`, dtype, size)
		_, err := Parse("t", file(header, counting(size)))
		require.NoError(t, err, dtype)
	}
}

// Whatever encoding/json and a plain concatenation write, the reader gives back.
func TestParseProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		// Go's encoder replaces what is not UTF-8, so names that differ only there would collide.
		letters := rapid.StringMatching(`[a-z."\\/<é▁ \n\t]{1,12}`)
		names := rapid.SliceOfNDistinct(letters, 0, 8, rapid.ID[string]).Draw(t, "names")
		header := map[string]any{}
		content := map[string][]byte{}
		var data []byte
		for _, name := range names {
			shape := rapid.SliceOfN(rapid.IntRange(0, 4), 0, 3).Draw(t, "shape")
			size := 2
			for _, d := range shape {
				size *= d
			}
			content[name] = rapid.SliceOfN(rapid.Byte(), size, size).Draw(t, "content")
			header[name] = map[string]any{"dtype": "F16", "shape": shape, "data_offsets": []int{len(data), len(data) + size}}
			data = append(data, content[name]...)
		}
		text, err := json.Marshal(header)
		require.NoError(t, err)
		f, err := Parse("t", file(string(text), data))
		require.NoError(t, err)
		require.Len(t, f.Tensors, len(content))
		for i := range f.Tensors {
			want, ok := content[f.Tensors[i].Name]
			require.True(t, ok)
			require.Equal(t, len(want), len(f.Data(&f.Tensors[i])))
			require.Equal(t, string(want), string(f.Data(&f.Tensors[i])))
		}
	})
}

// The format has no optional bytes: every cut is an error, and so is every byte more.
func TestTruncation(t *testing.T) {
	data := small()
	for n := range data {
		_, err := Parse("t", data[:n:n])
		require.ErrorContains(t, err, "t: ", "first %d of %d bytes", n, len(data))
	}
	_, err := Parse("t", append(data, 0))
	require.ErrorContains(t, err, "27 bytes, the tensors take 26")
}

// The same, with the header's length following the cut, so that it is the JSON that ends early.
func TestHeaderTruncation(t *testing.T) {
	data := small()
	text := data[8 : len(data)-26-3] // without the padding
	for n := range text {
		_, err := Parse("t", file(string(text[:n]), counting(26)))
		require.ErrorContains(t, err, "t: header", "first %d of %d bytes", n, len(text))
	}
}

// A short file may not make the reader allocate for what its header promises.
func TestSizesDoNotAllocate(t *testing.T) {
	for name, data := range map[string][]byte{
		"header": binary.LittleEndian.AppendUint64(nil, maxHeader),
		"tensor": file(`{"x":{"dtype":"U8","shape":[1000000000],"data_offsets":[0,1000000000]}}`, nil),
	} {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err := Parse("t", data)
			runtime.ReadMemStats(&after)
			require.Error(t, err)
			require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(1<<16))
		})
	}
}

func TestStories(t *testing.T) {
	path := sharedFile(t, "models/stories260k/model.safetensors")
	f, err := Open(path)
	require.NoError(t, err)
	defer f.Close()
	raw, err := os.ReadFile(path)
	require.NoError(t, err)

	// encoding/json reads the same header.
	length := binary.LittleEndian.Uint64(raw)
	var header map[string]struct {
		DType   string   `json:"dtype"`
		Shape   []int64  `json:"shape"`
		Offsets [2]int64 `json:"data_offsets"`
	}
	require.NoError(t, json.Unmarshal(raw[8:8+length], &header))
	require.Len(t, f.Tensors, len(header)-1)
	require.Equal(t, map[string]string{"format": "pt"}, f.Metadata)
	for i := range f.Tensors {
		got := &f.Tensors[i]
		want := header[got.Name]
		require.Equal(t, want.DType, got.DType)
		require.Equal(t, want.Shape, got.Shape)
		require.Equal(t, raw[8+length:][want.Offsets[0]:want.Offsets[1]], f.Data(got))
	}
}
