package cpu

// Library is what generated code hands to the engine: kernels by kernel.Key, and the tile table.
type Library struct {
	Kernels map[string]*Kernel
	Tiles   []Tile
}
