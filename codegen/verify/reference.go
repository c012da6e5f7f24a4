package verify

import (
	"context"
	"errors"
	"fmt"

	"github.com/llorch/llorch/codegen"
	"github.com/llorch/llorch/ir"
	"github.com/llorch/llorch/ir/eval"
	"github.com/llorch/llorch/runtime"
)

// Options say what is run.
type Options struct {
	Prompt []int32 // the first tokens
	Decode int     // how many of the likeliest tokens follow, one a step
	// Tolerance is the relative error that a node may have; 0 is what follows from types and arithmetic.
	Tolerance float64
	Progress  func(doing string) // nil, or told what begins
}

// Reference is what the model's own graph makes of a few steps.
type Reference struct {
	graph    *ir.Graph
	opt      Options
	params   *params
	new      string // symbols
	past     string
	calls    []*call
	sequence []int32     // the prompt and the tokens that follow, each the likeliest
	rows     [][]float64 // the logits behind each of them but the last
}

// call is a step.
type call struct {
	step   string
	cache  int // of which sequence
	past   int
	tokens []int32
	nodes  map[string]*ir.Array // values of the model's graph
	logits *ir.Array
}

func (c *call) String() string {
	s := fmt.Sprintf("%s of %d token", c.step, len(c.tokens))
	if len(c.tokens) != 1 {
		s += "s"
	}
	if c.past > 0 {
		s += fmt.Sprintf(" behind %d", c.past)
	}
	return s
}

// behind is how many tokens of the prompt are run again behind the decoded ones.
const behind = 3

// Context is the tokens that a sequence has to have room for.
func (o *Options) Context() int { return len(o.Prompt) + o.Decode + min(behind, len(o.Prompt)) }

// New evaluates a model's graph, which has been verified and which no pass has seen.
func New(ctx context.Context, g *ir.Graph, src codegen.Source, o Options) (*Reference, error) {
	r := &Reference{graph: g, opt: o, params: &params{src: src, kept: map[string]*ir.Array{}}}
	if o.Progress == nil {
		r.opt.Progress = func(string) {}
	}
	if err := r.admit(); err != nil {
		return nil, err
	}
	states := [2]map[string]*ir.Array{{}, {}}
	do := func(step string, cache, past int, tokens []int32) error {
		c := &call{step: step, cache: cache, past: past, tokens: tokens}
		r.calls = append(r.calls, c)
		return r.evaluate(ctx, c, states[cache])
	}
	n := len(o.Prompt)
	if err := do(runtime.Prefill, 0, 0, o.Prompt); err != nil {
		return nil, err
	}
	r.sequence = append(r.sequence, o.Prompt...)
	for i := range n {
		r.rows = append(r.rows, r.row(i))
	}
	for i := range o.Decode {
		r.sequence = append(r.sequence, likeliest(r.rows[len(r.rows)-1]))
		if err := do(runtime.Decode, 0, n+i, r.sequence[n+i:]); err != nil {
			return nil, err
		}
		r.rows = append(r.rows, r.row(0))
	}
	r.sequence = append(r.sequence, likeliest(r.rows[len(r.rows)-1]))
	if err := do(runtime.Prefill, 0, n+o.Decode, o.Prompt[:min(behind, n)]); err != nil {
		return nil, err
	}
	half := (n + 1) / 2
	if err := do(runtime.Logits, 1, 0, o.Prompt[:half]); err != nil || half == n {
		return r, err
	}
	return r, do(runtime.Logits, 1, half, o.Prompt[half:])
}

// evaluate runs a call on the model's graph.
func (r *Reference) evaluate(ctx context.Context, c *call, state map[string]*ir.Array) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	r.opt.Progress("evaluating " + c.String())
	g := r.graph
	c.nodes = map[string]*ir.Array{}
	out, err := eval.Eval(g, eval.Run{Env: r.env(g, c), Value: r.value(c), State: state, Each: func(n *ir.Node, a *ir.Array) error {
		c.nodes[n.Name] = a
		if n.Op.Class != ir.Leaf {
			if err := finite(n.Name, a, true); err != nil { // masks are infinite
				return err
			}
		}
		return ctx.Err()
	}})
	if err != nil {
		return err
	}
	c.logits = out[0]
	return finite(g.Outputs[0].Name, c.logits, false)
}

// admit refuses graphs that are no models, and tokens that they do not take.
func (r *Reference) admit() error {
	g := r.graph
	if g.Step == nil || len(g.Step.New.Symbols()) != 1 || len(g.Step.Past.Symbols()) != 1 || len(g.Outputs) != 1 {
		return errors.New("verify runs models: graphs that step through a sequence and give logits")
	}
	r.new, r.past = g.Step.New.Symbols()[0], g.Step.Past.Symbols()[0]
	for _, n := range g.Leaves(ir.FromCaller) {
		if n.Name != "tokens" {
			return fmt.Errorf("verify runs models, which take tokens: this graph takes %s", n.Name)
		}
	}
	axes := g.Outputs[0].Type.Axes
	vocab, ok := axes[len(axes)-1].Dim.Const()
	switch most, bounded := g.Bounds.Max(g.Step.New.Add(g.Step.Past)); {
	case !ok:
		return fmt.Errorf("the vocabulary is %s", axes[len(axes)-1])
	case len(r.opt.Prompt) == 0:
		return errors.New("a prompt of 0 tokens: there is nothing to run")
	case r.opt.Decode < 0:
		return fmt.Errorf("%d tokens to decode", r.opt.Decode)
	case bounded && int64(r.opt.Context()) > most:
		return fmt.Errorf("%d tokens of prompt, %d decoded and %d behind them do not fit a context of %d",
			len(r.opt.Prompt), r.opt.Decode, min(behind, len(r.opt.Prompt)), most)
	}
	for i, id := range r.opt.Prompt {
		if id < 0 || int64(id) >= vocab {
			return fmt.Errorf("prompt token %d: id %d is outside the vocabulary of %d", i, id, vocab)
		}
	}
	return nil
}

// env are the values of a graph's symbols in a call.
func (r *Reference) env(g *ir.Graph, c *call) map[string]int64 {
	env := map[string]int64{}
	for _, s := range g.Bounds.Declared() {
		switch s {
		case r.new:
			env[s] = int64(len(c.tokens))
		case r.past:
			env[s] = int64(c.past)
		}
	}
	return env
}

// value gives what a graph reads from outside.
func (r *Reference) value(c *call) func(n *ir.Node) (*ir.Array, error) {
	return func(n *ir.Node) (*ir.Array, error) {
		if n.Op.Source != ir.FromCaller {
			return r.params.value(n)
		}
		a := &ir.Array{Axes: []string{n.Type.Axes[0].Name}, Dims: []int{len(c.tokens)}}
		for _, id := range c.tokens {
			a.Data = append(a.Data, float64(id))
		}
		return a, nil
	}
}

// row is row i of the last call's logits.
func (r *Reference) row(i int) []float64 {
	a := r.calls[len(r.calls)-1].logits
	vocab := a.Dims[len(a.Dims)-1]
	return a.Data[i*vocab:][:vocab]
}

// likeliest is the lowest id of the largest logit.
func likeliest[F float32 | float64](logits []F) int32 {
	best := 0
	for i, v := range logits {
		if v > logits[best] {
			best = i
		}
	}
	return int32(best)
}
