package quant

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

func BenchmarkPack(b *testing.B) {
	const rows, elems = 64, 2048
	for _, p := range slices.Concat(Panels, Fragments) {
		src := randomBytes(rand.New(rand.NewPCG(1, 2)), rows*elems/p.Format.Elems*p.Format.Bytes)
		dst := make([]byte, p.Size(rows, elems))
		b.Run(p.Name, func(b *testing.B) {
			b.SetBytes(int64(len(src)))
			for b.Loop() {
				require.NoError(b, p.Pack(dst, src, rows, elems))
			}
		})
	}
}

func BenchmarkPanelAt(b *testing.B) {
	for _, p := range slices.Concat(Panels, Fragments) {
		block := randomBytes(rand.New(rand.NewPCG(1, 2)), p.Bytes)
		b.Run(p.Name, func(b *testing.B) {
			for b.Loop() {
				for i := range p.Format.Elems {
					p.At(block, i%PanelRows, i)
				}
			}
		})
	}
}

func BenchmarkUnpack(b *testing.B) {
	for _, p := range Panels {
		block := randomBytes(rand.New(rand.NewPCG(1, 2)), p.Bytes)
		b.Run(p.Name, func(b *testing.B) {
			var u PanelUnit
			for b.Loop() {
				p.Unpack(&u, block, 0)
			}
		})
	}
}
