package cuda

import (
	"fmt"

	"github.com/llorch/llorch/codegen/clike"
	"github.com/llorch/llorch/ir/kernel"
)

// token and flash are whole loops over keys.
var (
	token = clike.LoopTile{Name: "token", Files: []string{"flash.cuh", "token.cuh"}, Plan: planToken}
	flash = clike.LoopTile{Name: "flash", Files: []string{"flash.cuh"}, Plan: planFlash}
)

// planToken is of few columns: a token's heads that share keys.
func planToken(c clike.LoopCall) *clike.LoopPlan {
	if !streams(c) || c.Cols.Hi > 16 || c.Q.Group || !whole(4, c.QStride) || !whole(32, c.K) || !whole(32, c.ValueK) || c.K.Lo > 256 || c.ValueK.Lo > 128 ||
		!c.Block.Is(int64(8*c.Threads/32)) {
		return nil
	}
	cols, warps := int(c.Cols.Hi), c.Threads/32
	memory := 4 * warps * cols * (int(c.ValueK.Lo) + 4)
	if memory > c.Room {
		return nil
	}
	return &clike.LoopPlan{
		Type:   fmt.Sprintf("token::Attend<%d, %d, %d, %d, %d, %d>", c.K.Lo, c.ValueK.Lo, c.KeyStride.Lo, c.ValueStride.Lo, cols, warps),
		Memory: memory,
		Begins: true,
	}
}

// planFlash is of many columns: those of several tokens.
func planFlash(c clike.LoopCall) *clike.LoopPlan {
	if !streams(c) || c.Cols.Hi > attendCols || !whole(16, c.K, c.ValueK) || c.K.Lo > 128 || c.ValueK.Lo > 128 || !c.Block.Is(attendRows) ||
		c.Threads != 256 {
		return nil
	}
	t := flashTile{k: int(c.K.Lo), v: int(c.ValueK.Lo), tiles: tilesOf(c.Cols), warps: c.Threads / 32}
	if t.bytes() > c.Room {
		return nil
	}
	return &clike.LoopPlan{
		Type:   fmt.Sprintf("flash::Attend<%d, %d, %d, %d, %d, %d>", t.k, t.v, c.KeyStride.Lo, c.ValueStride.Lo, t.tiles, t.warps),
		Memory: t.bytes(),
	}
}

// streams reports keys and values of f16 in memory, whose rows are whole pieces of 16 bytes, and queries of f32.
func streams(c clike.LoopCall) bool {
	for _, w := range []clike.Operand{c.Keys, c.Values} {
		if w.DType != kernel.F16 || w.Group || w.Role == kernel.Weight {
			return false
		}
	}
	return c.Q.DType == kernel.F32 && c.QStride.Fixed() && c.Cols.Hi >= 1 && whole(8, c.K, c.KeyStride, c.ValueK, c.ValueStride) && c.K.Lo > 0 && c.ValueK.Lo > 0
}

type flashTile struct{ k, v, tiles, warps int }

// bytes is Attend's BYTES.
func (t flashTile) bytes() int {
	shares := t.warps / t.tiles
	if t.tiles <= 2 {
		shares = min(4, shares)
	}
	row := func(k int) int { return 2*k + 16 }
	stages := 2 * attendRows * (row(t.k) + row(t.v))
	parts := (shares - 1) * 16 * t.tiles * (t.v + 2) * 4
	return 2*16*t.tiles*row(t.k) + max(stages, parts)
}
