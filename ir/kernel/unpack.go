package kernel

import (
	"math/bits"

	"github.com/llorch/llorch/ir/quant"
)

// Element is Decode of element k of row r of a matrix as an expression, for targets that read single weights in their own
// language. Rows have rowElems elements. A type whose blocks are of one row (Rows is 1) takes the element's index in the whole
// matrix as well, as k with r = 0.
//
// Here word's offsets count from the matrix's first byte; words of two and four bytes lie at multiples of that. Integers are not
// negative but where signed8 or unpackF16 say so, and shifts are below 32. A product to which something is added is exact, so a
// target may fuse the two.
func (row *DTypeRow) Element(word Word, r, k, rowElems Expr) Expr {
	switch flat := Add(Mul(r, rowElems), k); {
	case row.Panel != nil:
		return unpackPanel(word, row.Panel, r, k, rowElems)
	case row.Format != nil:
		return unpackFormat(word, row.Format, flat)
	default:
		return row.Unpack(from(word, Mul(flat, lit(row.Bytes))))
	}
}

// from reads words whose offsets count from a base.
func from(word Word, base Expr) Word {
	return func(at Expr, bytes int) Expr { return word(Add(base, at), bytes) }
}

// unpackFormat is element i of the blocks of a file, by what quant.Format says of them.
func unpackFormat(word Word, f *quant.Format, i Expr) Expr {
	width := bits.TrailingZeros(uint(f.Elems))
	block := from(word, Mul(shr(i, width), lit(f.Bytes)))
	i = band(i, f.Elems-1)
	v := value{d: unpackF16(from(block, lit(f.D))), code: codeOf(block, f.Codes, width, nil, i)}
	if f.Bits == 8 {
		v.code = signed8(v.code)
	} else {
		v.code = Sub(v.code, lit(f.Zero))
	}
	if f.Offsets {
		v.m = unpackF16(from(block, lit(f.M)))
	}
	switch {
	case f.Halves:
		v.s = signed8(block(Add(lit(f.S), shr(i, 4)), 1))
	case f.Nested:
		v.s, v.t = sixBits(from(block, lit(f.S)), shr(i, 5))
	}
	return v.expr()
}

// sixBits is scale and offset j of the eight in the 12 bytes of q4_k and q5_k: the first four are the low bits of bytes 0 to 3 and
// 4 to 7; of the others bytes 8 to 11 hold the low four bits, and the top bits of those bytes the rest.
func sixBits(word Word, j Expr) (s, t Expr) {
	later := band(j, 4) // 4 for the others, else 0
	low, high := Sub(I(63), Mul(later, I(12))), Mul(later, I(12))
	b := func(i Expr) Expr { return word(i, 1) }
	s = or(Apply("band", b(Add(j, later)), low), Apply("band", shr(b(Sub(j, later)), 2), high))
	t = or(Apply("band", Apply("shr", b(Add(j, I(4))), later), low), Apply("band", shr(b(j), 2), high))
	return s, t
}

// unpackPanel is element k of row r of panels or fragments, by what quant.Panel says of them.
func unpackPanel(word Word, p *quant.Panel, r, k, rowElems Expr) Expr {
	f := p.Format
	width := bits.TrailingZeros(uint(f.Elems))
	group := Mul(shr(r, 4), shr(rowElems, width)) // its first block
	block := from(word, Mul(Add(group, shr(k, width)), lit(p.Bytes)))
	unit := block
	if f.Elems > quant.Unit {
		unit = from(block, Add(lit(p.Header), Mul(shr(band(k, f.Elems-1), 5), lit(p.Unit()))))
	}
	q := codeOf(unit, p.Codes, 9, r, k)
	if f.Float != nil {
		d, _ := ParseDType(f.Name)
		return d.Row().Unpack(func(Expr, int) Expr { return q })
	}
	v := value{code: Sub(q, lit(f.Zero))}
	row := move(p.Rows, r, nil)
	factors := unit
	if f.Nested {
		factors = block
	}
	v.d = unpackF16(from(factors, shl(row, 1)))
	if f.Offsets {
		v.m = unpackF16(from(factors, Add(shl(row, 1), I(2*quant.PanelRows))))
	}
	switch {
	case f.Halves:
		v.s = signed8(unit(Add(row, band(k, 16)), 1))
	case f.Nested:
		v.s, v.t = unit(row, 1), unit(Add(row, I(quant.PanelRows)), 1)
	}
	return v.expr()
}

// codeOf assembles a code from planes whose places have width bits.
func codeOf(word Word, planes []quant.Plane, width int, r, e Expr) Expr {
	code, shift := I(0), 0
	for _, p := range planes {
		place := e
		if p.Order != nil {
			place = move(p.Order, r, e)
		}
		code = or(code, shl(planeOf(from(word, lit(p.At)), p, width, place), shift))
		shift += p.Bits
	}
	return code
}

// planeOf is the bits at a place.
func planeOf(word Word, p quant.Plane, width int, place Expr) Expr {
	if p.Bits >= 8 {
		return word(Mul(place, lit(p.Bits/8)), p.Bits/8)
	}
	per := p.Per()
	at := band(place, 1<<p.Run-1)
	if p.Run+per < width {
		at = or(shl(shr(place, p.Run+per), p.Run), at)
	}
	shift := Mul(band(shr(place, p.Run), 1<<per-1), lit(p.Bits))
	return band(Apply("shr", word(at, 1), shift), 1<<p.Bits-1)
}

// move is the place of element e of row r in a unit; an order of rows alone does without e.
func move(o *quant.Order, r, e Expr) Expr {
	place := I(0)
	for _, m := range o.Moves {
		number := e
		if m.Row {
			number = r
		}
		place = or(place, shl(band(shr(number, m.From), 1<<m.Bits-1), m.To))
	}
	return place
}

// value is an element in parts; what a format has not is nil.
type value struct {
	d, m Expr // factors
	s, t Expr // nested: how many of them
	code Expr // less zero
}

// expr computes in quant.Format's order.
func (v *value) expr() Expr {
	scale := v.d
	if v.s != nil {
		scale = Mul(scale, Apply("float", v.s))
	}
	x := Mul(scale, Apply("float", v.code))
	switch {
	case v.t != nil:
		return Sub(x, Mul(v.m, Apply("float", v.t)))
	case v.m != nil:
		return Add(x, v.m)
	}
	return x
}

// signed8 is the two's complement value of a byte.
func signed8(b Expr) Expr { return Sub(b, shl(band(b, 0x80), 1)) }

func lit(v int) Expr { return I(int64(v)) }

func band(x Expr, mask int) Expr {
	if mask == 0 {
		return I(0)
	}
	return Apply("band", x, lit(mask))
}

// or joins bits; the identities are dropped.
func or(a, b Expr) Expr {
	switch {
	case isLit(a, 0):
		return b
	case isLit(b, 0):
		return a
	}
	return Apply("bor", a, b)
}

func shl(x Expr, n int) Expr { return shift("shl", x, n) }
func shr(x Expr, n int) Expr { return shift("shr", x, n) }

func shift(name string, x Expr, n int) Expr {
	if n == 0 {
		return x
	}
	return Apply(name, x, lit(n))
}
