package cuda

import (
	"fmt"

	"github.com/llorch/llorch/codegen/clike"
	"github.com/llorch/llorch/ir/kernel"
)

// manyScores and manyMixed are attention of many tokens over keys and values of f16.
var (
	manyScores = clike.Tile{Name: "scores of many tokens", Files: []string{"many.cuh"}, Plan: func(c clike.Call) *clike.Plan {
		if c.Mix || !many(c) {
			return nil
		}
		return &clike.Plan{Type: fmt.Sprintf("many::Scores<%d, 256>", c.K.Lo), Prep: 2 * 64 * 3 * int(c.K.Lo+8)}
	}}
	manyMixed = clike.Tile{Name: "values of many tokens", Files: []string{"many.cuh"}, Plan: func(c clike.Call) *clike.Plan {
		if !c.Mix || !many(c) || !c.X.Group || !c.AccStride.Is(c.K.Lo) {
			return nil
		}
		return &clike.Plan{Type: fmt.Sprintf("many::Mixed<%d, 256>", c.K.Lo), Prep: 2 * 64 * (int(c.K.Lo+8) + 2*(64+8))}
	}}
)

// many reports keys or values of f16 whose rows are whole pieces of 16 bytes and steps of mma, and up to 64 columns of f32.
func many(c clike.Call) bool {
	return c.W.Role == kernel.State && c.W.DType == kernel.F16 && c.X.DType == kernel.F32 && c.Rows.Hi <= 64 && c.Cols.Hi <= 64 &&
		c.K.Fixed() && c.K.Lo%16 == 0 && c.K.Lo <= 128 && c.WStride.Fixed() && c.WStride.Lo%8 == 0 && c.Threads == 256
}
