package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/llorch/llorch/ir"
	"github.com/llorch/llorch/ir/html"
	"github.com/llorch/llorch/models"
	"github.com/llorch/llorch/passes"
	"github.com/llorch/llorch/passes/lower"
)

// outputFlag is where a text goes that else goes to standard output.
type outputFlag struct {
	Output string `short:"o" placeholder:"FILE" help:"Write to a file instead of standard output."`
}

// write has f write to the file, all of it or nothing, or to standard output.
func (o outputFlag) write(e *env, f func(io.Writer) error) error {
	if o.Output == "" {
		return f(e.stdout)
	}
	var b bytes.Buffer
	if err := f(&b); err != nil {
		return err
	}
	return os.WriteFile(o.Output, b.Bytes(), 0o666)
}

// html writes the page of a model: its graph as declared and after each pass. The page of a graph that does not compile shows how far
// it came and why; the error is returned all the same. Symbols stay: --bind only says where their sliders begin.
func (c *irCmd) html(e *env, env map[string]int64) error {
	g, err := pageGraph(c.Model)
	if g == nil {
		return err
	}
	p := html.New(filepath.Base(c.Model))
	p.Add(html.Stage{Name: "declared", Doc: "the graph as it was declared", Graphs: []html.Graph{{Graph: g}}})
	if err == nil && len(env) > 0 {
		if err := passes.Bind(g.Clone(g.Name), env); err != nil {
			return fmt.Errorf("%s: %w", c.Model, err)
		}
	}
	p.Set(env)
	if err == nil {
		m := &passes.Module{Graphs: []*ir.Graph{g}, Chunk: passes.Chunk(g, 0), Sched: lower.CPU}
		err = passes.Run(m, c.After, func(pass string, m *passes.Module) error { p.Add(stage(pass, m)); return nil })
	}
	if err != nil {
		p.Fail(err)
	}
	return errors.Join(err, c.write(e, p.Render))
}

// pageGraph is the graph of a model or of a text, and of a text also where its shapes do not check.
func pageGraph(path string) (*ir.Graph, error) {
	if !isGraphFile(path) {
		m, err := models.Open(path)
		if err != nil {
			return nil, err
		}
		defer m.Close()
		return m.Graph(models.Options{})
	}
	gs, err := readGraphs(path)
	switch {
	case gs == nil:
		return nil, err
	case len(gs) != 1:
		return nil, fmt.Errorf("%s: %d graphs, want one", path, len(gs))
	}
	return gs[0], err
}

// stage is what a pass left of a module.
func stage(pass string, m *passes.Module) html.Stage {
	s := html.Stage{Name: pass}
	for _, p := range passes.Pipeline {
		if p.Name == pass {
			s.Doc = p.Doc
		}
	}
	for _, g := range m.Graphs {
		h := html.Graph{Graph: g}
		for _, l := range m.Lowered[g] {
			h.Launches = append(h.Launches, html.Launch{Group: l.Group, Kernel: l.Kernel})
		}
		if p := m.Plans[g]; p != nil {
			h.Arena = &html.Arena{Bytes: p.Arena, Sum: p.Sum}
			for _, s := range p.Slots {
				h.Arena.Slots = append(h.Arena.Slots, html.Slot{
					Node: s.Node, DType: lower.MemoryType(s.Node), Offset: s.Offset, Bytes: s.Bytes, First: s.First, Last: s.Last,
				})
			}
		}
		s.Graphs = append(s.Graphs, h)
	}
	return s
}

// html writes the page of the graphs of a text, with what is wrong with them.
func (c *checkCmd) html(e *env, gs []*ir.Graph, err error) error {
	p := html.New(filepath.Base(c.File))
	s := html.Stage{Name: "declared", Doc: "the graph as the text declares it"}
	for _, g := range gs {
		s.Graphs = append(s.Graphs, html.Graph{Graph: g})
	}
	p.Add(s)
	if err != nil {
		p.Fail(err)
	}
	return c.write(e, p.Render)
}
