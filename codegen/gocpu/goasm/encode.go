package goasm

import (
	"math"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/llorch/llorch/ir/quant"
)

func encodeName(x acts) string { return "encode" + x.name }

// encode emits quant.EncodeA8 or EncodeA16, bit for bit, for AVX2: it is a small part of a token's work.
func (a *assembler) encode(x acts) {
	a.begin(a.name(encodeName(x)), "func(dst *byte, src *float32, blocks int)", "rounds blocks of activations, of which there is at least one.")
	dst, src, blocks := a.param("dst"), a.param("src"), a.param("blocks")
	e := &encoder{
		assembler: a,
		magnitude: a.words(0x7fffffff),
		infinity:  a.words(math.Float32bits(float32(math.Inf(1)))),
		nan:       a.words(math.Float32bits(float32(math.NaN()))),
		most:      a.words(math.Float32bits(127)),
	}
	if x.digits == 2 {
		e.most = a.words(math.Float32bits(255*127 + 127))
	}
	a.Label("block")
	q := make([]reg.VecVirtual, quant.Unit/a.level.lanes)
	for i := range q {
		q[i] = a.vector()
		a.VMOVUPS(operand.Mem{Base: src, Disp: 4 * a.level.lanes * i}, q[i])
	}
	scale := e.round(q)
	at := operand.Mem{Base: dst}
	e.sums(q, scale, at.Offset(quant.Unit*(x.digits-1)))
	if x.digits == 2 {
		e.pack(e.highDigits(q), at)
		at = at.Offset(quant.Unit)
	}
	e.pack(q, at)
	a.ADDQ(imm(x.bytes), dst)
	a.ADDQ(imm(4*quant.Unit), src)
	a.DECQ(blocks)
	a.JNZ(operand.LabelRef("block"))
	a.end()
}

// words is a constant in every lane.
func (a *assembler) words(b uint32) reg.VecVirtual {
	general, v := a.GP32(), a.vector()
	a.MOVL(operand.U32(b), general)
	a.VMOVD(general, v.AsX())
	a.VPBROADCASTD(v.AsX(), v)
	return v
}

// encoder has constants: what leaves a float's magnitude, infinity, NaN and the greatest integer.
type encoder struct {
	*assembler
	magnitude, infinity, nan, most reg.VecVirtual
}

// round makes integers of q and returns the scale, in all lanes.
func (e *encoder) round(q []reg.VecVirtual) reg.VecVirtual {
	const less = 17
	most := e.greatest(q)
	scale, inverse, ok, finite := e.YMM(), e.YMM(), e.YMM(), e.YMM()
	e.VDIVPS(e.most, most, scale)
	e.VDIVPS(most, e.most, inverse)
	e.VCMPPS(operand.U8(less), e.infinity, inverse, ok)
	e.VANDPS(ok, scale, scale)
	e.VANDPS(ok, inverse, inverse)
	e.VPCMPGTD(most, e.infinity, finite)
	e.VBLENDVPS(finite, scale, e.nan, scale)
	for _, v := range q {
		e.VANDPS(finite, v, v)
		e.VMULPS(inverse, v, v)
		e.VCVTPS2DQ(v, v)
	}
	return scale
}

// highDigits takes the high digits from q, which keeps the low ones. No quotient of an integer by 255 lies near the middle of two
// integers: f32 rounds it as a more precise division would be.
func (e *encoder) highDigits(q []reg.VecVirtual) []reg.VecVirtual {
	base := e.words(math.Float32bits(255))
	digits := make([]reg.VecVirtual, len(q))
	for i, v := range q {
		high, product := e.YMM(), e.YMM()
		e.VCVTDQ2PS(v, high)
		e.VDIVPS(base, high, high)
		e.VCVTPS2DQ(high, high)
		e.VPSLLD(operand.U8(8), high, product) // 255 = 256 - 1
		e.VPSUBD(high, product, product)
		e.VPSUBD(product, v, v)
		digits[i] = high
	}
	return digits
}

// greatest is the greatest magnitude in all lanes. Magnitudes order like their bits.
func (e *encoder) greatest(q []reg.VecVirtual) reg.VecVirtual {
	most, v := e.YMM(), e.YMM()
	e.VANDPS(e.magnitude, q[0], most)
	for _, next := range q[1:] {
		e.VANDPS(e.magnitude, next, v)
		e.VPMAXUD(v, most, most)
	}
	e.VEXTRACTI128(operand.U8(1), most, v.AsX())
	e.VPMAXUD(v.AsX(), most.AsX(), most.AsX())
	for _, swap := range []uint8{0x4e, 0xb1} { // halves, then neighbours
		e.VPSHUFD(operand.U8(swap), most.AsX(), v.AsX())
		e.VPMAXUD(v.AsX(), most.AsX(), most.AsX())
	}
	e.VPBROADCASTD(most.AsX(), most)
	return most
}

// sums stores what follows a block's bytes.
func (e *encoder) sums(q []reg.VecVirtual, scale reg.VecVirtual, at operand.Mem) {
	low, high, x := e.YMM(), e.YMM(), e.XMM()
	e.VPADDD(q[1], q[0], low)
	e.VPADDD(q[3], q[2], high)
	e.VPHADDD(high, low, low)
	e.VEXTRACTI128(operand.U8(1), low, x)
	e.VPADDD(low.AsX(), x, x)
	e.VPHADDD(x, x, x) // low, high, low, high
	total, zero, negative := e.XMM(), e.XMM(), e.XMM()
	e.VPHADDD(x, x, total)
	e.VPXOR(zero, zero, zero)
	e.VPSUBD(x, zero, negative)
	e.VMOVQ(negative, at.Offset(quant.A8LowSum))
	e.VPSUBD(total, zero, negative)
	e.VMOVD(negative, at.Offset(quant.A8Sum))
	e.VMOVSS(scale.AsX(), at.Offset(quant.A8Scale))
	e.VCVTDQ2PS(total, total)
	e.VMULSS(scale.AsX(), total, total)
	e.VMOVSS(total, at.Offset(quant.A8ScaledSum))
}

// pack stores q as bytes. Packing works within halves of registers: a permutation puts runs of four in order.
func (e *encoder) pack(q []reg.VecVirtual, at operand.Mem) {
	e.VPACKSSDW(q[1], q[0], q[0])
	e.VPACKSSDW(q[3], q[2], q[2])
	e.VPACKSSWB(q[2], q[0], q[0])
	order := e.YMM()
	e.VMOVDQU(data(packedOrder), order)
	e.VPERMD(q[0], order, q[0])
	e.VMOVDQU(q[0], at)
}
