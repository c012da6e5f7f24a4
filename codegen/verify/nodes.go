package verify

import (
	"maps"
	"slices"

	"github.com/llorch/llorch/ir"
	"github.com/llorch/llorch/ir/eval"
)

// follow evaluates a step's graph on what the launches left in memory: each such value is handed to see together with what the
// reference makes of the values before it, and then takes its place.
func (t *target) follow(g *ir.Graph, c *call, got *capture, see func(n *ir.Node, want *ir.Array, got value)) error {
	states := t.states[c.cache]
	_, err := eval.Eval(g, eval.Run{Env: t.ref.env(g, c), Value: t.ref.value(c), State: states, Each: func(n *ir.Node, a *ir.Array) error {
		v, ok := got.values[n]
		if !ok {
			return nil
		}
		see(n, a, v)
		copy(a.Data, v.data)
		if n.Op.Class == ir.StateStore {
			s := states[n.In[0].Name]
			to := s.Strides(s.Axes)
			a.Each(func(i int, at []int) { s.Data[ir.Offset(at, to)] = a.Data[i] })
		}
		return nil
	}})
	return err
}

// passes evaluates a step's graph without the roundings that it has and the model's has not: every node that both have must be
// the same. It returns the first that differs.
func (t *target) passes(g *ir.Graph, c *call) (*difference, error) {
	rounded := map[*ir.Node]*ir.Array{} // operands of roundings
	for _, n := range g.Nodes {
		if roundsAnew(n) && c.nodes[n.Name] == nil {
			rounded[n.In[0]] = nil
		}
	}
	var first *difference
	_, err := eval.Eval(g, eval.Run{Env: t.ref.env(g, c), Value: t.ref.value(c), State: t.unrounded[c.cache], Each: func(n *ir.Node, a *ir.Array) error {
		if _, ok := rounded[n]; ok {
			rounded[n] = a
		}
		own := c.nodes[n.Name]
		if own == nil {
			if roundsAnew(n) && rounded[n.In[0]] != nil {
				copy(a.Data, rounded[n.In[0]].Data)
			}
			return nil
		}
		if want := same(own, a); want != nil && first == nil {
			if o := measure(want, a.Data, tokenAxis(n.Type)); o.Rel > exact {
				first = &difference{n, want, o}
			}
		}
		return nil
	}})
	return first, err
}

// difference is a node that is off, with what it should be.
type difference struct {
	node *ir.Node
	want *ir.Array
	off  off
}

// order lists the nodes that a step's launches wrote, in the order of launches.
func (c *capture) order(g *ir.Graph) []*ir.Node {
	place := map[*ir.Node]int{}
	for i, n := range g.Nodes {
		place[n] = i
	}
	return slices.SortedFunc(maps.Keys(c.values), func(a, b *ir.Node) int {
		if x, y := c.values[a].launch, c.values[b].launch; x != y {
			return x - y
		}
		return place[a] - place[b]
	})
}
