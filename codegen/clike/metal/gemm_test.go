package metal

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/llorch/llorch/codegen/clike"
	"github.com/llorch/llorch/ir/kernel"
)

// gemmTrials have weights of every type, x of the type that goes with it and of f32, and tiles that are larger than the matrices, and
// as large or smaller.
func gemmTrials(ks func(w kernel.DType) []int, rows, cols []int) []trial {
	var trials []trial
	for _, w := range fileTypes() {
		narrow := kernel.F16
		if w == kernel.F32 || w == kernel.BF16 {
			narrow = w
		}
		for i, k := range ks(w) {
			for j, r := range rows {
				for l, c := range cols {
					x, most := narrow, [2]int{r, c}
					switch (i + j + l) % 3 {
					case 0:
						most = [2]int{64, 64}
					case 1:
						x = kernel.F32
					}
					if w != kernel.F16 && w != kernel.Q40 { // fewer kernels
						most = [2]int{64, 64}
					}
					tr := weightTrial(planGemm, w, x, r, c, k)
					tr.accGap = l % 2
					trials = append(trials, tr.upTo(most[0], most[1]))
				}
			}
		}
	}
	return trials
}

var (
	someRows = []int{1, 3, 8, 16, 33}
	someCols = []int{2, 7, 8, 9, 31, 33, 64}
)

// few are lengths at which something ends: blocks, runs, and the depth of group memory.
func few(w kernel.DType) []int {
	switch w.Row().Elems {
	case 1:
		return []int{7, 40, 100}
	case 32:
		return []int{32, 96}
	}
	return []int{256}
}

func short(w kernel.DType) (ks []int) {
	for _, k := range lengths(w) {
		if k < 4096 {
			ks = append(ks, k)
		}
	}
	return ks
}

// gemmBound: codes' values are rounded to f16 if x is, all else is exact but for the sums, one after the other.
func gemmBound(tr trial) (relative, least float64) {
	relative = float64(tr.k+2) * single
	if multiplied(tr.Call) == kernel.F16 && !isFloat(tr.W) {
		return relative + halves, tiny
	}
	return relative, 0
}

func TestGemm(t *testing.T) {
	trials := gemmTrials(short, someRows, someCols)
	trials = append(trials, gemmTrials(func(kernel.DType) []int { return []int{4096} }, []int{33}, []int{9, 64})...)
	for _, w := range fileTypes() { // larger than a tile
		trials = append(trials, weightTrial(planGemm, w, kernel.F16, 130, 30, 256).upTo(130, 64))
		trials = append(trials, weightTrial(planGemm, w, kernel.F16, 40, 100, 256).upTo(64, 100))
	}
	hold(t, compiled(t, trials, false, nil), trials, 0, gemmBound)
}

func TestGemmChecked(t *testing.T) {
	trials := gemmTrials(few, []int{3, 16, 33}, []int{2, 9, 33})
	trials = append(trials, weightTrial(planGemm, kernel.Q40, kernel.F16, 130, 30, 64).upTo(130, 30))
	trials = append(trials, weightTrial(planGemm, kernel.F16, kernel.F16, 40, 100, 33).upTo(40, 100))
	m := compiled(t, trials, true, nil)
	for order := range uint64(2) {
		hold(t, m, trials, order, gemmBound)
	}
}

func TestGemmPlans(t *testing.T) {
	for _, c := range []struct {
		w, x       kernel.DType
		rows, cols int
		k          int
		want       clike.Plan
	}{
		{kernel.Q40, kernel.F16, 64, 64, 2048, clike.Plan{
			Type: "gemm::Tile<weights::Blocks<weights::Q32<4, false>>, weights::Floats<true>, half, 64, 64, 32>", Prep: 8192}},
		{kernel.F16, kernel.F16, 128, 32, 2050, clike.Plan{
			Type: "gemm::Tile<weights::Floats<false>, weights::Floats<false>, half, 64, 32, 32>", Prep: 6144}},
		{kernel.BF16, kernel.BF16, 8, 2, 64, clike.Plan{
			Type: "gemm::Tile<weights::Floats<true>, weights::Floats<true>, bfloat, 32, 8, 32>", Prep: 2560}},
		{kernel.F32, kernel.F32, 64, 64, 64, clike.Plan{
			Type: "gemm::Tile<weights::Floats<true>, weights::Floats<true>, float, 64, 64, 16>", Prep: 8192}},
		{kernel.BF16, kernel.F16, 64, 9, 64, clike.Plan{ // f16 would lose range
			Type: "gemm::Tile<weights::Floats<true>, weights::Floats<true>, float, 64, 16, 16>", Prep: 5120}},
		{kernel.Q6K, kernel.BF16, 64, 9, 256, clike.Plan{ // bf16 would lose bits of codes
			Type: "gemm::Tile<weights::Blocks<weights::Q6K>, weights::Floats<true>, float, 64, 16, 16>", Prep: 5120}},
	} {
		require.Equal(t, &c.want, planGemm(weightTrial(planGemm, c.w, c.x, c.rows, c.cols, c.k).upTo(c.rows, c.cols).Call))
	}
}

func TestGemmDeclines(t *testing.T) {
	for name, change := range map[string]func(c *clike.Call){
		"mix":            func(c *clike.Call) { c.Mix = true },
		"panels":         func(c *clike.Call) { c.W.DType = kernel.Q4Kx16 },
		"fragments":      func(c *clike.Call) { c.W.DType = kernel.F16Frag },
		"in the group":   func(c *clike.Call) { c.W.Group = true },
		"activations":    func(c *clike.Call) { c.X.DType = kernel.A8 },
		"one column":     func(c *clike.Call) { c.Cols.Hi = 1 },
		"any k":          func(c *clike.Call) { c.K.Hi = 4096 },
		"part of blocks": func(c *clike.Call) { c.K, c.WStride = is(128), is(128) },
		"other groups":   func(c *clike.Call) { c.Threads = 512 },
	} {
		c := weightTrial(planGemm, kernel.Q4K, kernel.F16, 64, 64, 2048).upTo(64, 64).Call
		require.NotNil(t, planGemm(c))
		change(&c)
		require.Nil(t, planGemm(c), name)
	}
}
