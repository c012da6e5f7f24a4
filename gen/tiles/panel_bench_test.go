package tiles

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/llorch/llorch/ir/quant"
	"github.com/llorch/llorch/runtime/cpu"
)

// BenchmarkPanelDecode streams panels of more than 96 MB: DotA8 of one column, 32 rows a call.
func BenchmarkPanelDecode(b *testing.B) {
	const rows, k, size = 32, 2048, 96 << 20
	eachPanel(b, func(b *testing.B, t *cpu.Tile, p *quant.Panel) {
		all := size / p.Size(rows, k) * rows
		w := randomPanels(b, p, all, k)
		acc, x := make([]float32, rows), randomActivations(k)
		at := 0
		b.SetBytes(int64(p.Size(rows, k)))
		for b.Loop() {
			t.DotA8(acc, w, at*k, k, x, 0, k, rows, 1, k)
			if at += rows; at == all {
				at = 0
			}
		}
		b.ReportMetric(float64(b.N)*rows*k/b.Elapsed().Seconds()/1e9, "GMAC/s")
	})
}

// BenchmarkPanelPrefill is DotA8 of few and many columns, 32 rows a call that come from the cache.
func BenchmarkPanelPrefill(b *testing.B) {
	const rows, k = 32, 2048
	for _, cols := range []int{1, 2, 4, 8, 32} {
		b.Run(fmt.Sprintf("cols=%d", cols), func(b *testing.B) {
			eachPanel(b, func(b *testing.B, t *cpu.Tile, p *quant.Panel) {
				w := randomPanels(b, p, rows, k)
				acc, x := make([]float32, rows*cols), randomActivations(cols*k)
				for b.Loop() {
					t.DotA8(acc, w, 0, k, x, 0, k, rows, cols, k)
				}
				b.ReportMetric(float64(b.N)*float64(rows*k*cols)/b.Elapsed().Seconds()/1e9, "GMAC/s")
			})
		})
	}
}

// BenchmarkRead is the memory's bandwidth: sums of what BenchmarkPanelDecode reads, with one multiplication for 4 bytes.
func BenchmarkRead(b *testing.B) {
	const size = 96 << 20
	w := make([]byte, size)
	for i := range w {
		w[i] = byte(i)
	}
	acc, x := make([]float32, 1), ones(1<<14)
	all := All()
	for i := range all {
		if t := &all[i]; t.Level == "avx2" && t.DType.String() == "f32" {
			b.SetBytes(4 << 14)
			at := 0
			for b.Loop() {
				t.Dot(acc, w, at, 1<<14, x, 0, 1, 1, 1<<14)
				if at += 1 << 14; 4*at == size {
					at = 0
				}
			}
		}
	}
}

// eachPanel runs a benchmark for every panel tile in assembly.
func eachPanel(b *testing.B, run func(*testing.B, *cpu.Tile, *quant.Panel)) {
	for _, level := range cpu.Levels() {
		for i := range levelTiles {
			if t := &levelTiles[i]; t.Level == level && t.DotA8 != nil {
				b.Run(fmt.Sprintf("%s/%s", level, t.DType), func(b *testing.B) { run(b, t, t.DType.Row().Panel) })
			}
		}
	}
}

func randomPanels(b *testing.B, p *quant.Panel, rows, k int) []byte {
	f := p.Format
	few := randomBlocks(rand.New(rand.NewPCG(1, 2)), f, quant.PanelRows*k/f.Elems)
	group := make([]byte, p.Size(quant.PanelRows, k))
	if err := p.Pack(group, few, quant.PanelRows, k); err != nil {
		b.Fatal(err)
	}
	w := make([]byte, p.Size(rows, k))
	for at := 0; at < len(w); at += len(group) {
		copy(w[at:], group)
	}
	return w
}

func randomActivations(n int) []byte {
	x := make([]byte, n/quant.Unit*quant.A8Bytes)
	quant.EncodeA8(x, floats(rand.New(rand.NewPCG(3, 4)), n))
	return x
}
