package cpu

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/llorch/llorch/ir/quant"
)

// acts is a type of activations as tiles read it: blocks whose first bytes are digits, to the base 255, of quant.Unit numbers.
type acts struct{ bytes, digits int }

var (
	a8  = acts{quant.A8Bytes, 1}
	a16 = acts{quant.A16Bytes, 2}
)

// block is the block of element i.
func (a acts) block(x []byte, i int) []byte { return x[i/quant.Unit*a.bytes:][:a.bytes] }

// numbers expands a block's.
func (a acts) numbers(q *[quant.Unit]int32, block []byte) {
	for i := range q {
		q[i] = int32(int8(block[i]))
		if a.digits == 2 {
			q[i] = 255*q[i] + int32(int8(block[quant.Unit+i]))
		}
	}
}

// float is what lies at a place that package quant names for A8.
func (a acts) float(block []byte, at int) float32 {
	return math.Float32frombits(binary.LittleEndian.Uint32(block[(a.digits-1)*quant.Unit+at:]))
}

// check is checkSpan of activations in whole blocks.
func (a acts) check(x []byte, at, stride, n, k int) {
	if at%quant.Unit != 0 || stride%quant.Unit != 0 || k%quant.Unit != 0 {
		panic(fmt.Sprintf("x has blocks of %d: no %d x %d from %d on, %d apart", quant.Unit, n, k, at, stride))
	}
	checkSpan("x", len(x)/a.bytes*quant.Unit, at, stride, n, k)
}

// MicroEncode is the assembly of quant.EncodeA8 or EncodeA16: at least one block.
type MicroEncode func(dst *byte, src *float32, blocks int)

// A8 is a Tile's Encode to activations of 8 bits.
func (m MicroEncode) A8(dst []byte, src []float32) { m.encode(a8, dst, src) }

// A16 is a Tile's Encode to activations of 16 bits.
func (m MicroEncode) A16(dst []byte, src []float32) { m.encode(a16, dst, src) }

func (m MicroEncode) encode(a acts, dst []byte, src []float32) {
	blocks := len(src) / quant.Unit
	if len(src)%quant.Unit != 0 || len(dst)/a.bytes < blocks {
		panic(fmt.Sprintf("%d activations are no whole blocks of %d in %d bytes", len(src), quant.Unit, len(dst)))
	}
	if blocks > 0 {
		m(&dst[0], &src[0], blocks)
	}
}
