package codegen_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/llorch/llorch/ir"
	"github.com/llorch/llorch/ir/kernel"
	"github.com/llorch/llorch/ir/op"
)

// TestFactors: what a schedule moves from the elements of a norm to the results of its contraction is still in them, at magnitudes
// whose squares fit f32, and with what cannot be moved.
func TestFactors(t *testing.T) {
	for name, x := range map[string]string{
		"plain":   "rms_norm(x, w) {over=embd, eps=1e-05}",
		"huge":    "rms_norm(huge, w) {over=embd, eps=1e-05}",
		"tiny":    "rms_norm(tiny, w) {over=embd, eps=1e-30}",
		"shifted": "rms_norm(x, gain) {over=embd, eps=1e-05}",
		"softmax": "softmax(x) {over=embd}",
	} {
		tr := parseTrial(t, op.Table, ir.Case{Name: name, Text: `graph t {
 x: f32[embd=32] = input()
 w: f32[embd=32] = param()
 a: f16[out=10, embd=32] = param()
 b: f16[out=10, embd=32] = param()
 huge = scale(x) {by=1e18}
 tiny = scale(x) {by=1e-17}
 gain = shift(w) {by=1}
 h = ` + x + `
 y = matmul(h, a) {over=embd}
 z = matmul(h, b) {over=embd}
 s = silu(y)
 m = mul(s, z)
 output m, huge, tiny
}`})
		for _, tr.target = range []string{"tiny", "gpu"} {
			c := tr.compile(t)
			got := tr.run(t, c.Program, tr.weights(c), hostile(t, c.Kernels), 1)
			near(t, tr.reference(t)[:1], got[:1], 1e-5, name+" "+tr.target)
			moved := slices.ContainsFunc(c.Kernels, func(k *kernel.Kernel) bool { return strings.Contains(k.String(), "\tfactor := ") })
			require.Equal(t, tr.target == "gpu", moved, name)
		}
	}
}
