package goasm

import (
	"fmt"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
)

// constants are words that fill a YMM register, in memory: AVX2's panel kernels have no register to spare.
var constants = []uint32{0x0f0f0f0f, 0x10101010, 0x30303030, 0x80808080, 0x00010001}

// constant is the operand of a constant.
func constant(word int) operand.Mem { return data(fmt.Sprintf("constant%08x", word)) }

// packedOrder is the words that two packings of four YMM registers leave, put in order.
const packedOrder = "packedOrder"

func data(name string) operand.Mem {
	return operand.NewDataAddr(operand.Symbol{Name: name, Static: true}, 0)
}

// emitData writes all of it.
func emitData(c *build.Context) {
	for _, word := range constants {
		emitWords(c, fmt.Sprintf("constant%08x", word), [8]uint32{word, word, word, word, word, word, word, word})
	}
	emitWords(c, packedOrder, [8]uint32{0, 4, 1, 5, 2, 6, 3, 7})
}

func emitWords(c *build.Context, name string, words [8]uint32) {
	c.StaticGlobal(name)
	c.DataAttributes(attr.RODATA | attr.NOPTR)
	for i, w := range words {
		c.AddDatum(4*i, operand.U32(w))
	}
}
