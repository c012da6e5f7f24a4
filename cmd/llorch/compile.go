package main

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/llorch/llorch/codegen"
	"github.com/llorch/llorch/codegen/gopkg"
	"github.com/llorch/llorch/codegen/nvrtc"
	"github.com/llorch/llorch/ir"
	"github.com/llorch/llorch/models"
	"github.com/llorch/llorch/models/tokenizer"
	"github.com/llorch/llorch/runtime"
	"github.com/llorch/llorch/runtime/packaged"
)

type compileCmd struct {
	Model    string   `arg:"" help:"A .gguf file, a Hugging Face folder, or a graph in text form (.ir)." predictor:"path"`
	Target   string   `required:"" help:"What to compile for: cpu, cuda, metal, or go for a Go package."`
	Arch     []string `placeholder:"sm_90,..." help:"With --target cuda: the GPU architectures to have binaries for; sm_90 unless given. Newer ones take PTX."`
	MetalStd string   `name:"metal-std" placeholder:"VERSION" help:"With --target metal, on a Mac: the version of the Metal Shading Language to compile the kernels as, 3.1 unless given, or 3.2."`
	KV       string   `name:"kv" enum:"f32,f16," default:"" help:"Type of the KV cache; f32 for F32 weights, else f16, unless given."`
	contextFlag
	Output string `short:"o" placeholder:"DIR" help:"Where to write the artifact or Go package; without it no artifact is written."`
	activationFlag
	goPackage
}

func (c *compileCmd) Run(e *env) error {
	if _, err := codegen.Lookup(c.Target); err != nil {
		return usageError{err}
	}
	if err := c.goPackage.check(c.Target); err != nil {
		return usageError{err}
	}
	if err := c.contextFlag.check(); err != nil {
		return usageError{err}
	}
	if len(c.Arch) > 0 && c.Target != "cuda" {
		return usageError{fmt.Errorf("--arch is for target cuda, not %s", c.Target)}
	}
	if c.MetalStd != "" && c.Target != "metal" {
		return usageError{fmt.Errorf("--metal-std is for target metal, not %s", c.Target)}
	}
	if c.MetalStd != "" && !slices.Contains(codegen.MetalStds, c.MetalStd) {
		return usageError{fmt.Errorf("--metal-std is %s, want one of %s", c.MetalStd, strings.Join(codegen.MetalStds, ", "))}
	}
	if isGraphFile(c.Model) {
		return c.graph(e)
	}
	m, err := models.Open(c.Model)
	if err != nil {
		return err
	}
	defer m.Close()
	e.warnUnread(m)
	stop := e.busy("compiling")
	start := time.Now()
	done, err := compileModel(m, compileOptions{target: c.Target, kv: parseKV(c.KV), ctx: c.Ctx, archs: c.Arch, activationFlag: c.activationFlag})
	stop()
	if err != nil {
		return err
	}
	var missing *tokenizer.Missing
	if done.Program.Tokenizer, err = m.Tokenizer(); errors.As(err, &missing) && c.Target != packaged.Target {
		fmt.Fprintf(e.stderr, "llorch: warning: the artifact has no tokenizer and runs on --ids alone: %v\n", err)
	} else if err != nil {
		return err
	}
	return c.finish(e, done, done.Weights(m), time.Since(start))
}

// graph compiles a text; it has no weights to put into an artifact.
func (c *compileCmd) graph(e *env) error {
	if c.Target == packaged.Target {
		return usageError{errors.New("a Go package has a model's weights and tokenizer, and a graph's text has none: compile a model")}
	}
	if c.KV != "" {
		return usageError{fmt.Errorf("--kv is for models: %s declares its states itself", c.Model)}
	}
	if c.Ctx != 0 {
		return usageError{fmt.Errorf("--ctx is for models: %s declares its states itself", c.Model)}
	}
	gs, err := readGraphs(c.Model)
	if err != nil {
		return err
	}
	if len(gs) != 1 {
		return fmt.Errorf("%s: %d graphs, want one: a module after passes is not compiled again", c.Model, len(gs))
	}
	start := time.Now()
	done, err := codegen.Compile(gs[0], codegen.Options{Target: c.Target, Compiler: version(), Archs: c.Arch, Activations: c.activationFlag.dtype()})
	if err != nil {
		return err
	}
	took := time.Since(start)
	done.Program.Model = gs[0].Name
	if c.Output != "" && done.Program.Step(runtime.Decode) == nil {
		return fmt.Errorf("%s: an artifact steps through a sequence, and the graph declares no step: leave out -o", c.Model)
	}
	if n := len(gs[0].Leaves(ir.FromWeights)); n > 0 && c.Output != "" {
		return fmt.Errorf("%s: an artifact needs the %d weights that the graph declares, and a graph's text has none: compile a model, or leave out -o",
			c.Model, n)
	}
	return c.finish(e, done, done.Weights(nil), took)
}

// finish writes the artifact or package and prints the summary.
func (c *compileCmd) finish(e *env, done *codegen.Compiled, w runtime.Weights, took time.Duration) error {
	if c.Target == packaged.Target {
		c.Output = c.goPackage.dir(c.Output)
	}
	var kernels time.Duration
	var code int64
	if c.Output != "" {
		stop := e.busy("writing " + c.Output)
		var err error
		kernels, code, err = c.write(e, done, interruptible{w, e.ctx})
		stop()
		if err != nil {
			return err
		}
	}
	c.summary(e, done, took+kernels, code)
	return nil
}

// write also tells how long the kernels took to compile, and the bytes of those that a device would load.
func (c *compileCmd) write(e *env, done *codegen.Compiled, w runtime.Weights) (kernels time.Duration, code int64, err error) {
	if c.Target == packaged.Target {
		return 0, 0, gopkg.Write(c.Output, c.goPackage.options(c.Model), done.Program, done.Kernels, w)
	}
	start := time.Now()
	archs := c.Arch
	switch {
	case len(archs) > 0:
		archs = codegen.WithPTX(archs)
	case c.MetalStd != "":
		archs = []string{c.MetalStd}
	}
	files, err := artifactFiles(done, archs)
	if errors.Is(err, nvrtc.ErrNotFound) && len(c.Arch) == 0 {
		fmt.Fprintf(e.stderr, "llorch: warning: the artifact has the kernels' source alone, and runs where they can be compiled: %v\n", err)
	} else if err != nil {
		return 0, 0, err
	}
	return time.Since(start), codeBytes(files), runtime.WriteArtifact(c.Output, done.Program, w, files)
}

// interruptible is weights that are no longer handed out once ctx has ended: Ctrl-C stops a long write, which then leaves
// nothing.
type interruptible struct {
	runtime.Weights
	ctx context.Context
}

func (w interruptible) Data(t *runtime.Tensor) ([]byte, error) {
	if err := w.ctx.Err(); err != nil {
		return nil, err
	}
	return w.Weights.Data(t)
}

// artifactFiles are the graph, and the kernels' sources and binaries.
func artifactFiles(done *codegen.Compiled, archs []string) (map[string][]byte, error) {
	var graph strings.Builder
	for _, g := range done.Module.Graphs {
		graph.WriteString(ir.Print(g))
	}
	files := map[string][]byte{"graph.ir": []byte(graph.String())}
	kernels, err := done.Files(archs)
	for name, b := range kernels {
		files[path.Join("kernels", name)] = b
	}
	return files, err
}

func (c *compileCmd) summary(e *env, done *codegen.Compiled, took time.Duration, code int64) {
	p := done.Program
	for i, s := range p.Steps {
		plan := done.Module.Plans[done.Module.Graphs[i]]
		fmt.Fprintf(e.stdout, "%-8s %3d kernel launches, arena %s (%s without reuse)\n", s.Name, len(s.Launches), size(s.Arena), size(plan.Sum))
	}
	mem := p.Memory()
	fmt.Fprintf(e.stdout, "kernels  %d for target %s, graph to kernels in %d ms\n", len(p.Kernels), p.Target, took.Milliseconds())
	fmt.Fprintf(e.stdout, "weights  %s in %d tensors\n", size(mem.Weights), len(p.Weights))
	if len(p.States) > 0 {
		fmt.Fprintf(e.stdout, "kv cache %s of %s for %d tokens\n", size(mem.KV), p.States[0].DType, p.Context)
	}
	if code > 0 {
		fmt.Fprintf(e.stdout, "code     %s\n", size(code))
	}
	fmt.Fprintf(e.stdout, "memory   %s needed\n", size(mem.Total()+code))
	if c.Output != "" {
		fmt.Fprintf(e.stdout, "wrote    %s\n", c.Output)
	}
}

// size prints bytes in the unit that a person would use.
func size(n int64) string {
	units := []string{"B", "KiB", "MiB", "GiB", "TiB"}
	f, i := float64(n), 0
	for f >= 1024 && i < len(units)-1 {
		f /= 1024
		i++
	}
	if i == 0 {
		return fmt.Sprintf("%d B", n)
	}
	return fmt.Sprintf("%.1f %s", f, units[i])
}
