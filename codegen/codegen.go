// Package codegen compiles a graph for a target: it runs the passes, links their result into a runtime.Program, and has the
// target spell the kernels. A target is a row of Targets; what targets share is not in it.
package codegen

import (
	"fmt"
	"strings"

	"github.com/llorch/llorch/codegen/gocpu"
	"github.com/llorch/llorch/ir/kernel"
	"github.com/llorch/llorch/passes/lower"
)

// Target is a back end.
type Target struct {
	Name     string
	Schedule lower.Schedule
	// DTypes are the weight types that it can unpack.
	DTypes []kernel.DType
	// Sources spells the kernels: files by name, for the artifact and its reader.
	Sources func(ks []*kernel.Kernel) (map[string][]byte, error)
}

// Targets is the table of back ends.
var Targets = []*Target{
	{Name: "cpu", Schedule: lower.CPU, DTypes: weightTypes(), Sources: goSources}, // there is a tile for every weight type of the table
	{Name: "go", Schedule: lower.CPU, DTypes: weightTypes(), Sources: goSources},  // which codegen/gopkg makes a Go package of
}

// goSources are the kernels in Go.
func goSources(ks []*kernel.Kernel) (map[string][]byte, error) {
	src, err := gocpu.Kernels(gocpu.Options{Package: "kernels", Source: "the model's graph"}, ks)
	return map[string][]byte{"kernels.go": src}, err
}

// weightTypes are the weight types of the dtype table.
func weightTypes() []kernel.DType {
	var ds []kernel.DType
	for _, r := range kernel.DTypes {
		if r.Weight {
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
