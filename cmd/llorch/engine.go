package main

import "fmt"

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
	Activations string `enum:"a8,f32," default:"" placeholder:"TYPE" help:"What block weights are multiplied with: a8, activations of 8 bits, as integers; or f32, slowly. a8 unless given."`
}
