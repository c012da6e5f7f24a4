package ir_test

import (
	"fmt"
	"log"

	"github.com/llorch/llorch/ir"
	"github.com/llorch/llorch/ir/kernel"
	"github.com/llorch/llorch/ir/op"
)

// A graph is declared node by node, then proved as a whole. This one adds a mask over the new tokens to scores over the new and the
// past ones, which is right while there is no past.
func Example() {
	g := ir.New("attention", op.Table)
	s := g.Root().Sub("layers.0")
	newTokens, past := g.Sequence(64) // S >= 1, P >= 0, P+S <= 64
	head, dim := ir.Ax("head", 4), ir.Ax("dim", 8)
	q := s.Declare("input", "q", ir.Tensor(kernel.F32, head, ir.Ax("q", newTokens), dim), nil)
	k := s.Declare("input", "k", ir.Tensor(kernel.F32, head, ir.Ax("kv", past.Add(newTokens)), dim), nil)
	mask := s.Declare("input", "mask", ir.Tensor(kernel.F32, ir.Ax("q", newTokens), ir.Ax("kv", newTokens)), nil)
	scores := s.Op("matmul", "scores", ir.Attrs{"over": "dim"}, q, k)
	g.Output(s.Op("add", "masked", nil, scores, mask))

	fmt.Println(ir.Verify(g))
	// Output:
	// ir/example_test.go:23: layers.0.masked: add: axis kv differs [add.2]
	//     scores  f32[head=4, q=S, kv=P+S]
	//     mask    f32[        q=S, kv=S  ]
	//     S is P+S only while P = 0; with S=1, P=1: 1 against 2
	//     hint: mask covers the new tokens only; build it over kv=P+S
}

// The printed form is read back as the same graph. Types may be left out where they follow.
func ExampleParse() {
	g, err := ir.Parse("norm.ir", `graph norm {
  symbol S
  bound S >= 1
  x: f32[q=S, embd=64] = input()
  w: f32[embd=64] = param()
  y = rms_norm(x, w) {over=embd, eps=1e-05}
  output y
}`, op.Table)
	if err != nil {
		log.Fatal(err)
	}
	if err := ir.Verify(g); err != nil {
		log.Fatal(err)
	}
	fmt.Print(ir.Print(g))
	// Output:
	// graph norm {
	//   symbol S
	//   bound S >= 1
	//   x: f32[q=S, embd=64] = input() @norm.ir:4
	//   w: f32[embd=64] = param() @norm.ir:5
	//   y: f32[q=S, embd=64] = rms_norm(x, w) {over=embd, eps=1e-05} @norm.ir:6
	//   output y
	// }
}
