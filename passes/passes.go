// Package passes turns a proved graph into kernels: the list in this file, in its order. A pass reads classes of ops and
// shapes, never names of ops, so that a new op needs no pass to know of it.
package passes

import (
	"fmt"
	"slices"

	"github.com/llorch/llorch/ir"
	"github.com/llorch/llorch/passes/lower"
)

// Module is what passes transform: one graph at first, one for each specialisation later, and what is derived from them.
type Module struct {
	Graphs  []*ir.Graph
	Chunk   int // the most new tokens of a step
	Sched   lower.Schedule
	Lowered map[*ir.Graph][]*lower.Launch // after lower: a launch for each group that computes something
	Plans   map[*ir.Graph]*Plan           // after plan
}

// Pass is one step of the pipeline.
type Pass struct {
	Name  string
	Doc   string
	After []string // passes that must have run, and why in the comment of its row
	Run   func(m *Module) error
}

// Pipeline is the list. The reasons for its order:
//
//	infer       first: every later pass reads types
//	fold        before specialise, so that the work is done once for the three graphs
//	specialise  before fuse, because what is worth recomputing differs: decode may recompute a norm in every block of rows
//	            that reads it, prefill must not
//	quantise    before layout, which hides from which file type a weight comes; before fuse, which places the new nodes
//	layout      before fuse, which asks how a weight lies in memory
//	fuse        before lower, which makes one kernel of a group
//	lower       before plan, which needs to know what is kept in memory between kernels
//	plan        last
var Pipeline = []Pass{
	{"infer", "types of every value; all shape errors", nil, each(ir.Verify)},
	{"fold", "equal nodes become one, unused nodes go", []string{"infer"}, each(fold)},
	{"specialise", "decode (S=1), prefill (S <= chunk, last position only) and logits (S <= chunk)", []string{"infer", "fold"}, specialise},
	{"quantise", "rounded activations, where the target multiplies them with block weights as integers", []string{"specialise"}, quantise},
	{"layout", "how each weight is kept for the target", []string{"specialise", "quantise"}, layout},
	{"fuse", "groups of nodes, each of which becomes one kernel", []string{"specialise", "layout"}, fuseAll},
	{"lower", "kernel IR of each group", []string{"fuse"}, lowerAll},
	{"plan", "an offset in one arena for each intermediate", []string{"lower"}, plan},
}

// Names lists the pipeline.
func Names() []string {
	names := make([]string, len(Pipeline))
	for i, p := range Pipeline {
		names[i] = p.Name
	}
	return names
}

// Run runs the pipeline up to and including the pass of that name, or all of it for "". After each pass check sees the
// module; it may be nil.
func Run(m *Module, upTo string, check func(pass string, m *Module) error) error {
	if upTo != "" && !slices.Contains(Names(), upTo) {
		return fmt.Errorf("no pass %s: want one of %v", upTo, Names())
	}
	for _, p := range Pipeline {
		if err := p.Run(m); err != nil {
			return err
		}
		if check != nil {
			if err := check(p.Name, m); err != nil {
				return fmt.Errorf("after pass %s: %w", p.Name, err)
			}
		}
		if p.Name == upTo {
			break
		}
	}
	return nil
}

// each adapts a pass over one graph.
func each(f func(*ir.Graph) error) func(*Module) error {
	return func(m *Module) error {
		for _, g := range m.Graphs {
			if err := f(g); err != nil {
				return err
			}
		}
		return nil
	}
}

func fuseAll(m *Module) error {
	return each(func(g *ir.Graph) error { return fuse(g, &m.Sched) })(m)
}

func lowerAll(m *Module) error {
	m.Lowered = map[*ir.Graph][]*lower.Launch{}
	for _, g := range m.Graphs {
		ls, err := lower.Graph(g, m.Sched)
		if err != nil {
			return err
		}
		m.Lowered[g] = ls
	}
	return nil
}
