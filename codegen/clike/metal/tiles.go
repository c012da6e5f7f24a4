package metal

import (
	"github.com/llorch/llorch/codegen/clike"
	"github.com/llorch/llorch/ir/kernel"
)

// tiles are those of the dialect, in order of preference.
var tiles = []*clike.Tile{&attendFew, &attendDot, &attendMix, &gemv, &gemm}

// threads is the size of group that all tiles are for.
const threads = 256

// scratch is bytes of group memory for the matrices that edges cut: matrices::SCRATCH for each team.
const scratch = threads / 32 * 256

// formats are the block types in formats.metal.
var formats = map[kernel.DType]string{
	kernel.Q40: "weights::Q32<4, false>", kernel.Q41: "weights::Q32<4, true>",
	kernel.Q50: "weights::Q32<5, false>", kernel.Q51: "weights::Q32<5, true>",
	kernel.Q80: "weights::Q80", kernel.Q4K: "weights::Q256<4>", kernel.Q5K: "weights::Q256<5>", kernel.Q6K: "weights::Q6K",
}

// floats are the types of single elements, with their bytes.
var floats = map[kernel.DType]struct {
	name  string
	bytes int
}{
	kernel.F32: {"float", 4}, kernel.F16: {"half", 2}, kernel.BF16: {"bfloat", 2},
}

func isFloat(o clike.Operand) bool { return floats[o.DType].bytes > 0 }

// whole reports fixed multiples of n.
func whole(n int64, rs ...clike.Range) bool {
	for _, r := range rs {
		if !r.Fixed() || r.Lo%n != 0 {
			return false
		}
	}
	return true
}

// vector is how many elements a lane may load at once: operands begin at whole rows of their buffers, and these at 16 bytes.
func vector(c clike.Call) int {
	for _, v := range []int64{8, 4} {
		if whole(v, c.K, c.WStride, c.XStride) {
			return int(v)
		}
	}
	return 1
}

// count is how many times n a number is at most, up to a limit.
func count(r clike.Range, n, limit int64) int64 {
	if r.Hi >= n*limit {
		return limit
	}
	return max(1, (r.Hi+n-1)/n)
}

// power is the least power of two that is not below n.
func power(n int64) int64 {
	p := int64(1)
	for p < n {
		p *= 2
	}
	return p
}
