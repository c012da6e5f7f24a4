package metal

import (
	"fmt"

	"github.com/llorch/llorch/codegen/clike"
	"github.com/llorch/llorch/ir/kernel"
)

// gemm is Dot with many columns: what prompts take most of their time in.
var gemm = clike.Tile{Name: "gemm", Files: []string{"formats.metal", "matrices.metal", "gemm.metal"}, Plan: planGemm}

// gemmLines is the most rows and columns that a group takes at a time, gemmDepth the bytes of each that it has in group memory.
const (
	gemmLines = 64
	gemmDepth = 64
)

func planGemm(c clike.Call) *clike.Plan {
	if c.Mix || c.W.Group || !isFloat(c.X) || c.Cols.Hi < 2 || c.Threads != threads {
		return nil
	}
	of, w := multiplied(c), ""
	if f := formats[c.W.DType]; f != "" {
		if !whole(int64(c.W.DType.Row().Elems), c.K, c.WStride) {
			return nil
		}
		w = fmt.Sprintf("weights::Blocks<%s>", f)
	} else if isFloat(c.W) {
		w = fmt.Sprintf("weights::Floats<%t>", whole(8, c.K, c.WStride))
	} else {
		return nil
	}
	rows, cols := power(count(c.Rows, 8, gemmLines/8))*8, power(count(c.Cols, 8, gemmLines/8))*8
	rows = max(rows, gemmLines/2)
	t := floats[of]
	depth := gemmDepth / t.bytes
	return &clike.Plan{
		Type: fmt.Sprintf("gemm::Tile<%s, weights::Floats<%t>, %s, %d, %d, %d>", w, whole(8, c.K, c.XStride), t.name, rows, cols, depth),
		Prep: max(int(rows+cols)*gemmDepth, scratch),
	}
}

// multiplied is the type that both factors become: that of x, if weights have it too or are codes, whose values f16 rounds; or else f32,
// which loses nothing.
func multiplied(c clike.Call) kernel.DType {
	x := c.X.DType
	if x == c.W.DType || x == kernel.F16 && !isFloat(c.W) {
		return x
	}
	return kernel.F32
}
