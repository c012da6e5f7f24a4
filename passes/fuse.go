package passes

import (
	"fmt"
	"slices"
	"strings"

	"github.com/llorch/llorch/ir"
	"github.com/llorch/llorch/passes/lower"
)

// fuse partitions the nodes into groups of one kernel each, greedily and in this order:
//
//	attention  a contraction of two computed values, elementwise ops, a row reduction that can be read online, a contraction
//	contract   contractions with weights that share an input, with their prologue and epilogue
//	row        encodings, with a row reduction that they alone read; what is left of row reductions, with the elementwise ops
//	           before them
//	map        what is left, each root with the elementwise and index ops before it that it alone reads
func fuse(g *ir.Graph, sched *lower.Schedule) error {
	copyFree(g)
	f := &fuser{g: g, sched: sched, users: g.Users(), at: map[*ir.Node]int{}}
	for i, n := range g.Nodes {
		f.at[n] = i
	}
	for _, n := range g.Nodes {
		f.attention(n)
	}
	for _, n := range g.Nodes {
		f.contract(n)
	}
	for _, n := range g.Nodes {
		f.encoding(n)
	}
	for _, n := range g.Nodes {
		f.row(n)
	}
	for _, n := range slices.Backward(g.Nodes) {
		f.mapped(n)
	}
	return f.schedule()
}

// copyFree gives every reader its own copy of index ops that read nothing but positions: they are arithmetic on
// coordinates, cheaper to compute again than to load.
func copyFree(g *ir.Graph) {
	var out []*ir.Node
	for _, n := range g.Nodes {
		for i, in := range n.In {
			if isFree(in) {
				c := *in
				c.Name = n.Name + "." + lastPart(in.Name)
				out = append(out, &c)
				n.In[i] = &c
			}
		}
		out = append(out, n)
	}
	g.SetNodes(out)
	sweep(g)
}

func isFree(n *ir.Node) bool {
	if n.Op.Class != ir.IndexMap || len(n.In) == 0 {
		return false
	}
	for _, in := range n.In {
		if in.Op.Source != ir.FromStep {
			return false
		}
	}
	return true
}

func lastPart(path string) string { return path[strings.LastIndexByte(path, '.')+1:] }

type fuser struct {
	g      *ir.Graph
	sched  *lower.Schedule
	users  map[*ir.Node][]*ir.Node
	at     map[*ir.Node]int
	groups []*ir.Group
}

// group makes a group of nodes.
func (f *fuser) group(role ir.Role, name string, nodes []*ir.Node) {
	gr := &ir.Group{Name: name, Role: role}
	f.groups = append(f.groups, gr)
	for _, n := range nodes {
		f.join(gr, n)
	}
}

func (f *fuser) join(gr *ir.Group, n *ir.Node) {
	n.Group = gr
	gr.Nodes = append(gr.Nodes, n)
}

// open reports a node that still looks for a group.
func open(n *ir.Node) bool { return n.Group == nil && n.Op.Class != ir.Leaf }

// pointwise reports that one element of n is an expression of its operands' elements.
func pointwise(n *ir.Node) bool { return n.Op.Point != nil }

// dependsOn reports that n needs what gr computes.
func (f *fuser) dependsOn(n *ir.Node, gr *ir.Group) bool {
	seen := map[*ir.Node]bool{}
	first := f.at[gr.Nodes[0]]
	var walk func(*ir.Node) bool
	walk = func(n *ir.Node) bool {
		if n.Group == gr {
			return true
		}
		if seen[n] || f.at[n] < first {
			return false
		}
		seen[n] = true
		return slices.ContainsFunc(n.In, walk)
	}
	return walk(n)
}

// onlyReadBy reports that every reader of n satisfies ok, and that n is no output.
func (f *fuser) onlyReadBy(n *ir.Node, ok func(*ir.Node) bool) bool {
	if slices.Contains(f.g.Outputs, n) {
		return false
	}
	for _, u := range f.users[n] {
		if !ok(u) {
			return false
		}
	}
	return true
}

// absorb takes into the group, from its operands upwards, the pointwise nodes that only the group reads.
func (f *fuser) absorb(gr *ir.Group, in []*ir.Node) {
	for _, n := range in {
		if !open(n) || !pointwise(n) || lower.Rounded(n) || !f.onlyReadBy(n, func(u *ir.Node) bool { return u.Group == gr }) {
			continue
		}
		f.join(gr, n)
		f.absorb(gr, n.In)
	}
}

// encoding makes a group of an encoding and of what computes its rows, unless others want these as well.
func (f *fuser) encoding(n *ir.Node) {
	if !open(n) || n.Op.Class != ir.Encoding {
		return
	}
	f.group(ir.RoleRow, n.Name, []*ir.Node{n})
	x := n.In[0]
	switch {
	case lower.IsView(x):
	case open(x) && x.Op.Class == ir.RowReduce && x.Op.Reduce.Axis(x) == n.Type.Axes[len(n.Type.Axes)-1].Name:
		if f.onlyReadBy(x, func(u *ir.Node) bool { return u == n }) {
			f.join(n.Group, x)
			f.absorb(n.Group, x.In)
		}
	default:
		f.absorb(n.Group, n.In)
	}
}

// row makes a group of a row reduction.
func (f *fuser) row(n *ir.Node) {
	if !open(n) || n.Op.Class != ir.RowReduce {
		return
	}
	f.group(ir.RoleRow, n.Name, []*ir.Node{n})
	f.absorb(n.Group, n.In)
	f.elementwise(n.Group, n)
}

// elementwise takes into the group the ops that need one element of n at a time, and no more of what the group computes.
func (f *fuser) elementwise(gr *ir.Group, n *ir.Node) {
	for _, u := range f.users[n] {
		if !open(u) || u.Op.Class != ir.Elementwise || !sameAxes(u.Type, n.Type) {
			continue
		}
		if !slices.ContainsFunc(u.In, func(in *ir.Node) bool { return in != n && f.dependsOn(in, gr) }) {
			f.join(gr, u)
			f.absorbFree(gr, u)
			f.absorb(gr, u.In)
		}
	}
}

// mapped makes a group of whatever is left: pointwise nodes, state stores, contractions of no special form. What is only
// another shape of a value in memory needs no kernel.
func (f *fuser) mapped(n *ir.Node) {
	if !open(n) {
		return
	}
	role := ir.RoleMap
	if lower.IsView(n) && !f.inlined(n) {
		role = ir.RoleNone
	}
	f.group(role, n.Name, []*ir.Node{n})
	if role == ir.RoleMap {
		f.absorb(n.Group, n.In)
	}
}

// inlined reports that what n is a view of is no value in memory but still to be computed by the same kernel.
func (f *fuser) inlined(n *ir.Node) bool {
	in := n.In[0]
	if !open(in) || !pointwise(in) || lower.Rounded(in) || !f.onlyReadBy(in, func(u *ir.Node) bool { return u == n }) {
		return false
	}
	return !lower.IsView(in) || f.inlined(in)
}

// schedule orders the groups, and the nodes within them, so that operands come first.
func (f *fuser) schedule() error {
	done := map[*ir.Group]int{} // 1 while visited, 2 after
	var out []*ir.Node
	f.g.Groups = nil
	var visit func(gr *ir.Group) error
	visit = func(gr *ir.Group) error {
		switch done[gr] {
		case 1:
			return fmt.Errorf("fuse: kernel %s would wait for itself", gr.Name)
		case 2:
			return nil
		}
		done[gr] = 1
		slices.SortFunc(gr.Nodes, func(a, b *ir.Node) int { return f.at[a] - f.at[b] })
		for _, n := range gr.Nodes {
			for _, in := range n.In {
				if in.Group != nil && in.Group != gr {
					if err := visit(in.Group); err != nil {
						return err
					}
				}
			}
		}
		done[gr] = 2
		f.g.Groups = append(f.g.Groups, gr)
		out = append(out, gr.Nodes...)
		return nil
	}
	for _, n := range f.g.Nodes {
		if n.Op.Class == ir.Leaf {
			out = append(out, n)
		}
	}
	for _, n := range f.g.Nodes {
		if n.Group != nil {
			if err := visit(n.Group); err != nil {
				return err
			}
		}
	}
	f.g.SetNodes(out)
	return nil
}
