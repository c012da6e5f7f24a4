package mmap

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestReleaseGivesBack: pages of the file that were read are no longer resident.
func TestReleaseGivesBack(t *testing.T) {
	const size = 64 << 20
	path := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(path, make([]byte, size), 0o600))
	f, err := Open(path)
	require.NoError(t, err)
	defer f.Close()
	sum := byte(0)
	for at := 0; at < size; at += 4096 {
		sum += f.Data()[at]
	}
	require.Zero(t, sum)
	before := residentOfFiles(t)
	f.Release(f.Data())
	require.Less(t, residentOfFiles(t), before-size/2)
}

// residentOfFiles is the bytes of files that the process has in memory.
func residentOfFiles(t *testing.T) int {
	b, err := os.ReadFile("/proc/self/statm")
	require.NoError(t, err)
	var total, resident, shared int
	_, err = fmt.Sscan(string(b), &total, &resident, &shared)
	require.NoError(t, err)
	return shared * os.Getpagesize()
}
