package ir

import (
	"fmt"
	"slices"
	"strings"

	"github.com/llorch/llorch/ir/dim"
)

// Verify infers every type and then holds the graph against the rules that concern more than one node: names are unique,
// operands are defined before use, each state is appended to exactly once, groups partition the nodes they name.
func Verify(g *Graph) error {
	var errs Errors
	if e, ok := Infer(g).(Errors); ok {
		errs = e
	}
	errs = append(errs, checkNames(g)...)
	errs = append(errs, checkStates(g)...)
	errs = append(errs, checkGroups(g)...)
	if len(g.Outputs) == 0 && len(errs) == 0 {
		errs = append(errs, &Diag{Path: g.Name, What: "the graph has no output"})
	}
	return errs.Err()
}

func checkBounds(g *Graph) Errors {
	if !g.Bounds.Satisfiable() {
		return Errors{{Path: g.Name, What: "the bounds allow no value: " + boundsString(&g.Bounds)}}
	}
	if g.Step == nil {
		return nil
	}
	var errs Errors
	for _, d := range []dim.Dim{g.Step.New, g.Step.Past} {
		if s := undeclared(g, &d); s != "" {
			errs = append(errs, &Diag{Path: g.Name, What: "the step uses symbol " + s + ", which the graph does not declare"})
		} else if g.Bounds.GreaterEqual(d, dim.Const(0)).Verdict != dim.Proved {
			errs = append(errs, &Diag{Path: g.Name, What: fmt.Sprintf("the step's %s tokens may be fewer than none", d), Hint: fmt.Sprintf("bound %s >= 0", d)})
		}
	}
	return errs
}

func boundsString(b *dim.Bounds) string {
	var parts []string
	for _, c := range b.Constraints() {
		parts = append(parts, c.String())
	}
	return strings.Join(parts, ", ")
}

func checkNames(g *Graph) Errors {
	var errs Errors
	defined := map[*Node]bool{}
	names := map[string]*Node{}
	for _, n := range g.Nodes {
		if first := names[n.Name]; first != nil {
			errs = append(errs, &Diag{Pos: n.Pos, Path: n.Name, Op: n.Op.Name, What: "the name is taken by a value declared at " + first.Pos.String()})
		}
		names[n.Name] = n
		if !isName(n.Name) {
			errs = append(errs, &Diag{Pos: n.Pos, Path: n.Name, Op: n.Op.Name, What: "the name is none that the text form can hold: letters, digits, _ and ."})
		}
		for _, in := range n.In {
			if in != nil && !defined[in] {
				errs = append(errs, &Diag{Pos: n.Pos, Path: n.Name, Op: n.Op.Name, What: "reads " + in.Name + ", which is defined after it or in another graph"})
			}
		}
		defined[n] = true
	}
	for i, o := range g.Outputs {
		if o == nil {
			errs = append(errs, &Diag{Path: g.Name, What: fmt.Sprintf("output %d is no value", i+1)})
		} else if !defined[o] {
			errs = append(errs, &Diag{Pos: o.Pos, Path: o.Name, What: "is an output but not a value of the graph"})
		}
	}
	return errs
}

// checkStates: a state that is appended to twice in a step, or never, would leave the cache with a hole or a duplicate;
// and nothing but an append may read one, so that no op can see positions that this step has not written.
func checkStates(g *Graph) Errors {
	var errs Errors
	users := g.Users()
	for _, n := range g.Nodes {
		if !n.Type.State {
			continue
		}
		var stores []*Node
		for _, u := range users[n] {
			if u.Op.Class != StateStore {
				errs = append(errs, &Diag{Pos: u.Pos, Path: u.Name, Op: u.Op.Name, What: "reads state " + n.Name + " directly",
					Rows: []Row{{lastPart(n.Name), n.Type}}, Hint: "read the result of append: the state's first P+S positions"})
				continue
			}
			stores = append(stores, u)
		}
		switch {
		case len(stores) == 0:
			errs = append(errs, &Diag{Pos: n.Pos, Path: n.Name, Op: n.Op.Name, What: "the state is never appended to",
				Hint: "every state is appended to exactly once a step"})
		case len(stores) > 1:
			errs = append(errs, &Diag{Pos: stores[1].Pos, Path: stores[1].Name, Op: stores[1].Op.Name,
				What: fmt.Sprintf("state %s is already appended to by %s at %s", n.Name, stores[0].Name, stores[0].Pos),
				Hint: "every state is appended to exactly once a step"})
		}
	}
	return errs
}

// checkGroups: after fusion every node but leaves is in exactly one group, and groups run in order: each reads
// only what earlier groups or leaves compute.
func checkGroups(g *Graph) Errors {
	if len(g.Groups) == 0 {
		return nil
	}
	var errs Errors
	in := map[*Node]bool{}
	for i, gr := range g.Groups {
		for _, n := range gr.Nodes {
			if n.Group != gr || in[n] {
				errs = append(errs, &Diag{Pos: n.Pos, Path: n.Name, Op: n.Op.Name, What: "is listed by kernel " + gr.Name + " but belongs to another"})
			}
			in[n] = true
			for _, x := range n.In {
				switch {
				case x == nil || x.Group == nil:
				case x.Group == gr && !in[x]:
					errs = append(errs, &Diag{Pos: n.Pos, Path: n.Name, Op: n.Op.Name, What: "reads " + x.Name + ", which kernel " + gr.Name + " computes after it"})
				case slices.Index(g.Groups, x.Group) > i:
					errs = append(errs, &Diag{Pos: n.Pos, Path: n.Name, Op: n.Op.Name, What: "kernel " + gr.Name + " runs before " + x.Group.Name + ", whose " + x.Name + " it reads"})
				}
			}
		}
	}
	for _, n := range g.Nodes {
		if n.Op.Class != Leaf && !in[n] {
			errs = append(errs, &Diag{Pos: n.Pos, Path: n.Name, Op: n.Op.Name, What: "is in no kernel"})
		}
	}
	return errs
}

// Leaves are the leaves of one source, in order.
func (g *Graph) Leaves(from Source) []*Node {
	var ns []*Node
	for _, n := range g.Nodes {
		if n.Op.Class == Leaf && n.Op.Source == from {
			ns = append(ns, n)
		}
	}
	return ns
}
