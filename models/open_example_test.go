package models_test

import (
	"fmt"
	"log"

	"github.com/llorch/llorch/models"
)

// Open reads a file's numbers, Graph declares what they stand for and proves it, weights included.
func ExampleOpen() {
	m, err := models.Open("austen/austen.gguf")
	if err != nil {
		log.Fatal(err)
	}
	defer m.Close()
	fmt.Printf("%s: %d layers of width %d, context %d\n", m.Name, m.Layers, m.Embd, m.Context)

	g, err := m.Graph(models.Options{Context: 256})
	if err != nil {
		log.Fatal(err)
	}
	for _, name := range []string{"tokens", "layers.0.attn.wq", "layers.0.attn.k_cache", "layers.0.attn.scores", "logits"} {
		fmt.Printf("%s: %s\n", name, g.Node(name).Type)
	}
	// Output:
	// Austen: 7 layers of width 192, context 1024
	// tokens: i32[q=S]
	// layers.0.attn.wq: q8_0[heads=192, embd=192]
	// layers.0.attn.k_cache: state f16[kv_head=2, ctx=256, dim=32]
	// layers.0.attn.scores: f32[q=S, kv_head=2, group=3, kv=P+S]
	// logits: f32[q=S, vocab=1024]
}
