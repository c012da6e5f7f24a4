package metal_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/llorch/llorch/codegen/clike"
	"github.com/llorch/llorch/codegen/clike/metal"
	"github.com/llorch/llorch/ir/kernel"
	"github.com/llorch/llorch/runtime/metal/emulator"
)

// TestTilesInKernels: the dialect's tiles in kernels, as clike calls them.
func TestTilesInKernels(t *testing.T) {
	compiler := emulated(t)
	for _, c := range []struct {
		text string
		want []string
	}{
		{`func f(w weight_q4_0, b weight_bf16, x in_f32, y out_f32, P int) {
	group(acc, 9)
	group(g, 96)
	for i := range lanes(96) {
		g[i] = x[i+P*96]
	}
	dot(acc, 0, w, P*96, 96, g, 0, 96, 3, 1, 96)
	dot(acc, 3, b, 0, 96, g, 0, 96, 3, 1, 96)
	dot(acc, 6, w, P*96, 96, x, P*96, 96, 3, 1, 96)
	for l := range lanes(9) {
		y[l] = acc[l]
	}
}
`, []string{"gemv::Blocks<weights::Q32<4, false>, 1>::run(", "gemv::Floats<8, 1>::run("}},
		{`func f(w weight_q8_0, v weight_f16, x in_f32, h in_f16, y out_f32, S int) {
	group(acc, 80*12)
	dot(acc, 0, w, 96*3, 96, x, 0, 96, 40, S, 96, 12)
	dot(acc, 40*12, v, 0, 96, h, 0, 96, 40, S, 96, 12)
	for i := range lanes(40*S) {
		y[i] = acc[i/S*12+i%S] * acc[i/S*12+i%S+480]
	}
}
`, []string{
			"gemm::Tile<weights::Blocks<weights::Q80>, weights::Floats<true>, float, 64, 16, 16>::run(",
			"gemm::Tile<weights::Floats<true>, weights::Floats<true>, half, 64, 16, 32>::run(",
		}},
		{`func f(k state_f16, v state_bf16, q in_f32, y out_f32, S int, P int) {
	group(s, 32*13)
	group(p, 32*12)
	group(acc, 12*48)
	dot(s, 0, k, P*96, 96, q, 0, 48, P+S, S, 48, 13)
	for i := range lanes(S*48) {
		acc[i] = 0.0
	}
	for i := range lanes(S*(P+S)) {
		p[i/(P+S)*32+i%(P+S)] = s[i%(P+S)*13+i/(P+S)] * 0.125
	}
	mix(acc, 0, v, P*96, 96, p, 0, 32, P+S, S, 48)
	for i := range lanes(S*48) {
		y[i] = acc[i]
	}
}
`, []string{"attend::Dot<half, 4, 1>::run(", "attend::Mix<bfloat, 2>::run("}},
	} {
		k, err := kernel.Parse(c.text)
		require.NoError(t, err)
		src, fns, err := clike.Emit(metal.Dialect, clike.Options{
			Symbols: []string{"S", "P"}, Limits: map[string]clike.Range{"S": {Lo: 1, Hi: 12}, "P": {Lo: 0, Hi: 20}},
		}, []*kernel.Kernel{k})
		require.NoError(t, err)
		for _, want := range c.want {
			require.Contains(t, string(src), want)
		}
		m, err := compiler.Compile(t.Context(), src, emulator.Options{Checked: true})
		require.NoError(t, err)
		for order, step := range [][]int64{{1, 0}, {5, 3}, {12, 20}} {
			hold(t, k, m, fns[0].Threads, step, uint64(order))
		}
	}
}
