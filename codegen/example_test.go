package codegen_test

import (
	"context"
	"fmt"
	"log"

	"github.com/llorch/llorch/codegen"
	"github.com/llorch/llorch/gen"
	"github.com/llorch/llorch/models"
	"github.com/llorch/llorch/runtime"
	"github.com/llorch/llorch/runtime/cpu"
)

// From a model's file to text, without the command line. It is compiled and not run: it needs a model.
func Example() {
	m, err := models.Open("model.gguf")
	if err != nil {
		log.Fatal(err)
	}
	defer m.Close()
	g, err := m.Graph(models.Options{}) // every shape is proved here
	if err != nil {
		log.Fatal(err)
	}
	c, err := codegen.Compile(g, codegen.Options{Target: "cpu"})
	if err != nil {
		log.Fatal(err)
	}
	if c.Program.Tokenizer, err = m.Tokenizer(); err != nil {
		log.Fatal(err)
	}
	e, err := cpu.New(c.Program, c.Weights(m), gen.Library(), cpu.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer e.Close()
	model, err := runtime.NewModel(c.Program, e)
	if err != nil {
		log.Fatal(err)
	}
	for tok, err := range model.Generate(context.Background(), "Once upon a time", runtime.Options{MaxTokens: 40}) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Print(tok.Text)
	}
}
