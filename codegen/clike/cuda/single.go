package cuda

import (
	"fmt"

	"github.com/llorch/llorch/codegen/clike"
	"github.com/llorch/llorch/ir/kernel"
)

// singleScores and singleMixed are attention of one token over keys and values of f16.
var (
	singleScores = clike.Tile{Name: "scores of a token", Files: []string{"single.cuh"}, Plan: func(c clike.Call) *clike.Plan {
		if c.Mix || !single(c) || !c.XStride.Is(c.XStride.Lo&^3) {
			return nil
		}
		lanes := 8 // that share a key
		for 8*lanes < int(c.K.Lo) {
			lanes *= 2
		}
		if lanes > 32 {
			return nil
		}
		return &clike.Plan{Type: fmt.Sprintf("single::Scores<%d, %d, 8, %d>", c.K.Lo, lanes, c.Threads), Prep: int(4 * c.Cols.Hi * c.K.Lo)}
	}}
	singleMixed = clike.Tile{Name: "values of a token", Files: []string{"single.cuh"}, Plan: func(c clike.Call) *clike.Plan {
		if !c.Mix || !single(c) || !c.X.Group {
			return nil
		}
		return &clike.Plan{Type: fmt.Sprintf("single::Mixed<%d, %d>", c.K.Lo, c.Threads), Prep: int(64 * 2 * c.K.Lo)}
	}}
)

// single reports keys or values of f16 whose rows are whole pieces of 16 bytes, and a few columns of f32.
func single(c clike.Call) bool {
	return c.W.Role == kernel.State && c.W.DType == kernel.F16 && c.X.DType == kernel.F32 && c.Rows.Hi <= 64 && c.Cols.Hi <= 32 &&
		c.K.Fixed() && c.K.Lo%8 == 0 && c.K.Lo <= 256 && c.WStride.Fixed() && c.WStride.Lo%8 == 0
}
