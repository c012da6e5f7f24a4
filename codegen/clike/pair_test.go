package clike_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestPairs: calls with the same x are spelled together, and results lie over what their tile prepares, where that is sound.
func TestPairs(t *testing.T) {
	const (
		first  = "dot(acc, 0, a, block*128*96, 96, x, 0, 96, 128, S, 96, 65)\n"
		second = "dot(acc, 8320, b, block*128*96, 96, x, 0, 96, 128, S, 96, 65)\n"
		other  = "dot(acc, 8320, c, block*128*96, 96, x, 0, 96, 128, S, 96, 65)\n"
		result = "for i := range lanes(8320) {\n y[i] = acc[i] + acc[8320+i]\n}\n"
		touch  = "for j := range lanes(16640) {\n acc[j] = 0.0\n}\n"
	)
	for _, c := range []struct {
		name, body string
		pairs      int
		over       bool
	}{
		{"alike", first + second + result, 1, true},
		{"three", first + second + first + result, 1, false},
		{"another type", first + other + result, 0, false},
		{"apart", first + touch + second + result, 0, false},
		{"alone", first + result, 0, true},
		{"touched before", touch + first + second + result, 1, false},
		{"in a loop", "for t := 0; t < 3; t += 1 {\n" + first + second + result + "}\n", 1, false},
		{"branches", "if block < 1 {\n" + first + second + result + "} else {\n" + first + result + "}\n", 1, true},
		{"touched before branches", touch + "if block < 1 {\n" + first + second + result + "} else {\n" + first + result + "}\n", 1, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			src, fns := emit(t, options(), parse(t, "func f(x in_f16, a weight_q4_0frag, b weight_q4_0frag, c weight_q8_0frag, y out_f32, S int) {\ngrid(block, 2)\ngroup(acc, 16640)\n"+c.body+"}\n"))
			require.Equal(t, c.pairs, strings.Count(src, ", 2>::pair(acc + 0, acc + 8320, 65, a"))
			require.Equal(t, 384, fns[0].Threads)
			require.Contains(t, src, "__launch_bounds__(384, 1) f(")
			if c.over {
				require.Contains(t, src, "96, nullptr, memory + 0);")
				require.GreaterOrEqual(t, fns[0].Shared, 4*16640)
			} else {
				require.Contains(t, src, "96, nullptr, memory + 66560);")
				require.Greater(t, fns[0].Shared, 66560)
			}
		})
	}
}
