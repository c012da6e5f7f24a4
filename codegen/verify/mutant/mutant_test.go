package mutant

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/llorch/llorch/ir/kernel"
)

func TestOf(t *testing.T) {
	k, err := kernel.Parse(`func norm(x in_f32, w in_f32, y out_f32, n int, eps float) {
	grid(t, n)
	total := sum(i, n, x[t*n+i]*x[t*n+i])
	for i2 := range lanes(n) {
		y[t*n+i2] = x[t*n+i2] * rsqrt(total/float(n)+eps) * w[i2]
	}
}
`)
	require.NoError(t, err)
	ms := Of(k)
	texts, keys := map[string]bool{}, map[string]bool{k.Key(): true}
	for _, m := range ms {
		require.NoError(t, kernel.Verify(m.Kernel))
		require.False(t, keys[m.Kernel.Key()], "%s is there twice, or no mistake", m.What)
		keys[m.Kernel.Key()] = true
		texts[m.What] = true
		require.Equal(t, k.Name, m.Kernel.Name)
	}
	for _, want := range []string{
		"line 3: * becomes +: total := sum(i, n, x[t*n+i]*x[t*n+i])",
		"line 3: a sum ends early: total := sum(i, n, x[t*n+i]*x[t*n+i])",
		"line 3: a sum becomes a maximum: total := sum(i, n, x[t*n+i]*x[t*n+i])",
		"line 4: a bound is one less: for i2 := range lanes(n) {",
		"line 5: a term is dropped: y[t*n+i2] = x[t*n+i2] * rsqrt(total/float(n)+eps) * w[i2]",
		"line 5: a factor is dropped: y[t*n+i2] = x[t*n+i2] * rsqrt(total/float(n)+eps) * w[i2]",
		"line 5: rsqrt becomes sqrt: y[t*n+i2] = x[t*n+i2] * rsqrt(total/float(n)+eps) * w[i2]",
	} {
		require.True(t, texts[want], "%s\namong %v", want, texts)
	}
	require.Equal(t, ms, Of(k), "the same each time")
}
