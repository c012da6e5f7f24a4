package passes

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/llorch/llorch/ir"
	"github.com/llorch/llorch/passes/lower"
)

// drawModule draws a program over values [q, k] whose ops fuse in all ways, and runs the pipeline on it.
func drawModule(t *rapid.T) *Module {
	lines := []string{
		"symbol S, P", "bound S >= 1", "bound P >= 0", "bound P+S <= 32", "step S after P",
		"p = positions() {axis=q, count=S, from=P}", "g: f32[k=8] = param()", "w: f16[k2=8, k=8] = param()", "narrow: f32[n=3, k=8] = param()",
	}
	var values, others []string
	define := func(format string, args ...any) string {
		name := fmt.Sprintf("v%d", len(lines))
		lines = append(lines, name+fmt.Sprintf(format, args...))
		return name
	}
	values = append(values, define(": f32[q=S, k=8] = input()"), define(": f32[q=S, k=8] = input()"))
	define(": state f32[k=8, ctx=32] = state() {along=ctx}")
	define(" = append(v11, v9, p) {over=ctx, new=q, as=kv}") // which keeps the positions alive, and so the tokens' axis known
	pick := func() string { return rapid.SampledFrom(values).Draw(t, "value") }
	for _, kind := range rapid.SliceOfN(rapid.IntRange(0, 8), 1, 14).Draw(t, "kinds") {
		switch x := pick(); kind {
		case 0:
			values = append(values, define(" = silu(%s)", x))
		case 1:
			values = append(values, define(" = add(%s, %s)", x, pick()))
		case 2:
			values = append(values, define(" = rms_norm(%s, g) {over=k, eps=0.1}", x))
		case 3:
			values = append(values, define(" = softmax(%s) {over=k}", x))
		case 4:
			y := define(" = matmul(%s, w) {over=k}", x)
			values = append(values, define(" = rename(%s) {axis=k2, to=k}", y))
		case 5:
			others = append(others, define(" = matmul(%s, narrow) {over=k}", x))
		case 6:
			others = append(others, define(" = split(%s) {axis=k, into=[a=2, b=4]}", x))
		case 7:
			y := define(" = split(%s) {axis=k, into=[a=2, b=4]}", x)
			values = append(values, define(" = merge(%s) {axes=[b, a], into=k}", y))
		case 8:
			state := define(": state f32[k=8, ctx=32] = state() {along=ctx}")
			others = append(others, define(" = scale(%s) {by=2}", define(" = append(%s, %s, p) {over=ctx, new=q, as=kv}", state, x)))
		}
	}
	out := []string{values[len(values)-1]}
	for _, v := range append(slices.Clone(values), others...) {
		if !slices.Contains(out, v) && rapid.IntRange(0, 3).Draw(t, "output") == 3 {
			out = append(out, v)
		}
	}
	m := parse(t, "graph t {\n"+strings.Join(lines, "\n")+"\noutput "+strings.Join(out, ", ")+"\n}")
	t.Log(ir.Print(m.Graphs[0]))
	require.NoError(t, Run(m, "", verified))
	return m
}

// TestFusePartitions: each node but leaves is in exactly one group, each group runs after those it reads, and only views
// have no kernel.
func TestFusePartitions(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		for _, g := range drawModule(t).Graphs {
			done := map[*ir.Node]bool{}
			for _, n := range g.Nodes {
				if n.Op.Class == ir.Leaf {
					require.Nil(t, n.Group, n.Name)
					done[n] = true
				}
			}
			for _, gr := range g.Groups {
				require.NotEmpty(t, gr.Nodes)
				for _, n := range gr.Nodes {
					require.False(t, done[n], "%s is computed twice", n.Name)
					require.Same(t, gr, n.Group, n.Name)
					for _, in := range n.In {
						require.True(t, done[in], "%s of %s reads %s, which is not computed yet", n.Name, gr.Name, in.Name)
					}
					done[n] = true
					if gr.Role == ir.RoleNone {
						require.True(t, lower.IsView(n), n.Name)
					}
				}
			}
			for _, n := range g.Nodes {
				require.True(t, done[n], "%s is in no kernel", n.Name)
			}
		}
	})
}

// TestPlanKeepsValues simulates memory: who wrote each unit of the arena last. What a launch reads, and what the caller
// reads in the end, must be there still.
func TestPlanKeepsValues(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := drawModule(t)
		for _, g := range m.Graphs {
			p := m.Plans[g]
			top := int64(0)
			for i, s := range p.Slots {
				require.Zero(t, s.Offset%arenaAlign, s.Node.Name)
				require.GreaterOrEqual(t, s.Offset, int64(0))
				require.LessOrEqual(t, s.First, s.Last)
				top = max(top, s.Offset+s.Bytes)
				for _, o := range p.Slots[:i] {
					together := s.First <= o.Last && o.First <= s.Last
					apart := s.Offset+s.Bytes <= o.Offset || o.Offset+o.Bytes <= s.Offset
					require.True(t, apart || !together, "%s and %s overlap", s.Node.Name, o.Node.Name)
				}
			}
			require.Equal(t, align(top), p.Arena)
			simulate(t, g, p, m.Lowered[g])
		}
	})
}

func simulate(t *rapid.T, g *ir.Graph, p *Plan, ls []*lower.Launch) {
	owner := make([]*ir.Node, p.Arena/arenaAlign)
	each := func(n *ir.Node, f func(unit *(*ir.Node))) {
		s, ok := p.Slot(n)
		require.True(t, ok, "%s has no place", n.Name)
		require.GreaterOrEqual(t, s.Bytes, size(t, g, n), n.Name)
		for u := s.Offset / arenaAlign; u < (s.Offset+s.Bytes)/arenaAlign; u++ {
			f(&owner[u])
		}
	}
	write := func(n *ir.Node) { each(n, func(u **ir.Node) { *u = n }) }
	read := func(n *ir.Node, by string) {
		each(n, func(u **ir.Node) { require.Same(t, n, *u, "%s finds another value in the place of %s", by, n.Name) })
	}
	for _, n := range g.Leaves(ir.FromCaller) {
		write(n)
	}
	for _, l := range ls {
		for _, n := range l.Writes {
			if n.Op.Class != ir.StateStore {
				write(n)
			}
		}
		for _, n := range l.Bufs { // written ones too: two results of a launch must not meet
			if inArena(n) {
				read(n, l.Group.Name)
			}
		}
	}
	for _, o := range g.Outputs {
		read(lower.Storage(o), "the caller")
	}
}

// size is the most bytes of a value: decode has one token, the others a chunk of them.
func size(t *rapid.T, g *ir.Graph, n *ir.Node) int64 {
	total := int64(4)
	for _, a := range n.Type.Axes {
		v, ok := g.Bounds.Max(a.Dim)
		require.True(t, ok)
		total *= v
	}
	return total
}

// TestSpecialisationsAreProved: all three graphs of a random program verify, and only logits keeps every token.
func TestSpecialisationsAreProved(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := drawModule(t)
		require.Len(t, m.Graphs, 3)
		for i, o := range m.Graphs[2].Outputs {
			for _, g := range m.Graphs[:2] {
				if a, ok := o.Type.Axis("q"); ok {
					one, _ := g.Outputs[i].Type.Axis("q")
					require.Equal(t, "1", one.Dim.String(), "%s: %s of %s", g.Name, g.Outputs[i].Name, a)
				}
			}
		}
	})
}
