package codegen

import (
	"fmt"
	"slices"
	"sort"

	"github.com/llorch/llorch/ir"
	"github.com/llorch/llorch/ir/dim"
	"github.com/llorch/llorch/ir/kernel"
	"github.com/llorch/llorch/passes"
	"github.com/llorch/llorch/passes/lower"
	"github.com/llorch/llorch/runtime"
)

// linker numbers what the graphs of a module share (kernels, weights, states) and binds launches to it.
type linker struct {
	m       *passes.Module
	p       *runtime.Program
	bound   bool // the target compiles kernels with the model's sizes
	names   map[string]int
	kernels []*kernel.Kernel
	byKey   map[string]int
	weights map[string]int
	states  map[string]int
	consts  map[string][]float64
}

func newLinker(m *passes.Module, t *Target, o Options) *linker {
	return &linker{
		m: m, bound: t.Bound, names: map[string]int{},
		p: &runtime.Program{
			Format: runtime.Format, Compiler: o.Compiler, Target: t.Name, Chunk: m.Chunk, Symbols: symbols(m),
		},
		byKey: map[string]int{}, weights: map[string]int{}, states: map[string]int{}, consts: map[string][]float64{},
	}
}

// symbols orders the symbols: new tokens, past tokens, the rest by name. A graph that fixes one of the first two still has
// its place.
func symbols(m *passes.Module) []string {
	var first, rest []string
	for _, g := range m.Graphs {
		if g.Step != nil {
			for _, d := range []dim.Dim{g.Step.New, g.Step.Past} {
				for _, s := range d.Symbols() {
					if !slices.Contains(first, s) {
						first = append(first, s)
					}
				}
			}
		}
	}
	if len(first) == 2 && m.Graphs[len(m.Graphs)-1].Step.New.Coef(first[0]) == 0 {
		first[0], first[1] = first[1], first[0]
	}
	for _, g := range m.Graphs {
		for _, s := range g.Bounds.Declared() {
			if !slices.Contains(first, s) && !slices.Contains(rest, s) {
				rest = append(rest, s)
			}
		}
	}
	sort.Strings(rest)
	return append(first, rest...)
}

func (l *linker) link() error {
	for _, g := range l.m.Graphs {
		for _, s := range g.Leaves(ir.FromSession) {
			if err := l.state(s); err != nil {
				return err
			}
		}
	}
	for _, g := range l.m.Graphs {
		step, err := l.step(g)
		if err != nil {
			return fmt.Errorf("link: graph %s: %w", g.Name, err)
		}
		l.p.Steps = append(l.p.Steps, *step)
	}
	l.describe()
	return nil
}

// describe fills in the context and vocabulary, which a session checks requests against.
func (l *linker) describe() {
	g := l.m.Graphs[len(l.m.Graphs)-1]
	if g.Step == nil {
		return
	}
	if n, ok := g.Bounds.Max(g.Step.New.Add(g.Step.Past)); ok {
		l.p.Context = int(n)
	}
	for _, o := range g.Outputs[:1] {
		if len(o.Type.Axes) > 0 {
			if n, ok := o.Type.Axes[len(o.Type.Axes)-1].Dim.Const(); ok {
				l.p.Vocab = int(n)
			}
		}
	}
}

func (l *linker) step(g *ir.Graph) (*runtime.Step, error) {
	plan := l.m.Plans[g]
	s := &runtime.Step{Name: g.Name, Arena: plan.Arena}
	for _, n := range g.Leaves(ir.FromCaller) {
		p, err := l.port(plan, n, n)
		if err != nil {
			return nil, err
		}
		s.Inputs = append(s.Inputs, p)
	}
	for _, o := range g.Outputs {
		p, err := l.port(plan, o, lower.Storage(o))
		if err != nil {
			return nil, err
		}
		s.Outputs = append(s.Outputs, p)
	}
	for _, lo := range l.m.Lowered[g] {
		la, err := l.launch(plan, lo)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", lo.Group.Name, err)
		}
		s.Launches = append(s.Launches, *la)
	}
	return s, nil
}

func (l *linker) port(plan *passes.Plan, n, store *ir.Node) (runtime.Port, error) {
	slot, ok := plan.Slot(store)
	if !ok {
		return runtime.Port{}, fmt.Errorf("%s has no place in the arena: it is a %s and not a computed value", n.Name, store.Op.Name)
	}
	p := runtime.Port{Name: n.Name, DType: lower.MemoryType(store).String(), Offset: slot.Offset}
	for _, a := range n.Type.Axes {
		d, err := l.affine(a.Dim)
		if err != nil {
			return p, err
		}
		p.Shape = append(p.Shape, d)
	}
	return p, nil
}

func (l *linker) launch(plan *passes.Plan, lo *lower.Launch) (*runtime.Launch, error) {
	la := &runtime.Launch{Node: lo.Group.Name}
	for _, n := range lo.Bufs {
		r, err := l.ref(plan, n)
		if err != nil {
			return nil, err
		}
		la.Bufs = append(la.Bufs, r)
	}
	for _, d := range lo.Ints {
		a, err := l.affine(d)
		if err != nil {
			return nil, err
		}
		la.Ints = append(la.Ints, a)
	}
	for _, f := range lo.Floats {
		la.Floats = append(la.Floats, float32(f))
	}
	k := lo.Kernel
	if l.bound {
		var err error
		if k, err = l.bind(k, la); err != nil {
			return nil, err
		}
	}
	la.Kernel = l.kernel(k)
	return la, nil
}

// bind puts a launch's sizes, floats and weight types into its kernel, and leaves it the symbols that sizes depend on.
func (l *linker) bind(k *kernel.Kernel, la *runtime.Launch) (*kernel.Kernel, error) {
	var b kernel.Binding
	used := map[string]bool{}
	for _, a := range la.Ints {
		e := kernel.Expr(kernel.I(0))
		for i, c := range a.Coef {
			if c != 0 {
				used[l.p.Symbols[i]] = true
				e = kernel.Add(e, kernel.Mul(kernel.I(c), kernel.IntVar(l.p.Symbols[i])))
			}
		}
		b.Ints = append(b.Ints, kernel.Add(e, kernel.I(a.Const)))
	}
	for _, f := range la.Floats {
		b.Floats = append(b.Floats, &kernel.FloatLit{V: f})
	}
	for i, r := range la.Bufs {
		d := kernel.Invalid
		if k.Bufs[i].Role == kernel.Weight {
			d, _ = kernel.ParseDType(r.DType)
		}
		b.Weights = append(b.Weights, d)
	}
	la.Ints, la.Floats = nil, nil
	for i, s := range l.p.Symbols {
		if !used[s] {
			continue
		}
		b.Symbols = append(b.Symbols, s)
		coef := make([]int64, len(l.p.Symbols))
		coef[i] = 1
		la.Ints = append(la.Ints, runtime.Affine{Coef: coef})
	}
	bound, err := kernel.Bind(k, b)
	if err == nil {
		err = kernel.Verify(bound)
	}
	return bound, err
}

// kernel numbers a kernel; structurally equal ones share a number, and keep the first one's words.
func (l *linker) kernel(k *kernel.Kernel) int {
	key := k.Key()
	if i, ok := l.byKey[key]; ok {
		return i
	}
	i := len(l.kernels)
	l.byKey[key] = i
	if l.bound { // it becomes the name of a function, which no name with a number is yet
		l.names[k.Name]++
		named := *k
		named.Name = fmt.Sprintf("%s_%d", k.Name, l.names[k.Name])
		k = &named
	}
	l.kernels = append(l.kernels, k)
	l.p.Kernels = append(l.p.Kernels, runtime.Kernel{Name: k.Name, Key: key, Doc: k.Doc, Text: k.String()})
	return i
}

func (l *linker) ref(plan *passes.Plan, n *ir.Node) (runtime.Ref, error) {
	r := runtime.Ref{DType: n.Type.DType.String()}
	switch n.Op.Source {
	case ir.FromWeights, ir.FromCompiler:
		i, err := l.weight(n)
		r.Space, r.Index = runtime.Weight, i
		return r, err
	case ir.FromSession:
		r.Space, r.Index = runtime.State, l.states[n.Name]
		return r, nil
	}
	slot, ok := plan.Slot(n)
	if !ok {
		return r, fmt.Errorf("%s has no place in the arena", n.Name)
	}
	r.Space, r.DType, r.Offset, r.Bytes = runtime.Arena, lower.MemoryType(n).String(), slot.Offset, slot.Bytes
	return r, nil
}

func (l *linker) weight(n *ir.Node) (int, error) {
	if i, ok := l.weights[n.Name]; ok {
		return i, nil
	}
	t := runtime.Tensor{Name: n.Name, DType: n.Type.DType.String()}
	for _, a := range n.Type.Axes {
		v, ok := a.Dim.Const()
		if !ok {
			return 0, fmt.Errorf("weight %s: axis %s is symbolic", n.Name, a)
		}
		t.Shape = append(t.Shape, v)
	}
	shape := t.Shape
	if len(shape) == 0 {
		shape = []int64{1}
	}
	var err error
	if t.Bytes, err = n.Type.DType.MatrixBytes(shape...); err != nil {
		return 0, fmt.Errorf("weight %s: %w", n.Name, err)
	}
	if n.Op.Source == ir.FromCompiler {
		l.consts[n.Name] = n.Floats("values")
	}
	l.weights[n.Name] = len(l.p.Weights)
	l.p.Weights = append(l.p.Weights, t)
	return l.weights[n.Name], nil
}

func (l *linker) state(n *ir.Node) error {
	if _, ok := l.states[n.Name]; ok {
		return nil
	}
	s := runtime.StateBuffer{Name: n.Name, DType: n.Type.DType.String(), Ctx: n.Type.Index(n.Word("along"))}
	s.Bytes = int64(n.Type.DType.Row().Bytes)
	for _, a := range n.Type.Axes {
		v, ok := a.Dim.Const()
		if !ok {
			return fmt.Errorf("link: state %s: axis %s is symbolic, so no memory can be planned", n.Name, a)
		}
		s.Shape = append(s.Shape, v)
		s.Bytes *= v
	}
	l.states[n.Name] = len(l.p.States)
	l.p.States = append(l.p.States, s)
	return nil
}

// affine writes a dim in the program's order of symbols.
func (l *linker) affine(d dim.Dim) (runtime.Affine, error) {
	a := runtime.Affine{Const: d.Offset()}
	syms := d.Symbols()
	if len(syms) == 0 {
		return a, nil
	}
	a.Coef = make([]int64, len(l.p.Symbols))
	for _, s := range syms {
		i := slices.Index(l.p.Symbols, s)
		if i < 0 {
			return a, fmt.Errorf("symbol %s is unknown", s)
		}
		a.Coef[i] = d.Coef(s)
	}
	return a, nil
}
