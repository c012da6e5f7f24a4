package metal

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/llorch/llorch/codegen/clike"
	"github.com/llorch/llorch/ir/kernel"
)

// TestMutants: each of these mistakes in the device code is found by what the other tests do.
func TestMutants(t *testing.T) {
	dot := func(plan func(clike.Call) *clike.Plan, w, x kernel.DType, rows, cols, k int) trial {
		return weightTrial(plan, w, x, rows, cols, k).upTo(rows, cols)
	}
	gemm := []trial{dot(planGemm, kernel.Q40, kernel.F16, 33, 9, 64), dot(planGemm, kernel.F16, kernel.F16, 70, 20, 41)}
	gemv := []trial{dot(planGemv, kernel.Q51, kernel.F32, 33, 1, 96), dot(planGemv, kernel.F16, kernel.F32, 7, 1, 33)}
	nested := []trial{dot(planGemv, kernel.Q5K, kernel.F32, 3, 1, 512), dot(planGemv, kernel.Q6K, kernel.F32, 3, 1, 256)}
	attend := []trial{attendTrial(kernel.F16, 13, 9, 20, 32, 32, false), attendTrial(kernel.F16, 13, 9, 24, 32, 32, true)}
	few := []trial{attendTrial(kernel.BF16, 5, 3, 80, 32, 8, false), attendTrial(kernel.F16, 5, 3, 6, 32, 8, false)}
	for _, m := range []struct {
		name     string
		old, new string
		nth      int // of several places, from 0
		trials   []trial
	}{
		{"gemm: no barrier between tiles", "if (row + col > 0) threadgroup_barrier(mem_flags::mem_threadgroup);", "", 0, gemm},
		{"gemm: no barrier before group memory is filled again", "if (at > 0) threadgroup_barrier(mem_flags::mem_threadgroup);", "", 0, gemm},
		{"gemm: no barrier after it is filled", "      threadgroup_barrier(mem_flags::mem_threadgroup);\n", "", 0, gemm},
		{"gemm: no barrier before edges", "if (cut) threadgroup", "if (cut && k < 0) threadgroup", 0, gemm},
		{"gemm: barrier that orders nothing", "if (cut) threadgroup_barrier(mem_flags::mem_threadgroup);", "if (cut) threadgroup_barrier(mem_flags::mem_none);", 0, gemm},
		{"gemm: barrier in some teams", "if (cut) threadgroup_barrier", "if (cut && high > 0) threadgroup_barrier", 0, gemm},
		{"gemm: shifted run", "task % RUNS) * 64 + line % 8 * 8", "task % RUNS) * 64 + (line + 1) % 8 * 8", 0, gemm},
		{"gemm: lines past the edge", "line < lines ? line : 0, stride), from, line < lines ? k - from : 0", "line, stride), from, lines > 0 ? k - from : 0", 0, gemm},
		{"gemm: no zeros past the edge of k", "line < lines ? k - from : 0", "line < lines ? k - at : 0", 0, gemm},
		{"gemm: one matrix less", "min(HIGH, (rows + 7) / 8 - above)", "min(HIGH, rows / 8 - above)", 0, gemm},
		{"floats: elements past the end", "if (i + 4 < n) v.b[i]", "v.b[i]", 0, gemm},
		{"load: columns past the edge", "if (rows >= 8 && cols >= 8) {", "if (rows >= 8) {", 0, attend},
		{"load: zeros", "i / 8 < rows && i % 8 < cols ? p[i / 8 * stride + i % 8] : T(0.0f)", "p[i / 8 * stride + i % 8]", 0, attend},
		{"load: no barrier after scratch is filled", "  simdgroup_barrier(mem_flags::mem_threadgroup);\n", "", 0, attend},
		{"load: no barrier before it is filled again", "  simdgroup_barrier(mem_flags::mem_threadgroup);\n", "", 1, attend},
		{"store: no barrier after scratch is filled", "  simdgroup_barrier(mem_flags::mem_threadgroup);\n", "", 2, attend},
		{"store: no barrier before it is filled again", "  simdgroup_barrier(mem_flags::mem_threadgroup);\n", "", 3, attend},
		{"store: whole matrices", "if (i / 8 < rows && i % 8 < cols) p[", "p[", 0, attend},
		{"store: other way", "matrices::store<true>(", "matrices::store<false>(", 0, attend},
		{"mix: forgets", "if (j < wide) matrices::load<false>(sums[j]", "if (j < 0) matrices::load<false>(sums[j]", 0, attend},
		{"mix: teams share elements", "int i = place.team * 8; i < k", "int i = place.team / 2 * 8; i < k", 0, attend},
		{"few: rows past the edge", "W from = w + min(row, rows - 1) * wStride", "W from = w + row * wStride", 0, few},
		{"few: elements past the end", "if (at < k) v[i] =", "v[i] =", 0, few},
		{"few: half of the lanes", "sum += simd_shuffle_xor(sum, ushort(4));", "", 0, few},
		{"gemv: rows past the edge", "row(w, min(row + r, rows - 1), wStride)", "row(w, row + r, wStride)", 0, gemv},
		{"gemv: results past the edge", "place.lane == 0 && row + r < rows", "place.lane == 0 && row < rows", 0, gemv},
		{"gemv: no offsets", "if (F::SUMS) sum[r] +=", "if (!F::SUMS) sum[r] +=", 0, gemv},
		{"q5_1: fifth bits of the other run", "block[FIFTH + piece + 2 * run]", "block[FIFTH + piece]", 0, gemv},
		{"q5_k: upper bits of scales", "(s >> 2 & 48u)", "(s >> 2 & 16u)", 0, nested},
		{"q6_k: scale of the run before", "(piece >> 1 & 3)", "(piece & 3)", 0, nested},
	} {
		t.Run(m.name, func(t *testing.T) {
			c := compiled(t, m.trials, true, func(text string) string {
				at := -len(m.old)
				for range m.nth + 1 {
					next := strings.Index(text[at+len(m.old):], m.old)
					require.GreaterOrEqual(t, next, 0, "%s: not in the device code", m.old)
					at += len(m.old) + next
				}
				return text[:at] + m.new + text[at+len(m.old):]
			})
			for order := range uint64(4) {
				for _, tr := range m.trials {
					d := tr.data(order)
					err := tr.run(c, d, order)
					if err == nil {
						bound, least := boundOf(tr)
						_, err = tr.worst(d, bound, least)
					}
					if err != nil {
						t.Log(err)
						return
					}
				}
			}
			t.Error("nothing found")
		})
	}
}

func boundOf(tr trial) (relative, least float64) {
	switch {
	case tr.W.Role != kernel.Weight:
		return attendBound(tr)
	case tr.cols == 1:
		return gemvBound(tr)
	}
	return gemmBound(tr)
}
