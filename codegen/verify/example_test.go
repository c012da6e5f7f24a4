package verify_test

import (
	"context"
	"fmt"
	"log"

	"github.com/llorch/llorch/codegen"
	"github.com/llorch/llorch/codegen/verify"
	"github.com/llorch/llorch/gen"
	"github.com/llorch/llorch/models"
	"github.com/llorch/llorch/models/austen"
	"github.com/llorch/llorch/runtime/cpu"
)

// The built-in model on the CPU, kernel by kernel. Report.First would say which node is the first that is off, if one were.
func Example() {
	ctx := context.Background()
	m, err := models.Parse("austen.gguf", austen.GGUF)
	if err != nil {
		log.Fatal(err)
	}
	defer m.Close()
	o := verify.Options{Prompt: []int32{1, 970}, Decode: 1}
	g, err := m.Graph(models.Options{Context: o.Context()})
	if err != nil {
		log.Fatal(err)
	}
	reference, err := verify.New(ctx, g, m, o) // the model's own graph, in float64
	if err != nil {
		log.Fatal(err)
	}

	c, err := codegen.Compile(g, codegen.Options{Target: "cpu"})
	if err != nil {
		log.Fatal(err)
	}
	e, err := cpu.New(c.Program, c.Weights(m), gen.Library(), cpu.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer e.Close()
	r, err := reference.Check(ctx, verify.Target{Compiled: c, Engine: e, Device: "this CPU"})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(r.Passed, r.First == nil)
	for _, s := range r.Steps {
		fmt.Println(s.Name)
	}
	// Output:
	// true true
	// prefill of 2 tokens
	// decode of 1 token behind 2
	// prefill of 2 tokens behind 3
	// logits of 1 token
	// logits of 1 token behind 1
}
