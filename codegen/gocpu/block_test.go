package gocpu_test

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/llorch/llorch/ir/kernel"
)

// blocks is a made-up weight type of 32 signed bytes behind an f32 scale, to test what the table's plain types do not.
var blocks = kernel.DTypeRow{
	DType: 99, Name: "s8_0", Elems: 32, Bytes: 36, Weight: true,
	Decode: func(dst []float32, src []byte) {
		for i := range dst {
			b := src[i/32*36:]
			dst[i] = math.Float32frombits(binary.LittleEndian.Uint32(b)) * float32(int8(b[4+i%32]))
		}
	},
	Encode: func(dst []byte, src []float32) {
		for i := 0; i < len(src); i += 32 {
			b := dst[i/32*36:]
			scale := slices.Max(src[i:i+32]) / 30
			binary.LittleEndian.PutUint32(b, math.Float32bits(scale))
			for j, v := range src[i : i+32] {
				b[4+j] = byte(int8(v / scale))
			}
		}
	},
	Unpack: func(word func(kernel.Expr, int) kernel.Expr, i kernel.Expr) kernel.Expr {
		signed := kernel.Apply("shr", kernel.Apply("shl", word(kernel.Add(kernel.I(4), i), 1), kernel.I(56)), kernel.I(56))
		return kernel.Mul(kernel.Apply("frombits", word(kernel.I(0), 4)), kernel.Apply("float", signed))
	},
}

func TestBlockTiles(t *testing.T) {
	table := kernel.DTypes
	t.Cleanup(func() { kernel.DTypes = table })
	kernel.DTypes = append(table[:len(table):len(table)], blocks)
	constant := map[string][]byte{"../../../ir/kernel/zblocks.go": []byte("package kernel\n\nconst S8_0 DType = 99\n")}

	rng := rand.New(rand.NewPCG(9, 10))
	var cases []tileCase
	for _, method := range []string{"Dot", "Mix"} {
		for rows := range 6 {
			for cols := range 4 {
				for _, k := range []int{0, 32, 64, 288} {
					cases = append(cases, newTileCase(rng, &blocks, method, rows, cols, k))
				}
			}
		}
	}
	checkTiles(t, cases, constant)
	checkAt(t, rng, []*kernel.DTypeRow{&blocks}, constant)
}
