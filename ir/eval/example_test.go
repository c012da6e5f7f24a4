package eval_test

import (
	"fmt"
	"log"

	"github.com/llorch/llorch/ir"
	"github.com/llorch/llorch/ir/eval"
	"github.com/llorch/llorch/ir/op"
)

// A graph in float64, for two tokens: every symbol gets a value, and every input and weight its elements.
func Example() {
	g, err := ir.Parse("sum.ir", `graph sum {
  symbol S
  bound S >= 1
  x: f32[q=S, embd=3] = input()
  w: f32[out=2, embd=3] = param()
  y = matmul(x, w) {over=embd}
  output y
}`, op.Table)
	if err != nil {
		log.Fatal(err)
	}
	if err := ir.Verify(g); err != nil {
		log.Fatal(err)
	}
	env := map[string]int64{"S": 2}
	data := map[string][]float64{"x": {1, 2, 3, 4, 5, 6}, "w": {1, 1, 1, 0, 0, 0.5}}
	out, err := eval.Eval(g, eval.Run{Env: env, Value: func(n *ir.Node) (*ir.Array, error) {
		a, err := ir.NewArray(n.Type, env)
		if err == nil {
			copy(a.Data, data[n.Name])
		}
		return a, err
	}})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(g.Node("y").Type, out[0].Dims, out[0].Data)
	// Output:
	// f32[q=S, out=2] [2 2] [6 1.5 15 3]
}
