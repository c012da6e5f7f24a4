// Package codegen compiles a graph for a target: it runs the passes, links their result into a runtime.Program, and has the
// target spell the kernels. A target is a row of Targets; what targets share is not in it.
//
//	c, err := codegen.Compile(g, codegen.Options{Target: "cpu"})    // proved, fused, planned; c.Program says what to launch
//	files, err := c.Files(nil)                                      // sources, and binaries where the target has a compiler
//	w := c.Weights(m)                                               // the model's weights as the target reads them
//
// The program and the weights make an engine (runtime/cpu, runtime/cuda) in this process, or an artifact (runtime.WriteArtifact).
package codegen

import (
	"fmt"
	"strings"

	"github.com/llorch/llorch/codegen/clike/cuda"
	"github.com/llorch/llorch/codegen/clike/metal"
	"github.com/llorch/llorch/codegen/gocpu"
	"github.com/llorch/llorch/ir/kernel"
	"github.com/llorch/llorch/passes/lower"
	"github.com/llorch/llorch/runtime"
)

// Target is a back end.
type Target struct {
	Name     string
	Schedule lower.Schedule
	// Within is the target for devices of some architectures, where those make a difference; nil where none do.
	Within func(t *Target, archs []string) *Target
	// DTypes are the weight types that it can unpack.
	DTypes []kernel.DType
	// Bound has the model's sizes put into the kernels, whose parameters are then the step's symbols.
	Bound bool
	// Sources spells the kernels: files by name, for the artifact and its reader. It enters into the program what a launch needs
	// to know of them.
	Sources func(p *runtime.Program, ks []*kernel.Kernel) (map[string][]byte, error)
	// Build compiles sources for devices of these architectures (of Metal: for a version of its language), or of the target's own
	// choice: more files. It is nil where the sources are all there is.
	Build func(sources map[string][]byte, archs []string) (map[string][]byte, error)
}

// Targets is the table of back ends.
var Targets = []*Target{
	{Name: "cpu", Schedule: lower.CPU, DTypes: cpuTypes(), Sources: goSources}, // there is a tile for every one of them
	{Name: "go", Schedule: lower.CPU, DTypes: cpuTypes(), Sources: goSources},  // which codegen/gopkg makes a Go package of
	{Name: "cuda", Schedule: lower.CUDA, DTypes: fragmentTypes(), Bound: true, Sources: spelled(cuda.Dialect, CUDASource), Build: BuildCUDA,
		Within: withinCUDA},
	{Name: "metal", Schedule: lower.Metal, DTypes: fileTypes(), Bound: true, Sources: spelled(metal.Dialect, MetalSource), Build: BuildMetal},
}

// goSources are the kernels in Go.
func goSources(_ *runtime.Program, ks []*kernel.Kernel) (map[string][]byte, error) {
	src, err := gocpu.Kernels(gocpu.Options{Package: "kernels", Source: "the model's graph"}, ks)
	return map[string][]byte{"kernels.go": src}, err
}

// cpuTypes are the weight types of the dtype table but for fragments, which are for tensor cores.
func cpuTypes() []kernel.DType {
	return weightTypes(func(r *kernel.DTypeRow) bool { return !r.Fragment() })
}

// fileTypes are the weight types of files.
func fileTypes() []kernel.DType {
	return weightTypes(func(r *kernel.DTypeRow) bool { return r.Panel == nil })
}

// fragmentTypes are the weight types of files and their fragments.
func fragmentTypes() []kernel.DType {
	return weightTypes(func(r *kernel.DTypeRow) bool { return r.Panel == nil || r.Fragment() })
}

func weightTypes(is func(r *kernel.DTypeRow) bool) []kernel.DType {
	var ds []kernel.DType
	for i := range kernel.DTypes {
		if r := &kernel.DTypes[i]; r.Weight && is(r) {
			ds = append(ds, r.DType)
		}
	}
	return ds
}

// Lookup finds a target by name.
func Lookup(name string) (*Target, error) {
	var names []string
	for _, t := range Targets {
		if t.Name == name {
			return t, nil
		}
		names = append(names, t.Name)
	}
	return nil, fmt.Errorf("unknown target %q: want %s", name, strings.Join(names, ", "))
}
