package models_test

import (
	"context"
	"fmt"
	"hash/fnv"
	"log"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/llorch/llorch/codegen"
	"github.com/llorch/llorch/codegen/verify"
	"github.com/llorch/llorch/gen"
	"github.com/llorch/llorch/ir"
	"github.com/llorch/llorch/ir/dim"
	"github.com/llorch/llorch/ir/kernel"
	"github.com/llorch/llorch/ir/op"
	"github.com/llorch/llorch/runtime"
	"github.com/llorch/llorch/runtime/cpu"
)

// The table of ops with one more: what a target's kernel computes of an element, and what the reference does.
var table = op.NewTable(append(slices.Clone(op.Rows), op.Unary("relu2", "max(x, 0)²",
	func(x float64) float64 { return math.Pow(max(x, 0), 2) },
	func(x kernel.Expr) kernel.Expr {
		return kernel.Mul(kernel.MaxE(x, kernel.F(0)), kernel.MaxE(x, kernel.F(0)))
	}))...)

// parallel is an architecture that llorch has not: attention and MLP read the same norm and are added together, as in GPT-J and
// PaLM, and the MLP is Wdown · relu(Wup·h)², as in Primer.
func parallel(layers, vocab, embd, heads, ffn, ctx int) *ir.Graph {
	g := ir.New("parallel", table)
	s, width := g.Root(), embd/heads
	newTokens, past := g.Sequence(ctx)
	tokens := s.Declare("input", "tokens", ir.Tensor(kernel.I32, ir.Ax("q", newTokens)), nil)
	queries := s.Op("positions", "queries", ir.Attrs{"axis": "q", "count": newTokens, "from": past})
	keys := s.Op("positions", "keys", ir.Attrs{"axis": "kv", "count": past.Add(newTokens), "from": dim.Const(0)})
	mask := s.Op("causal_mask", "mask", nil, queries, keys)
	param := func(s ir.Scope, name string, axes ...ir.Axis) *ir.Node {
		return s.Declare("param", name, ir.Tensor(kernel.F32, axes...), nil)
	}
	linear := func(s ir.Scope, name string, x *ir.Node, in, out ir.Axis) *ir.Node {
		return s.Op("matmul", name, ir.Attrs{"over": in.Name}, x, param(s, "w"+name, out, in))
	}
	norm := func(s ir.Scope, x *ir.Node) *ir.Node {
		return s.Op("rms_norm", "norm", ir.Attrs{"over": "embd", "eps": 1e-5}, x, param(s, "norm_w", ir.Ax("embd", embd)))
	}
	vocabAx, embdAx, headAx, dimAx := ir.Ax("vocab", vocab), ir.Ax("embd", embd), ir.Ax("head", heads), ir.Ax("dim", width)
	byHead := func(s ir.Scope, name string, h *ir.Node) *ir.Node {
		y := linear(s, name, h, embdAx, ir.Ax("heads", embd))
		return s.Op("split", name+"_heads", ir.Attrs{"axis": "heads", "into": []ir.Axis{headAx, dimAx}}, y)
	}
	cached := func(s ir.Scope, name string, x *ir.Node) *ir.Node {
		cache := ir.Type{State: true, DType: kernel.F32, Axes: []ir.Axis{headAx, ir.Ax("ctx", ctx), dimAx}}
		state := s.Declare("state", name+"_cache", cache, ir.Attrs{"along": "ctx"})
		return s.Op("append", name+"_all", ir.Attrs{"over": "ctx", "new": "q", "as": "kv"}, state, x, queries)
	}
	embed := param(s, "embed", vocabAx, embdAx)
	x := s.Op("gather", "x", ir.Attrs{"over": "vocab"}, embed, tokens)
	for i := range layers {
		s := s.Sub(fmt.Sprintf("layers.%d", i))
		h := norm(s, x)
		q, k, v := byHead(s, "q", h), cached(s, "k", byHead(s, "k", h)), cached(s, "v", byHead(s, "v", h))
		scores := s.Op("matmul", "scores", ir.Attrs{"over": "dim"}, q, k)
		scores = s.Op("scale", "scaled", ir.Attrs{"by": 1 / math.Sqrt(float64(width))}, scores)
		probs := s.Op("softmax", "probs", ir.Attrs{"over": "kv"}, s.Op("add", "masked", nil, scores, mask))
		mixed := s.Op("matmul", "mixed", ir.Attrs{"over": "kv"}, probs, v)
		merged := s.Op("merge", "merged", ir.Attrs{"axes": []string{"head", "dim"}, "into": "heads"}, mixed)
		attn := linear(s, "o", merged, ir.Ax("heads", embd), embdAx)
		act := s.Op("relu2", "act", nil, linear(s, "up", h, embdAx, ir.Ax("ffn", ffn)))
		mlp := linear(s, "down", act, ir.Ax("ffn", ffn), embdAx)
		x = s.Op("add", "out", nil, s.Op("add", "with_attn", nil, x, attn), mlp)
	}
	g.Output(s.Op("matmul", "logits", ir.Attrs{"over": "embd"}, norm(s, x), embed))
	return g
}

// random is a source of weights: the same for a name whoever asks.
type random struct{ g *ir.Graph }

func (r random) Data(path string) ([]byte, kernel.DType, error) {
	a, err := ir.NewArray(r.g.Node(path).Type, nil)
	if err != nil {
		return nil, kernel.Invalid, err
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte(path))
	rng := rand.New(rand.NewPCG(1, h.Sum64()))
	values := make([]float32, len(a.Data))
	for i := range values {
		values[i] = float32(rng.NormFloat64() / 4)
	}
	data := make([]byte, 4*len(values))
	kernel.F32.Row().Encode(data, values)
	return data, kernel.F32, nil
}

func (random) Release([]byte) {}

// A model of one's own: declared, checked, compiled for every target, run, and verified node by node against the reference.
func Example_ownArchitecture() {
	ctx, g := context.Background(), parallel(2, 29, 24, 3, 40, 64)
	if err := ir.Verify(g); err != nil { // every shape, for every number of tokens
		log.Fatal(err)
	}
	fmt.Println(g.Node("layers.1.scores").Type)
	prompt := []int32{5, 17, 3, 8}
	reference, err := verify.New(ctx, g, random{g}, verify.Options{Prompt: prompt, Decode: 3}) // in float64
	if err != nil {
		log.Fatal(err)
	}
	for _, target := range []string{"cuda", "metal", "go", "cpu"} {
		c, err := codegen.Compile(g, codegen.Options{Target: target})
		if err != nil {
			log.Fatal(err)
		}
		if _, err := c.Target.Sources(c.Program, c.Kernels); err != nil {
			log.Fatal(err)
		}
		if target != "cpu" {
			continue
		}
		// relu2 is in none of the kernels that llorch ships with: it runs in the interpreter here; target go spells it as Go.
		e, err := cpu.New(c.Program, c.Weights(random{g}), gen.Library(), cpu.Options{Warn: func(string) {}})
		if err != nil {
			log.Fatal(err)
		}
		session, err := runtime.NewSession(e, c.Program)
		if err != nil {
			log.Fatal(err)
		}
		logits, err := session.Logits(ctx, prompt, 3) // in chunks of three tokens
		if err != nil {
			log.Fatal(err)
		}
		report, err := reference.Check(ctx, verify.Target{Compiled: c, Engine: e, Device: "this machine"})
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%d logits; every value as the reference has it: %t\n", len(logits), report.Passed) // report.Text has the rest
	}
	// Output:
	// f32[q=S, head=3, kv=P+S]
	// 116 logits; every value as the reference has it: true
}
