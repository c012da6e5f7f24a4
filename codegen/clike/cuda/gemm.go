package cuda

import (
	"fmt"
	"strings"

	"github.com/llorch/llorch/codegen/clike"
	"github.com/llorch/llorch/ir/kernel"
	"github.com/llorch/llorch/ir/quant"
)

// gemm is Dot with many columns of f16 or bf16, on tensor cores: what prompts take most of their time in.
var gemm = clike.Tile{
	Name:  "gemm",
	Files: []string{"gemm_weights.cuh", "gemm_shared.cuh", "gemm_wgmma.cuh", "gemm_ring.cuh", "gemm.cuh"},
	Plan:  planGemm,
}

const (
	gemmWarps   = 8 // that multiply, 16 rows of each matrix
	gemmThreads = 32 * (gemmWarps + 4)
	// Registers hold results of so many columns.
	gemmColumns     = 256
	gemmPairColumns = 176
	// Stages of 64 elements of k in group memory: three warps take turns to bring them, and more than eight hide nothing more.
	gemmLeastSlots = 3
	gemmMostSlots  = 8
	// Codes are worth a ring in group memory from this many columns on, or for a pair. With fewer, what it costs to take them out of there
	// in the order of wgmma is more than what it hides.
	gemmRingColumns = 129
	// A ring of fewer stages hides nothing, and the compiler has its products wait for one another.
	gemmRingK = 256
)

func planGemm(c clike.Call) *clike.Plan {
	row := c.W.DType.Row()
	if c.Mix || row == nil || !row.Fragment() || !c.K.Fixed() || c.K.Lo < 1 || c.K.Lo%int64(row.Elems) != 0 || !c.WStride.Is(c.K.Lo) ||
		c.X.Group || c.X.DType != columns(c.W.DType) || !c.XStride.Is(c.K.Lo) ||
		c.Rows.Hi > gemmWarps*quant.PanelRows || c.Cols.Hi < 2 || c.Cols.Hi > gemmColumns || c.Threads > gemmThreads {
		return nil
	}
	g := gemmSizes{row: row, cols: int(c.Cols.Hi+7) / 8 * 8, members: 1}
	if c.Pair && g.cols <= gemmPairColumns && c.AccStride.Hi <= int64(g.cols+64) { // pair's first results end before FIRST
		g.members = 2
	}
	if c.K.Lo >= gemmRingK && (row.Panel.Format.Float != nil || g.members > 1 || g.cols >= gemmRingColumns) {
		for g.slots = gemmMostSlots; g.slots >= gemmLeastSlots && g.prep() > c.Room; g.slots-- {
		}
		if g.slots < gemmLeastSlots {
			g.slots = 0
		}
	}
	if g.prep() > c.Room {
		return nil
	}
	brain := c.W.DType == kernel.BF16Frag
	return &clike.Plan{
		Type:    fmt.Sprintf("gemm::Tile<%s, %t, %d, %d, %d, %d>", gemmWeights(row), brain, c.K.Lo, g.cols, g.slots, g.members),
		Code:    wgmma(brain, g.cols),
		Prep:    g.prep(),
		Threads: gemmThreads,
		Pair:    g.members == 2,
		Over:    true,
		Single:  true,
	}
}

// gemmSizes are those of a Tile.
type gemmSizes struct {
	row                  *kernel.DTypeRow
	cols, slots, members int // slots of a ring; 0 for none
}

// prep is Tile::BYTES: what a ring or, without wgmma, x alone needs, whichever is more.
func (g gemmSizes) prep() int {
	const alignment, barriers, xSlots = 1024, 128, 4
	panel := g.row.Panel
	stage := g.cols*128 + gemmWarps*g.members*(panel.Header+2*panel.Unit())
	direct := xSlots*((g.cols+15)/16*16)*128 + barriers
	if g.members > 1 {
		direct += 512 * (g.cols + 64)
	}
	return alignment + max(alignment+g.slots*stage, direct)
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

// wgmma spells gemm::Wgmma for a number of columns, whose registers its text has to list.
func wgmma(brain bool, cols int) string {
	of := "f16"
	if brain {
		of = "bf16"
	}
	n := cols / 2
	var places, registers strings.Builder
	for i := range n {
		sep := ", "
		switch {
		case i == n-1:
			sep = ""
		case i%16 == 15:
			sep = ",\n"
		}
		fmt.Fprintf(&places, "%%%d%s", i, strings.Replace(sep, "\n", " \"\n        \"", 1))
		fmt.Fprintf(&registers, "\"+f\"(d[%d])%s", i, strings.Replace(sep, "\n", "\n          ", 1))
	}
	return fmt.Sprintf(`#ifdef __CUDA_ARCH_FEAT_SM90_ALL
template <>
struct gemm::Wgmma<%t, %d> {
  static __device__ __forceinline__ void add(float (&d)[%d], const unsigned (&a)[4], unsigned long long b) {
    asm volatile(
        "wgmma.mma_async.sync.aligned.m64n%dk16.f32.%s.%s "
        "{%s}, "
        "{%%%d, %%%d, %%%d, %%%d}, %%%d, 1, 1, 1, 0;"
        : %s
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b));
  }
};
#endif
`, brain, cols, n, cols, of, of, places.String(), n, n+1, n+2, n+3, n+4, registers.String())
}
