package codegen_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/llorch/llorch/gen"
	"github.com/llorch/llorch/ir"
	"github.com/llorch/llorch/ir/op"
	"github.com/llorch/llorch/runtime/cpu"
)

// TestOps runs every case of every row of the op table through the whole compiler, and holds the kernels, executed by the
// interpreter, against the reference.
func TestOps(t *testing.T) {
	for _, row := range op.Rows {
		for _, c := range row.Cases {
			t.Run(row.Name+"/"+c.Name, func(t *testing.T) {
				tr := parseTrial(t, op.Table, c)
				compiled := tr.compile(t)
				got := tr.run(t, compiled.Program, tr.weights(compiled), cpu.Library{Tiles: gen.Library().Tiles}, 1)
				near(t, tr.reference(t), got, 1e-5, "interpreter")
			})
		}
	}
}

// TestEveryOpHasCases: a row without one would be tested by nothing.
func TestEveryOpHasCases(t *testing.T) {
	for _, row := range op.Rows {
		if row.Class != ir.Leaf {
			require.NotEmpty(t, row.Cases, row.Name)
		}
	}
}

func parseTrial(t testing.TB, table ir.Table, c ir.Case) *trial {
	g, err := ir.Parse(c.Name, c.Text, table)
	require.NoError(t, err)
	require.NoError(t, ir.Verify(g))
	return &trial{g: g, env: c.Env, seed: 1}
}
