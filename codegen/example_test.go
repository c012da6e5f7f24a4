package codegen_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strings"

	"github.com/llorch/llorch/codegen"
	"github.com/llorch/llorch/gen"
	"github.com/llorch/llorch/ir"
	"github.com/llorch/llorch/models"
	"github.com/llorch/llorch/models/austen"
	"github.com/llorch/llorch/runtime"
	"github.com/llorch/llorch/runtime/cpu"
)

// From a model to text, without the command line. The model is the built-in one; models.Open opens any other.
func Example() {
	m, err := models.Parse("austen.gguf", austen.GGUF)
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
	for tok, err := range model.Generate(context.Background(), "It is a truth", runtime.Options{MaxTokens: 14}) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Print(tok.Text)
	}
	// Output:
	// . I have no doubt of it. I have no d
}

// An artifact is a folder that runs without the compiler and without the model's file.
func ExampleCompile() {
	parent, err := os.MkdirTemp("", "llorch")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(parent)
	dir := filepath.Join(parent, "austen")

	m, err := models.Parse("austen.gguf", austen.GGUF)
	if err != nil {
		log.Fatal(err)
	}
	defer m.Close()
	g, err := m.Graph(models.Options{Context: 256})
	if err != nil {
		log.Fatal(err)
	}
	c, err := codegen.Compile(g, codegen.Options{Target: "cuda"}) // no GPU is needed to compile for one
	if err != nil {
		log.Fatal(err)
	}
	c.Program.Model = m.Name
	if c.Program.Tokenizer, err = m.Tokenizer(); err != nil {
		log.Fatal(err)
	}
	sources, err := c.Target.Sources(c.Program, c.Kernels) // c.Files compiles them too, where NVRTC is
	if err != nil {
		log.Fatal(err)
	}
	files := map[string][]byte{"graph.ir": []byte(ir.Print(g))}
	for name, text := range sources {
		files["kernels/"+name] = text
	}
	if err := runtime.WriteArtifact(dir, c.Program, c.Weights(m), files); err != nil {
		log.Fatal(err)
	}

	a, err := runtime.OpenArtifact(dir, runtime.OpenOptions{Target: "cuda", Verify: true})
	if err != nil {
		log.Fatal(err)
	}
	defer a.Close()
	for _, step := range a.Program.Steps {
		fmt.Printf("%s: %d launches\n", step.Name, len(step.Launches))
	}
	src, err := a.File("kernels/kernels.cu")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(strings.Contains(string(src), "attnQKV"))
	// Output:
	// decode: 38 launches
	// prefill: 53 launches
	// logits: 53 launches
	// true
}
