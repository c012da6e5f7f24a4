//go:build linux || darwin

package mmap

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestOpenPipe(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pipe")
	require.NoError(t, syscall.Mkfifo(path, 0o600))
	written := make(chan error, 1)
	go func() { written <- os.WriteFile(path, []byte("through a pipe"), 0) }()

	f, err := Open(path)
	require.NoError(t, err)
	require.NoError(t, <-written)
	require.Equal(t, "through a pipe", string(f.Data()))
	require.False(t, f.mapped)
	require.NoError(t, f.Close())
}
