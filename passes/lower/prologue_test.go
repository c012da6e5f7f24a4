package lower

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/llorch/llorch/ir/kernel"
)

func TestHoist(t *testing.T) {
	i := kernel.IntVar("i")
	x, w, f, g := kernel.At("x", i), kernel.At("w", i), kernel.FloatVar("f"), kernel.At("g", kernel.I(3))
	one := kernel.F(1)
	for _, c := range []struct {
		e            kernel.Expr
		rest, factor string
	}{
		{kernel.Mul(kernel.Mul(x, f), w), "x[i] * w[i]", "f"},
		{kernel.Mul(f, kernel.Mul(x, kernel.Mul(w, g))), "x[i] * w[i]", "f * g[3]"},
		{kernel.Div(kernel.Mul(x, f), g), "x[i]", "f / g[3]"},
		{kernel.Div(x, f), "x[i]", "1.0 / f"},
		{kernel.Div(kernel.Mul(f, x), w), "f * x[i] / w[i]", ""},
		{kernel.Mul(kernel.Add(x, f), kernel.Mul(f, kernel.Add(one, w))), "(x[i] + f) * (1.0 + w[i])", "f"},
		{kernel.Add(kernel.Mul(x, f), w), "x[i]*f + w[i]", ""},
		{kernel.Mul(x, w), "x[i] * w[i]", ""},
		{kernel.Apply("exp", kernel.Mul(x, f)), "exp(x[i] * f)", ""},
		{kernel.Mul(f, g), "1.0", "f * g[3]"},
	} {
		rest, factor := hoist(c.e, "i")
		require.Equal(t, c.rest, kernel.ExprString(rest))
		if c.factor == "" {
			require.Nil(t, factor, c.rest)
			require.Equal(t, c.e, rest)
			continue
		}
		require.Equal(t, c.factor, kernel.ExprString(factor))
	}
}
