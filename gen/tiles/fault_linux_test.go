package tiles

import (
	"runtime/debug"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/llorch/llorch/ir/quant"
	"github.com/llorch/llorch/runtime/cpu"
)

// TestLevelsFaultIsAPanic reads weights whose memory is gone, as of a mapped file that was cut short: the engine, whose
// workers set SetPanicOnFault, needs a panic of it, in assembly too.
func TestLevelsFaultIsAPanic(t *testing.T) {
	forLevels(t, func(t *testing.T, tile, _ *cpu.Tile) {
		s := shape{wStride: 64, xStride: 64, rows: 4, cols: 1, k: 64}
		w, err := syscall.Mmap(-1, 0, 1<<16, syscall.PROT_NONE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
		require.NoError(t, err)
		defer func() { require.NoError(t, syscall.Munmap(w)) }()
		defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
		for _, cols := range []int{1, 2, 3} {
			s.cols = cols
			for _, method := range []string{"Dot", "Mix"} {
				acc, x := make([]float32, s.accLen(method)), make([]float32, s.xLen(method))
				require.Panics(t, func() { s.run(tile, method, acc, w, x) }, "%s", method)
			}
		}
	})
}

// TestPanelsFaultIsAPanic is the same for panels.
func TestPanelsFaultIsAPanic(t *testing.T) {
	forPanels(t, func(t *testing.T, p panelTile) {
		k := p.Format.Elems
		w, err := syscall.Mmap(-1, 0, 1<<16, syscall.PROT_NONE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
		require.NoError(t, err)
		defer func() { require.NoError(t, syscall.Munmap(w)) }()
		defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
		for _, cols := range []int{1, 2, 4, 8} {
			acc, x := make([]float32, 16*cols), make([]byte, cols*k/quant.Unit*p.acts.Bytes)
			require.Panics(t, func() { p.dot(acc, w, 0, k, x, 0, k, 16, cols, k) })
		}
	})
}
