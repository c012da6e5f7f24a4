package goasm

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/llorch/llorch/ir/quant"
)

// panelLevel is how a level multiplies panels.
type panelLevel struct {
	cols map[acts][]int // of the microkernels
	// products sets ints to the inner products of a part of vector v of rows with a digit of each column.
	products func(k *panelKernel, v int, p part, d digit, ints []reg.VecVirtual)
	// addProduct adds to sum v times the f32 at m, and subProduct subtracts it.
	addProduct, subProduct func(k *panelKernel, m operand.Mem, v, sum reg.VecVirtual)
	// bits sets v to those bits of each byte at m, shifted right by shift, that are in mask, and addBits sets them too.
	bits, addBits func(k *panelKernel, m operand.Mem, shift, mask int, v reg.VecVirtual)
	mask          func(a *assembler, byteValue int) operand.Op
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
	cols: map[acts][]int{a8: {1, 2, 4, 8}, a16: {1, 2, 4, 8}},
	products: func(k *panelKernel, v int, p part, d digit, ints []reg.VecVirtual) {
		for c, n := range ints {
			if d.last && k.Format.Zero != 0 {
				k.start(c, p, n)
			} else {
				k.VXORPS(n, n, n)
			}
		}
		for j := p.from; j < p.to; j++ {
			q := k.codes(v, j)
			for c, n := range ints {
				k.VPDPBUSD_BCST(k.xAt(c, d.at+4*j), q, n)
			}
		}
	},
	addProduct: func(k *panelKernel, m operand.Mem, v, sum reg.VecVirtual) { k.VFMADD231PS_BCST(m, v, sum) },
	subProduct: func(k *panelKernel, m operand.Mem, v, sum reg.VecVirtual) { k.VFNMADD231PS_BCST(m, v, sum) },
	bits: func(k *panelKernel, m operand.Mem, shift, mask int, v reg.VecVirtual) {
		if shift == 0 {
			k.VPANDD(m, k.masks[mask].(reg.Register), v)
			return
		}
		k.VPSRLD(operand.U8(shift), m, v)
		k.VPANDD(k.masks[mask], v, v)
	},
	addBits: func(k *panelKernel, m operand.Mem, shift, mask int, v reg.VecVirtual) {
		const firstOrBoth = 0xf8 // v | more & mask
		more := k.vector()
		switch {
		case shift < 0:
			k.VPSLLD(operand.U8(-shift), m, more)
		case shift > 0:
			k.VPSRLD(operand.U8(shift), m, more)
		default:
			k.VMOVUPS(m, more)
		}
		k.VPTERNLOGD(operand.U8(firstOrBoth), k.masks[mask], more, v)
	},
	mask: func(a *assembler, byteValue int) operand.Op {
		general, v := a.GP32(), a.ZMM()
		a.MOVL(imm(byteValue*0x01010101), general)
		a.VPBROADCASTD(general, v)
		return v
	},
}

// avx2 multiplies pairs of codes into sums of 16 bits.
var avx2 = &panelLevel{
	cols:       map[acts][]int{a8: {1, 2, 4}, a16: {1, 2}},
	products:   productsAVX2,
	addProduct: func(k *panelKernel, m operand.Mem, v, sum reg.VecVirtual) { k.VFMADD231PS(k.broadcast(m), v, sum) },
	subProduct: func(k *panelKernel, m operand.Mem, v, sum reg.VecVirtual) { k.VFNMADD231PS(k.broadcast(m), v, sum) },
	bits:       bitsAVX2,
	addBits: func(k *panelKernel, m operand.Mem, shift, mask int, v reg.VecVirtual) {
		more := k.vector()
		bitsAVX2(k, m, shift, mask, more)
		k.VPOR(more, v, v)
	},
	mask: func(_ *assembler, byteValue int) operand.Op { return constant(byteValue * 0x01010101) },
}

func bitsAVX2(k *panelKernel, m operand.Mem, shift, mask int, v reg.VecVirtual) {
	k.VMOVUPS(m, v)
	if shift < 0 {
		k.VPSLLD(operand.U8(-shift), v, v)
	} else if shift > 0 {
		k.VPSRLD(operand.U8(shift), v, v)
	}
	k.VPAND(k.masks[mask], v, v)
}

// broadcast is the f32 or the four bytes at m in every lane.
func (k *panelKernel) broadcast(m operand.Mem) reg.VecVirtual {
	v := k.vector()
	k.VPBROADCASTD(m, v)
	return v
}

// productsAVX2 adds up as many products as 16 bits hold before it widens the sums: all of a part with codes of 4 bits, the products
// of two words with 5 or 6, of one with 8.
func productsAVX2(k *panelKernel, v int, p part, d digit, ints []reg.VecVirtual) {
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
			k.dotWords(v, d, j, words, j == p.from, ints)
		} else {
			k.dotPart(v, p, d, ints)
		}
	}
	if !d.last || k.Format.Zero == 0 || k.Format.Bits == 8 {
		return
	}
	for c, n := range ints {
		start := k.vector()
		k.start(c, p, start)
		k.VPADDD(start, n, n)
	}
}

// dotPart keeps sums of 16 bits in ints until the part's end.
func (k *panelKernel) dotPart(v int, p part, d digit, ints []reg.VecVirtual) {
	for j := p.from; j < p.to; j++ {
		q := k.codes(v, j)
		for c, n := range ints {
			if j == p.from {
				k.VPBROADCASTD(k.xAt(c, d.at+4*j), n)
				k.VPMADDUBSW(n, q, n)
				continue
			}
			x := k.broadcast(k.xAt(c, d.at+4*j))
			k.VPMADDUBSW(x, q, x)
			k.VPADDW(x, n, n)
		}
	}
	for _, n := range ints {
		k.VPMADDWD(constant(0x00010001), n, n)
	}
}

// dotWords adds to ints the products of words from j on, or sets it to those of the first.
func (k *panelKernel) dotWords(v int, d digit, j, words int, first bool, ints []reg.VecVirtual) {
	var q, magnitudes []reg.VecVirtual
	for i := range words {
		q = append(q, k.codes(v, j+i))
	}
	if magnitudes = q; k.Format.Bits == 8 { // |code - 128|, whose sign the activations take
		magnitudes = k.vectorsOf(words)
		for i, m := range magnitudes {
			k.VPXOR(constant(0x80808080), q[i], q[i])
			k.VPABSB(q[i], m)
		}
	}
	for c, n := range ints {
		var sum reg.VecVirtual
		for i := range q {
			x := k.broadcast(k.xAt(c, d.at+4*(j+i)))
			if k.Format.Bits == 8 {
				k.VPSIGNB(q[i], x, x)
			}
			k.VPMADDUBSW(x, magnitudes[i], x)
			if i == 0 {
				sum = x
			} else {
				k.VPADDW(x, sum, sum)
			}
		}
		if first {
			k.VPMADDWD(constant(0x00010001), sum, n)
		} else {
			k.VPMADDWD(constant(0x00010001), sum, sum)
			k.VPADDD(sum, n, n)
		}
	}
}

// vectors is how many vectors hold a lane of each of a panel's rows.
func (a *panelAssembler) vectors() int { return quant.PanelRows / a.level.lanes }
