package bench

import (
	"context"
	"testing"

	"github.com/llorch/llorch/runtime/host"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// TestSum: every word is read, whatever the length and the number of parts.
func TestSum(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		words := rapid.SliceOfN(rapid.Uint64(), 0, 200).Draw(t, "words")
		n := rapid.IntRange(1, 5).Draw(t, "parts")
		want := uint64(0)
		for _, w := range words {
			want += w
		}
		var parts [][]uint64
		for i := range n {
			parts = append(parts, words[len(words)*i/n:len(words)*(i+1)/n])
		}
		require.Equal(t, want, each(parts, sum))
	})
}

func TestReadBandwidth(t *testing.T) {
	for _, threads := range []int{1, 3} {
		rate, err := readBandwidth(context.Background(), 1<<20, threads)
		require.NoError(t, err)
		require.Positive(t, rate)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := readBandwidth(ctx, 1<<20, 1)
	require.ErrorIs(t, err, context.Canceled)
}

func TestBufferBytes(t *testing.T) {
	for available, want := range map[int64]int64{
		-1: 512 << 20, 0: 128 << 20, 100 << 20: 128 << 20, 1 << 30: 256 << 20, 1<<30 + 12345: 256 << 20, 2 << 30: 512 << 20, 1 << 50: 512 << 20,
	} {
		require.Equal(t, want, bufferBytes(available), "%d bytes available", available)
	}
}

// TestPeakMemory: what is written to is resident.
func TestPeakMemory(t *testing.T) {
	if host.PeakMemory() == 0 {
		t.Skip("this system does not say")
	}
	const n = 96 << 20
	block := make([]uint64, n/8)
	fill(block)
	require.Greater(t, host.PeakMemory(), int64(n))
	require.Equal(t, uint64(n/8-1), block[n/8-1])
}
