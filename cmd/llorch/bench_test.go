package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/llorch/llorch/runtime/bench"
)

// TestDecodeBytes counts by hand what a decode step reads: all weights once, the tied embedding as the output's matrix, and
// one row of it as the token's.
func TestDecodeBytes(t *testing.T) {
	tiny := filepath.Join(t.TempDir(), "m.gguf")
	require.NoError(t, os.WriteFile(tiny, tinyGGUF(), 0o644))
	stories := filepath.Join("..", "..", "..", "shared", "models", "stories260k")
	for _, c := range []struct {
		model                                            string
		layers, embd, kv, ffn, heads, vocab, frequencies int64
	}{
		{tiny, 2, 24, 8, 28, 3, 267, 4},
		{filepath.Join(stories, "stories260k-f32.gguf"), 5, 64, 32, 172, 8, 512, 4},
		{stories, 5, 64, 32, 172, 8, 512, 4},
	} {
		if _, err := os.Stat(c.model); err != nil {
			t.Logf("needs %s", c.model)
			continue
		}
		norm, attention, mlp := c.embd, 2*c.embd*c.embd+2*c.kv*c.embd, 3*c.embd*c.ffn
		all := c.layers*(2*norm+attention+mlp) + norm + c.vocab*c.embd + c.frequencies
		e := &env{context.Background(), nil, &bytes.Buffer{}, &bytes.Buffer{}}
		m, err := load(e, c.model, loadOptions{})
		require.NoError(t, err)
		defer m.Close()
		got, err := bench.DecodeBytes(m.Program)
		require.NoError(t, err)
		require.Equal(t, 4*(all+c.embd), got, c.model)
		require.Equal(t, 4*all, m.Program.Memory().Weights)
	}
}

// TestInterruptedBench: Ctrl-C ends it with exit status 130 and no numbers.
func TestInterruptedBench(t *testing.T) {
	status, out, errs := interrupted(t, "bench", "--pp", "8", "--tg", "8")
	require.Equal(t, 130, status)
	require.Empty(t, out)
	require.Equal(t, "llorch: interrupted\n", errs)
}

// TestBenchText: the report for people, line by line.
func TestBenchText(t *testing.T) {
	r := &bench.Report{
		Model: "m", Target: "cpu", Level: "avx2", PP: 128, TG: 32, Depth: 64, Reps: 5, Threads: 2,
		Prefill: bench.Spread{Median: 76.149, Min: 70.5, Max: 1083.5}, Decode: bench.Spread{Median: 9.1234, Min: 0.9, Max: 9.5},
		ReadBandwidth: 25e9, BandwidthBuffer: 512 << 20, DecodeBytes: 2 << 30, BandwidthFraction: 0.7836,
		WeightBytes: 2 << 30, PeakMemory: 3 << 30,
		Peer: &bench.PeerReport{Command: "peers.sh m", Prefill: bench.Spread{Median: 50, Min: 40, Max: 60},
			Decode: bench.Spread{Median: 10, Min: 9, Max: 11}, PrefillRatio: 1.523, DecodeRatio: 0.91234},
	}
	require.Equal(t, `m on cpu (avx2), 2 threads, depth 64, median of 5 repetitions
prefill      76.15 tok/s (70.50 to 1084) for 128 tokens
decode       9.123 tok/s (0.9000 to 9.500) for 32 tokens
reads        25.00 GB/s at most with 2 threads from 512.0 MiB; decode reads 2.0 GiB of weights a token: 78.4 % of that bandwidth
memory    3.0 GiB at peak, mapped weights included: 1.50 times the weights' 2.0 GiB
peer      peers.sh m
  prefill    50.00 tok/s (40.00 to 60.00) for 128 tokens
  decode     10.00 tok/s (9.000 to 11.00) for 32 tokens
ratio     prefill 1.523, decode 0.912 of the peer's
`, benchText(r))
	r.TG, r.BandwidthFraction, r.PeakMemory, r.Peer, r.Reps, r.Threads = 0, 0, 0, nil, 1, 1
	require.Equal(t, `m on cpu (avx2), 1 thread, depth 64, median of 1 repetition
prefill      76.15 tok/s (70.50 to 1084) for 128 tokens
reads        25.00 GB/s at most with 1 thread from 512.0 MiB; decode reads 2.0 GiB of weights a token
`, benchText(r))
	r.TG, r.BandwidthFraction = 1, 2.5
	require.Contains(t, benchText(r), "2.0 GiB of weights a token, which stay in the caches: 2.5 times that bandwidth\n")
}
