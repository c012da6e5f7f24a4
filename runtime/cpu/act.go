package cpu

import (
	"fmt"

	"github.com/llorch/llorch/ir/quant"
)

// checkA8 is checkSpan of activations in whole blocks.
func checkA8(x []byte, at, stride, n, k int) {
	if at%quant.Unit != 0 || stride%quant.Unit != 0 || k%quant.Unit != 0 {
		panic(fmt.Sprintf("x has blocks of %d: no %d x %d from %d on, %d apart", quant.Unit, n, k, at, stride))
	}
	checkSpan("x", len(x)/quant.A8Bytes*quant.Unit, at, stride, n, k)
}

// MicroEncode is the assembly of quant.EncodeA8: at least one block.
type MicroEncode func(dst *byte, src *float32, blocks int)

// Encode is a Tile's Encode.
func (m MicroEncode) Encode(dst []byte, src []float32) {
	blocks := len(src) / quant.Unit
	if len(src)%quant.Unit != 0 || len(dst)/quant.A8Bytes < blocks {
		panic(fmt.Sprintf("%d activations are no whole blocks of %d in %d bytes", len(src), quant.Unit, len(dst)))
	}
	if blocks > 0 {
		m(&dst[0], &src[0], blocks)
	}
}
