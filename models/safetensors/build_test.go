package safetensors

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// file makes a file of the header's text and data.
func file(header string, data []byte) []byte {
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	return append(append(b, header...), data...)
}

func counting(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i + 1)
	}
	return b
}

// small is a valid file with metadata, a tensor, a scalar and a tensor without elements. The header names them out of
// the order of their data and ends with padding.
func small() []byte {
	return file(`{"__metadata__":{"format":"pt"},`+
		`"b":{"dtype":"BF16","shape":[],"data_offsets":[24,26]},`+
		`"none":{"dtype":"I64","shape":[0,7],"data_offsets":[24,24]},`+
		`"a":{"data_offsets":[0,24],"shape":[2,3],"dtype":"F32"}}   `, counting(26))
}

// folder writes files into a new folder.
func folder(t *testing.T, files map[string][]byte) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		path := filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
		require.NoError(t, os.WriteFile(path, content, 0o600))
	}
	return dir
}

// sharedFile finds a file of the shared folder, which lies beside the repository.
func sharedFile(t *testing.T, name string) string {
	t.Helper()
	dir, err := os.Getwd()
	require.NoError(t, err)
	for ; filepath.Dir(dir) != dir; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
	}
	path := filepath.Join(filepath.Dir(dir), "shared", name)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("%s is absent", path)
	}
	return path
}
