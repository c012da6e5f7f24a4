package models

import (
	"cmp"
	"fmt"
	"math"

	"github.com/llorch/llorch/ir"
	"github.com/llorch/llorch/ir/dim"
	"github.com/llorch/llorch/ir/kernel"
	"github.com/llorch/llorch/ir/op"
)

// Options are what a user chooses of a graph.
type Options struct {
	Context int      // 0: the model's own
	KV      ir.DType // of the KV cache: F32 or F16
	Weight  TypeOf   // dtypes of the weights
}

// TypeOf tells a weight's dtype by its path in the graph; nil means f32 throughout.
type TypeOf func(path string) ir.DType

// Llama declares the graph of a Llama (Touvron et al. 2023, arXiv 2302.13971) or of a relative: tokens i32[q=S] to logits
// f32[q=S, vocab], with a KV cache of P past tokens. Its attention is grouped-query (Ainslie et al. 2023, arXiv 2305.13245).
// What the families differ in are fields of c: nothing here knows their names.
func Llama(c Config, o Options) *ir.Graph {
	g := ir.New(cmp.Or(c.Arch, "llama"), op.Table)
	newTokens, pastTokens := g.Sequence(c.Context)
	l := &llama{Config: c, Options: o}
	s := g.Root()
	tokens := s.Declare("input", "tokens", ir.Tensor(kernel.I32, ir.Ax("q", newTokens)), nil)
	l.queries = s.Op("positions", "queries", ir.Attrs{"axis": "q", "count": newTokens, "from": pastTokens})
	l.keys = s.Op("positions", "keys", ir.Attrs{"axis": "kv", "count": pastTokens.Add(newTokens), "from": dim.Const(0)})
	freqs := s.Declare("const", "rope.frequencies", ir.Tensor(kernel.F32, ir.Ax("pair", c.Rope.Width/2)),
		ir.Attrs{"values": c.Rope.Frequencies()})
	l.rotations = s.Op("rotations", "rope.rotations", nil, l.queries, freqs)
	full, sliding := l.masks(s)

	embed := l.param(s, "embed", ir.Ax("vocab", c.Vocab), ir.Ax("embd", c.Embd))
	x := s.Op("gather", "x", ir.Attrs{"over": "vocab"}, embed, tokens)
	if c.EmbdScale != 0 {
		x = s.Op("scale", "x_scaled", ir.Attrs{"by": c.EmbdScale}, x)
	}
	for i := range c.Layers {
		layer, mask := s.Sub(fmt.Sprintf("layers.%d", i)), full
		if c.Sliding.At(i) {
			mask = sliding
		}
		x = l.attention(layer.Sub("attn"), x, mask)
		x = l.mlp(layer.Sub("mlp"), x)
	}
	x = l.norm(s, "norm", x, ir.Ax("embd", c.Embd))
	head := embed
	if !c.Tied {
		head = l.param(s, "head", ir.Ax("vocab", c.Vocab), ir.Ax("embd", c.Embd))
	}
	logits := s.Op("matmul", "logits", ir.Attrs{"over": "embd"}, x, head)
	g.Output(l.softcap(s, "logits_capped", logits, c.LogitCap))
	return g
}

// llama is what the layers share.
type llama struct {
	Config
	Options
	queries, keys, rotations *ir.Node
}

// masks are those of the layers that see all tokens and of those that slide, nil where there is no such layer.
func (l *llama) masks(s ir.Scope) (full, sliding *ir.Node) {
	for i := range l.Layers {
		switch slides := l.Sliding.At(i); {
		case slides && sliding == nil:
			window := dim.Const(int64(min(l.Sliding.Window, l.Config.Context))) // kernels add it to positions in 32 bits
			sliding = s.Op("sliding_mask", "mask_sliding", ir.Attrs{"window": window}, l.queries, l.keys)
		case !slides && full == nil:
			full = s.Op("causal_mask", "mask", nil, l.queries, l.keys)
		}
	}
	return full, sliding
}

// param declares a weight of the dtype that the file has.
func (l *llama) param(s ir.Scope, name string, axes ...ir.Axis) *ir.Node {
	n := s.Up().Declare("param", name, ir.Tensor(kernel.F32, axes...), nil)
	if l.Weight != nil {
		n.Type.DType = l.Weight(n.Name)
	}
	return n
}

func (l *llama) norm(s ir.Scope, name string, x *ir.Node, over ir.Axis) *ir.Node {
	s = s.Up()
	w := l.param(s, name+"_w", over)
	if l.NormOffset != 0 {
		w = s.Op("shift", name+"_gain", ir.Attrs{"by": l.NormOffset}, w)
	}
	return s.Op("rms_norm", name, ir.Attrs{"over": over.Name, "eps": l.NormEps}, x, w)
}

// softcap keeps x within ±most, where most is not 0.
func (l *llama) softcap(s ir.Scope, name string, x *ir.Node, most float64) *ir.Node {
	if most == 0 {
		return x
	}
	return s.Up().Op("softcap", name, ir.Attrs{"at": most}, x)
}

// residual is x + y, with y normalised first where the model has norms there.
func (l *llama) residual(s ir.Scope, x, y *ir.Node) *ir.Node {
	s = s.Up()
	if l.PostNorms {
		y = l.norm(s, "post_norm", y, ir.Ax("embd", l.Embd))
	}
	return s.Op("add", "out", nil, x, y)
}

// linear is x·wᵀ, and a bias where the model has one.
func (l *llama) linear(s ir.Scope, name string, x *ir.Node, in, out ir.Axis, bias bool) *ir.Node {
	s = s.Up()
	w := l.param(s, "w"+name, out, in)
	y := s.Op("matmul", name, ir.Attrs{"over": in.Name}, x, w)
	if bias {
		y = s.Op("add", name+"_biased", nil, y, l.param(s, "b"+name, out))
	}
	return y
}

// attention is x + Wo · softmax(q·kᵀ/√d + mask)·v, where a KV head serves a group of query heads.
func (l *llama) attention(s ir.Scope, x, mask *ir.Node) *ir.Node {
	embd, dimAx := ir.Ax("embd", l.Embd), ir.Ax("dim", l.HeadDim)
	kvHead, group := ir.Ax("kv_head", l.KVHeads), ir.Ax("group", l.Heads/l.KVHeads)
	h := l.norm(s, "norm", x, embd)

	q := l.linear(s, "q", h, embd, ir.Ax("heads", l.Heads*l.HeadDim), l.AttnBias)
	q = s.Op("split", "q_heads", ir.Attrs{"axis": "heads", "into": []ir.Axis{kvHead, group, dimAx}}, q)
	q = l.rope(s, "q", q, dimAx)
	k := l.kv(s, "k", h, kvHead, dimAx)
	k = l.cache(s, "k", l.rope(s, "k", k, dimAx), kvHead, dimAx)
	v := l.cache(s, "v", l.kv(s, "v", h, kvHead, dimAx), kvHead, dimAx)

	scores := s.Op("matmul", "scores", ir.Attrs{"over": "dim"}, q, k)
	scores = s.Op("scale", "scaled", ir.Attrs{"by": cmp.Or(l.AttnScale, 1/math.Sqrt(float64(l.HeadDim)))}, scores)
	scores = l.softcap(s, "capped", scores, l.AttnCap)
	scores = s.Op("add", "masked", nil, scores, mask)
	probs := s.Op("softmax", "probs", ir.Attrs{"over": "kv"}, scores)
	mixed := s.Op("matmul", "mixed", ir.Attrs{"over": "kv"}, probs, v)
	merged := s.Op("merge", "merged", ir.Attrs{"axes": []string{"kv_head", "group", "dim"}, "into": "heads"}, mixed)
	o := l.linear(s, "o", merged, ir.Ax("heads", l.Heads*l.HeadDim), embd, l.OutBias)
	return l.residual(s, x, o)
}

// kv projects to keys or values, by head.
func (l *llama) kv(s ir.Scope, name string, h *ir.Node, kvHead, dimAx ir.Axis) *ir.Node {
	s = s.Up()
	y := l.linear(s, name, h, ir.Ax("embd", l.Embd), ir.Ax("kv_heads", l.KVHeads*l.HeadDim), l.AttnBias)
	return s.Op("split", name+"_heads", ir.Attrs{"axis": "kv_heads", "into": []ir.Axis{kvHead, dimAx}}, y)
}

// rope rotates, and normalises before that where the model does.
func (l *llama) rope(s ir.Scope, name string, x *ir.Node, dimAx ir.Axis) *ir.Node {
	s = s.Up()
	if l.QKNorm {
		x = l.norm(s, name+"_norm", x, dimAx)
	}
	attrs := ir.Attrs{"over": "dim", "width": dim.Const(int64(l.Rope.Width)), "style": l.Rope.Style}
	return s.Op("rope", name+"_rope", attrs, x, l.rotations)
}

// cache appends x to a state of its own and gives the view of all tokens.
func (l *llama) cache(s ir.Scope, name string, x *ir.Node, kvHead, dimAx ir.Axis) *ir.Node {
	s = s.Up()
	t := ir.Type{State: true, DType: l.KV, Axes: []ir.Axis{kvHead, ir.Ax("ctx", l.Config.Context), dimAx}}
	state := s.Declare("state", name+"_cache", t, ir.Attrs{"along": "ctx"})
	return s.Op("append", name+"_all", ir.Attrs{"over": "ctx", "new": "q", "as": "kv"}, state, x, l.queries)
}

// mlp is x + Wdown · (f(Wgate·h) · Wup·h) with h the norm of x, and f silu (SwiGLU) or another (Shazeer 2020, arXiv 2002.05202).
func (l *llama) mlp(s ir.Scope, x *ir.Node) *ir.Node {
	embd, ffn := ir.Ax("embd", l.Embd), ir.Ax("ffn", l.FFN)
	h := l.norm(s, "norm", x, embd)
	f := cmp.Or(l.Act, "silu")
	gate := s.Op(f, "gate_"+f, nil, l.linear(s, "gate", h, embd, ffn, l.MLPBias))
	act := s.Op("mul", "act", nil, gate, l.linear(s, "up", h, embd, ffn, l.MLPBias))
	return l.residual(s, x, l.linear(s, "down", act, ffn, embd, l.MLPBias))
}
