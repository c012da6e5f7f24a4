package passes

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/tools/txtar"

	"github.com/llorch/llorch/ir"
	"github.com/llorch/llorch/ir/op"
	"github.com/llorch/llorch/passes/lower"
)

var update = flag.Bool("update", false, "rewrite what testdata expects")

// TestGolden holds each pass against testdata: the graph before it, the pass's name, and the module after it. Passes that
// come before it in the pipeline are run first; every pass is followed by verification. An error is golden text too.
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			a, err := txtar.ParseFile(file)
			require.NoError(t, err)
			require.GreaterOrEqual(t, len(a.Files), 2)
			after := []byte(outcome(t, string(a.Files[0].Data), strings.TrimSpace(string(a.Files[1].Data))))
			if *update {
				a.Files = append(a.Files[:2], txtar.File{Name: "after", Data: after})
				require.NoError(t, os.WriteFile(file, txtar.Format(a), 0o666))
			}
			require.Len(t, a.Files, 3)
			require.Equal(t, string(a.Files[2].Data), string(after))
		})
	}
}

// outcome runs the pipeline up to a pass and prints what it leaves.
func outcome(t *testing.T, src, pass string) string {
	m := parse(t, src)
	m.Chunk = 4
	if err := Run(m, pass, verified); err != nil {
		return "error: " + err.Error() + "\n"
	}
	if pass == "plan" {
		return slots(m)
	}
	return text(m)
}

func parse(t require.TestingT, src string) *Module {
	g, err := ir.Parse("before.ir", src, op.Table)
	require.NoError(t, err)
	sched := lower.CPU
	sched.Norms = true // all that fusion can do
	return &Module{Graphs: []*ir.Graph{g}, Chunk: Chunk(g, 0), Sched: sched}
}

// verified is the check after each pass: rules of the graph, groups in order, and text that reads back as itself.
func verified(_ string, m *Module) error {
	for _, g := range m.Graphs {
		if err := ir.Verify(g); err != nil {
			return err
		}
	}
	printed := text(m)
	gs, err := ir.ParseAll("printed", printed, op.Table)
	if err != nil {
		return err
	}
	if again := text(&Module{Graphs: gs}); again != printed {
		return fmt.Errorf("the text reads back as another:\n%s\n%s", printed, again)
	}
	return nil
}

// text prints the graphs of a module, without the places in the source.
func text(m *Module) string {
	var b strings.Builder
	for _, g := range m.Graphs {
		g = g.Clone(g.Name)
		for _, n := range g.Nodes {
			n.Pos = ir.Position{}
		}
		b.WriteString(ir.Print(g))
	}
	return b.String()
}

// slots prints the plans: a line for each value, in order of birth.
func slots(m *Module) string {
	var b strings.Builder
	for _, g := range m.Graphs {
		p := m.Plans[g]
		fmt.Fprintf(&b, "%s: arena %d, without reuse %d\n", g.Name, p.Arena, p.Sum)
		for _, s := range p.Slots {
			fmt.Fprintf(&b, "  %s: %d at %d, launches %d to %d\n", s.Node.Name, s.Bytes, s.Offset, s.First, s.Last)
		}
	}
	return b.String()
}

// TestOrder holds the list against its own demands: what a pass needs has run, and names are of passes.
func TestOrder(t *testing.T) {
	require.Equal(t, "infer", Pipeline[0].Name)
	require.Equal(t, "plan", Pipeline[len(Pipeline)-1].Name)
	for i, p := range Pipeline {
		require.NotEmpty(t, p.Doc, p.Name)
		require.Equal(t, i, slices.Index(Names(), p.Name), "%s is listed twice", p.Name)
		for _, before := range p.After {
			at := slices.Index(Names(), before)
			require.True(t, at >= 0 && at < i, "%s needs %s, which does not come before it", p.Name, before)
		}
		if i > 0 {
			require.NotEmpty(t, p.After, "%s comes after nothing for no reason", p.Name)
		}
	}
}

func TestRunStopsWhereAsked(t *testing.T) {
	const src = "graph t {\n x: f32[a=3] = input()\n y = silu(x)\n output y\n}"
	for i, name := range Names() {
		var ran []string
		require.NoError(t, Run(parse(t, src), name, func(pass string, _ *Module) error {
			ran = append(ran, pass)
			return nil
		}))
		require.Equal(t, Names()[:i+1], ran)
	}
	require.ErrorContains(t, Run(parse(t, src), "fuze", nil), "no pass fuze: want one of")
	err := Run(parse(t, src), "", func(pass string, _ *Module) error {
		if pass == "fold" {
			return errors.New("no")
		}
		return nil
	})
	require.EqualError(t, err, "after pass fold: no")
}

func TestBind(t *testing.T) {
	const src = "graph t {\n symbol S, P\n bound S >= 1\n bound P >= 0\n bound P+S <= 9\n step S after P\n" +
		" p = positions() {axis=q, count=S, from=P}\n k = positions() {axis=kv, count=P+S, from=0}\n y = causal_mask(p, k)\n output y\n}"
	m := parse(t, src)
	require.NoError(t, ir.Verify(m.Graphs[0]))
	require.NoError(t, Bind(m.Graphs[0], map[string]int64{"S": 2, "P": 3}))
	require.Equal(t, "f32[q=2, kv=5]", m.Graphs[0].Outputs[0].Type.String())
	require.NoError(t, Run(m, "", verified), "a bound graph compiles, unspecialised")
	require.Len(t, m.Graphs, 1)
	require.ErrorContains(t, Bind(parse(t, src).Graphs[0], map[string]int64{"N": 2}), "declares no symbol N; its symbols are S, P")
	require.ErrorContains(t, Bind(parse(t, src).Graphs[0], map[string]int64{"S": 2, "P": 8}), "bound P+S <= 9 does not hold: 10 against 9")
}
