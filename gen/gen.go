// Package gen holds the CPU kernels that llorch ships with, emitted by codegen/gocpu from the graphs of the models that
// llorch declares. A kernel's sizes and weight types are parameters, so that these serve every model of those structures
// without a Go toolchain at hand; what has no kernel here runs in the interpreter.
package gen

import (
	"github.com/llorch/llorch/gen/tiles"
	"github.com/llorch/llorch/runtime/cpu"
)

//go:generate go run ./internal/generate

// Library is what the CPU engine runs.
func Library() cpu.Library { return cpu.Library{Kernels: Kernels, Tiles: tiles.All()} }
