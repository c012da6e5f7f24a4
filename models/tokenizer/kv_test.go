package tokenizer_test

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/llorch/llorch/models/tokenizer"
)

// metadata is a GGUF's keys as Go values; it implements tokenizer.Metadata.
type metadata map[string]any

func value[T any](m metadata, key string) (v T, ok bool, err error) {
	raw, ok := m[key]
	if !ok {
		return v, false, nil
	}
	v, ok = raw.(T)
	if !ok {
		return v, false, fmt.Errorf("test.gguf: key %q: found %T, want %T", key, raw, v)
	}
	return v, true, nil
}

func (m metadata) String(key string) (string, bool, error)    { return value[string](m, key) }
func (m metadata) Uint(key string) (uint64, bool, error)      { return value[uint64](m, key) }
func (m metadata) Bool(key string) (bool, bool, error)        { return value[bool](m, key) }
func (m metadata) Strings(key string) ([]string, bool, error) { return value[[]string](m, key) }
func (m metadata) Floats(key string) ([]float32, bool, error) { return value[[]float32](m, key) }
func (m metadata) Ints(key string) ([]int32, bool, error)     { return value[[]int32](m, key) }

// readMetadata reads the keys of a trusted GGUF, so that these tests depend on
// no other package.
func readMetadata(t testing.TB, path string) metadata {
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	r := kvReader{data: data[8:]}
	r.u64() // tensors
	m := metadata{}
	for n := r.u64(); n > 0; n-- {
		key := r.str()
		m[key] = r.value(r.u32())
	}
	return m
}

type kvReader struct{ data []byte }

func (r *kvReader) take(n uint64) []byte {
	b := r.data[:n]
	r.data = r.data[n:]
	return b
}

func (r *kvReader) u32() uint32 { return binary.LittleEndian.Uint32(r.take(4)) }
func (r *kvReader) u64() uint64 { return binary.LittleEndian.Uint64(r.take(8)) }
func (r *kvReader) str() string { return string(r.take(r.u64())) }

func (r *kvReader) value(kind uint32) any {
	switch kind {
	case 4, 5:
		return uint64(r.u32())
	case 6:
		return math.Float32frombits(r.u32())
	case 7:
		return r.take(1)[0] != 0
	case 8:
		return r.str()
	case 9:
		elem, n := r.u32(), r.u64()
		switch elem {
		case 5:
			return array(n, func() int32 { return int32(r.u32()) })
		case 6:
			return array(n, func() float32 { return math.Float32frombits(r.u32()) })
		case 8:
			return array(n, r.str)
		}
	case 10:
		return r.u64()
	}
	panic(fmt.Sprintf("GGUF value type %d: %v", kind, io.ErrUnexpectedEOF))
}

func array[T any](n uint64, next func() T) []T {
	list := make([]T, n)
	for i := range list {
		list[i] = next()
	}
	return list
}

// shared returns the path of a file in <repo>/../shared, or skips the test.
func shared(t testing.TB, elem ...string) string {
	path := filepath.Join(append([]string{"..", "..", "..", "shared"}, elem...)...)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("%s is absent", path)
	}
	return path
}

func load(t testing.TB, path string) *tokenizer.Tokenizer {
	spec, err := tokenizer.FromGGUF(path, readMetadata(t, path))
	require.NoError(t, err)
	tok, err := tokenizer.New(spec)
	require.NoError(t, err)
	return tok
}
