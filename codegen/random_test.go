package codegen_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/llorch/llorch/ir"
	"github.com/llorch/llorch/passes/lower"
)

// TestRandomGraphs compiles random graphs and holds every specialisation that can run them, on kernels interpreted
// hostilely, against the reference: what fusion and lowering must never change.
func TestRandomGraphs(t *testing.T) {
	for i := range 3 {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(t *rapid.T) {
				tr := drawTrial(t)
				t.Logf("%v\n%s", tr.env, ir.Print(tr.g))
				require.NoError(t, ir.Verify(tr.g))
				tr.agree(t)
			})
		})
	}
}

// drawTrial draws a graph and what it runs with.
func drawTrial(t *rapid.T) *trial {
	d := drawGraph(t)
	tr := &trial{g: d.g, env: map[string]int64{"S": int64(rapid.IntRange(1, 5).Draw(t, "S"))}, rounds: d.f16}
	tr.seed = uint64(rapid.IntRange(0, 9).Draw(t, "seed"))
	tr.target = among(d, "tiny", "cpu", "gpu", "narrow", "small")
	tr.rounds = tr.rounds || tr.target == "narrow"
	if d.g.Step != nil {
		tr.env["P"] = int64(rapid.IntRange(0, 4).Draw(t, "P"))
		if below(3).Draw(t, "one token") == 0 {
			tr.env["S"] = 1
		}
	}
	return tr
}

// agree compiles, runs and compares.
func (tr *trial) agree(t rapid.TB) {
	want, most := tr.evaluate(t)
	c := tr.compile(t)
	tol := 2e-5 * (1 + most)
	if tr.rounds {
		tol = 2e-3 * (1 + most)
	}
	for i, step := range c.Program.Steps {
		if step.Name == "decode" && tr.env["S"] != 1 {
			continue
		}
		g := c.Module.Graphs[i]
		got := tr.runStep(t, c.Program, tr.weights(c), hostile(t, c.Kernels), 1, step.Name)
		near(t, tr.lastRows(t, g, want), got, tol, fmt.Sprintf("step %s\n%s%s", step.Name, ir.Print(g), kernels(c.Module.Lowered[g])))
	}
}

// lastRows are the outputs as a specialisation gives them: of the last token alone where it computes no more.
func (tr *trial) lastRows(t rapid.TB, g *ir.Graph, want [][]float64) [][]float64 {
	out := make([][]float64, len(want))
	for i, o := range tr.g.Outputs {
		out[i] = want[i]
		at := o.Type.Index("q")
		if at < 0 || g.Outputs[i].Type.Axes[at].Dim.Same(o.Type.Axes[at].Dim) {
			continue
		}
		a, err := ir.NewArray(o.Type, tr.env)
		require.NoError(t, err)
		out[i] = nil
		a.Each(func(j int, c []int) {
			if c[at] == a.Dims[at]-1 {
				out[i] = append(out[i], want[i][j])
			}
		})
	}
	return out
}

func kernels(ls []*lower.Launch) (text string) {
	for _, l := range ls {
		text += l.Kernel.String() + "\n"
	}
	return text
}
