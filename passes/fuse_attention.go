package passes

import (
	"github.com/llorch/llorch/ir"
	"github.com/llorch/llorch/passes/lower"
)

// attention makes a group of scores = q·k, elementwise ops on them, an online row reduction over the keys, and the
// contraction of that with v. n is the row reduction.
func (f *fuser) attention(n *ir.Node) {
	if !open(n) || n.Op.Class != ir.RowReduce || n.Op.Reduce.Online == nil {
		return
	}
	axis := n.Op.Reduce.Axis(n)
	chain := []*ir.Node{n}
	scores := n.In[0]
	for open(scores) && scores.Op.Class == ir.Elementwise && f.readOnce(scores) {
		chain = append(chain, scores)
		next := f.scoreOperand(scores)
		if next == nil {
			return
		}
		scores = next
	}
	users := f.users[n]
	if !open(scores) || scores.Op.Class != ir.Contraction || !f.readOnce(scores) || len(users) != 1 || !f.readOnce(n) {
		return
	}
	mixed := users[0]
	if !open(mixed) || mixed.Op.Class != ir.Contraction || mixed.In[0] != n || over(mixed) != axis {
		return
	}
	if !lower.AttentionForm(scores, mixed, axis) {
		return
	}
	f.group(ir.RoleAttention, mixed.Name, append(chain, scores, mixed))
	gr := mixed.Group
	for _, c := range chain {
		f.absorb(gr, c.In)
	}
	f.view(gr, mixed)
}

// view takes in what is only another shape of the result, and what is computed of its elements one by one where tokens come first
// in every shape.
func (f *fuser) view(gr *ir.Group, n *ir.Node) {
	if tok := tokenAxis(f.g); lower.TokensFirst(tok, n.Type) && (tok == "" || lower.TokensFirst(tok, gr.Nodes[0].Type)) {
		f.elementwise(gr, n)
	}
	for _, u := range f.users[n] {
		if open(u) && lower.IsView(u) && u.In[0] == n {
			f.join(gr, u)
			f.view(gr, u)
		}
	}
}

// scoreOperand is the operand of an elementwise op that leads to the scores: the one that some contraction computes.
func (f *fuser) scoreOperand(n *ir.Node) *ir.Node {
	for _, in := range n.In {
		for c := in; ; c = c.In[0] {
			if c.Op.Class == ir.Contraction {
				return in
			}
			if c.Op.Class != ir.Elementwise || len(c.In) == 0 {
				break
			}
		}
	}
	return nil
}

func (f *fuser) readOnce(n *ir.Node) bool {
	return len(f.users[n]) == 1 && f.onlyReadBy(n, func(*ir.Node) bool { return true })
}
