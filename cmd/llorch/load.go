package main

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/llorch/llorch/codegen"
	"github.com/llorch/llorch/ir"
	"github.com/llorch/llorch/ir/kernel"
	"github.com/llorch/llorch/ir/op"
	"github.com/llorch/llorch/models"
	"github.com/llorch/llorch/models/austen"
	"github.com/llorch/llorch/runtime"
)

// ready is a model on an engine, from a model's file or from an artifact.
type ready struct {
	*runtime.Model
	chunk   int           // the most tokens that its steps take
	file    *models.Model // nil for an artifact
	job     engineJob
	closers []func() error
}

func (r *ready) Close() {
	for i := len(r.closers) - 1; i >= 0; i-- {
		_ = r.closers[i]() // read-only mappings and workers: nothing is lost
	}
}

// loadOptions say how a model is made ready.
type loadOptions struct {
	engineFlags
	activationFlag
	chunk     int
	ctx       int  // 0 for the model's own
	tokenizer bool // without one, ids are all that is asked for
	verify    bool // of an artifact, every file
	profile   func(node, kernel string, d time.Duration)
}

// modelName is a model's path, for people.
func modelName(path string) string {
	if path == "" {
		return "the built-in model"
	}
	return path
}

// openModel opens a model's file, or the built-in model.
func openModel(path string) (*models.Model, error) {
	if path == "" {
		return models.Parse(modelName(path), austen.GGUF)
	}
	return models.Open(path)
}

// load makes a model ready to run: an artifact as it is, anything else compiled in memory.
func load(e *env, path string, o loadOptions) (*ready, error) {
	stop := e.busy("loading " + filepath.Base(modelName(path)))
	defer stop()
	r := &ready{job: engineJob{flags: &o.engineFlags, profile: o.profile, warn: func(s string) { fmt.Fprintln(e.stderr, "llorch: warning:", s) }}}
	if err := r.open(e, path, o); err != nil {
		r.Close()
		return nil, err
	}
	p := r.job.program
	r.chunk = p.Chunk
	engine, err := engines[p.Target](r.job)
	if err != nil {
		r.Close()
		return nil, fmt.Errorf("%s: %w", modelName(path), err)
	}
	r.closers = append(r.closers, engine.Close)
	if r.file != nil {
		r.file.Release(nil) // what was packed is in memory of its own now
	}
	if r.Model, err = runtime.NewModel(p, engine); err != nil {
		r.Close()
		return nil, fmt.Errorf("%s: %w", modelName(path), err)
	}
	return r, nil
}

// open fills in what the engine is made of.
func (r *ready) open(e *env, path string, o loadOptions) error {
	if path != "" && runtime.IsArtifact(path) {
		if o.ctx != 0 {
			return usageError{fmt.Errorf("--ctx is for models: %s is compiled already", path)}
		}
		if o.Activations != "" {
			return usageError{fmt.Errorf("--activations is for models: %s is compiled already", path)}
		}
		a, err := runtime.OpenArtifact(path, runtime.OpenOptions{Target: o.Target, Verify: o.verify})
		if err != nil {
			return err
		}
		r.closers = append(r.closers, a.Close)
		if !o.tokenizer {
			a.Program.Tokenizer = nil
		}
		if engines[a.Program.Target] == nil {
			return fmt.Errorf("%s: compiled for target %s, which llorch does not run", path, a.Program.Target)
		}
		r.job.program, r.job.weights, r.job.artifact = a.Program, a, a
		return o.suits(a.Program.Target)
	}
	if o.verify {
		return usageError{fmt.Errorf("--verify is for artifacts, whose files have sums: %s is none", modelName(path))}
	}
	target := cmp.Or(o.Target, "cpu")
	if err := o.suits(target); err != nil {
		return err
	}
	m, err := openModel(path)
	if err != nil {
		return err
	}
	r.file, r.closers = m, append(r.closers, m.Close)
	e.warnUnread(m)
	c, err := compileModel(m, compileOptions{target: target, chunk: o.chunk, ctx: o.ctx, tokenizer: o.tokenizer, archs: archsAtHand(target, &o.deviceFlags),
		activationFlag: o.activationFlag})
	if err != nil {
		return err
	}
	r.job.program, r.job.weights, r.job.compiled = c.Program, c.Weights(m), c
	return nil
}

// warnUnread tells of configuration that nothing here knows: it may be harmless, but it is not ignored in silence.
func (e *env) warnUnread(m *models.Model) {
	if len(m.Unread) > 0 {
		fmt.Fprintf(e.stderr, "llorch: warning: %s: keys that llorch does not know have no effect: %s\n", m.Path, strings.Join(m.Unread, ", "))
	}
}

type compileOptions struct {
	target    string
	kv        ir.DType // Invalid: as the weights ask
	chunk     int
	ctx       int
	tokenizer bool
	archs     []string // of the devices; none: the target's choice
	activationFlag
}

// compileModel takes a model from its graph to a program.
func compileModel(m *models.Model, o compileOptions) (*codegen.Compiled, error) {
	g, err := m.Graph(models.Options{KV: o.kv, Context: o.ctx})
	if err != nil {
		return nil, err
	}
	if o.Activations != "" && !slices.ContainsFunc(g.Leaves(ir.FromWeights), func(n *ir.Node) bool { return n.Type.DType.Row().Format != nil }) {
		return nil, usageError{fmt.Errorf("--activations says what block weights are multiplied with, and %s has none", m.Path)}
	}
	c, err := codegen.Compile(g, codegen.Options{Target: o.target, Chunk: o.chunk, Compiler: version(), Archs: o.archs, Activations: o.activationFlag.dtype()})
	if err != nil {
		return nil, err
	}
	c.Program.Model, c.Program.Arch = m.Name, m.Arch
	if o.tokenizer {
		if c.Program.Tokenizer, err = m.Tokenizer(); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// parseKV is the dtype of --kv.
func parseKV(s string) ir.DType {
	d, _ := kernel.ParseDType(s) // kong has checked the word; "" is Invalid
	return d
}

// isGraphFile reports a graph in text form.
func isGraphFile(path string) bool { return strings.HasSuffix(path, ".ir") }

// readGraphs parses a text of one or several graphs and proves each.
func readGraphs(path string) ([]*ir.Graph, error) {
	src, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	gs, err := ir.ParseAll(filepath.ToSlash(path), string(src), op.Table)
	if err != nil {
		return nil, err
	}
	var errs ir.Errors
	for _, g := range gs {
		if err := ir.Verify(g); err != nil {
			errs = append(errs, err.(ir.Errors)...)
		}
	}
	return gs, errs.Err()
}
