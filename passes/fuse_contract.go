package passes

import (
	"slices"
	"strings"

	"github.com/llorch/llorch/ir"
	"github.com/llorch/llorch/passes/lower"
)

// contract makes a group of n, a contraction with a weight, and of its siblings: those that contract the same input.
func (f *fuser) contract(n *ir.Node) {
	if !open(n) || !f.sched.Projection(n) {
		return
	}
	members := []*ir.Node{n}
	for _, u := range f.users[n.In[0]] {
		if u != n && open(u) && f.sched.Projection(u) && u.In[0] == n.In[0] && u.In[1] != n.In[0] && over(u) == over(n) {
			members = append(members, u)
		}
	}
	f.group(ir.RoleContract, contractName(members), members)
	gr := n.Group
	f.prologue(gr, n)
	for grown := true; grown; {
		grown = false
		for _, m := range slices.Clone(gr.Nodes) {
			for _, u := range f.users[m] {
				if open(u) && f.epilogue(gr, u) {
					f.join(gr, u)
					f.absorbFree(gr, u)
					grown = true
				}
			}
		}
	}
}

func over(n *ir.Node) string { return n.Word("over") }

// contractName is the members' scope and their names: layers.0.attn.q_k_v.
func contractName(members []*ir.Node) string {
	var parts []string
	for _, m := range members {
		parts = append(parts, lastPart(m.Name))
	}
	return strings.TrimSuffix(members[0].Name, lastPart(members[0].Name)) + strings.Join(parts, "_")
}

// prologue takes in the row reduction that computes the shared input, when there is one token: then every block of rows can
// afford to compute it again.
func (f *fuser) prologue(gr *ir.Group, n *ir.Node) {
	x := n.In[0]
	if !f.sched.Norms || !open(x) || x.Op.Class != ir.RowReduce || x.Op.Reduce.Axis(x) != over(n) || !lower.OneToken(f.g, x.Type, over(n)) {
		return
	}
	if f.onlyReadBy(x, func(u *ir.Node) bool { return u.Group == gr }) {
		f.join(gr, x)
	}
}

// epilogue reports that u can be computed on a block of the group's rows while they are at hand: it is elementwise, a view,
// a mix within an axis or a state store of values of the group, and whatever else it reads is computed before.
func (f *fuser) epilogue(gr *ir.Group, u *ir.Node) bool {
	var own []*ir.Node
	for i, in := range u.In {
		switch {
		case in.Group == gr && in.Op.Class != ir.RowReduce:
			own = append(own, in)
			if i > 0 && (u.Op.Class == ir.IndexMap) || i != 1 && u.Op.Class == ir.StateStore {
				return false
			}
		case in.Group == gr || f.dependsOn(in, gr):
			return false
		}
	}
	if len(own) == 0 || f.writesReadState(gr, u) || slices.ContainsFunc(own, lower.Rounded) {
		return false
	}
	tok := lower.Outer(gr.Nodes[0])
	switch u.Op.Class {
	case ir.Elementwise:
		for _, o := range own {
			if !sameAxes(o.Type, u.Type) {
				return false
			}
		}
		return true
	case ir.IndexMap:
		if u.Op.View != nil && u.Op.View(u) {
			return lower.TokensFirst(tok, u.Type) && lower.TokensFirst(tok, u.In[0].Type)
		}
		return u.Op.Within != nil && u.Type.Index(u.Op.Within(u).Axis) == len(u.Type.Axes)-1
	case ir.StateStore:
		return true
	}
	return false
}

// writesReadState keeps a store out of a group that a reader of the stored state must come before or after: a group may not
// read through memory what it writes.
func (f *fuser) writesReadState(gr *ir.Group, u *ir.Node) bool {
	for _, in := range u.In {
		if in.Op.Class == ir.StateStore && in.Group == gr {
			return true
		}
	}
	return false
}

// absorbFree takes in pointwise operands that only u reads, such as a copy of a mask.
func (f *fuser) absorbFree(gr *ir.Group, u *ir.Node) {
	for _, in := range u.In {
		if open(in) && isFree(in) {
			f.join(gr, in)
		}
	}
}

func sameAxes(a, b ir.Type) bool {
	return slices.EqualFunc(a.Axes, b.Axes, func(x, y ir.Axis) bool { return x.Name == y.Name })
}
