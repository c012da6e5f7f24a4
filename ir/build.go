package ir

import (
	"path/filepath"
	"runtime"
	"strings"

	"github.com/llorch/llorch/ir/dim"
)

// Scope builds nodes under a path. Nothing is checked while building, so that a program with several mistakes is told all
// of them: Infer checks.
type Scope struct {
	g    *Graph
	path string
	up   int // callers to pass over for a node's position
}

// Up is s for a function that declares nodes on its caller's behalf: their position is the line that called it.
func (s Scope) Up() Scope {
	s.up++
	return s
}

// Root is the scope without a path.
func (g *Graph) Root() Scope { return Scope{g: g} }

// Sub is the scope of a layer below: "layers.0.attn".
func (s Scope) Sub(name string) Scope { return Scope{g: s.g, path: s.full(name), up: s.up} }

func (s Scope) full(name string) string {
	if s.path == "" {
		return name
	}
	return s.path + "." + name
}

// Op defines a value: the named row of the graph's table applied to in. The node's position is the first caller outside
// this package, or one of its callers after Up.
func (s Scope) Op(op, name string, attrs Attrs, in ...*Node) *Node {
	n := &Node{Name: s.full(name), Op: s.g.Table[op], In: in, Attrs: attrs, Pos: caller(s.up)}
	if n.Op == nil {
		n.Op = &Op{Name: op} // Infer reports it
	}
	s.g.add(n)
	return n
}

// Declare defines a leaf of a declared type: param, input, state.
func (s Scope) Declare(op, name string, t Type, attrs Attrs) *Node {
	n := s.Op(op, name, attrs)
	n.Type = t
	return n
}

// Sequence declares that the graph steps through a sequence of at most context tokens: S of them are new and come after P.
func (g *Graph) Sequence(context int) (new, past dim.Dim) {
	new, past = dim.Sym("S"), dim.Sym("P")
	g.Bounds.Declare("S")
	g.Bounds.Declare("P")
	g.Bounds.AtLeast(new, dim.Const(1))
	g.Bounds.AtLeast(past, dim.Const(0))
	g.Bounds.AtMost(past.Add(new), dim.Const(int64(context)))
	g.Step = &Step{New: new, Past: past}
	return new, past
}

// Output makes nodes the graph's results.
func (g *Graph) Output(ns ...*Node) { g.Outputs = append(g.Outputs, ns...) }

// own is the prefix of this package's function names in stack frames.
const own = "github.com/llorch/llorch/ir."

// caller is the place of the call into this package, or with up of that many callers above it.
func caller(up int) Position {
	var pcs [16]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs[:])])
	for {
		f, more := frames.Next()
		if !strings.HasPrefix(f.Function, own) {
			if up--; up < 0 {
				return Position{shortFile(f.File), f.Line}
			}
		}
		if !more {
			return Position{}
		}
	}
}

// shortFile keeps the folder and the file: what a reader needs, and the same on every machine.
func shortFile(path string) string {
	dir, file := filepath.Split(filepath.ToSlash(path))
	return filepath.Base(dir) + "/" + file
}
