package cuda

import "github.com/llorch/llorch/codegen/clike"

// tiles and loops are those of the dialect, in order of preference.
var (
	tiles = []*clike.Tile{&gemv, &gemm, &attendDot, &attendMix}
	loops = []*clike.LoopTile{&token, &flash}
)
