package metal

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/llorch/llorch/codegen/clike"
	"github.com/llorch/llorch/ir/kernel"
)

var heads = []int{2, 6, 16, 24, 64, 80, 96, 128, 256}

// attendPlan is the plan that the dialect takes.
func attendPlan(c clike.Call) *clike.Plan {
	for _, tile := range tiles[:3] {
		if p := tile.Plan(c); p != nil {
			return p
		}
	}
	return nil
}

// attendTrial is of keys, or of values with mix. x lies in group memory where that has room, as f32.
func attendTrial(w kernel.DType, rows, cols, head, mostRows, mostCols int, mix bool) trial {
	tr := trial{plan: attendPlan, rows: rows, cols: cols, k: head}
	tr.Mix = mix
	tr.W = clike.Operand{DType: w, Role: kernel.State}
	tr.X = clike.Operand{DType: kernel.F32}
	if head%3 == 0 {
		tr.wGap = head // other heads between
	}
	if mix {
		tr.xGap = mostRows - rows
	} else {
		tr.accGap = mostCols + 1 - cols
	}
	if tr = tr.upTo(mostRows, mostCols); mix {
		_, x, _ := tr.strides()
		tr.XStride = is(x)
	}
	acc, x := tr.sizes()
	tr.X.Group = room(x)+room(acc+margin) <= 7000
	return tr
}

var cacheTypes = []kernel.DType{kernel.F16, kernel.BF16, kernel.F32}

// attendTrials are of a few heads with all rows and columns, and of all heads with some.
func attendTrials(mix bool) []trial {
	var trials []trial
	for i := range 64 {
		for j := range 40 {
			w, head := cacheTypes[(i+j)%3], []int{6, 24, 64}[(i/3+j)%3]
			if (i+3*j)%4 == 0 {
				trials = append(trials, attendTrial(w, i+1, j+1, head, 64, 40, mix))
			}
		}
	}
	for _, head := range heads {
		for _, w := range cacheTypes {
			for _, rows := range []int{1, 5, 8, 31, 32} {
				for _, cols := range []int{1, 4, 8} {
					trials = append(trials, attendTrial(w, rows, cols, head, 32, 8, mix))
				}
				for _, cols := range []int{7, 8, 16, 17, 32} {
					if cols*head <= 4096 {
						trials = append(trials, attendTrial(w, rows, cols, head, 32, min(32, 4096/head), mix))
					}
				}
			}
		}
	}
	return trials
}

// attendBound: all is f32, added one after the other.
func attendBound(tr trial) (relative, least float64) {
	if tr.Mix {
		return float64(tr.rows+2) * single, 0
	}
	return float64(tr.k+2) * single, 0
}

func TestAttend(t *testing.T) {
	for _, mix := range []bool{false, true} {
		t.Run(fmt.Sprintf("mix %t", mix), func(t *testing.T) {
			trials := attendTrials(mix)
			hold(t, compiled(t, trials, false, nil), trials, 0, attendBound)
		})
	}
}

func TestAttendChecked(t *testing.T) {
	for _, mix := range []bool{false, true} {
		t.Run(fmt.Sprintf("mix %t", mix), func(t *testing.T) {
			var trials []trial
			for i, head := range heads {
				for j, w := range cacheTypes {
					for l, rows := range []int{1, 8, 13, 32} {
						for m, cols := range []int{1, 3, 8, 9, 32} {
							if cols*head <= 4096 && (i+j+l+m)%4 == 0 {
								trials = append(trials, attendTrial(w, rows, cols, head, 32, []int{8, 32, 33}[m/2], mix))
							}
						}
					}
				}
			}
			m := compiled(t, trials, true, nil)
			for order := range uint64(3) {
				hold(t, m, trials, order, attendBound)
			}
		})
	}
}

func TestAttendPlans(t *testing.T) {
	for _, c := range []struct {
		w          kernel.DType
		rows, cols int
		head       int
		mix        bool
		want       clike.Plan
	}{
		{kernel.F16, 32, 8, 64, false, clike.Plan{Type: "attend::Few<8, 1>"}},
		{kernel.F32, 32, 1, 100, false, clike.Plan{Type: "attend::Few<4, 4>"}},
		{kernel.BF16, 32, 8, 6, false, clike.Plan{Type: "attend::Few<1, 1>"}},
		{kernel.F16, 32, 9, 64, false, clike.Plan{Type: "attend::Dot<half, 4, 1>", Prep: 2048}},
		{kernel.F16, 32, 32, 64, false, clike.Plan{Type: "attend::Dot<half, 4, 2>", Prep: 2048}},
		{kernel.BF16, 64, 40, 128, false, clike.Plan{Type: "attend::Dot<bfloat, 8, 4>", Prep: 2048}},
		{kernel.F32, 5, 200, 128, false, clike.Plan{Type: "attend::Dot<float, 1, 4>", Prep: 2048}},
		{kernel.F16, 32, 8, 64, true, clike.Plan{Type: "attend::Mix<half, 1>", Prep: 2048}},
		{kernel.F16, 32, 32, 64, true, clike.Plan{Type: "attend::Mix<half, 4>", Prep: 2048}},
	} {
		require.Equal(t, &c.want, attendPlan(attendTrial(c.w, c.rows, c.cols, c.head, c.rows, c.cols, c.mix).Call))
	}
}

func TestAttendDeclines(t *testing.T) {
	for name, change := range map[string]func(c *clike.Call){
		"weights":      func(c *clike.Call) { c.W.Role = kernel.Weight },
		"blocks":       func(c *clike.Call) { c.W.DType = kernel.Q80 },
		"in the group": func(c *clike.Call) { c.W.Group = true },
		"narrow x":     func(c *clike.Call) { c.X.DType = kernel.F16 },
		"other groups": func(c *clike.Call) { c.Threads = 64 },
	} {
		for _, mix := range []bool{false, true} {
			c := attendTrial(kernel.F16, 32, 32, 64, 32, 32, mix).Call
			require.NotNil(t, attendPlan(c))
			change(&c)
			require.Nil(t, attendPlan(c), name)
		}
	}
	c := attendTrial(kernel.F16, 32, 8, 264, 32, 8, false).Call
	require.Nil(t, planAttendFew(c)) // longer than lanes hold
	require.NotNil(t, planAttendDot(c))
}
