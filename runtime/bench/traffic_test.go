package bench

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/llorch/llorch/ir/kernel"
	"github.com/llorch/llorch/runtime"
)

// TestReads: what each buffer of a kernel counts as.
func TestReads(t *testing.T) {
	for name, c := range map[string]struct {
		body string
		want reads // of tokens, w, v, y
	}{
		"gather":         {"y[0] = w[tokens[0]*n]", reads{whole, selected, none, none}},
		"through a name": {"row := tokens[0] * n\nat := row + 1\ny[0] = w[at]", reads{whole, selected, none, none}},
		"in a loop":      {"for i := 0; i < n; i += 1 {\ny[i] = w[tokens[i]*n+i]\n}", reads{whole, selected, none, none}},
		"a loop from it": {"for i := tokens[0]; i < n; i += 1 {\ny[i] = w[i]\n}", reads{whole, selected, none, none}},
		"whole too":      {"y[0] = w[tokens[0]*n]\ny[1] = w[0]", reads{whole, whole, none, none}},
		"gather and mul": {"y[0] = w[tokens[0]*n] * v[0]", reads{whole, selected, whole, none}},
		"as a value":     {"y[0] = float(tokens[0]) * w[0]", reads{whole, whole, none, none}},
		"a reduction":    {"s := sum(i, n, w[i] * v[tokens[i]])\ny[0] = s", reads{whole, whole, selected, none}},
		"a choice":       {"if n == 1 {\ny[0] = w[0]\n} else {\ny[0] = v[tokens[0]]\n}", reads{whole, whole, selected, none}},
		"matrices": {"dot(acc, 0, w, 0, n, x, 0, n, 1, 1, n)\nmix(acc, 0, v, tokens[0]*n, n, x, 0, n, 1, 1, n)\ny[0] = acc[0]",
			reads{whole, whole, selected, none}},
	} {
		t.Run(name, func(t *testing.T) {
			k, err := kernel.Parse("func f(tokens in_i32, w weight, v weight, y out_f32, n int) {\ngroup(acc, n)\ngroup(x, n)\n" + c.body + "\n}\n")
			require.NoError(t, err)
			require.Equal(t, c.want, readsOf(k))
		})
	}
}

func TestDecodeBytesRefuses(t *testing.T) {
	for want, damage := range map[string]func(p *runtime.Program){
		"the program has no step decode":             func(p *runtime.Program) { p.Steps = p.Steps[1:] },
		"launch 0 (n0): kernel 7 of 2":               func(p *runtime.Program) { p.Steps[0].Launches[0].Kernel = 7 },
		"kernel gather: ":                            func(p *runtime.Program) { p.Kernels[0].Text = "func" },
		"launch 0 (n0): 2 buffers for a kernel of 3": func(p *runtime.Program) { p.Steps[0].Launches[0].Bufs = p.Steps[0].Launches[0].Bufs[1:] },
		"launch 1 (n1): weight 3 of 3":               func(p *runtime.Program) { p.Steps[0].Launches[1].Bufs[1].Index = 3 },
		"weight embed: a row of shape [] is read":    func(p *runtime.Program) { p.Weights[0].Shape = nil },
		"weight embed: a row of shape [0 8] is read": func(p *runtime.Program) { p.Weights[0].Shape = []int64{0, 8} },
		"launch 0 (n0): kernel -1 of 2":              func(p *runtime.Program) { p.Steps[0].Launches[0].Kernel = -1 },
		"launch 2 (n1): weight -1 of 3":              func(p *runtime.Program) { p.Steps[0].Launches[2].Bufs[2].Index = -1 },
		"launch 1 (n1): 3 buffers for a kernel of 4": func(p *runtime.Program) { p.Steps[0].Launches[1].Bufs = p.Steps[0].Launches[1].Bufs[1:] },
	} {
		m, _ := toyModel()
		damage(m.Program)
		_, err := DecodeBytes(m.Program)
		require.ErrorContains(t, err, want)
	}
}
