package gpu

import (
	"context"
	"encoding/binary"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

func logSumExp(row []float32) float64 {
	sum := 0.0
	for _, v := range row {
		sum += math.Exp(float64(v))
	}
	return math.Log(sum)
}

func TestCandidates(t *testing.T) {
	for _, room := range []int{4096, 3} { // with fewer, the host sorts
		e, d := toyEngine(t, toyProgram(t))
		d.driver.room = room
		c := toyCache(t, e)
		_, err := e.Row(t.Context())
		require.EqualError(t, err, "the last step was not one for candidates")
		for i, token := range prompt {
			best, sum, _, err := e.Candidates(t.Context(), c, i, token)
			require.NoError(t, err)
			want := toyWant(prompt[:i+1])
			require.Equal(t, sorted(want), best)
			require.InEpsilon(t, logSumExp(want), sum, 1e-12)
			row, err := e.Row(t.Context())
			require.NoError(t, err)
			require.Equal(t, want, row)
		}
		require.Equal(t, 1, d.captures)
		feed(t, e, c, prompt[:2], prompt[2:], 1)
		_, err = e.Row(t.Context())
		require.EqualError(t, err, "the last step was not one for candidates")
	}
}

func TestCandidatesRefused(t *testing.T) {
	p, w := toyProgram(t), toyWeights()
	binary.LittleEndian.PutUint32(w["table"][4*toyDim*6:], 0x7fc00000) // NaN
	e, err := NewPicker(p, w, anyCode, newFakeDriver(p), Options{})
	require.NoError(t, err)
	defer e.Close()
	c := toyCache(t, e)
	_, _, _, err = e.Candidates(t.Context(), c, 0, 6)
	require.EqualError(t, err, "step decode at position 0: its logits are not all finite numbers")
	_, _, _, err = e.Candidates(t.Context(), c, 12, 1)
	require.EqualError(t, err, "step decode: 1 tokens after 12 do not fit the context of 12")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, _, _, err = e.Candidates(ctx, c, 0, 1)
	require.ErrorIs(t, err, context.Canceled)

	p = toyProgram(t)
	p.Vocab = 6
	e, _ = toyEngine(t, p)
	_, _, _, err = e.Candidates(t.Context(), toyCache(t, e), 0, 1)
	require.EqualError(t, err, "step decode: 28 bytes of logits of a vocabulary of 6")
	_, err = e.Greedy(t.Context(), toyCache(t, e), 1, 0, 1, nil)
	require.EqualError(t, err, "step decode: 28 bytes of logits of a vocabulary of 6")
}
