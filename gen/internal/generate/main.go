// Command generate writes zkernels.go of package gen: the kernels of every structure that a Llama can have.
package main

import (
	"log"
	"os"
	"strings"

	"github.com/llorch/llorch/codegen"
	"github.com/llorch/llorch/codegen/gocpu"
	"github.com/llorch/llorch/ir"
	"github.com/llorch/llorch/ir/kernel"
	"github.com/llorch/llorch/models"
)

func main() {
	log.SetFlags(0)
	kernels, err := all()
	if err != nil {
		log.Fatal(err)
	}
	src, err := gocpu.Kernels(gocpu.Options{Package: "gen", Source: "the graphs of package models"}, kernels)
	if err != nil {
		log.Fatal(err)
	}
	if err := os.WriteFile("zkernels.go", src, 0o644); err != nil {
		log.Fatal(err)
	}
}

// all collects the kernels of every variant, each structure once.
func all() ([]*kernel.Kernel, error) {
	seen := map[string]bool{}
	var ks []*kernel.Kernel
	for _, v := range variants() {
		c, err := codegen.Compile(models.Llama(v.config, v.options), codegen.Options{Target: "cpu"})
		if err != nil {
			return nil, err
		}
		for _, k := range c.Kernels {
			if !seen[k.Key()] {
				seen[k.Key()] = true
				ks = append(ks, k)
			}
		}
	}
	return ks, nil
}

type variant struct {
	config  models.Config
	options models.Options
}

// variants are small models that between them have every structure: which kernels a graph needs depends on its options, not
// on its sizes. Two layers, because the first one's input is the embedding.
func variants() []variant {
	var vs []variant
	for bits := range 1 << 7 {
		on := func(i int) bool { return bits>>i&1 == 1 }
		c := models.Config{
			Arch: "llama", Vocab: 32, Embd: 32, Layers: 2, Heads: 4, KVHeads: 2, HeadDim: 8, FFN: 64, Context: 64, NormEps: 1e-5,
			Rope:     models.Rope{Theta: 10000, Width: 8, Style: "half"},
			AttnBias: on(0), OutBias: on(1), MLPBias: on(2),
		}
		if on(3) {
			c.Rope.Style = "interleaved"
		}
		if on(4) {
			c.Rope.Width = 4
		}
		o := models.Options{KV: kernel.F32, Weight: func(string) ir.DType { return kernel.F16 }}
		if on(5) {
			o.KV = kernel.F16
		}
		if on(6) { // the weights that a kernel multiplies with one value have rows of one length, so they are all of blocks or none is
			o.Weight = blocks
		}
		vs = append(vs, variant{c, o})
		for _, of := range families(c) {
			vs = append(vs, variant{of, o})
		}
	}
	return vs
}

// families are what relatives of Llama do otherwise, with c's options where they have these.
func families(c models.Config) []models.Config {
	sliding := models.Sliding{Window: 4, Pattern: []bool{true, false}}
	if c.MLPBias || c.AttnBias != c.OutBias {
		return nil // one switch for four biases, and none for the MLP's
	}
	slides, qwen3, gemma2 := c, c, c
	slides.Sliding, qwen3.QKNorm = sliding, true
	gemma2.PostNorms, gemma2.Act, gemma2.Sliding = true, "gelu_tanh", sliding
	gemma2.EmbdScale, gemma2.AttnCap, gemma2.LogitCap = 2, 2, 2
	stored := gemma2 // with the weights of norms as Hugging Face has them
	stored.NormOffset = 1
	return []models.Config{slides, qwen3, gemma2, stored}
}

// blocks gives matrices a block type.
func blocks(path string) ir.DType {
	switch name := path[strings.LastIndexByte(path, '.')+1:]; {
	case strings.HasPrefix(name, "b"), name == "q_norm_w", name == "k_norm_w":
		return kernel.F32 // a bias, or a row that is no whole block
	}
	return kernel.Q80
}
