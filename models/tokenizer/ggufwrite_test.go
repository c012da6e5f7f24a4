package tokenizer_test

import (
	"encoding/binary"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// writeMetadata writes a GGUF of a vocabulary alone, for llama.cpp to read.
func writeMetadata(t *testing.T, md metadata) string {
	le := binary.LittleEndian
	str := func(b []byte, s string) []byte { return append(le.AppendUint64(b, uint64(len(s))), s...) }
	b := le.AppendUint64(le.AppendUint64(le.AppendUint32([]byte("GGUF"), 3), 0), uint64(len(md)))
	for _, key := range slices.Sorted(maps.Keys(md)) {
		b = str(b, key)
		switch v := md[key].(type) {
		case string:
			b = str(le.AppendUint32(b, 8), v)
		case uint64:
			b = le.AppendUint32(le.AppendUint32(b, 4), uint32(v))
		case bool:
			b = append(le.AppendUint32(b, 7), map[bool]byte{true: 1}[v])
		case []string:
			b = le.AppendUint64(le.AppendUint32(le.AppendUint32(b, 9), 8), uint64(len(v)))
			for _, s := range v {
				b = str(b, s)
			}
		case []int32:
			b = le.AppendUint64(le.AppendUint32(le.AppendUint32(b, 9), 5), uint64(len(v)))
			for _, i := range v {
				b = le.AppendUint32(b, uint32(i))
			}
		default:
			require.Failf(t, "a value of another kind", "%s: %T", key, v)
		}
	}
	path := filepath.Join(t.TempDir(), "vocabulary.gguf")
	require.NoError(t, os.WriteFile(path, b, 0o644))
	return path
}
