package metal

import (
	"fmt"

	"github.com/llorch/llorch/codegen/clike"
)

// gemv is Dot with one column: what a token's time goes to. It needs no memory.
var gemv = clike.Tile{Name: "gemv", Files: []string{"formats.metal", "gemv.metal"}, Plan: planGemv}

// gemvRows is the most rows that a team takes at a time.
const gemvRows = 4

func planGemv(c clike.Call) *clike.Plan {
	if c.Mix || c.W.Group || !isFloat(c.X) || !c.Cols.Is(1) || c.Threads != threads {
		return nil
	}
	rows := power(count(c.Rows, threads/32, gemvRows))
	if f := formats[c.W.DType]; f != "" {
		if !whole(int64(c.W.DType.Row().Elems), c.K, c.WStride) || !whole(8, c.XStride) {
			return nil
		}
		return &clike.Plan{Type: fmt.Sprintf("gemv::Blocks<%s, %d>", f, rows)}
	}
	if !isFloat(c.W) {
		return nil
	}
	return &clike.Plan{Type: fmt.Sprintf("gemv::Floats<%d, %d>", vector(c), rows)}
}
