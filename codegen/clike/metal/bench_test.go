package metal

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/llorch/llorch/ir/kernel"
	"github.com/llorch/llorch/runtime/metal/emulator"
)

// These time the emulator, which says nothing of a GPU.

func BenchmarkGemv2048(b *testing.B) {
	for _, w := range fileTypes() {
		tr := weightTrial(planGemv, w, kernel.F32, 2048, 1, 2048).upTo(2048, 1)
		b.Run(w.String(), func(b *testing.B) { bench(b, tr, 1) })
	}
}

// Sixteen groups of 64 by 64 are 256 by 256.
func BenchmarkGemm256(b *testing.B) {
	for _, w := range fileTypes() {
		x := kernel.F16
		if w == kernel.F32 || w == kernel.BF16 {
			x = w
		}
		tr := weightTrial(planGemm, w, x, 64, 64, 256).upTo(64, 64)
		b.Run(w.String(), func(b *testing.B) { bench(b, tr, 16) })
	}
}

func BenchmarkAttend32Keys(b *testing.B) {
	for name, tr := range map[string]trial{
		"dot/8": attendTrial(kernel.F16, 32, 8, 64, 32, 8, false), "dot/32": attendTrial(kernel.F16, 32, 32, 64, 32, 32, false),
		"mix/8": attendTrial(kernel.F16, 32, 8, 64, 32, 8, true), "mix/32": attendTrial(kernel.F16, 32, 32, 64, 32, 32, true),
	} {
		b.Run(name, func(b *testing.B) { bench(b, tr, 1) })
	}
}

func bench(b *testing.B, tr trial, groups int) {
	m := compiled(b, []trial{tr}, false, nil)
	d := tr.data(1)
	b.ResetTimer()
	for range b.N {
		require.NoError(b, tr.runGroups(m, d, emulator.Dispatch{Groups: groups}))
	}
}
