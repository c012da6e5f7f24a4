package gguf_test

import (
	"fmt"
	"log"

	"github.com/llorch/llorch/models/gguf"
)

func Example() {
	f, err := gguf.Open("../austen/austen.gguf")
	if err != nil {
		log.Fatal(err)
	}
	defer f.Close()
	arch, _, err := f.String("general.architecture")
	if err != nil {
		log.Fatal(err)
	}
	layers, _, err := f.Uint("llama.block_count")
	if err != nil {
		log.Fatal(err)
	}
	_, there, err := f.Uint("llama.expert_count")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(arch, layers, there)
	t := f.Tensors[0]
	fmt.Println(t.Name, t.TypeName, t.Dims, len(f.Data(&t)))
	// Output:
	// llama 7 false
	// token_embd.weight q8_0 [192 1024] 208896
}
