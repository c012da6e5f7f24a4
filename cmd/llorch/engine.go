package main

import (
	"fmt"
	"strings"

	"github.com/llorch/llorch/ir/kernel"
)

// engineFlags say how a model is run.
type engineFlags struct {
	Threads int    `default:"0" help:"Worker threads; 0 for one a processor."`
	CPU     string `name:"cpu" placeholder:"LEVEL" help:"Kernels of a CPU level that \"llorch version\" lists; the best one unless given."`
}

func (f *engineFlags) check() error {
	if f.Threads < 0 {
		return fmt.Errorf("--threads is %d, want 0 or more", f.Threads)
	}
	return nil
}

// activationFlag says what block weights are multiplied with.
type activationFlag struct {
	Activations string `enum:"${activations},f32," default:"" placeholder:"TYPE" help:"What block weights are multiplied with: activations rounded to 16 bits (a16, unless given), to 8 bits (a8: prompts are read faster, answers are less exact), or not at all (f32, slow)."`
}

// activations lists the types of activations.
func activations() string {
	var names []string
	for _, row := range kernel.DTypes {
		if row.Acts {
			names = append(names, row.Name)
		}
	}
	return strings.Join(names, ",")
}

// dtype is the type that the flag names, Invalid without it.
func (f *activationFlag) dtype() kernel.DType {
	d, _ := kernel.ParseDType(f.Activations) // kong has checked the word
	return d
}
