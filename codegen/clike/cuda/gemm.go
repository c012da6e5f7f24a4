package cuda

import (
	"fmt"

	"github.com/llorch/llorch/codegen/clike"
	"github.com/llorch/llorch/ir/kernel"
	"github.com/llorch/llorch/ir/quant"
)

// gemm is Dot with many columns of f16 or bf16, on tensor cores: what prompts take most of their time in.
var gemm = clike.Tile{
	Name:  "gemm",
	Files: []string{"gemm_weights.cuh", "gemm_wgmma.cuh", "gemm.cuh"},
	Plan:  planGemm,
}

const (
	gemmWarps     = 8 // of 16 rows
	gemmProducers = 4
	gemmSlots     = 4 // stages of x in group memory
	gemmThreads   = 32 * (gemmWarps + gemmProducers)
)

func planGemm(c clike.Call) *clike.Plan {
	row := c.W.DType.Row()
	if c.Mix || row == nil || !row.Fragment() || !c.K.Fixed() || c.K.Lo < 1 || c.K.Lo%int64(row.Elems) != 0 || !c.WStride.Is(c.K.Lo) ||
		c.X.Group || c.X.DType != columns(c.W.DType) || !c.XStride.Is(c.K.Lo) ||
		c.Rows.Hi > gemmWarps*quant.PanelRows || c.Cols.Hi < 2 || c.Cols.Hi > 128 || c.Threads > gemmThreads {
		return nil
	}
	cols := 64
	if c.Cols.Hi > 64 {
		cols = 128
	}
	return &clike.Plan{
		Type:    fmt.Sprintf("gemm::Tile<%s, %t, %d, %d, %d>", gemmWeights(row), c.W.DType == kernel.BF16Frag, c.K.Lo, cols, gemmWarps),
		Prep:    gemmSlots*cols*128 + 1024 + 128,
		Threads: gemmThreads,
	}
}

// columns is the type of activations that weights are multiplied with.
func columns(w kernel.DType) kernel.DType {
	if w == kernel.BF16Frag {
		return kernel.BF16
	}
	return kernel.F16
}

// gemmWeights is the type of weights in gemm_weights.cuh.
func gemmWeights(row *kernel.DTypeRow) string {
	f := row.Panel.Format
	if f.Float != nil {
		return "gemm::Singles"
	}
	return fmt.Sprintf("gemm::Blocks<%d, %d, %t, %t, %t>", f.Bits, f.Zero, f.Offsets, f.Nested, f.Halves)
}
