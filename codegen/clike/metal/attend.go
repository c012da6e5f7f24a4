package metal

import (
	"fmt"

	"github.com/llorch/llorch/codegen/clike"
	"github.com/llorch/llorch/ir/kernel"
)

// attendFew, attendDot and attendMix are products with keys and values of a cache: scores of few columns and of many, and results.
var (
	attendFew = clike.Tile{Name: "attend.few", Files: []string{"formats.metal", "few.metal"}, Plan: planAttendFew}
	attendDot = clike.Tile{Name: "attend.dot", Files: []string{"matrices.metal", "attend.metal"}, Plan: planAttendDot}
	attendMix = clike.Tile{Name: "attend.mix", Files: []string{"matrices.metal", "attend.metal"}, Plan: planAttendMix}
)

const (
	attendFewCols = 8   // the most that lanes multiply by themselves
	attendHead    = 256 // the most elements of a key that eight lanes hold
	attendWide    = 4   // the most matrices of sums that a team has side by side
)

func planAttendFew(c clike.Call) *clike.Plan {
	if c.Mix || !attends(c) || c.Cols.Hi > attendFewCols || !c.K.Fixed() || c.K.Lo < 1 || c.K.Lo > attendHead {
		return nil
	}
	v := vector(c)
	return &clike.Plan{Type: fmt.Sprintf("attend::Few<%d, %d>", v, (int(c.K.Lo)+8*v-1)/(8*v))}
}

func planAttendDot(c clike.Call) *clike.Plan {
	if c.Mix || !attends(c) {
		return nil
	}
	high := power(count(c.Rows, 8, 8))
	wide := min(attendWide, count(c.Cols, 8*(8/high), attendWide))
	return &clike.Plan{Type: fmt.Sprintf("attend::Dot<%s, %d, %d>", floats[c.W.DType].name, high, wide), Prep: scratch}
}

func planAttendMix(c clike.Call) *clike.Plan {
	if !c.Mix || !attends(c) {
		return nil
	}
	return &clike.Plan{Type: fmt.Sprintf("attend::Mix<%s, %d>", floats[c.W.DType].name, count(c.Cols, 8, attendWide)), Prep: scratch}
}

// attends reports what the templates are made for: f32, and a matrix that is no weight.
func attends(c clike.Call) bool {
	return isFloat(c.W) && !c.W.Group && c.W.Role != kernel.Weight && c.X.DType == kernel.F32 && c.Threads == threads
}
