package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// TestRepetitions: the history is run once, prefill and decode each begin behind it, and the order is as promised.
func TestRepetitions(t *testing.T) {
	m, e := toyModel()
	o := Options{PP: 6, TG: 2, Depth: 5, Reps: 2, Threads: 1}
	d, err := newDriver(context.Background(), m, o)
	require.NoError(t, err)
	require.Equal(t, []string{"prefill 4 at 0", "decode 1 at 4"}, e.steps)
	e.steps = nil
	ours, peers, err := d.repetitions(context.Background(), o)
	require.NoError(t, err)
	require.Empty(t, peers)
	require.Len(t, ours, 2)
	for _, r := range ours {
		require.Positive(t, r.prefill)
		require.Positive(t, r.decode)
	}
	one := []string{"prefill 4 at 5", "prefill 2 at 9", "decode 1 at 5", "decode 1 at 6"}
	require.Equal(t, slices.Concat(one, one), e.steps)
}

// TestPeersTurn: ours, peer, ours, peer, with a repetition that is not counted after each peer.
func TestPeersTurn(t *testing.T) {
	needsShell(t)
	m, e := toyModel()
	log := filepath.Join(t.TempDir(), "log")
	o := Options{PP: 1, TG: 0, Reps: 3, Threads: 1, Peer: fmt.Sprintf("echo x >> '%s'; wc -l < '%[1]s' | sed 's/.*/{\"prefill_tok_s\": &}/'", log)}
	d, err := newDriver(context.Background(), m, o)
	require.NoError(t, err)
	ours, peers, err := d.repetitions(context.Background(), o)
	require.NoError(t, err)
	require.Len(t, ours, 3)
	require.Equal(t, []rates{{prefill: 1}, {prefill: 2}, {prefill: 3}}, peers)
	require.Len(t, e.steps, 5)
}

// TestRun is a whole measurement, and its JSON.
func TestRun(t *testing.T) {
	needsShell(t)
	m, _ := toyModel()
	r, err := Run(context.Background(), m, Options{PP: 3, TG: 2, Depth: 1, Reps: 3, Threads: 2, Peer: `echo '{"prefill_tok_s": 4, "decode_tok_s": 8, "pp": 3, "tg": 2}'`})
	require.NoError(t, err)
	require.EqualValues(t, 16+32+128+32+80, r.DecodeBytes)
	require.EqualValues(t, 80+32+128, r.WeightBytes)
	require.Equal(t, r.Decode.Median*float64(r.DecodeBytes)/r.ReadBandwidth, r.BandwidthFraction)
	require.Equal(t, Spread{4, 4, 4}, r.Peer.Prefill)
	require.Equal(t, r.Decode.Median/8, r.Peer.DecodeRatio)
	r.Level = "avx2"

	b, err := json.Marshal(r)
	require.NoError(t, err)
	var got map[string]any
	require.NoError(t, json.Unmarshal(b, &got))
	for key, want := range map[string]any{
		"model": "toy", "target": "none", "level": "avx2", "pp": 3.0, "tg": 2.0, "depth": 1.0, "reps": 3.0, "threads": 2.0,
		"prefill_tok_s": r.Prefill.Median, "prefill_tok_s_min": r.Prefill.Min, "prefill_tok_s_max": r.Prefill.Max,
		"decode_tok_s": r.Decode.Median, "decode_tok_s_min": r.Decode.Min, "decode_tok_s_max": r.Decode.Max,
		"read_bandwidth_gb_s": r.ReadBandwidth / 1e9, "read_bandwidth_buffer_bytes": float64(r.BandwidthBuffer),
		"decode_weight_bytes": 288.0, "decode_bandwidth_fraction": r.BandwidthFraction, "weights_bytes": 240.0,
		"peak_memory_bytes": float64(r.PeakMemory),
	} {
		if key == "peak_memory_bytes" && r.PeakMemory == 0 {
			continue // this system does not say
		}
		require.Equal(t, want, got[key], key)
		delete(got, key)
	}
	require.Equal(t, map[string]any{"peer": map[string]any{
		"command": r.Peer.Command, "prefill_tok_s": 4.0, "prefill_tok_s_min": 4.0, "prefill_tok_s_max": 4.0,
		"decode_tok_s": 8.0, "decode_tok_s_min": 8.0, "decode_tok_s_max": 8.0,
		"prefill_ratio": r.Peer.PrefillRatio, "decode_ratio": r.Peer.DecodeRatio,
	}}, got)
}

// TestPartJSON: what was left out has no keys.
func TestPartJSON(t *testing.T) {
	r := &Report{Model: "m", PP: 8, Peer: &PeerReport{}}
	r.finish([]rates{{prefill: 3}}, []rates{{prefill: 6}}, 1e9)
	b, err := json.Marshal(r)
	require.NoError(t, err)
	require.Contains(t, string(b), `"prefill_tok_s":3,`)
	require.Contains(t, string(b), `"prefill_ratio":0.5`)
	for _, absent := range []string{"decode_tok_s", "decode_ratio", "decode_bandwidth_fraction", "level", "peak"} {
		require.NotContains(t, string(b), absent)
	}
}

func TestRunRefuses(t *testing.T) {
	for _, c := range []struct {
		o    Options
		want string
	}{
		{Options{PP: 1, TG: 1}, "0 repetitions: want 1 or more"},
		{Options{Reps: 1}, "pp 0 and tg 0: there is nothing to measure"},
		{Options{PP: -1, Reps: 1}, "pp -1, tg 0, depth 0 and threads 1 must not be negative"},
		{Options{PP: 8, TG: 2, Depth: 9, Reps: 1}, "pp 8 or tg 2 behind a depth of 9 do not fit the model's context of 16 tokens"},
		{Options{PP: 2, TG: 17, Reps: 1}, "pp 2 or tg 17 behind a depth of 0 do not fit the model's context of 16 tokens"},
		{Options{PP: 2, Depth: 1 << 62, Reps: 1}, "do not fit"},
	} {
		m, e := toyModel()
		c.o.Threads = 1
		_, err := Run(context.Background(), m, c.o)
		require.ErrorContains(t, err, c.want)
		require.Empty(t, e.steps)
	}
	m, e := toyModel()
	e.fail = errors.New("no device")
	_, err := Run(context.Background(), m, Options{TG: 1, Reps: 1, Threads: 1})
	require.ErrorContains(t, err, "no device")
	m, _ = toyModel()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err = Run(ctx, m, Options{PP: 1, Reps: 1})
	require.ErrorIs(t, err, context.Canceled)
}

// TestFull: a context that is filled to its end is no error.
func TestFull(t *testing.T) {
	m, _ := toyModel()
	require.NoError(t, Options{PP: 7, TG: 3, Depth: 9, Reps: 1}.check(m.Program))
	require.NoError(t, Options{TG: 16, Reps: 1}.check(m.Program))
}

func TestSpread(t *testing.T) {
	require.Equal(t, Spread{}, spreadOf(nil))
	require.Equal(t, Spread{3, 3, 3}, spreadOf([]float64{3}))
	require.Equal(t, Spread{2.5, 1, 9}, spreadOf([]float64{9, 1, 3, 2}))
	in := []float64{5, 1, 4}
	require.Equal(t, Spread{4, 1, 5}, spreadOf(in))
	require.Equal(t, []float64{5, 1, 4}, in, "the caller's order stays")
	rapid.Check(t, func(t *rapid.T) {
		v := rapid.SliceOfN(rapid.Float64Range(-1e6, 1e6), 1, 20).Draw(t, "values")
		s := spreadOf(v)
		below, above := 0, 0
		for _, x := range v {
			require.True(t, s.Min <= x && x <= s.Max)
			if x < s.Median {
				below++
			}
			if x > s.Median {
				above++
			}
		}
		require.LessOrEqual(t, below, len(v)/2)
		require.LessOrEqual(t, above, len(v)/2)
	})
}

func needsShell(t *testing.T) {
	if _, err := os.Stat("/bin/sh"); err != nil {
		t.Skip("needs /bin/sh")
	}
}
