package ir

import (
	"fmt"

	"github.com/llorch/llorch/ir/dim"
)

// Graph is a model, or one specialisation of it: nodes in SSA form and topological order.
type Graph struct {
	Name    string
	Bounds  dim.Bounds
	Step    *Step // nil for a graph without a sequence
	Nodes   []*Node
	Outputs []*Node
	Groups  []*Group // after fusion: what becomes one kernel each, in execution order
	Table   Table
	names   map[string]*Node
}

// Step says how a run of the graph extends a sequence: New tokens after Past ones. It prints "step S after P".
type Step struct {
	New, Past dim.Dim
}

// Node is an op applied to values, and the value that it defines. It prints as
//
//	layers.0.attn.scores: f32[head=8, q=S, kv=P+S] = matmul(layers.0.attn.q, layers.0.attn.k) {over=dim} @models/llama.go:142
type Node struct {
	Name  string // path of the value, unique in the graph
	Op    *Op
	In    []*Node
	Attrs Attrs
	Type  Type
	Pos   Position
	Group *Group // nil before fusion, and for leaves
}

// Group is a set of nodes that one kernel computes.
type Group struct {
	Name  string // path of what it computes
	Role  Role
	Nodes []*Node // topological
}

// Role is the skeleton that a group is lowered with.
type Role uint8

const (
	RoleMap       Role = iota // elements independent of one another
	RoleRow                   // row reductions and what is fused with them
	RoleContract              // contractions with weights that share an input, their prologue and epilogue
	RoleAttention             // scores, normalisation and weighted sum over a cache
	RoleNone                  // index maps that are only a view: no kernel
)

var roleNames = [...]string{"map", "row", "contract", "attention", "view"}

func (r Role) String() string { return roleNames[r] }

// Position is a place in a source file.
type Position struct {
	File string
	Line int
}

func (p Position) String() string {
	if p.File == "" {
		return "?"
	}
	return fmt.Sprintf("%s:%d", p.File, p.Line)
}

// New makes an empty graph over a table of ops.
func New(name string, table Table) *Graph {
	return &Graph{Name: name, Table: table, names: map[string]*Node{}}
}

// Node returns the node of that name, or nil.
func (g *Graph) Node(name string) *Node { return g.names[name] }

// add appends a node; a name that is taken is left for Verify to report.
func (g *Graph) add(n *Node) {
	g.Nodes = append(g.Nodes, n)
	if g.names == nil {
		g.names = map[string]*Node{}
	}
	if g.names[n.Name] == nil {
		g.names[n.Name] = n
	}
}

// SetNodes replaces the nodes: how a pass hands back what it rewrote.
func (g *Graph) SetNodes(ns []*Node) {
	g.Nodes, g.names = nil, map[string]*Node{}
	for _, n := range ns {
		g.add(n)
	}
}

// Users maps each node to the nodes that read it, in order.
func (g *Graph) Users() map[*Node][]*Node {
	u := map[*Node][]*Node{}
	for _, n := range g.Nodes {
		for _, in := range n.In {
			u[in] = append(u[in], n)
		}
	}
	return u
}

// Clone is a deep copy of nodes and groups under another name.
func (g *Graph) Clone(name string) *Graph {
	c := New(name, g.Table)
	c.Bounds = *g.Bounds.Clone()
	if g.Step != nil {
		s := *g.Step
		c.Step = &s
	}
	to := map[*Node]*Node{}
	for _, n := range g.Nodes {
		m := *n
		m.In = make([]*Node, len(n.In))
		for i, in := range n.In {
			m.In[i] = to[in]
		}
		to[n] = &m
		c.add(&m)
	}
	for _, o := range g.Outputs {
		c.Outputs = append(c.Outputs, to[o])
	}
	for _, gr := range g.Groups {
		h := &Group{Name: gr.Name, Role: gr.Role}
		for _, n := range gr.Nodes {
			h.Nodes = append(h.Nodes, to[n])
			to[n].Group = h
		}
		c.Groups = append(c.Groups, h)
	}
	return c
}
