package cuda

import (
	"fmt"

	"github.com/llorch/llorch/codegen/clike"
	"github.com/llorch/llorch/ir/kernel"
	"github.com/llorch/llorch/ir/quant"
)

// gemv is Dot of fragments with one column of f32: what a token's time goes to.
var gemv = clike.Tile{
	Name:  "gemv",
	Files: []string{"frag.cuh", "gemv_own.cuh", "gemv_ring.cuh", "gemv_floats.cuh", "gemv_codes.cuh", "gemv.cuh"},
	Plan:  planGemv,
}

// Sizes, measured on an H100; NOTES.md has how.
const (
	gemvStage  = 2304     // bytes of a stage at most, if a block is not more
	gemvRing   = 56 << 10 // bytes of all the stages of a group, where there is room for two such rings
	gemvFirst  = 18 << 10 // bytes of those that are asked for before x
	gemvGroups = 16       // of 16 rows
)

func planGemv(c clike.Call) *clike.Plan {
	row := c.W.DType.Row()
	if c.Mix || row == nil || !row.Fragment() || c.X.DType != kernel.F32 || !c.Cols.Is(1) || !c.K.Fixed() || !c.WStride.Is(c.K.Lo) ||
		c.K.Lo < 1 || c.K.Lo > 1<<20 || c.K.Lo%int64(row.Elems) != 0 || c.Rows.Hi < 1 || c.Rows.Hi > gemvGroups*quant.PanelRows ||
		c.Threads%32 != 0 {
		return nil
	}
	t := gemvTile{
		panel: row.Panel, bf16: c.W.DType == kernel.BF16Frag, k: int(c.K.Lo), warps: c.Threads / 32,
		groups: (int(c.Rows.Hi) + quant.PanelRows - 1) / quant.PanelRows,
	}
	t.size(min(gemvRing, (c.Room-t.prep())/2-1<<10))
	const four = 4 // elements that a thread takes together
	pieces := t.k / four
	return &clike.Plan{
		Type: t.name(), Ring: t.ring(), Prep: t.prep(), Form: t.form(),
		Own: fmt.Sprintf("gemv::Own<%d, %d>", t.k, c.Threads), Owned: four * ((pieces + c.Threads - 1) / c.Threads), Whole: pieces%c.Threads == 0,
	}
}

// gemvTile is the template arguments of Gemv.
type gemvTile struct {
	panel                                 *quant.Panel
	bf16                                  bool
	k, warps, groups, stages, stageBlocks int
	first                                 int // stages
}

// size chooses the ring: stages as long as allowed that divide a row and leave none of the warps idle, and as many as a warp's share
// has or as fit so many bytes.
func (t *gemvTile) size(ring int) {
	blocks := t.k / t.panel.Format.Elems
	t.stageBlocks = 1
	for n := 2; n <= blocks && n*t.panel.Bytes <= gemvStage && t.groups*blocks/n >= t.warps; n++ {
		if blocks%n == 0 {
			t.stageBlocks = n
		}
	}
	share := (t.groups*blocks/t.stageBlocks + t.warps - 1) / t.warps
	t.stages = min(share, max(2, ring/(t.warps*t.stageBlocks*t.panel.Bytes)))
	t.first = min(t.stages, max(1, gemvFirst/(t.warps*t.stageBlocks*t.panel.Bytes)))
}

func (t *gemvTile) name() string {
	return fmt.Sprintf("gemv::Gemv<%s, %d, %d, %d, %d, %d, %d>", t.weights(), t.k, t.warps, t.groups, t.stages, t.stageBlocks, t.first)
}

// weights is the type of weights in frag.cuh.
func (t *gemvTile) weights() string {
	f := t.panel.Format
	if f.Float != nil {
		return fmt.Sprintf("gemv::Floats<%t>", t.bf16)
	}
	return fmt.Sprintf("gemv::Codes<%d, %d, %t, %t, %t>", f.Bits, f.Zero, f.Offsets, f.Nested, f.Halves)
}

// ring is Gemv's RING.
func (t *gemvTile) ring() int {
	const barrier, parts = 8, 4 * quant.PanelRows
	return t.warps * (t.stages*(t.stageBlocks*t.panel.Bytes+barrier) + t.groups*parts)
}

// prep is Gemv's PREP.
func (t *gemvTile) prep() int {
	units := t.k / quant.Unit
	if t.panel.Format.Float != nil {
		const header, column = 256, 2 * quant.Unit
		return header + units*column*t.columns()
	}
	const digits = 3 * quant.Unit
	factors := 4 * units
	if t.panel.Format.Offsets {
		factors *= 2
	}
	return (factors+15)/16*16 + units*digits
}

// columns of floats.
func (t *gemvTile) columns() int {
	if t.bf16 {
		return 3
	}
	return 2
}

// form tells prepared vectors apart.
func (t *gemvTile) form() string {
	if f := t.panel.Format; f.Float == nil {
		return fmt.Sprintf("digits of %d, sums %t", t.k, f.Offsets)
	}
	return fmt.Sprintf("%d columns of %d", t.columns(), t.k)
}
