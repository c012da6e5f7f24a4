package passes_test

import (
	"fmt"
	"log"
	"strings"

	"github.com/llorch/llorch/ir"
	"github.com/llorch/llorch/ir/op"
	"github.com/llorch/llorch/passes"
	"github.com/llorch/llorch/passes/lower"
)

// The passes make a graph for each step out of one, and join nodes that become one kernel: here the two products with what follows them.
func Example() {
	g, err := ir.Parse("mlp.ir", `graph mlp {
  symbol S, P
  bound S >= 1
  bound P >= 0
  bound P+S <= 64
  step S after P
  x: f32[q=S, embd=32] = input()
  norm_w: f32[embd=32] = param()
  wgate: f32[ffn=48, embd=32] = param()
  wup: f32[ffn=48, embd=32] = param()
  h = rms_norm(x, norm_w) {over=embd, eps=1e-05}
  gate = matmul(h, wgate) {over=embd}
  up = matmul(h, wup) {over=embd}
  gate_silu = silu(gate)
  act = mul(gate_silu, up)
  output act
}`, op.Table)
	if err != nil {
		log.Fatal(err)
	}
	m := &passes.Module{Graphs: []*ir.Graph{g}, Chunk: passes.Chunk(g, 0), Sched: lower.CPU}
	err = passes.Run(m, "", func(pass string, m *passes.Module) error { // "" runs all of them
		fmt.Printf("%s: %d graphs\n", pass, len(m.Graphs))
		return nil
	})
	if err != nil {
		log.Fatal(err)
	}
	decode := m.Graphs[0]
	fmt.Println(decode.Name, "needs", m.Plans[decode].Arena, "bytes")
	for _, l := range m.Lowered[decode] {
		var names []string
		for _, n := range l.Group.Nodes {
			names = append(names, n.Name)
		}
		fmt.Println(l.Kernel.Name+":", strings.Join(names, ", "))
	}
	// Output:
	// infer: 1 graphs
	// fold: 1 graphs
	// specialise: 3 graphs
	// quantise: 3 graphs
	// layout: 3 graphs
	// fuse: 3 graphs
	// lower: 3 graphs
	// plan: 3 graphs
	// decode needs 512 bytes
	// h: h
	// gateUp: gate, up, gate_silu, act
}
