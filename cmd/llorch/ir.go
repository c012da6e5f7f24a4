package main

import (
	"fmt"
	"io"
	"os"
	"slices"
	"sort"
	"strconv"
	"strings"

	"github.com/llorch/llorch/ir"
	"github.com/llorch/llorch/models"
	"github.com/llorch/llorch/passes"
	"github.com/llorch/llorch/passes/lower"
)

type irCmd struct {
	Model  string `arg:"" help:"A .gguf file, a Hugging Face folder, or a graph in text form (.ir)." predictor:"path"`
	After  string `placeholder:"PASS" help:"Run the passes up to this one: ${passes}."`
	Bind   string `placeholder:"S=5,P=2" help:"Values for symbols."`
	Format string `enum:"text,dot,html" default:"text" help:"text, which parses back, dot for Graphviz, or html: one page with every pass, sizes that follow --bind's sliders, kernels and the arena."`
	outputFlag
}

func (c *irCmd) Run(e *env) error {
	env, err := parseBind(c.Bind)
	if err != nil {
		return usageError{err}
	}
	if c.After != "" && !slices.Contains(passes.Names(), c.After) {
		return usageError{fmt.Errorf("no pass %s: want one of %s", c.After, strings.Join(passes.Names(), ", "))}
	}
	if c.Format == "html" {
		return c.html(e, env)
	}
	g, err := openGraph(c.Model)
	if err != nil {
		return err
	}
	if len(env) > 0 {
		if err := passes.Bind(g, env); err != nil {
			return fmt.Errorf("%s: %w", c.Model, err)
		}
	}
	m := &passes.Module{Graphs: []*ir.Graph{g}, Chunk: passes.Chunk(g, 0), Sched: lower.CPU}
	if c.After != "" {
		if err := passes.Run(m, c.After, nil); err != nil {
			return err
		}
	}
	return c.write(e, func(w io.Writer) error {
		_, err := io.WriteString(w, c.text(m))
		return err
	})
}

func (c *irCmd) text(m *passes.Module) string {
	var b strings.Builder
	for _, g := range m.Graphs {
		if c.Format == "dot" {
			b.WriteString(ir.Dot(g))
			continue
		}
		b.WriteString(ir.Print(g))
	}
	if c.Format == "text" {
		b.WriteString(comments(m))
	}
	return b.String()
}

// comments are what lower and plan add to the graphs, as comments of the text: the kernels, each once, and the arena.
func comments(m *passes.Module) string {
	var b strings.Builder
	seen := map[string]bool{}
	for _, g := range m.Graphs {
		for _, l := range m.Lowered[g] {
			if k := l.Kernel.Key(); !seen[k] {
				seen[k] = true
				for _, line := range strings.Split(strings.TrimSpace(l.Kernel.String()), "\n") {
					fmt.Fprintf(&b, "# %s\n", line)
				}
				b.WriteString("\n")
			}
		}
		if p := m.Plans[g]; p != nil {
			fmt.Fprintf(&b, "# arena of %s: %d bytes, %d without reuse\n", g.Name, p.Arena, p.Sum)
			for _, s := range p.Slots {
				fmt.Fprintf(&b, "#   %10d +%-10d launches %d to %d  %s\n", s.Offset, s.Bytes, s.First, s.Last, s.Node.Name)
			}
		}
	}
	return b.String()
}

// openGraph is the proved graph of a model or of a text.
func openGraph(path string) (*ir.Graph, error) {
	if !isGraphFile(path) {
		m, err := models.Open(path)
		if err != nil {
			return nil, err
		}
		defer m.Close()
		return m.Graph(models.Options{})
	}
	gs, err := readGraphs(path)
	if err != nil {
		return nil, err
	}
	if len(gs) != 1 {
		return nil, fmt.Errorf("%s: %d graphs, want one", path, len(gs))
	}
	return gs[0], nil
}

func parseBind(s string) (map[string]int64, error) {
	env := map[string]int64{}
	if s == "" {
		return env, nil
	}
	for _, part := range strings.Split(s, ",") {
		name, v, ok := strings.Cut(strings.TrimSpace(part), "=")
		n, err := strconv.ParseInt(v, 10, 64)
		if _, twice := env[name]; !ok || err != nil || name == "" || n < 0 || twice {
			return nil, fmt.Errorf("--bind: %q is not symbol=integer, each symbol once", part)
		}
		env[name] = n
	}
	return env, nil
}

type checkCmd struct {
	File   string `arg:"" help:"A graph in text form (.ir)." predictor:"path"`
	Format string `enum:"text,html" default:"text" help:"text, or html: a page of the graph with the edges marked that are at fault."`
	outputFlag
}

func (c *checkCmd) Run(e *env) error {
	if info, err := os.Stat(c.File); err == nil && info.IsDir() {
		return usageError{fmt.Errorf("%s is a folder: check takes a graph in text form", c.File)}
	}
	if c.Output != "" && c.Format != "html" {
		return usageError{fmt.Errorf("-o is for --format html: the diagnostics of a text go to standard error")}
	}
	gs, err := readGraphs(c.File)
	if c.Format == "html" && gs != nil {
		if err := c.html(e, gs, err); err != nil {
			return err
		}
	}
	if errs, ok := err.(ir.Errors); ok {
		fmt.Fprintln(e.stderr, errs)
		return fmt.Errorf("%s: %s", c.File, count(len(errs), "error"))
	}
	if err != nil {
		return err
	}
	report := e.stdout
	if c.Format == "html" && c.Output == "" {
		report = e.stderr // standard output has the page
	}
	for _, g := range gs {
		fmt.Fprintf(report, "%s: graph %s: %s proved%s\n", c.File, g.Name, count(len(g.Nodes), "value"), forall(g))
	}
	return nil
}

// forall names the symbols for which a graph is proved.
func forall(g *ir.Graph) string {
	syms := g.Bounds.Declared()
	if len(syms) == 0 {
		return ""
	}
	sort.Strings(syms)
	return " for every allowed " + strings.Join(syms, ", ")
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
