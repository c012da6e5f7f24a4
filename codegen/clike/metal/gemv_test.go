package metal

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/llorch/llorch/codegen/clike"
	"github.com/llorch/llorch/ir/kernel"
)

// weightTrial is of a weight.
func weightTrial(plan func(clike.Call) *clike.Plan, w, x kernel.DType, rows, cols, k int) trial {
	tr := trial{plan: plan, rows: rows, cols: cols, k: k}
	tr.W = clike.Operand{DType: w, Role: kernel.Weight}
	tr.X = clike.Operand{DType: x}
	return tr
}

var (
	blockLengths = []int{32, 64, 96, 256, 288, 4096}
	floatLengths = []int{1, 7, 33, 100}
)

// lengths are those of rows that a type can have.
func lengths(w kernel.DType) []int {
	var ks []int
	for _, k := range blockLengths {
		if k%w.Row().Elems == 0 {
			ks = append(ks, k)
		}
	}
	if w.Row().Elems == 1 {
		ks = append(ks, floatLengths...)
	} else if w.Row().Elems == 256 {
		ks = append(ks, 512, 768)
	}
	return ks
}

func gemvTrials(longest int) []trial {
	var trials []trial
	for _, w := range fileTypes() {
		for _, k := range lengths(w) {
			if k > longest {
				continue
			}
			for _, rows := range []int{1, 3, 8, 16, 33} {
				trials = append(trials, weightTrial(planGemv, w, kernel.F32, rows, 1, k).upTo(rows, 1))
				for _, x := range []clike.Operand{{DType: kernel.F32, Group: true}, {DType: kernel.F16}, {DType: kernel.BF16}} {
					tr := weightTrial(planGemv, w, x.DType, rows, 1, k)
					tr.X = x
					trials = append(trials, tr.upTo(33, 1))
				}
			}
		}
	}
	return trials
}

// gemvBound: a product is rounded a few times, a lane adds up an eighth of its elements and as many dots, and then come the lanes.
func gemvBound(tr trial) (relative, least float64) { return (float64(tr.k)/32 + 24) * single, 0 }

func TestGemv(t *testing.T) {
	trials := gemvTrials(4096)
	hold(t, compiled(t, trials, false, nil), trials, 0, gemvBound)
}

func TestGemvChecked(t *testing.T) {
	trials := gemvTrials(288)
	m := compiled(t, trials, true, nil)
	for order := range uint64(3) {
		hold(t, m, trials, order, gemvBound)
	}
}

func TestGemvDeclines(t *testing.T) {
	for name, change := range map[string]func(c *clike.Call){
		"mix":            func(c *clike.Call) { c.Mix = true },
		"panels":         func(c *clike.Call) { c.W.DType = kernel.Q40x16 },
		"fragments":      func(c *clike.Call) { c.W.DType = kernel.Q40Frag },
		"in the group":   func(c *clike.Call) { c.W.Group = true },
		"activations":    func(c *clike.Call) { c.X.DType = kernel.A16 },
		"two columns":    func(c *clike.Call) { c.Cols.Hi = 2 },
		"any k":          func(c *clike.Call) { c.K.Hi = 4096 },
		"part of blocks": func(c *clike.Call) { c.K = is(48) },
		"odd vector":     func(c *clike.Call) { c.XStride = is(33) },
		"other groups":   func(c *clike.Call) { c.Threads = 128 },
	} {
		c := weightTrial(planGemv, kernel.Q40, kernel.F32, 16, 1, 2048).upTo(16, 1).Call
		require.NotNil(t, planGemv(c))
		change(&c)
		require.Nil(t, planGemv(c), name)
	}
}

// Rows of any length are loaded as widely as they are aligned.
func TestGemvPlans(t *testing.T) {
	for _, c := range []struct {
		w       kernel.DType
		k, rows int
		want    string
	}{
		{kernel.F16, 2048, 32, "gemv::Floats<8, 4>"}, {kernel.F32, 2052, 9, "gemv::Floats<4, 2>"}, {kernel.BF16, 33, 8, "gemv::Floats<1, 1>"},
		{kernel.Q40, 2048, 64, "gemv::Blocks<weights::Q32<4, false>, 4>"}, {kernel.Q6K, 256, 1, "gemv::Blocks<weights::Q6K, 1>"},
	} {
		tr := weightTrial(planGemv, c.w, kernel.F32, c.rows, 1, c.k).upTo(c.rows, 1)
		require.Equal(t, &clike.Plan{Type: c.want}, planGemv(tr.Call))
	}
}
