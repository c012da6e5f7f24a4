package clike

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/llorch/llorch/ir/kernel"
)

// drawInt draws an integer expression of a, b and c whose value is defined for every value of those.
func drawInt(t *rapid.T, depth int) kernel.Expr {
	if depth == 0 || rapid.IntRange(0, 3).Draw(t, "leaf") == 0 {
		if rapid.Bool().Draw(t, "name") {
			return kernel.IntVar(rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "name"))
		}
		return kernel.I(int64(rapid.IntRange(-3, 70).Draw(t, "literal")))
	}
	fn := rapid.SampledFrom([]string{"add", "sub", "mul", "min", "max", "div", "rem", "shl", "shr", "band", "bor", "signed16"}).Draw(t, "fn")
	x := drawInt(t, depth-1)
	natural := func(e kernel.Expr) kernel.Expr { return kernel.MaxE(e, kernel.I(0)) }
	switch fn {
	case "signed16":
		return kernel.Apply(fn, x)
	case "div", "rem":
		return kernel.Apply(fn, natural(x), kernel.MaxE(drawInt(t, depth-1), kernel.I(1)))
	case "shl", "shr":
		return kernel.Apply(fn, natural(x), kernel.I(int64(rapid.IntRange(0, 5).Draw(t, "shift"))))
	case "band", "bor":
		return kernel.Apply(fn, natural(x), natural(drawInt(t, depth-1)))
	}
	return kernel.Apply(fn, x, drawInt(t, depth-1))
}

// TestRanges: the value of an expression lies in its range, and folding by ranges does not change it.
func TestRanges(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := &narrower{k: &kernel.Kernel{}, ranges: map[string]Range{}, values: map[string]kernel.Expr{}}
		env := map[string]int64{}
		for _, name := range []string{"a", "b", "c"} {
			lo := rapid.Int64Range(-5, 90).Draw(t, name)
			hi := lo + rapid.Int64Range(0, 40).Draw(t, name)
			n.ranges[name], env[name] = Range{lo, hi}, rapid.Int64Range(lo, hi).Draw(t, name)
		}
		e := drawInt(t, 4)
		value := func(e kernel.Expr) int64 {
			v, err := kernel.EvalInt(e, func(name string) (int64, bool) { v, ok := env[name]; return v, ok })
			require.NoError(t, err)
			return v
		}
		want, r := value(e), n.rangeOf(e)
		require.True(t, r.Lo <= want && want <= r.Hi, "%s is %d, outside %v", kernel.ExprString(e), want, r)
		folded := n.expr(e)
		require.Equal(t, want, value(folded), "%s became %s", kernel.ExprString(e), kernel.ExprString(folded))
	})
}

// TestRangesSaturate: what is beyond every index is known to be unknown.
func TestRangesSaturate(t *testing.T) {
	require.Equal(t, far, mul(far, 3))
	require.Equal(t, -far, mul(-far, far))
	require.Equal(t, far, add(far, far))
	n := &narrower{k: &kernel.Kernel{Name: "f"}, ranges: map[string]Range{"i": {0, 1 << 20}}, values: map[string]kernel.Expr{}}
	n.index("x", kernel.Mul(kernel.IntVar("i"), kernel.I(4096)))
	require.EqualError(t, n.err, "kernel f: x[i * 4096] may be element 4294967296, and indexes have 32 bits")
}
