package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/llorch/llorch/codegen"
	"github.com/llorch/llorch/gen"
	"github.com/llorch/llorch/ir/kernel"
	"github.com/llorch/llorch/runtime"
	"github.com/llorch/llorch/runtime/cpu"
	"github.com/llorch/llorch/runtime/host"
)

// engineFlags say what a model is run on.
type engineFlags struct {
	Target string `placeholder:"NAME" help:"What to run on: cpu, cuda or metal. An artifact's own, else cpu, unless given."`
	deviceFlags
}

// deviceFlags are what engines of some targets have a use for.
type deviceFlags struct {
	Threads *int   `help:"Worker threads of the CPU; 0, or without it, one a processor."`
	CPU     string `name:"cpu" placeholder:"LEVEL" help:"Kernels of a CPU level that \"llorch version\" lists; the best one unless given."`
	Device  *int   `placeholder:"N" help:"The GPU, as \"llorch inspect --devices\" numbers them; 0 unless given."`
	Emulate bool   `help:"Run the kernels of target metal in an emulator, which needs no Mac."`
}

// check refuses what the flags cannot mean, and what an engine would not use.
func (f *engineFlags) check() error {
	if f.Target != "" && engines[f.Target] == nil {
		return fmt.Errorf("--target is %s: models run on %s", f.Target, either(slices.Sorted(maps.Keys(engines))))
	}
	return f.deviceFlags.check()
}

func (f *deviceFlags) check() error {
	switch {
	case f.Threads != nil && *f.Threads < 0:
		return fmt.Errorf("--threads is %d, want 0 or more", *f.Threads)
	case f.Device != nil && *f.Device < 0:
		return fmt.Errorf("--device is %d, want 0 or more", *f.Device)
	}
	return nil
}

// deviceFlag is a flag of deviceFlags that some targets have a use for.
type deviceFlag struct {
	name  string
	given func(f *deviceFlags) bool
	drop  func(f *deviceFlags)
	suits func(target string) bool
}

var deviceFlagTable = []deviceFlag{
	{"--threads", func(f *deviceFlags) bool { return f.Threads != nil }, func(f *deviceFlags) { f.Threads = nil }, onCPU},
	{"--cpu", func(f *deviceFlags) bool { return f.CPU != "" }, func(f *deviceFlags) { f.CPU = "" }, onCPU},
	{"--device", func(f *deviceFlags) bool { return f.Device != nil }, func(f *deviceFlags) { f.Device = nil }, func(t string) bool { return !onCPU(t) }},
	{"--emulate", func(f *deviceFlags) bool { return f.Emulate }, func(f *deviceFlags) { f.Emulate = false }, func(t string) bool { return t == "metal" }},
}

func onCPU(target string) bool { return target == "cpu" }

// either lists choices in words.
func either(names []string) string {
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " or " + names[last]
}

// suits refuses options that an engine of the target would not use.
func (f *deviceFlags) suits(target string) error {
	for _, x := range deviceFlagTable {
		if x.given(f) && !x.suits(target) {
			return usageError{fmt.Errorf("%s has no meaning for target %s", x.name, target)}
		}
	}
	return nil
}

// each are the flags for each of several targets, every one of which has to have a meaning for one of them.
func (f *deviceFlags) each(targets []string) ([]deviceFlags, error) {
	all := make([]deviceFlags, len(targets))
	for i := range all {
		all[i] = *f
	}
	for _, x := range deviceFlagTable {
		if x.given(f) && !slices.ContainsFunc(targets, x.suits) {
			return nil, usageError{fmt.Errorf("%s has no meaning for target %s", x.name, strings.Join(targets, " and "))}
		}
		for i, t := range targets {
			if !x.suits(t) {
				x.drop(&all[i])
			}
		}
	}
	return all, nil
}

func (f *deviceFlags) threads() int { return value(f.Threads) }

// value is what a flag was given, or 0.
func value(p *int) int {
	if p == nil {
		return 0
	}
	return *p
}

// engineJob is what an engine is made of.
type engineJob struct {
	flags    *engineFlags
	program  *runtime.Program
	weights  runtime.Weights
	compiled *codegen.Compiled // of a model that is compiled in memory
	artifact *runtime.Artifact
	warn     func(string)
	profile  func(node, kernel string, d time.Duration) // nil, or told of each launch
}

// engines is the table of targets that run in this process.
var engines = map[string]func(j engineJob) (runtime.Engine, error){
	"cpu":   cpuEngine,
	"cuda":  cudaEngine,
	"metal": metalEngine,
}

func cpuEngine(j engineJob) (runtime.Engine, error) {
	if err := fitsHost(j.program, j.artifact != nil, host.AvailableMemory()); err != nil {
		return nil, err
	}
	return cpu.New(j.program, j.weights, gen.Library(), cpu.Options{Threads: j.flags.threads(), Level: j.flags.CPU, Warn: j.warn, Profile: j.profile})
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
