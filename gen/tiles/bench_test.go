package tiles

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"github.com/llorch/llorch/runtime/cpu"
)

// BenchmarkDecode streams weights of more than 64 MB, as the decoding of a token does: Dot of one column, 32 rows a call.
func BenchmarkDecode(b *testing.B) {
	const rows, k, size = 32, 2048, 96 << 20
	acc, x := make([]float32, rows), ones(k)
	eachTile(b, func(b *testing.B, t *cpu.Tile) {
		w := bytes.Repeat([]byte{1}, size) // written, so that not one page of zeros serves all of it
		row := t.DType.Row()
		tile, elems := rows*k*row.Bytes, size/row.Bytes
		at := 0
		b.SetBytes(int64(tile))
		for b.Loop() {
			t.Dot(acc, w, at, k, x, k, rows, 1, k)
			if at += rows * k; at+rows*k > elems {
				at = 0
			}
		}
		b.ReportMetric(float64(b.N)*rows*k/b.Elapsed().Seconds()/1e9, "Gweights/s")
	})
}

// BenchmarkPrefill is Dot of many columns, 32 rows a call.
func BenchmarkPrefill(b *testing.B) {
	const rows = 32
	for _, cols := range []int{8, 16} {
		for _, k := range []int{64, 2048, 5632} {
			acc, x := make([]float32, rows*cols), ones(cols*k)
			b.Run(fmt.Sprintf("cols=%d/k=%d", cols, k), func(b *testing.B) {
				eachTile(b, func(b *testing.B, t *cpu.Tile) {
					w := make([]byte, rows*k*t.DType.Row().Bytes)
					for b.Loop() {
						t.Dot(acc, w, 0, k, x, k, rows, cols, k)
					}
					b.ReportMetric(2*float64(b.N)*float64(rows*k*cols)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
				})
			})
		}
	}
}

// BenchmarkMix is the weighted sum of values in attention: 32 positions, heads of 64 elements.
func BenchmarkMix(b *testing.B) {
	const rows, k = 32, 64
	for _, cols := range []int{1, 8} {
		acc, x := make([]float32, cols*k), ones(cols*rows)
		b.Run(fmt.Sprintf("cols=%d", cols), func(b *testing.B) {
			eachTile(b, func(b *testing.B, t *cpu.Tile) {
				w := make([]byte, rows*k*t.DType.Row().Bytes)
				for b.Loop() {
					t.Mix(acc, w, 0, k, x, rows, rows, cols, k)
				}
				b.ReportMetric(2*float64(b.N)*float64(rows*k*cols)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
			})
		})
	}
}

// eachTile runs a benchmark for every tile of single elements of this machine's levels.
func eachTile(b *testing.B, run func(*testing.B, *cpu.Tile)) {
	all := All()
	for _, level := range cpu.Levels() {
		for i := range all {
			if t := &all[i]; t.Level == level && t.DType.Row().Elems == 1 {
				b.Run(fmt.Sprintf("%s/%s", level, t.DType), func(b *testing.B) { run(b, t) })
			}
		}
	}
}

func ones(n int) []float32 { return slices.Repeat([]float32{1}, n) }
