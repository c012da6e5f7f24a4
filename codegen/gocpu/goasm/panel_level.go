package goasm

import (
	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/llorch/llorch/ir/quant"
)

// prefetch is how many bytes ahead the weights of one column, which come from memory, are asked for.
const prefetch = 256

// panelLevel is how a level multiplies panels.
type panelLevel struct {
	cols []int // of the microkernels
	// products sets ints to the inner products of a part of vector v of rows with each column.
	products func(k *panelKernel, v int, p part, ints []reg.VecVirtual)
	// addProduct adds to sum v times the f32 at m, and subProduct subtracts it.
	addProduct, subProduct func(k *panelKernel, m operand.Mem, v, sum reg.VecVirtual)
	and, or                func(a *assembler, by operand.Op, v reg.VecVirtual)
	mask                   func(a *assembler, byteValue int) operand.Op // for and
}

// masks makes the constants that the type's codes take.
func (a *panelAssembler) masks() map[int]operand.Op {
	masks := map[int]operand.Op{}
	if a.Format.Bits < 8 {
		masks[0x0f] = a.mask(a.assembler, 0x0f)
	}
	switch a.Format.Bits {
	case 5:
		masks[0x10] = a.mask(a.assembler, 0x10)
	case 6:
		masks[0x30] = a.mask(a.assembler, 0x30)
	}
	return masks
}

// vnni multiplies four codes of each row with one instruction, and adds them up.
var vnni = &panelLevel{
	cols: []int{1, 2, 4, 8},
	products: func(k *panelKernel, v int, p part, ints []reg.VecVirtual) {
		for c, n := range ints {
			k.start(c, p, n)
		}
		for j := p.from; j < p.to; j++ {
			q := k.codes(v, j)
			for c, n := range ints {
				k.VPDPBUSD_BCST(k.xAt(c, 4*j), q, n)
			}
		}
	},
	addProduct: func(k *panelKernel, m operand.Mem, v, sum reg.VecVirtual) { k.VFMADD231PS_BCST(m, v, sum) },
	subProduct: func(k *panelKernel, m operand.Mem, v, sum reg.VecVirtual) { k.VFNMADD231PS_BCST(m, v, sum) },
	and:        func(a *assembler, by operand.Op, v reg.VecVirtual) { a.VPANDD(by, v, v) },
	or:         func(a *assembler, by operand.Op, v reg.VecVirtual) { a.VPORD(by, v, v) },
	mask: func(a *assembler, byteValue int) operand.Op {
		general, v := a.GP32(), a.ZMM()
		a.MOVL(imm(byteValue*0x01010101), general)
		a.VPBROADCASTD(general, v)
		return v
	},
}

// avx2 multiplies pairs of codes into sums of 16 bits.
var avx2 = &panelLevel{
	cols:       []int{1, 2, 4},
	products:   dotAVX2,
	addProduct: func(k *panelKernel, m operand.Mem, v, sum reg.VecVirtual) { k.VFMADD231PS(k.broadcast(m), v, sum) },
	subProduct: func(k *panelKernel, m operand.Mem, v, sum reg.VecVirtual) { k.VFNMADD231PS(k.broadcast(m), v, sum) },
	and:        func(a *assembler, by operand.Op, v reg.VecVirtual) { a.VPAND(by, v, v) },
	or:         func(a *assembler, by operand.Op, v reg.VecVirtual) { a.VPOR(by, v, v) },
	mask:       func(_ *assembler, byteValue int) operand.Op { return constant(byteValue) },
}

// broadcast is the f32 or the four bytes at m in every lane.
func (k *panelKernel) broadcast(m operand.Mem) reg.VecVirtual {
	v := k.vector()
	k.VPBROADCASTD(m, v)
	return v
}

// dotAVX2 adds up as many products as 16 bits hold before it widens the sums: all of a part with codes of 4 bits, the products
// of two words with 5 or 6, of one with 8.
func dotAVX2(k *panelKernel, v int, p part, ints []reg.VecVirtual) {
	const most = 1<<15 - 1
	code := 1<<k.Format.Bits - 1
	if k.Format.Bits == 8 {
		code = 128 // made signed
	}
	words := min(p.to-p.from, most/(2*code*127))
	if words < p.to-p.from {
		words = min(words, 2)
	}
	for j := p.from; j < p.to; j += words {
		if words <= 2 {
			k.dotWords(v, p, j, words, ints)
		} else {
			k.dotPart(v, p, ints)
		}
	}
}

// dotPart keeps sums of 16 bits in ints until the part's end.
func (k *panelKernel) dotPart(v int, p part, ints []reg.VecVirtual) {
	for j := p.from; j < p.to; j++ {
		q := k.codes(v, j)
		for c, n := range ints {
			if j == p.from {
				k.VPBROADCASTD(k.xAt(c, 4*j), n)
				k.VPMADDUBSW(n, q, n)
				continue
			}
			x := k.broadcast(k.xAt(c, 4*j))
			k.VPMADDUBSW(x, q, x)
			k.VPADDW(x, n, n)
		}
	}
	for c, n := range ints {
		k.VPMADDWD(constant(1), n, n)
		k.addStart(c, p, n)
	}
}

// dotWords adds to ints the products of words from j on.
func (k *panelKernel) dotWords(v int, p part, j, words int, ints []reg.VecVirtual) {
	var q, magnitudes []reg.VecVirtual
	for i := range words {
		q = append(q, k.codes(v, j+i))
	}
	magnitudes = q
	if k.Format.Bits == 8 { // |code - 128|, whose sign the activations take
		magnitudes = nil
		for i := range q {
			m := k.vector()
			k.VPXOR(constant(0x80), q[i], q[i])
			k.VPABSB(q[i], m)
			magnitudes = append(magnitudes, m)
		}
	}
	for c, n := range ints {
		var sum reg.VecVirtual
		for i := range q {
			x := k.broadcast(k.xAt(c, 4*(j+i)))
			if k.Format.Bits == 8 {
				k.VPSIGNB(q[i], x, x)
			}
			k.VPMADDUBSW(x, magnitudes[i], x)
			if sum == nil {
				sum = x
			} else {
				k.VPADDW(x, sum, sum)
			}
		}
		if j == p.from {
			k.VPMADDWD(constant(1), sum, n)
			k.addStart(c, p, n)
			continue
		}
		k.VPMADDWD(constant(1), sum, sum)
		k.VPADDD(sum, n, n)
	}
}

// addStart adds what a column's inner product begins with.
func (k *panelKernel) addStart(c int, p part, n reg.VecVirtual) {
	if k.Format.Zero != 0 && k.Format.Bits < 8 {
		start := k.vector()
		k.start(c, p, start)
		k.VPADDD(start, n, n)
	}
}

// constants of 32 bytes, each a byte or (1) a word of 16 bits.
var constants = []int{0x0f, 0x10, 0x30, 0x80, 1}

func constantName(value int) string {
	return map[int]string{0x0f: "nibbles", 0x10: "bit4", 0x30: "bits45", 0x80: "signs", 1: "ones16"}[value]
}

func constant(value int) operand.Mem {
	return operand.NewDataAddr(operand.Symbol{Name: constantName(value), Static: true}, 0)
}

// emitConstants writes the data.
func emitConstants(c *build.Context) {
	for _, value := range constants {
		c.StaticGlobal(constantName(value))
		c.DataAttributes(attr.RODATA | attr.NOPTR)
		word := uint64(value) * 0x0101010101010101
		if value == 1 {
			word = 0x0001000100010001
		}
		for at := 0; at < 32; at += 8 {
			c.AddDatum(at, operand.U64(word))
		}
	}
}

// vectors is how many vectors hold a lane of each of a panel's rows.
func (a *panelAssembler) vectors() int { return quant.PanelRows / a.level.lanes }
