package sample

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// pushAll feeds the pieces and returns what came out before Flush, with it, and whether Push stopped.
func pushAll(s *Stops, pieces ...string) (pushed, all string, stopped bool) {
	for _, piece := range pieces {
		var emit string
		emit, stopped = s.Push(piece)
		pushed += emit
	}
	return pushed, pushed + s.Flush(), stopped
}

func TestStops(t *testing.T) {
	tests := []struct {
		name    string
		stops   []string
		pieces  []string
		pushed  string // before Flush
		all     string
		stopped bool // by Push
	}{
		{"none", nil, []string{"ab", "c"}, "abc", "abc", false},
		{"whole", []string{"b"}, []string{"abc"}, "a", "a", true},
		{"at the start", []string{"ab"}, []string{"abc"}, "", "", true},
		{"overlapping candidate", []string{"aab"}, []string{"a", "a", "a", "b"}, "a", "a", true},
		{"overlapping candidate, whole", []string{"aab"}, []string{"aaab"}, "a", "a", true},
		{"held back and released", []string{"</s>"}, []string{"x</", "b>"}, "x</b>", "x</b>", false},
		{"held back to the end", []string{"</s>"}, []string{"x</"}, "x", "x</", false},
		{"the earliest of two", []string{"cd", "bc"}, []string{"abcd"}, "a", "a", true},
		{"same start, the first to complete", []string{"bcd", "bc"}, []string{"abcd"}, "a", "a", true},
		{"an earlier candidate is waited for", []string{"abcd", "bc"}, []string{"abc"}, "", "a", false},
		{"and wins", []string{"abcd", "bc"}, []string{"abc", "d"}, "", "", true},
		{"or fails", []string{"abcd", "bc"}, []string{"abc", "x"}, "a", "a", true},
		{"nothing after a stop", []string{"b"}, []string{"ab", "c", "d"}, "a", "a", true},
		{"a rune in two pieces", []string{"é"}, []string{"x\xc3", "\xa9y"}, "x", "x", true},
		{"half a rune released", []string{"é"}, []string{"x\xc3", "\xa8y"}, "xèy", "xèy", false},
		{"no text", []string{"a"}, []string{"", ""}, "", "", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, err := NewStops(tt.stops)
			require.NoError(t, err)
			pushed, all, stopped := pushAll(s, tt.pieces...)
			require.Equal(t, tt.pushed, pushed)
			require.Equal(t, tt.all, all)
			require.Equal(t, tt.stopped, stopped)

			emit, stopped := s.Push("more")
			require.Empty(t, emit)
			require.True(t, stopped, "nothing follows Flush")
		})
	}
}

func TestNewStopsError(t *testing.T) {
	_, err := NewStops([]string{"a", ""})
	require.EqualError(t, err, "sample: stop string 2 of 2 is empty")
}

// TestStopsAgainstIndex compares with strings.Index over the whole text, however it is cut.
func TestStopsAgainstIndex(t *testing.T) {
	word := func(n int) *rapid.Generator[string] { return rapid.StringOfN(rapid.RuneFrom([]rune("ab")), n, -1, -1) }
	rapid.Check(t, func(t *rapid.T) {
		stops := rapid.SliceOfN(rapid.Map(word(1), func(s string) string { return s[:min(len(s), 5)] }), 0, 4).Draw(t, "stops")
		pieces := rapid.SliceOfN(word(0), 0, 12).Draw(t, "pieces")
		text := strings.Join(pieces, "")
		want := text
		for _, stop := range stops {
			if i := strings.Index(text, stop); i >= 0 && i < len(want) {
				want = text[:i]
			}
		}
		s, err := NewStops(stops)
		require.NoError(t, err)
		longest := 0
		for _, stop := range stops {
			longest = max(longest, len(stop))
		}
		got, read := "", 0
		for _, piece := range pieces {
			emit, stopped := s.Push(piece)
			got, read = got+emit, read+len(piece)
			require.True(t, strings.HasPrefix(want, got), "emitted %q of %q", got, want)
			if stopped {
				require.Equal(t, want, got)
				require.Less(t, len(want), len(text), "stopped without a stop string")
				return
			}
			require.LessOrEqual(t, read-len(got), max(0, longest-1), "held back too much")
		}
		require.Equal(t, want, got+s.Flush())
	})
}
