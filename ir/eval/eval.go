// Package eval is the reference: it walks a graph in float64, calling each op's Eval, and rounds only where the graph
// declares a narrower type. Everything that llorch emits is checked against it.
package eval

import (
	"fmt"

	"github.com/llorch/llorch/ir"
)

// Run is one evaluation of a graph.
type Run struct {
	Env map[string]int64 // values of the symbols
	// Value gives an input's or param's elements, of the shape that its type has under Env. It is called once for each use of
	// a param, so that a large model need not lie in memory as float64.
	Value func(n *ir.Node) (*ir.Array, error)
	// State holds the KV memory by the state's name; Eval creates what is missing and appends to it.
	State map[string]*ir.Array
	// Each, when set, sees every value as it is computed.
	Each func(n *ir.Node, a *ir.Array) error
}

// Eval returns the graph's outputs. The graph must have been verified.
func Eval(g *ir.Graph, r Run) ([]*ir.Array, error) {
	for s, v := range r.Env {
		if v < 0 {
			return nil, fmt.Errorf("eval: %s = %d is negative", s, v)
		}
	}
	if !g.Bounds.Allows(r.Env) {
		return nil, fmt.Errorf("eval: the bounds of graph %s do not allow %v", g.Name, r.Env)
	}
	values := map[*ir.Node]*ir.Array{}
	left := map[*ir.Node]int{}
	for n, us := range g.Users() {
		left[n] = len(us)
	}
	for _, o := range g.Outputs {
		left[o]++
	}
	past := int64(0)
	if g.Step != nil {
		var err error
		if past, err = g.Step.Past.Eval(r.Env); err != nil {
			return nil, err
		}
	}
	for _, n := range g.Nodes {
		if isData(n) {
			continue
		}
		a, err := r.node(n, values, int(past))
		if err != nil {
			return nil, fmt.Errorf("eval: %s: %w", n.Name, err)
		}
		values[n] = a
		for _, in := range n.In {
			if left[in]--; left[in] == 0 {
				delete(values, in)
			}
		}
	}
	out := make([]*ir.Array, len(g.Outputs))
	for i, o := range g.Outputs {
		out[i] = values[o]
		if isData(o) {
			a, err := r.data(o)
			if err != nil {
				return nil, fmt.Errorf("eval: %w", err)
			}
			out[i] = a
		}
	}
	return out, nil
}

// isData reports a leaf whose elements come from outside.
func isData(n *ir.Node) bool {
	return n.Op.Source == ir.FromWeights || n.Op.Source == ir.FromCaller || n.Op.Source == ir.FromSession
}

func (r *Run) node(n *ir.Node, values map[*ir.Node]*ir.Array, past int) (*ir.Array, error) {
	out, err := ir.NewArray(n.Type, r.Env)
	if err != nil {
		return nil, err
	}
	e := &ir.Eval{Node: n, Out: out, Env: r.Env, Past: past}
	for _, in := range n.In {
		a := values[in]
		if isData(in) {
			if a, err = r.data(in); err != nil {
				return nil, err
			}
		}
		e.In = append(e.In, a)
	}
	if out, err = n.Op.Eval(e); err != nil {
		return nil, err
	}
	if r.Each != nil {
		err = r.Each(n, out)
	}
	return out, err
}

// data is the value of an input, a param or a state.
func (r *Run) data(n *ir.Node) (*ir.Array, error) {
	if n.Type.State {
		if a := r.State[n.Name]; a != nil {
			return a, r.fits(n, a)
		}
		a, err := ir.NewArray(n.Type, r.Env)
		if err != nil {
			return nil, err
		}
		if r.State == nil {
			r.State = map[string]*ir.Array{}
		}
		r.State[n.Name] = a
		return a, nil
	}
	a, err := r.Value(n)
	if err != nil {
		return nil, err
	}
	return a, r.fits(n, a)
}

// fits holds what came from outside against its type.
func (r *Run) fits(n *ir.Node, a *ir.Array) error {
	size, same := 1, len(a.Axes) == len(n.Type.Axes)
	for i, ax := range n.Type.Axes {
		v, err := ax.Dim.Eval(r.Env)
		if err != nil {
			return err
		}
		same = same && a.Axes[i] == ax.Name && a.Dims[i] == int(v)
		size *= int(v)
	}
	if len(a.Data) != size {
		return fmt.Errorf("%s has %d elements, its type %s wants %d", n.Name, len(a.Data), n.Type, size)
	}
	if !same {
		return fmt.Errorf("%s has axes %v of %v, its type is %s", n.Name, a.Axes, a.Dims, n.Type)
	}
	return nil
}
