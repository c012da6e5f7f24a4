package sample

import (
	"encoding/binary"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// FuzzSample feeds any bits as logits: an error or a possible token, never a panic.
func FuzzSample(f *testing.F) {
	f.Add([]byte{0, 0, 128, 63, 0, 0, 0, 64}, 1.0, 1, 0.9, 0.1, 1.1, int32(1))
	f.Fuzz(func(t *testing.T, bits []byte, temperature float64, topK int, topP, minP, penalty float64, accept int32) {
		logits := make([]float32, len(bits)/4)
		for i := range logits {
			logits[i] = math.Float32frombits(binary.LittleEndian.Uint32(bits[4*i:]))
		}
		p := Params{Temperature: temperature, TopK: topK, TopP: topP, MinP: minP, RepeatPenalty: penalty}
		s, err := New(p, len(logits))
		if err != nil {
			return
		}
		s.Accept(accept)
		for range 3 {
			id, err := s.Sample(logits)
			if err != nil {
				return
			}
			require.Less(t, int(id), len(logits))
			require.Greater(t, logits[id], -inf)
		}
	})
}

func FuzzStops(f *testing.F) {
	f.Add("aab", "b\xff", "aaab\xff", uint8(1))
	f.Add("</s>", "\n\n", "text\n</s>", uint8(3))
	f.Fuzz(func(t *testing.T, a, b, text string, size uint8) {
		s, err := NewStops([]string{a, b})
		if a == "" || b == "" {
			require.Error(t, err)
			return
		}
		require.NoError(t, err)
		want := text
		for _, stop := range []string{a, b} {
			if i := strings.Index(text, stop); i >= 0 && i < len(want) {
				want = text[:i]
			}
		}
		var pieces []string
		for n := int(size%16) + 1; text != ""; {
			n = min(n, len(text))
			pieces, text = append(pieces, text[:n]), text[n:]
		}
		_, all, _ := pushAll(s, pieces...)
		require.Equal(t, want, all)
	})
}
