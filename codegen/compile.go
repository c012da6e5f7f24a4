package codegen

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/llorch/llorch/ir"
	"github.com/llorch/llorch/ir/kernel"
	"github.com/llorch/llorch/passes"
	"github.com/llorch/llorch/runtime"
)

// Options are what a compilation needs besides the graph.
type Options struct {
	Target   string
	Chunk    int    // the most new tokens of a step; 0: the target's
	Compiler string // llorch's version
	// Archs are the architectures of the devices that it is for, as Files takes them: kernels keep to the memory that all of them have.
	Archs []string
	// Activations are what block weights are multiplied with: kernel.F32, or a type that the target has. Invalid is the
	// target's choice.
	Activations kernel.DType
	Check       func(pass string, m *passes.Module) error
}

// Compiled is a graph made ready for a target.
type Compiled struct {
	Program *runtime.Program
	Target  *Target
	Module  *passes.Module
	Kernels []*kernel.Kernel // in the order of Program.Kernels
	consts  map[string][]float64
}

// Files are the kernels' sources and, where the target's are compiled, binaries for devices of these architectures, or of its own
// choice.
func (c *Compiled) Files(archs []string) (map[string][]byte, error) {
	files, err := c.Target.Sources(c.Program, c.Kernels)
	if err != nil || c.Target.Build == nil {
		return files, err
	}
	built, err := c.Target.Build(files, archs)
	maps.Copy(files, built)
	return files, err
}

// Compile proves, optimises and lowers a graph. The graph itself is left as it is.
func Compile(g *ir.Graph, o Options) (*Compiled, error) {
	t, err := Lookup(o.Target)
	if err != nil {
		return nil, err
	}
	if err := supported(g, t); err != nil {
		return nil, err
	}
	if t.Within != nil {
		t = t.Within(t, o.Archs)
	}
	sched := t.Schedule
	switch {
	case o.Activations == kernel.F32:
		sched.Acts = kernel.Invalid
	case o.Activations.IsActs() && sched.Acts != kernel.Invalid:
		sched.Acts = o.Activations
	case o.Activations != kernel.Invalid:
		return nil, fmt.Errorf("target %s does not round activations to %s", t.Name, o.Activations)
	}
	sched.Chunk = passes.Chunk(g, cmp.Or(o.Chunk, sched.Chunk))
	m := &passes.Module{Graphs: []*ir.Graph{g.Clone(g.Name)}, Chunk: sched.Chunk, Sched: sched}
	if err := passes.Run(m, "", o.Check); err != nil {
		return nil, err
	}
	l := newLinker(m, t, o)
	if err := l.link(); err != nil {
		return nil, err
	}
	return &Compiled{Program: l.p, Target: t, Module: m, Kernels: l.kernels, consts: l.consts}, nil
}

// supported refuses weight types that the target lacks, all of them at once.
func supported(g *ir.Graph, t *Target) error {
	var errs ir.Errors
	for _, n := range g.Leaves(ir.FromWeights) {
		if n.Type.DType.Row().Weight && !slices.Contains(t.DTypes, n.Type.DType) {
			errs = append(errs, &ir.Diag{Pos: n.Pos, Path: n.Name, Op: n.Op.Name,
				What: fmt.Sprintf("target %s has no kernels for weights of type %s", t.Name, n.Type.DType)})
		}
	}
	return errs.Err()
}
