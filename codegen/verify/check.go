package verify

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"sync"
	"time"

	"github.com/llorch/llorch/codegen"
	"github.com/llorch/llorch/ir"
	"github.com/llorch/llorch/ir/dim"
	"github.com/llorch/llorch/runtime"
)

// Target is what is verified: a model compiled for a target, on an engine. The engine is the caller's to close.
type Target struct {
	Compiled *codegen.Compiled
	Engine   runtime.Engine
	Device   string // its name, for the report
}

// target is a Check under way.
type target struct {
	Target
	ref       *Reference
	program   *runtime.Program
	watched   runtime.Watched
	report    *Report
	caches    [2]runtime.Cache
	states    [2]map[string]*ir.Array // as the launches left them
	unrounded [2]map[string]*ir.Array
	sources   map[int]string // by kernel
}

// Check runs the reference's steps on a target. What is wrong with the target is in the report; an error is of what kept it from being
// looked at.
func (r *Reference) Check(ctx context.Context, on Target) (*Report, error) {
	p := on.Compiled.Program
	t := &target{
		Target: on, ref: r, program: p, sources: map[int]string{},
		states: [2]map[string]*ir.Array{{}, {}}, unrounded: [2]map[string]*ir.Array{{}, {}},
		report: &Report{Model: p.Model, Target: p.Target, Device: on.Device, Compiler: p.Compiler, Prompt: r.opt.Prompt, Sessions: []Session{}},
	}
	var ok bool
	if t.watched, ok = on.Engine.(runtime.Watched); !ok {
		return nil, fmt.Errorf("target %s: its engine shows no launches", p.Target)
	}
	if n := len(r.opt.Prompt); n > p.Chunk || r.opt.Context() > p.Context {
		return nil, fmt.Errorf("target %s: a prompt of %d tokens, in a context of %d: its steps take %d, its context %d", p.Target, n, r.opt.Context(), p.Chunk, p.Context)
	}
	for i := range t.caches {
		var err error
		if t.caches[i], err = on.Engine.NewCache(); err != nil {
			return nil, err
		}
	}
	err := t.steps(ctx)
	if err == nil && len(t.report.Findings) == 0 { // sessions of wrong kernels tell nothing more
		if err = t.sessions(ctx); err == nil && t.failed() {
			err = t.everywhere(ctx)
		}
	}
	if err != nil && !errors.Is(err, errStopped) {
		return nil, err
	}
	t.finish()
	return t.report, nil
}

// errStopped says that a finding leaves nothing more to run.
var errStopped = errors.New("stopped")

func (t *target) steps(ctx context.Context) error {
	for _, c := range t.ref.calls {
		t.ref.opt.Progress(t.program.Target + ": " + c.String())
		if err := t.step(ctx, c); err != nil {
			return err
		}
	}
	return nil
}

// step runs a call and compares what its launches leave.
func (t *target) step(ctx context.Context, c *call) error {
	i := slices.IndexFunc(t.program.Steps, func(s runtime.Step) bool { return s.Name == c.step })
	if i < 0 || t.Compiled.Module.Graphs[i].Name != c.step {
		return fmt.Errorf("target %s has no step %s", t.program.Target, c.step)
	}
	step, g := &t.program.Steps[i], t.Compiled.Module.Graphs[i]
	launches := t.Compiled.Module.Lowered[g]
	got := &capture{values: map[*ir.Node]value{}}
	t.watched.Watch(t.watch(got, launches, step, t.ref.env(g, c)))
	logits, err := t.Engine.Step(ctx, c.step, t.caches[c.cache], c.past, c.tokens)
	t.watched.Watch(nil)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	fault := err
	if fault != nil {
		for _, l := range launches[min(len(got.times), len(launches)):] { // what did not run left nothing to go on from
			for _, n := range l.Writes {
				delete(got.values, n)
			}
		}
	}
	s := &Step{Name: c.String()}
	t.report.Steps = append(t.report.Steps, *s)
	s = &t.report.Steps[len(t.report.Steps)-1]
	for _, d := range got.times {
		s.Micros += micros(d)
	}
	var first *difference
	var passesErr error
	var wg sync.WaitGroup
	wg.Go(func() { first, passesErr = t.passes(g, c) }) // which takes as long as the other evaluation
	err = t.compare(g, c, step, got, s)
	wg.Wait()
	if err := errors.Join(err, passesErr); err != nil {
		return err
	}
	if fault != nil {
		t.fault(c, step, g, len(got.times), fault)
		return errStopped
	}
	t.passed(first, g, c, step)
	t.compareLogits(g, c, logits, s)
	return nil
}

// compare holds the values that launches left against the reference, which goes on from those.
func (t *target) compare(g *ir.Graph, c *call, step *runtime.Step, got *capture, s *Step) error {
	type result struct {
		off   off
		want  *ir.Array // its shape
		total Number
	}
	results := map[*ir.Node]result{}
	err := t.follow(g, c, got, func(n *ir.Node, want *ir.Array, v value) {
		r := result{off: measure(want, v.data, tokenAxis(n.Type)), want: want, total: -1}
		if own := c.nodes[n.Name]; own != nil {
			if own = same(own, want); own != nil {
				r.total = Number(measure(own, v.data, tokenAxis(n.Type)).Rel)
			}
		}
		results[n] = r
	})
	if err != nil {
		return err
	}
	for i, d := range got.times {
		k := t.kernel(step.Launches[i].Kernel)
		if k.times = append(k.times, d); !slices.Contains(k.Steps, step.Name) {
			k.Steps = append(k.Steps, step.Name)
		}
	}
	for _, n := range got.order(g) {
		r, ok := results[n]
		if !ok {
			continue
		}
		v := got.values[n]
		k := step.Launches[v.launch].Kernel
		node := Node{
			Step: s.Name, Name: n.Name, Kernel: t.program.Kernels[k].Name, Error: Number(r.off.Rel), Abs: Number(r.off.Abs),
			Tolerance: Number(t.ref.opt.nodeTolerance(v.dtype, n.Group, c.past+len(c.tokens))), Total: r.total, Micros: micros(got.times[v.launch]),
		}
		t.report.Nodes = append(t.report.Nodes, node)
		t.sum(&node, k, s)
		if node.Error > node.Tolerance {
			f := t.finding(OfKernel, g, n, c, r.off, r.want, float64(node.Tolerance))
			t.at(&f, step, v.launch)
			t.report.Findings = append(t.report.Findings, f)
		}
	}
	return nil
}

// passed reports the first node that the passes made another.
func (t *target) passed(d *difference, g *ir.Graph, c *call, step *runtime.Step) {
	if d == nil {
		return
	}
	f := t.finding(OfPasses, g, d.node, c, d.off, d.want, exact)
	for i, l := range step.Launches {
		if d.node.Group != nil && l.Node == d.node.Group.Name {
			t.at(&f, step, i)
		}
	}
	t.report.Findings = append(t.report.Findings, f)
}

func (t *target) compareLogits(g *ir.Graph, c *call, logits []float32, s *Step) {
	want := c.logits
	if n := len(want.Data); len(logits) < n { // of the last token
		vocab := want.Dims[len(want.Dims)-1]
		want = &ir.Array{Axes: want.Axes, Dims: []int{1, vocab}, Data: want.Data[n-vocab:]}
	}
	o := measure(want, wide(logits), 0)
	tol := t.logitsTolerance() // of all steps: the past may come from any
	s.Logits, s.LogitsAbs, s.Tolerance = Number(o.Rel), Number(o.Abs), Number(tol)
	if o.Rel > tol && len(t.report.Findings) == 0 {
		t.report.Findings = append(t.report.Findings, t.finding(OfLogits, g, g.Outputs[0], c, o, want, tol))
	}
}

// fault reports a launch that failed.
func (t *target) fault(c *call, step *runtime.Step, g *ir.Graph, launch int, err error) {
	f := Finding{Of: OfEngine, Step: c.String(), Launch: launch, Message: err.Error(), Error: Number(0)}
	if launch < len(step.Launches) {
		t.at(&f, step, launch)
		if ns := writes(t.Compiled.Module.Lowered[g], launch); len(ns) > 0 {
			t.describe(&f, g, ns[0], c)
		}
	}
	t.report.Findings = append(t.report.Findings, f)
}

func (t *target) finding(of string, g *ir.Graph, n *ir.Node, c *call, o off, shape *ir.Array, tol float64) Finding {
	f := Finding{
		Of: of, Step: c.String(), Error: Number(o.Rel), Abs: Number(o.Abs), Tolerance: Number(tol), Got: Number(o.Got), Want: Number(o.Want),
	}
	t.describe(&f, g, n, c)
	f.Element = coordinates(shape, o.At)
	return f
}

// describe says which node a finding is of, with the shapes of the step.
func (t *target) describe(f *Finding, g *ir.Graph, n *ir.Node, c *call) {
	env := map[string]dim.Dim{}
	for s, v := range t.ref.env(g, c) {
		env[s] = dim.Const(v)
	}
	f.Node, f.Layer, f.Op, f.Type, f.Declared = n.Name, layerOf(n.Name), n.Op.Name, n.Type.Subst(env).String(), n.Pos.String()
	for _, in := range n.In {
		f.Operands = append(f.Operands, in.Name+": "+in.Type.Subst(env).String())
	}
}

// source is where a kernel begins in the emitted source.
func (t *target) source(k int) string {
	if _, ok := t.sources[k]; !ok {
		t.sources[k] = sourceOf(t.Compiled, &t.program.Kernels[k])
	}
	return t.sources[k]
}

// sum enters a node into the sums.
func (t *target) sum(n *Node, kernel int, s *Step) {
	t.report.Compared++
	if n.Error >= s.Error {
		s.Error, s.Of = n.Error, n.Name
	}
	if k := t.kernel(kernel); n.Error >= k.Error {
		k.Error, k.Of = n.Error, n.Name
	}
	name := layerOf(n.Name)
	i := slices.IndexFunc(t.report.Layers, func(l Layer) bool { return l.Name == name })
	if i < 0 {
		i = len(t.report.Layers)
		t.report.Layers = append(t.report.Layers, Layer{Name: name, Error: -1, Total: -1})
	}
	l := &t.report.Layers[i]
	if n.Error > l.Error {
		l.Error, l.Of, l.Step = n.Error, n.Name, s.Name
	}
	l.Total = max(l.Total, n.Total)
}

// kernel is the sum of a kernel of the program.
func (t *target) kernel(i int) *Kernel {
	if t.report.Kernels == nil {
		for _, k := range t.program.Kernels {
			t.report.Kernels = append(t.report.Kernels, Kernel{Name: k.Name})
		}
	}
	return &t.report.Kernels[i]
}

// finish sums up.
func (t *target) finish() {
	r := t.report
	for i := range r.Kernels {
		k := &r.Kernels[i]
		slices.Sort(k.times)
		if k.Launches = len(k.times); k.Launches > 0 {
			k.Micros = micros(k.times[k.Launches/2])
		}
	}
	slices.SortStableFunc(r.Kernels, func(a, b Kernel) int {
		return cmp.Compare(b.Micros*Number(b.Launches), a.Micros*Number(a.Launches))
	})
	r.Passed = len(r.Findings) == 0
	for _, s := range r.Sessions {
		r.Passed = r.Passed && s.Passed
	}
	if len(r.Findings) > 0 {
		r.First = &r.Findings[0]
	}
}

var layer = regexp.MustCompile(`^(.*?\.\d+)\.`)

// layerOf is the layer that a node's name begins with, "layers.3", or "".
func layerOf(name string) string {
	if m := layer.FindStringSubmatch(name); m != nil {
		return m[1]
	}
	return ""
}

func micros(d time.Duration) Number { return Number(float64(d.Nanoseconds()) / 1000) }

func wide(f []float32) []float64 {
	out := make([]float64, len(f))
	for i, v := range f {
		out[i] = float64(v)
	}
	return out
}
