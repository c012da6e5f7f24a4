package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/llorch/llorch/codegen/verify"
	"github.com/llorch/llorch/models"
	"github.com/llorch/llorch/models/tokenizer"
	"github.com/llorch/llorch/passes"
	"github.com/llorch/llorch/runtime"
	"github.com/llorch/llorch/runtime/cpu"
)

type verifyCmd struct {
	Model     string   `arg:"" optional:"" help:"A .gguf file or a Hugging Face folder; the built-in model unless given." predictor:"path"`
	Target    []string `default:"cpu" placeholder:"NAME" help:"What to run on, one after another: cpu, cuda, metal."`
	Ctx       int      `name:"ctx" default:"0" placeholder:"N" help:"Tokens of context to have room for; 64, or what the tokens take, unless given."`
	Prompt    string   `placeholder:"TEXT" help:"What to run; the beginning of a novel unless given."`
	IDs       string   `name:"ids" placeholder:"1,2,3" help:"The prompt as token ids."`
	Tokens    int      `default:"0" placeholder:"N" help:"Tokens of the prompt to run; all that are given, else 6, and 70 of a small model."`
	N         int      `short:"n" default:"3" help:"Tokens to decode."`
	Tolerance float64  `default:"0" placeholder:"X" help:"Relative error that a node may have; unless given, 2e-5 and what the roundings in it take."`
	Nodes     bool     `help:"Print every node, too, as is done of GPUs."`
	JSON      bool     `name:"json" help:"Print a line of JSON for each target instead."`
	deviceFlags
	activationFlag
}

// Help says what is done, and what that costs.
func (verifyCmd) Help() string {
	return `The model's own graph is evaluated in float64. Then each target runs the same steps (a prompt, tokens one by one, a prompt
behind them, the logits of all positions), and what each kernel leaves in memory is held against what the reference computes
from the same operands: the first node over its tolerance is named, with its kernel. The graph that the passes made is held
against the model's own. Then come sessions: a warm-up before the prompt, two requests in turn, a fork, chunks of several
sizes, and the likeliest tokens; where one of them fails, its tokens are run once more to find the node. The exit status is 1 if
anything is off.

An error is relative to the largest magnitude among a token's elements of the node. A small model is run on 70 tokens, which
take several tiles of every kernel; of a large one, --tokens 70 asks for them. The reference is not fast: the built-in model
takes seconds, one of 1e9 parameters minutes, and more tokens proportionally longer. Large weights are widened to float64 one
at a time. The emulator watches every access: in it the built-in model takes minutes, and with --tokens 6 half a minute.

To report how llorch does on a Mac: llorch verify --target metal MODEL, and send what it prints.`
}

// novel is what is run unless something is given: a model of English is at home in it.
const novel = "It is a truth universally acknowledged, that a single man in possession of a good fortune, must be in want of a wife."

func (c *verifyCmd) Run(e *env) error {
	flags, err := c.check()
	if err != nil {
		return usageError{err}
	}
	if c.Model != "" && runtime.IsArtifact(c.Model) {
		return fmt.Errorf("%s is compiled already: verify takes the model that it was made of, and compiles that itself", c.Model)
	}
	m, err := openModel(c.Model)
	if err != nil {
		return err
	}
	defer m.Close()
	e.warnUnread(m)
	stop := func() {}
	defer func() { stop() }()
	o := verify.Options{Decode: c.N, Tolerance: c.Tolerance, Progress: func(doing string) {
		stop()
		stop = e.busy(doing)
	}}
	if o.Prompt, err = c.prompt(m); err != nil {
		return err
	}
	ctx := cmp.Or(c.Ctx, min(m.Context, max(64, o.Context())))
	g, err := m.Graph(models.Options{Context: ctx})
	if err != nil {
		return err
	}
	for i, target := range c.Target { // the reference may take minutes
		if err := flags[i].present(target); err != nil {
			return fmt.Errorf("%s: %w", modelName(c.Model), err)
		}
	}
	ref, err := verify.New(e.ctx, g, m, o)
	if err != nil {
		return fmt.Errorf("%s: %w", modelName(c.Model), err)
	}
	chunk := 0 // the target's own
	if n := len(o.Prompt); n > passes.DefaultChunk {
		chunk = n
	}
	var failed []string
	for i, target := range c.Target {
		r, err := c.target(e, m, ref, compileOptions{target: target, ctx: ctx, chunk: chunk, activationFlag: c.activationFlag}, flags[i])
		stop()
		if err != nil {
			return fmt.Errorf("%s: %w", modelName(c.Model), err)
		}
		if err := c.print(e, r, i); err != nil {
			return err
		}
		if !r.Passed {
			failed = append(failed, target)
		}
	}
	if len(failed) > 0 {
		return fmt.Errorf("%s is not verified on %s", modelName(c.Model), strings.Join(failed, ", "))
	}
	return nil
}

// check refuses what the flags cannot mean, and tells which of them each target takes.
func (c *verifyCmd) check() ([]deviceFlags, error) {
	if len(c.Target) == 0 {
		return nil, fmt.Errorf("--target names no target: models run on %s", either(slices.Sorted(maps.Keys(engines))))
	}
	for _, t := range c.Target {
		if engines[t] == nil {
			return nil, fmt.Errorf("--target is %s: models run on %s", t, either(slices.Sorted(maps.Keys(engines))))
		}
	}
	switch {
	case c.Prompt != "" && c.IDs != "":
		return nil, errors.New("--prompt and --ids exclude one another")
	case c.Tokens < 0 || c.N < 0 || c.Ctx < 0:
		return nil, errors.New("--tokens, -n and --ctx must not be negative")
	case !(c.Tolerance >= 0) || math.IsInf(c.Tolerance, 1):
		return nil, fmt.Errorf("--tolerance is %g, want a positive number that is finite", c.Tolerance)
	}
	if err := c.deviceFlags.check(); err != nil {
		return nil, err
	}
	return c.deviceFlags.each(c.Target)
}

// prompt is the ids to run.
func (c *verifyCmd) prompt(m *models.Model) ([]int32, error) {
	ids, err := parseIDs(c.IDs)
	if err != nil {
		return nil, usageError{err}
	}
	n := c.Tokens
	if ids == nil {
		if ids, err = c.encode(m); err != nil {
			return nil, err
		}
		if c.Prompt == "" {
			n = cmp.Or(n, usualTokens(m))
		}
	}
	if n == 0 {
		return ids, nil
	}
	for i := 0; len(ids) < n; i++ { // again from the beginning
		ids = append(ids, ids[i])
	}
	return ids[:n], nil
}

// usualTokens are more where the reference is done with them in a second or two: they take several tiles of every kernel.
func usualTokens(m *models.Model) int {
	bytes := int64(0)
	for _, t := range m.TensorTable() {
		bytes += t.Bytes
	}
	if bytes < 8<<20 && m.Context >= 128 {
		return 70
	}
	return 6
}

// encode is the text's ids. Without a tokenizer any will do, unless a text is asked for.
func (c *verifyCmd) encode(m *models.Model) ([]int32, error) {
	spec, err := m.Tokenizer()
	if err == nil {
		var t *tokenizer.Tokenizer
		if t, err = tokenizer.New(*spec); err == nil {
			if ids := t.Encode(cmp.Or(c.Prompt, novel), tokenizer.Options{}); len(ids) > 0 {
				return ids, nil
			}
		}
	}
	if err != nil && c.Prompt != "" {
		return nil, err
	}
	var ids []int32
	for i := range 32 {
		ids = append(ids, int32(i*7919%m.Vocab))
	}
	return ids, nil
}

// target runs the reference's steps on a target.
func (c *verifyCmd) target(e *env, m *models.Model, ref *verify.Reference, o compileOptions, flags deviceFlags) (*verify.Report, error) {
	o.archs = archsAtHand(o.target, &flags)
	compiled, err := compileModel(m, o)
	if err != nil {
		return nil, err
	}
	engine, err := engines[o.target](engineJob{
		flags: &engineFlags{Target: o.target, deviceFlags: flags}, program: compiled.Program, weights: compiled.Weights(m), compiled: compiled,
		warn: func(s string) { fmt.Fprintln(e.stderr, "llorch: warning:", s) },
	})
	if err != nil {
		return nil, err
	}
	defer func() { _ = engine.Close() }() // what it holds is the report's no more
	on := verify.Target{Compiled: compiled, Engine: engine, Device: cmp.Or(flags.CPU, cpu.Levels()[0])}
	if d, ok := engine.(interface{ DeviceName() string }); ok {
		on.Device = d.DeviceName()
	}
	return ref.Check(e.ctx, on)
}

func (c *verifyCmd) print(e *env, r *verify.Report, i int) error {
	if c.JSON {
		enc := json.NewEncoder(e.stdout)
		enc.SetEscapeHTML(false)
		return enc.Encode(r)
	}
	if i > 0 {
		fmt.Fprintln(e.stdout)
	}
	return r.Text(e.stdout, c.Nodes || !onCPU(r.Target)) // what someone with a device at hand is asked for
}
