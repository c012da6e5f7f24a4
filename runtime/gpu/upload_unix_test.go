//go:build unix

package gpu

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestUnreadableWeights reads a mapped file that has become shorter.
func TestUnreadableWeights(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "weights"))
	require.NoError(t, err)
	defer f.Close()
	require.NoError(t, f.Truncate(8))
	b, err := syscall.Mmap(int(f.Fd()), 0, 8, syscall.PROT_READ, syscall.MAP_SHARED)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, syscall.Munmap(b)) })
	require.NoError(t, f.Truncate(0))
	require.ErrorContains(t, fill(make([]byte, 8), b), "its bytes cannot be read: ")
}
