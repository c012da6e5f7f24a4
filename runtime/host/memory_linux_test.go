package host

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestKibibytes(t *testing.T) {
	status := []byte("Name:\tVmHWM: 5 kB\nVmPeak:\t  999 kB\nVmHWM:\t    1234 kB\nVmRSS:\t12\nThreads:\t-1 kB\n")
	for key, want := range map[string]int64{"VmHWM": 1234 * 1024, "VmPeak": 999 * 1024, "VmRSS": -1, "Threads": -1, "absent": -1} {
		require.Equal(t, want, kibibytes(status, key), key)
	}
	require.Positive(t, AvailableMemory())
}
