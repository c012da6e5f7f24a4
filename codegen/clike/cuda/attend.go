package cuda

import (
	"fmt"

	"github.com/llorch/llorch/codegen/clike"
	"github.com/llorch/llorch/ir/kernel"
)

// attendDot and attendMix are products with keys and values of a cache.
var (
	attendDot = clike.Tile{Name: "attend.dot", Files: []string{"attend.cuh"}, Plan: planAttendDot}
	attendMix = clike.Tile{Name: "attend.mix", Files: []string{"attend.cuh"}, Plan: planAttendMix}
)

// The most that lanes hold in registers.
const (
	attendRows = 64
	attendCols = 64
	attendHead = 256
)

func planAttendDot(c clike.Call) *clike.Plan {
	if c.Mix || !attends(c) {
		return nil
	}
	warps, tiles := c.Threads/32, tilesOf(c.Rows)
	if tiles > warps {
		return nil
	}
	vector := whole(8, c.K, c.WStride) && whole(4, c.XStride)
	return &clike.Plan{Type: fmt.Sprintf("attend::Dot<%t, %d, %d, %d, %d, %d, %t>",
		c.W.DType == kernel.BF16, c.K.Lo, c.WStride.Lo, tiles, c.Cols.Hi, warps, vector)}
}

func planAttendMix(c clike.Call) *clike.Plan {
	if !c.Mix || !attends(c) {
		return nil
	}
	steps := tilesOf(c.Rows)
	vector := whole(4, c.K, c.WStride, c.AccStride)
	vectorX := c.X.Group && whole(4, c.XStride) && c.XStride.Lo >= int64(16*steps)
	return &clike.Plan{Type: fmt.Sprintf("attend::Mix<%t, %d, %d, %d, %d, %d, %t, %t>",
		c.W.DType == kernel.BF16, c.K.Lo, c.WStride.Lo, steps, c.Cols.Hi, c.Threads/32, vector, vectorX)}
}

// attends reports what the templates are made for. Heads and their rows begin at multiples of K.
func attends(c clike.Call) bool {
	return (c.W.DType == kernel.F16 || c.W.DType == kernel.BF16) && !c.W.Group && c.W.Role != kernel.Weight && c.X.DType == kernel.F32 &&
		c.K.Fixed() && c.K.Lo >= 2 && c.K.Lo <= attendHead && whole(2, c.K, c.WStride) && c.XStride.Fixed() &&
		c.Rows.Hi >= 1 && c.Rows.Hi <= attendRows && c.Cols.Hi >= 1 && c.Cols.Hi <= attendCols && c.Threads%32 == 0
}

// tilesOf is how many times 16 rows there are at most.
func tilesOf(rows clike.Range) int { return int(rows.Hi+15) / 16 }

// whole reports fixed multiples of n.
func whole(n int64, rs ...clike.Range) bool {
	for _, r := range rs {
		if !r.Fixed() || r.Lo%n != 0 {
			return false
		}
	}
	return true
}
