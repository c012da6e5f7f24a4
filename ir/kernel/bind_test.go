package kernel

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestBind fixes sizes, floats and the weight's type; what depends on a symbol keeps it.
func TestBind(t *testing.T) {
	k, err := Parse(`func f(x in_f32, w weight, y out_f32, n int, rows int, nKv int, eps float) {
	grid(block, (n+rows-1)/rows)
	grid(one, rows/16)
	group(acc, rows)
	row := block * rows
	count := min(rows, nKv-row)
	dot(acc, 0, w, row*n, n, x, 0, n, count, 1, n)
	for c := range teams(n) {
		for r := range lanes(count) {
			y[row+r] = acc[r] + eps + float(c)
		}
	}
}`)
	require.NoError(t, err)
	b, err := Bind(k, Binding{
		Ints: []Expr{I(64), I(16), Add(IntVar("P"), I(1))}, Floats: []Expr{F(0.5)}, Symbols: []string{"P"},
		Weights: []DType{Invalid, Q40, Invalid},
	})
	require.NoError(t, err)
	require.NoError(t, Verify(b))
	want := `func f(x in_f32, w weight_q4_0, y out_f32, P int) {
	grid(block, 4)
	group(acc, 16)
	row := block * 16
	count := min(16, P+1-row)
	dot(acc, 0, w, row*64, 64, x, 0, 64, count, 1, 64)
	for c := range teams(64) {
		for r := range lanes(count) {
			y[row+r] = acc[r] + 0.5 + float(c)
		}
	}
}
`
	require.Equal(t, want, b.String())
	again, err := Parse(want)
	require.NoError(t, err)
	require.Equal(t, b.Key(), again.Key())
	require.NotEqual(t, k.Key(), b.Key())
	require.Equal(t, Weight, k.Bufs[1].Role)
	require.Equal(t, Invalid, k.Bufs[1].DType, "the kernel itself has not changed")
}
