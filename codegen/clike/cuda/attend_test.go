package cuda

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/llorch/llorch/codegen/clike"
	"github.com/llorch/llorch/ir/kernel"
)

// attendCall is of keys, or of values with mix, of heads of k elements.
func attendCall(w kernel.DType, k int64, mix bool) clike.Call {
	is := func(n int64) clike.Range { return clike.Range{Lo: n, Hi: n} }
	c := clike.Call{
		Mix: mix, W: clike.Operand{DType: w, Role: kernel.State}, X: clike.Operand{DType: kernel.F32, Group: true},
		Rows: clike.Range{Lo: 1, Hi: 64}, Cols: clike.Range{Lo: 1, Hi: 64}, K: is(k), WStride: is(k), XStride: is(k), AccStride: is(65), Threads: 256,
	}
	if mix {
		c.XStride, c.AccStride = is(64), is(k)
	}
	return c
}

func TestAttendPlans(t *testing.T) {
	for _, c := range []struct {
		dtype    kernel.DType
		k        int64
		dot, mix string
	}{
		{kernel.F16, 64, "attend::Dot<false, 64, 64, 4, 64, 8, true>", "attend::Mix<false, 64, 64, 4, 64, 8, true, true>"},
		{kernel.BF16, 80, "attend::Dot<true, 80, 80, 4, 64, 8, true>", "attend::Mix<true, 80, 80, 4, 64, 8, true, true>"},
		{kernel.F16, 36, "attend::Dot<false, 36, 36, 4, 64, 8, false>", "attend::Mix<false, 36, 36, 4, 64, 8, true, true>"},
		{kernel.F16, 6, "attend::Dot<false, 6, 6, 4, 64, 8, false>", "attend::Mix<false, 6, 6, 4, 64, 8, false, true>"},
	} {
		require.Equal(t, &clike.Plan{Type: c.dot}, planAttendDot(attendCall(c.dtype, c.k, false)))
		require.Equal(t, &clike.Plan{Type: c.mix}, planAttendMix(attendCall(c.dtype, c.k, true)))
	}
}

// Vectors of probabilities are loaded whole: not where that is past the end of a column's.
func TestAttendMixShortColumns(t *testing.T) {
	c := attendCall(kernel.F16, 64, true)
	c.Rows.Hi, c.XStride = 20, clike.Range{Lo: 20, Hi: 20}
	require.Equal(t, "attend::Mix<false, 64, 64, 2, 64, 8, true, false>", planAttendMix(c).Type)
}

func TestAttendDeclines(t *testing.T) {
	for name, change := range map[string]func(c *clike.Call){
		"weights":       func(c *clike.Call) { c.W.Role = kernel.Weight },
		"f32":           func(c *clike.Call) { c.W.DType = kernel.F32 },
		"in the group":  func(c *clike.Call) { c.W.Group = true },
		"narrow x":      func(c *clike.Call) { c.X.DType = kernel.F16 },
		"odd heads":     func(c *clike.Call) { c.K.Lo, c.K.Hi = 63, 63 },
		"long heads":    func(c *clike.Call) { c.K.Lo, c.K.Hi = 288, 288 },
		"any heads":     func(c *clike.Call) { c.K.Lo = 2 },
		"any rows":      func(c *clike.Call) { c.Rows.Hi = 1 << 30 },
		"many columns":  func(c *clike.Call) { c.Cols.Hi = 65 },
		"any stride":    func(c *clike.Call) { c.WStride.Hi = 128 },
		"half of warps": func(c *clike.Call) { c.Threads = 48 },
	} {
		for _, mix := range []bool{false, true} {
			plan := planAttendDot
			if mix {
				plan = planAttendMix
			}
			c := attendCall(kernel.F16, 64, mix)
			require.NotNil(t, plan(c))
			change(&c)
			require.Nil(t, plan(c), name)
			require.Nil(t, plan(attendCall(kernel.F16, 64, !mix)))
		}
	}
}
