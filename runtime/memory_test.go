package runtime

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestLargestContext(t *testing.T) {
	m := Memory{Weights: 1000, Arena: 100, KV: 640}
	require.Equal(t, int64(1740), m.Total())
	for bytes, want := range map[int64]int{1740: 64, 1739: 63, 1110: 1, 1109: 0, 0: 0, 17400: 1630} {
		n := m.LargestContext(64, bytes)
		require.Equal(t, want, n, bytes)
		if n > 0 {
			require.LessOrEqual(t, m.Weights+m.Arena+int64(n)*10, bytes)
		}
	}
	require.Equal(t, 64, Memory{Weights: 1}.LargestContext(64, 1), "without a cache any context fits")
	require.Equal(t, "a context of 63 tokens would fit", m.Fitting(64, 1739))
	require.Equal(t, "no context would fit", m.Fitting(64, 1099))
}
