package tiles

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"
	"unsafe"

	"github.com/llorch/llorch/ir/kernel"
	"github.com/llorch/llorch/ir/quant"
	"github.com/llorch/llorch/runtime/cpu"
)

// BenchmarkPanelDecode streams 96 MB of panels: one column, 32 rows a call.
func BenchmarkPanelDecode(b *testing.B) {
	const rows, k, size = 32, 2048, 96 << 20
	eachPanel(b, func(b *testing.B, p *quant.Panel, x *kernel.DTypeRow, dot cpu.DotActs) {
		all := size / p.Size(rows, k) * rows
		w := randomPanels(b, p, all, k)
		acc, acts := make([]float32, rows), randomActivations(x, k)
		at := 0
		b.SetBytes(int64(p.Size(rows, k)))
		for b.Loop() {
			dot(acc, w, at*k, k, acts, 0, k, rows, 1, k)
			if at += rows; at == all {
				at = 0
			}
		}
		b.ReportMetric(float64(b.N)*rows*k/b.Elapsed().Seconds()/1e9, "GMAC/s")
	})
}

// BenchmarkPanelPrefill has few and many columns, and 32 rows a call that come from the cache.
func BenchmarkPanelPrefill(b *testing.B) {
	const rows, k = 32, 2048
	for _, cols := range []int{1, 2, 4, 8, 32} {
		b.Run(fmt.Sprintf("cols=%d", cols), func(b *testing.B) {
			eachPanel(b, func(b *testing.B, p *quant.Panel, x *kernel.DTypeRow, dot cpu.DotActs) {
				w := randomPanels(b, p, rows, k)
				acc, acts := make([]float32, rows*cols), randomActivations(x, cols*k)
				for b.Loop() {
					dot(acc, w, 0, k, acts, 0, k, rows, cols, k)
				}
				b.ReportMetric(float64(b.N)*float64(rows*k*cols)/b.Elapsed().Seconds()/1e9, "GMAC/s")
			})
		})
	}
}

// BenchmarkRead is the bandwidth of memory: a sum of what BenchmarkPanelDecode reads.
func BenchmarkRead(b *testing.B) {
	const size, step = 96 << 20, 64 << 10
	m := bigBytes(b, size)
	for i := range m {
		m[i] = byte(i)
	}
	all := unsafe.Slice((*uint64)(unsafe.Pointer(unsafe.SliceData(m))), size/8)
	b.SetBytes(step)
	var sums [8]uint64
	rest := all
	for b.Loop() {
		var s0, s1, s2, s3, s4, s5, s6, s7 uint64
		for part := rest[:step/8]; len(part) >= 8; part = part[8:] {
			s0, s1, s2, s3 = s0+part[0], s1+part[1], s2+part[2], s3+part[3]
			s4, s5, s6, s7 = s4+part[4], s5+part[5], s6+part[6], s7+part[7]
		}
		sums = [8]uint64{s0, s1, s2, s3, s4, s5, s6, s7}
		if rest = rest[step/8:]; len(rest) == 0 {
			rest = all
		}
	}
	runtime.KeepAlive(sums)
}

// eachPanel runs a benchmark for every panel tile.
func eachPanel(b *testing.B, run func(*testing.B, *quant.Panel, *kernel.DTypeRow, cpu.DotActs)) {
	all := All()
	for _, level := range cpu.Levels() {
		for i := range all {
			t := &all[i]
			if t.Level != level || t.DotA8 == nil {
				continue
			}
			for x, dot := range map[kernel.DType]cpu.DotActs{kernel.A8: t.DotA8, kernel.A16: t.DotA16} {
				b.Run(fmt.Sprintf("%s/%s/%s", x, level, t.DType), func(b *testing.B) { run(b, t.DType.Row().Panel, x.Row(), dot) })
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
	w := bigBytes(b, p.Size(rows, k))
	for at := 0; at < len(w); at += len(group) {
		copy(w[at:], group)
	}
	return w
}

func randomActivations(x *kernel.DTypeRow, n int) []byte {
	acts := make([]byte, n/quant.Unit*x.Bytes)
	x.Encode(acts, floats(rand.New(rand.NewPCG(3, 4)), n))
	return acts
}
