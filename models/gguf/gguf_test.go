package gguf

import (
	"fmt"
	"math"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestParse(t *testing.T) {
	for _, version := range []uint32{2, 3} {
		t.Run(fmt.Sprint("v", version), func(t *testing.T) {
			f, err := Parse("t.gguf", small(version))
			require.NoError(t, err)
			require.Equal(t, version, f.Version)
			require.Equal(t, int64(32), f.Alignment)
			require.Len(t, f.Tensors, 2)

			a, ok := f.Tensor("a.weight")
			require.True(t, ok)
			require.Equal(t, []int64{3, 2}, a.Dims)
			require.Equal(t, "f32", a.TypeName)
			require.Equal(t, counting(24), f.Data(a))
			require.Equal(t, 24, cap(f.Data(a)), "Data must not reach into the next tensor")

			b, ok := f.Tensor("b.weight")
			require.True(t, ok)
			require.Equal(t, uint32(8), b.Type)
			require.Equal(t, "q8_0", b.TypeName)
			require.Equal(t, counting(34), f.Data(b))
			require.Equal(t, a.Offset+32, b.Offset)

			_, ok = f.Tensor("c.weight")
			require.False(t, ok)
			require.NoError(t, f.Close())
		})
	}
}

func TestParseAlignment(t *testing.T) {
	data := join(
		pad(64, header(3, 2, 1), key("general.alignment", 4, u32(64)), tensor("b", 24, 64, 2), tensor("a", 24, 0, 1)),
		pad(64, []byte{1}), []byte{2, 3},
	)
	f, err := Parse("t.gguf", data)
	require.NoError(t, err)
	require.Equal(t, int64(64), f.Alignment)
	require.Equal(t, "b", f.Tensors[0].Name, "tensors stay in file order")
	require.Equal(t, []byte{2, 3}, f.Data(&f.Tensors[0]))
	require.Equal(t, []byte{1}, f.Data(&f.Tensors[1]))
}

func TestParseLongName(t *testing.T) {
	name := string(make([]byte, 300))
	f, err := Parse("t.gguf", join(pad(32, header(3, 1, 0), tensor(name, 24, 0, 1)), []byte{9}))
	require.NoError(t, err)
	require.Equal(t, name, f.Tensors[0].Name)
}

func TestKeys(t *testing.T) {
	f, err := Parse("t.gguf", small(3))
	require.NoError(t, err)
	require.Equal(t, []KV{
		{"general.architecture", "str", 0, `"llama"`},
		{"u8", "u8", 0, "200"}, {"i8", "i8", 0, "-128"},
		{"u16", "u16", 0, "60000"}, {"i16", "i16", 0, "-32768"},
		{"u32", "u32", 0, "4000000000"}, {"i32", "i32", 0, "-2147483648"},
		{"f32", "f32", 0, "1e-05"}, {"f64", "f64", 0, "0.1"},
		{"u64", "u64", 0, "18446744073709551615"}, {"i64", "i64", 0, "-9223372036854775808"},
		{"bool", "bool", 0, "true"},
		{"arr.str", "arr[str]", 3, `["<unk>", "", "▁a"]`},
		{"arr.f32", "arr[f32]", 2, "[-1, 0.5]"},
		{"arr.i16", "arr[i16]", 2, "[-1, 7]"},
		{"arr.empty", "arr[str]", 0, "[]"},
		{"arr.arr", "arr[arr]", 2, "[arr[u32] of 1, arr[str] of 1]"},
	}, f.Keys())
}

func TestKeysShortened(t *testing.T) {
	long := "xxx"
	for range 30 {
		long += "▁a" // 4 bytes, so that a cut at byte 60 splits a character
	}
	f, err := Parse("t.gguf", join(header(3, 0, 2), key("s", 8, str(long)), key("a", 9, array(0, 7, counting(7)))))
	require.NoError(t, err)
	keys := f.Keys()
	require.Equal(t, `"`+long[:59]+`"…`, keys[0].Value)
	require.Equal(t, "[1, 2, 3, 4, 5, 6, …]", keys[1].Value)
	require.Equal(t, int64(7), keys[1].Len)
}

// Whatever the builder writes, the reader gives back.
func TestParseProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		names := rapid.SliceOfDistinct(rapid.StringN(1, 20, -1), rapid.ID[string])
		ints := map[string]int32{}
		words := map[string][]string{}
		var keys, infos, data []byte
		for i, name := range names.Draw(t, "keys") {
			if i%2 == 0 {
				ints[name] = rapid.Int32().Draw(t, "int")
				keys = append(keys, key(name, 5, u32(uint32(ints[name])))...)
				continue
			}
			words[name] = rapid.SliceOf(rapid.String()).Draw(t, "strings")
			elems := []byte{}
			for _, s := range words[name] {
				elems = append(elems, str(s)...)
			}
			keys = append(keys, key(name, 9, array(8, uint64(len(words[name])), elems))...)
		}
		content := map[string][]byte{}
		for _, name := range names.Draw(t, "tensors") {
			rows := rapid.IntRange(1, 5).Draw(t, "rows")
			content[name] = rapid.SliceOfN(rapid.Byte(), 18*rows, 18*rows).Draw(t, "content")
			data = pad(32, data)
			infos = append(infos, tensor(name, 2, uint64(len(data)), 32, uint64(rows))...)
			data = append(data, content[name]...)
		}
		head := header(3, uint64(len(content)), uint64(len(ints)+len(words)))
		f, err := Parse("t.gguf", join(pad(32, head, keys, infos), data))
		require.NoError(t, err)

		require.Len(t, f.Keys(), len(ints)+len(words))
		for name, want := range ints {
			got, ok, err := f.Int(name)
			require.NoError(t, err)
			require.True(t, ok)
			require.Equal(t, int64(want), got)
		}
		for name, want := range words {
			got, ok, err := f.Strings(name)
			require.NoError(t, err)
			require.True(t, ok)
			require.Equal(t, len(want), len(got))
			for i := range want {
				require.Equal(t, want[i], got[i])
			}
		}
		require.Len(t, f.Tensors, len(content))
		for i := range f.Tensors {
			require.Equal(t, content[f.Tensors[i].Name], f.Data(&f.Tensors[i]))
		}
	})
}

// Without its last byte, or any more, a file that ends with a tensor is in error, wherever the cut falls.
func TestTruncation(t *testing.T) {
	data := small(3)
	for n := range data {
		_, err := Parse("t.gguf", data[:n:n])
		require.ErrorContains(t, err, "t.gguf: ", "first %d of %d bytes", n, len(data))
	}
}

func TestTruncatedPadding(t *testing.T) {
	data := join(header(3, 0, 1), key("k", 0, u8(1)))
	for n := len(data); n <= len(pad(32, data)); n++ {
		_, err := Parse("t.gguf", pad(32, data)[:n])
		require.NoError(t, err, "first %d bytes", n)
	}
	data = small(3)
	for n := len(data); n <= len(pad(32, data)); n++ {
		_, err := Parse("t.gguf", pad(32, data)[:n])
		require.NoError(t, err, "first %d bytes", n)
	}
}

// A short file may not make the reader allocate for what its counts promise.
func TestCountsDoNotAllocate(t *testing.T) {
	for name, data := range map[string][]byte{
		"tensors":  join(header(3, math.MaxUint32, 0), make([]byte, 64)),
		"keys":     join(header(3, 0, math.MaxUint32), make([]byte, 64)),
		"elements": join(header(3, 0, 1), key("k", 9, array(8, math.MaxUint32)), make([]byte, 64)),
		"string":   join(header(3, 0, 1), key("k", 8, u64(math.MaxUint32)), make([]byte, 64)),
	} {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err := Parse("t.gguf", data)
			runtime.ReadMemStats(&after)
			require.Error(t, err)
			require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(1<<16))
		})
	}
}
