package packaged

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"

	"github.com/llorch/llorch/models/mmap"
	"github.com/llorch/llorch/runtime"
	"github.com/llorch/llorch/runtime/cpu"
)

// Target is the target that a package's program is compiled for.
const Target = "go"

// Package is the content of a generated package.
type Package struct {
	Name     string                 // as errors say it
	Manifest []byte                 // its manifest.json
	Weights  []byte                 // its weights.bin, where that is embedded
	Kernels  map[string]*cpu.Kernel // by kernel.Key
	Tiles    []cpu.Tile
}

// Model is a package's model. Goroutines may share it: each call is a sequence of its own, and their steps take turns.
type Model struct {
	pkg      Package
	settings settings
	optErr   error // of the options of New

	once    sync.Once // loads
	err     error     // of loading; or that it was closed before
	model   *runtime.Model
	ending  sync.Once // calls closers, last first
	closers []func() error
	endErr  error
}

var errClosed = errors.New("the model is closed")

// New is a model that is loaded when it is first asked for text. Errors, those of the options too, come from there.
func New(p Package, opts ...Option) *Model {
	m := &Model{pkg: p}
	m.settings, m.optErr = defaults().with(opts)
	return m
}

// Open is a model whose weights are in a file, and loads it.
func Open(p Package, weights string, opts ...Option) (*Model, error) {
	m := New(p, opts...)
	if m.optErr != nil {
		return nil, m.wrap(m.optErr)
	}
	f, err := mmap.Open(weights)
	if err != nil {
		return nil, m.wrap(err)
	}
	m.closers = append(m.closers, f.Close)
	m.pkg.Weights = f.Data()
	if err := m.load(); err != nil {
		return nil, m.wrap(fmt.Errorf("%s: %w", weights, err))
	}
	return m, nil
}

// Generate is the text that follows prompt. When ctx ends first it is the text so far and ctx's error.
func (m *Model) Generate(ctx context.Context, prompt string, opts ...Option) (string, error) {
	var text strings.Builder
	for piece, err := range m.Stream(ctx, prompt, opts...) {
		if err != nil {
			return text.String(), err
		}
		text.WriteString(piece)
	}
	return text.String(), nil
}

// Stream is Generate piece by piece, each of whole characters. An error is the last thing that it yields.
func (m *Model) Stream(ctx context.Context, prompt string, opts ...Option) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		if err := m.stream(ctx, prompt, opts, yield); err != nil {
			yield("", m.wrap(err))
		}
	}
}

// stream returns an error that is still to be yielded.
func (m *Model) stream(ctx context.Context, prompt string, opts []Option, yield func(string, error) bool) error {
	opt, err := m.options(opts)
	if err != nil {
		return err
	}
	if err := m.load(); err != nil {
		return err
	}
	var result runtime.Result
	opt.Result = &result
	for tok, err := range m.model.Generate(ctx, prompt, opt) {
		if err != nil {
			return err
		}
		if tok.Text != "" && !yield(tok.Text, nil) {
			return nil
		}
	}
	if result.StopReason == runtime.StopCancelled {
		return context.Cause(ctx)
	}
	return nil
}

// options are those of one call: New's, then its own.
func (m *Model) options(opts []Option) (runtime.Options, error) {
	if m.optErr != nil {
		return runtime.Options{}, m.optErr
	}
	s, err := m.settings.with(opts)
	if err == nil && s.threads != m.settings.threads {
		err = errors.New("the option Threads is for the whole model, not for one call")
	}
	return s.generation(), err
}

// load makes the model ready, once.
func (m *Model) load() error {
	m.once.Do(func() {
		if m.err = m.start(); m.err != nil {
			m.err = errors.Join(m.err, m.end())
		}
	})
	return m.err
}

// start checks the program and starts the engine on it.
func (m *Model) start() error {
	a, err := runtime.NewArtifact(m.pkg.Manifest, m.pkg.Weights, Target)
	if err != nil {
		return err
	}
	for i := range a.Program.Kernels {
		if k := &a.Program.Kernels[i]; m.pkg.Kernels[k.Key] == nil { // the engine would interpret it
			return fmt.Errorf("kernel %s (key %s) is not in the package, whose files are not of one compilation: generate it again", k.Name, k.Key)
		}
	}
	engine, err := cpu.New(a.Program, a, cpu.Library{Kernels: m.pkg.Kernels, Tiles: m.pkg.Tiles}, cpu.Options{Threads: m.settings.threads})
	if err != nil {
		return err
	}
	shared := newTurns(engine)
	m.closers = append(m.closers, shared.Close)
	m.model, err = runtime.NewModel(a.Program, shared)
	return err
}

// Close ends the engine's workers and lets go of the weights, once the step under way has ended; calls then end with an error. A
// program that uses its model to the end need not call it.
func (m *Model) Close() error {
	m.once.Do(func() { m.err = errClosed }) // nothing will be loaded
	return m.end()
}

// end undoes what start and Open did.
func (m *Model) end() error {
	m.ending.Do(func() {
		for _, c := range slices.Backward(m.closers) {
			m.endErr = errors.Join(m.endErr, c())
		}
	})
	return m.endErr
}

func (m *Model) wrap(err error) error { return fmt.Errorf("%s: %w", m.pkg.Name, err) }
