package clike_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// inOrder demands that a text has these parts one after the other, and gives what follows the last.
func inOrder(t *testing.T, text string, parts ...string) string {
	for _, p := range parts {
		_, rest, found := strings.Cut(text, p)
		require.True(t, found, "%q is not in what follows the parts before it:\n%s", p, text)
		text = rest
	}
	return text
}

// TestEarly: what a tile's results meet is on its way before the tile; what a condition keeps from being loaded is not, and neither is
// what is known only later.
func TestEarly(t *testing.T) {
	src, _ := emit(t, options(), parse(t, `func f(x in_f32, w weight_q4_0frag, r in_f32, at in_i32, out out_f32) {
	grid(block, 4)
	group(acc, 16)
	row := block * 16
	dot(acc, 0, w, row*96, 96, x, 0, 96, 16, 1, 96)
	for i := range lanes(16) {
		n := row + i
		out[n] = r[n] + choose(n < 40, r[n+64], acc[i]) + choose(n < 8, r[n+1], r[n+1]) + r[at[n]]
	}
}
`))
	rest := inOrder(t, src, "void __launch_bounds__(256) f(", "::fetch(", "wait_for_inputs();", "float r_early = 0.0f;", "float r_early2 = 0.0f;", "if (thread < 16) {",
		"r_early = load_now(r + n);", "r_early2 = load_now(r + (n + 1));", "::prepare(", "::run(", "for (int i = thread; i < 16; i += 256) {",
		"out[n] = r_early + (n < 40 ? r[n + 64] : acc[i]) + (n < 8 ? r_early2 : r_early2) + r[at[n]];")
	require.NotContains(t, rest, "early")
}

// TestAhead: loops whose lanes have many turns load those of several before they store.
func TestAhead(t *testing.T) {
	src, _ := emit(t, options(), parse(t, `func f(x in_f32, w weight_q4_0frag, r in_f32, out out_f32, S int) {
	grid(block, 4)
	group(acc, 33*128)
	row := block * 128
	dot(acc, 0, w, row*96, 96, x, 0, 96, 128, S, 96, 33)
	for i := range lanes(128 * S) {
		c := i / 128
		n := row + i%128
		out[c*512+n] = r[c*512+n] + acc[i%128*33+c]
	}
}
`))
	rest := inOrder(t, src, "wait_for_inputs();", "for (int from = thread; from < 128 * S; from += 2048) {", "float r_ahead[8];", "#pragma unroll", "i < 128 * S) {",
		"r_ahead[turn] = load_now(r + (c * 512 + n));", "#pragma unroll", "i < 128 * S) {", "out[c * 512 + n] = r_ahead[turn] + acc[")
	require.NotContains(t, rest, "ahead")
}
