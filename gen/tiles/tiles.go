// Package tiles holds the inner loops of CPU kernels, by weight type and CPU level. The portable ones of element types are
// emitted by codegen/gocpu, the assembly by codegen/gocpu/goasm; those of block types are package cpu's own. Programs that
// compile has written, and package gen, link them.
package tiles

import (
	"slices"

	"github.com/llorch/llorch/runtime/cpu"
)

//go:generate go run ../internal/tiles

// All is the table of tiles.
func All() []cpu.Tile { return slices.Concat(Portable(), levelTiles) }

// Portable is the tiles in plain Go.
func Portable() []cpu.Tile { return slices.Concat(Tiles, cpu.BlockTiles()) }
