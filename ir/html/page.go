package html

import (
	"errors"
	"maps"
	"slices"

	"github.com/llorch/llorch/ir"
	"github.com/llorch/llorch/ir/dim"
	"github.com/llorch/llorch/ir/kernel"
)

// Stage is what a pass left: its graphs, and what was derived of them by then.
type Stage struct {
	Name, Doc string
	Graphs    []Graph
}

// Graph is a graph with its kernels, after lowering, and its arena, after planning.
type Graph struct {
	*ir.Graph
	Launches []Launch
	Arena    *Arena
}

// Launch is a run of a kernel, which computes a group.
type Launch struct {
	Group  *ir.Group
	Kernel *kernel.Kernel
}

// Arena is the memory of a graph's intermediates.
type Arena struct {
	Bytes, Sum int64 // with and without reuse
	Slots      []Slot
}

// Slot is a value's place in an arena, from the launch First to the launch Last.
type Slot struct {
	Node          *ir.Node
	DType         kernel.DType // that it has in memory
	Offset, Bytes int64
	First, Last   int
}

// Page collects stages.
type Page struct {
	title  string
	t      *tables
	stages []stageJSON
	syms   []symbolJSON
	faults []fault
	failed string // an error that is none of a node
}

// New makes an empty page.
func New(title string) *Page { return &Page{title: title, t: newTables()} }

// Add encodes a stage.
func (p *Page) Add(s Stage) {
	j := stageJSON{Name: s.Name, Doc: s.Doc, Graphs: []graphJSON{}}
	for _, g := range s.Graphs {
		p.symbols(g.Graph)
		j.Graphs = append(j.Graphs, p.t.graph(g))
	}
	p.stages = append(p.stages, j)
}

// Fail has the page tell an error: diagnostics with the edges that they are about, all else as its text.
func (p *Page) Fail(err error) {
	var errs ir.Errors
	if !errors.As(err, &errs) {
		p.failed = err.Error()
		return
	}
	for _, d := range errs {
		p.faults = append(p.faults, p.fault(d))
	}
	for _, d := range errs {
		if d.Counter != nil {
			p.Set(d.Counter)
			break
		}
	}
}

// Set gives symbols the values that the page opens with.
func (p *Page) Set(env map[string]int64) {
	for i := range p.syms {
		if v, ok := env[p.syms[i].Name]; ok {
			p.syms[i].Value = num(v)
		}
	}
}

// unbounded is how far the slider goes of a symbol without an upper bound.
const unbounded = 4096

// symbols adds a graph's symbols to the sliders. They open with the graph's example or else with a step that tells new tokens
// from past ones.
func (p *Page) symbols(g *ir.Graph) {
	for _, s := range g.Bounds.Declared() {
		if slices.ContainsFunc(p.syms, func(j symbolJSON) bool { return j.Name == s }) {
			continue
		}
		d := dim.Sym(s)
		lo, _ := g.Bounds.Min(d)
		hi, ok := g.Bounds.Max(d)
		if !ok {
			hi = max(lo, unbounded)
		}
		j := symbolJSON{Name: s, Min: num(lo), Max: num(hi), Value: num(lo)}
		env := maps.Clone(g.Bounds.Example())
		if env == nil {
			env = map[string]int64{}
		}
		if g.Step != nil && g.Step.New.Same(d) {
			j.Doc = "new tokens"
			preset(env, s, 5)
		} else if g.Step != nil && g.Step.Past.Same(d) {
			j.Doc = "past tokens"
			preset(env, s, 2)
		}
		if v, ok := env[s]; ok {
			j.Value = num(max(lo, min(hi, v)))
		}
		p.syms = append(p.syms, j)
	}
}

func preset(env map[string]int64, s string, v int64) {
	if _, ok := env[s]; !ok {
		env[s] = v
	}
}
