package lower_test

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/tools/txtar"

	"github.com/llorch/llorch/ir"
	"github.com/llorch/llorch/ir/op"
	"github.com/llorch/llorch/passes"
	"github.com/llorch/llorch/passes/lower"
)

var update = flag.Bool("update", false, "rewrite what testdata expects")

// TestGolden holds the kernels of small graphs against testdata: the graph, the launch (its specialisation and its name),
// and what is made of it: the kernel, and what its parameters are bound to.
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			a, err := txtar.ParseFile(file)
			require.NoError(t, err)
			require.GreaterOrEqual(t, len(a.Files), 2)
			got := []byte(launch(t, string(a.Files[0].Data), strings.Fields(string(a.Files[1].Data))))
			if *update {
				a.Files = append(a.Files[:2], txtar.File{Name: "kernel", Data: got})
				require.NoError(t, os.WriteFile(file, txtar.Format(a), 0o666))
			}
			require.Len(t, a.Files, 3)
			require.Equal(t, string(a.Files[2].Data), string(got))
		})
	}
}

// launch prints the launch called name[1] of the specialisation name[0]; a third word is for Factors.
func launch(t *testing.T, src string, name []string) string {
	require.GreaterOrEqual(t, len(name), 2)
	g, err := ir.Parse("graph.ir", src, op.Table)
	require.NoError(t, err)
	sched := lower.CPU
	sched.Norms = true // all that skeletons can do
	sched.Factors = slices.Contains(name[2:], "factors")
	m := &passes.Module{Graphs: []*ir.Graph{g}, Chunk: passes.Chunk(g, 0), Sched: sched}
	require.NoError(t, passes.Run(m, "lower", nil))
	i := slices.IndexFunc(m.Graphs, func(g *ir.Graph) bool { return g.Name == name[0] })
	require.GreaterOrEqual(t, i, 0, "no graph %s", name[0])
	for _, l := range m.Lowered[m.Graphs[i]] {
		if l.Group.Name == name[1] {
			return l.Kernel.String() + "\n" + bindings(l)
		}
	}
	require.Fail(t, "no such launch", "%s in\n%s", name[1], ir.Print(m.Graphs[i]))
	return ""
}

// bindings lists what a launch gives its kernel.
func bindings(l *lower.Launch) string {
	var b strings.Builder
	line := func(what string, words []string) {
		if len(words) > 0 {
			b.WriteString(what + ": " + strings.Join(words, ", ") + "\n")
		}
	}
	names := func(ns []*ir.Node) (out []string) {
		for _, n := range ns {
			out = append(out, n.Name)
		}
		return out
	}
	var ints []string
	for i, d := range l.Ints {
		ints = append(ints, l.Kernel.Ints[i]+"="+d.String())
	}
	line("buffers", names(l.Bufs))
	line("ints", ints)
	line("writes", names(l.Writes))
	return b.String()
}
