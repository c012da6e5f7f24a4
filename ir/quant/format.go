package quant

import "encoding/binary"

// Unit is the run of elements that panels and activations are divided in. A format's scales are shared by a unit or half of one.
const Unit = 32

// MaxElems is the elements of the longest block.
const MaxElems = 256

// Format is a block type of a GGUF file.
type Format struct {
	Name         string
	Elems, Bytes int
	Bits         int  // of a code
	Zero         int  // the code of the value 0, where the format has no offsets
	Offsets      bool // codes count from an offset that the block stores
	Nested       bool // scales and offsets are small integers times the block's factors (the K formats)
	Halves       bool // half a unit has its own scale

	// Where they are in a block, for those who read any format's; split and at are the quick ways. Codes of 8 bits are signed there.
	D, M  int // the f16 factors: of scales and, with offsets, of offsets
	S     int // nested: the integers, signed bytes with Halves, otherwise as sixBits has them
	Codes []Plane

	// Float is the number that a code of 16 bits is, instead of all this. Such a block is a unit of single elements.
	Float func(code uint16) float32

	split func(c *codes, block []byte)
	at    func(block []byte, i int) element
	pack  func(dst, src []byte, r int) // makes a block row r of a panel's
}

// codes is a block taken apart, but for its factors.
type codes struct {
	q [MaxElems]uint8 // codes, not negative
	s [16]uint8       // scales in units of d, by unit or half unit; those of q6_k are signed
	t [8]uint8        // offsets in units of m
}

// element is one of them.
type element struct{ q, s, t uint8 }

// Formats is the table of block types.
var Formats = []*Format{
	{Name: "q4_0", Elems: 32, Bytes: 18, Bits: 4, Zero: 8,
		Codes: []Plane{{At: 2, Bits: 4, Run: 4}},
		split: splitQ40, at: atQ40, pack: packQ40},
	{Name: "q4_1", Elems: 32, Bytes: 20, Bits: 4, Offsets: true, M: 2,
		Codes: []Plane{{At: 4, Bits: 4, Run: 4}},
		split: splitQ41, at: atQ41, pack: packQ41},
	{Name: "q5_0", Elems: 32, Bytes: 22, Bits: 5, Zero: 16,
		Codes: []Plane{{At: 6, Bits: 4, Run: 4}, {At: 2, Bits: 1}},
		split: splitQ50, at: atQ50, pack: packQ50},
	{Name: "q5_1", Elems: 32, Bytes: 24, Bits: 5, Offsets: true, M: 2,
		Codes: []Plane{{At: 8, Bits: 4, Run: 4}, {At: 4, Bits: 1}},
		split: splitQ51, at: atQ51, pack: packQ51},
	{Name: "q8_0", Elems: 32, Bytes: 34, Bits: 8, Zero: 128,
		Codes: []Plane{{At: 2, Bits: 8, Run: 5}},
		split: splitQ80, at: atQ80, pack: packQ80},
	{Name: "q4_k", Elems: 256, Bytes: 144, Bits: 4, Offsets: true, Nested: true, M: 2, S: 4,
		Codes: []Plane{{At: 16, Bits: 4, Run: 5}},
		split: splitQ4K, at: atQ4K, pack: packQ4K},
	{Name: "q5_k", Elems: 256, Bytes: 176, Bits: 5, Offsets: true, Nested: true, M: 2, S: 4,
		Codes: []Plane{{At: 48, Bits: 4, Run: 5}, {At: 16, Bits: 1, Run: 5}},
		split: splitQ5K, at: atQ5K, pack: packQ5K},
	{Name: "q6_k", Elems: 256, Bytes: 210, Bits: 6, Zero: 32, Nested: true, Halves: true, D: 208, S: 192,
		Codes: []Plane{{At: 0, Bits: 4, Run: 6}, {At: 128, Bits: 2, Run: 5}},
		split: splitQ6K, at: atQ6K, pack: packQ6K},
}

// Floats are runs of single elements as formats, for what packs them.
var Floats = []*Format{
	{Name: "f16", Elems: Unit, Bytes: 2 * Unit, Bits: 16, Float: FromF16, Codes: []Plane{{Bits: 16}}, pack: packFloats},
	{Name: "bf16", Elems: Unit, Bytes: 2 * Unit, Bits: 16, Float: fromBF16, Codes: []Plane{{Bits: 16}}, pack: packFloats},
}

// Lookup is the format of that name, or nil.
func Lookup(name string) *Format {
	for _, f := range Formats {
		if f.Name == name {
			return f
		}
	}
	return nil
}

// Decode expands whole blocks.
func (f *Format) Decode(dst []float32, src []byte) {
	var c codes
	per := Unit // elements that share a scale
	if f.Halves {
		per /= 2
	}
	for ; len(dst) > 0; dst, src = dst[f.Elems:], src[f.Bytes:] {
		if f.Float != nil {
			for i := range dst[:f.Elems] {
				dst[i] = f.Float(u16(src, 2*i))
			}
			continue
		}
		f.split(&c, src[:f.Bytes])
		for i := range dst[:f.Elems] {
			dst[i] = f.value(src, element{c.q[i], c.s[i/per], c.t[i/Unit]})
		}
	}
}

// At is element i of a block.
func (f *Format) At(block []byte, i int) float32 {
	if f.Float != nil {
		return f.Float(u16(block, 2*i))
	}
	return f.value(block, f.at(block, i))
}

// value is an element of a block. Products are rounded before sums, on every CPU.
func (f *Format) value(block []byte, e element) float32 {
	scale := factor(block, f.D)
	switch {
	case f.Halves:
		scale *= float32(int8(e.s))
	case f.Nested:
		scale *= float32(e.s)
	}
	v := float32(scale * float32(int(e.q)-f.Zero))
	switch {
	case f.Offsets && f.Nested:
		v += -factor(block, f.M) * float32(e.t)
	case f.Offsets:
		v += factor(block, f.M)
	}
	return v
}

func splitQ40(c *codes, b []byte) {
	nibbles(c.q[:32], b[2:18])
}

func splitQ41(c *codes, b []byte) {
	nibbles(c.q[:32], b[4:20])
}

func splitQ50(c *codes, b []byte) {
	nibbles(c.q[:32], b[6:22])
	fifthBits(c.q[:32], binary.LittleEndian.Uint32(b[2:]))
}

func splitQ51(c *codes, b []byte) {
	nibbles(c.q[:32], b[8:24])
	fifthBits(c.q[:32], binary.LittleEndian.Uint32(b[4:]))
}

func splitQ80(c *codes, b []byte) {
	for i, v := range b[2:34] {
		c.q[i] = v ^ 0x80
	}
}

func splitQ4K(c *codes, b []byte) {
	sixBits((*[8]uint8)(c.s[:8]), &c.t, b[4:16])
	for i := range 4 {
		nibbles(c.q[64*i:64*i+64], b[16+32*i:48+32*i])
	}
}

func splitQ5K(c *codes, b []byte) {
	sixBits((*[8]uint8)(c.s[:8]), &c.t, b[4:16])
	high := b[16:48]
	for i := range 4 {
		nibbles(c.q[64*i:64*i+64], b[48+32*i:80+32*i])
	}
	for i := range 8 {
		q := c.q[32*i : 32*i+32]
		for l, h := range high {
			q[l] |= h >> i & 1 << 4
		}
	}
}

func splitQ6K(c *codes, b []byte) {
	copy(c.s[:], b[192:208])
	for half := range 2 {
		low, high, q := b[64*half:64*half+64], b[128+32*half:160+32*half], c.q[128*half:128*half+128]
		for l, h := range high {
			q[l] = low[l]&15 | h&3<<4
			q[l+32] = low[l+32]&15 | h>>2&3<<4
			q[l+64] = low[l]>>4 | h>>4&3<<4
			q[l+96] = low[l+32]>>4 | h>>6<<4
		}
	}
}

// nibbles splits bytes: the low halves come first, then the high ones.
func nibbles(q []uint8, b []byte) {
	low, high := q[:len(b)], q[len(b):2*len(b)]
	for i, v := range b {
		low[i], high[i] = v&15, v>>4
	}
}

func fifthBits(q []uint8, bits uint32) {
	for i := range q {
		q[i] |= uint8(bits>>i&1) << 4
	}
}

// sixBits unpacks the eight scales and offsets of q4_k and q5_k, of 6 bits each: the first four lie in the low bits of bytes 0
// to 3 and 4 to 7; of the others bytes 8 to 11 hold the low four bits, and the top bits of those bytes the rest.
func sixBits(s, t *[8]uint8, b []byte) {
	for i := range 4 {
		s[i], t[i] = b[i]&63, b[i+4]&63
		s[i+4] = b[i+8]&15 | b[i]>>6<<4
		t[i+4] = b[i+8]>>4 | b[i+4]>>6<<4
	}
}

func u16(b []byte, i int) uint16 { return binary.LittleEndian.Uint16(b[i:]) }

func atQ40(b []byte, i int) element { return element{q: nibble(b[2:], i, 16)} }
func atQ41(b []byte, i int) element { return element{q: nibble(b[4:], i, 16)} }
func atQ50(b []byte, i int) element { return element{q: nibble(b[6:], i, 16) | bit(b[2:], i)<<4} }
func atQ51(b []byte, i int) element { return element{q: nibble(b[8:], i, 16) | bit(b[4:], i)<<4} }
func atQ80(b []byte, i int) element { return element{q: b[2+i] ^ 0x80} }

func atQ4K(b []byte, i int) element {
	s, t := sixBitsAt(b[4:], i/Unit)
	return element{nibble(b[16+i/64*32:], i%64, 32), s, t}
}

func atQ5K(b []byte, i int) element {
	s, t := sixBitsAt(b[4:], i/Unit)
	return element{nibble(b[48+i/64*32:], i%64, 32) | b[16+i%32]>>(i/Unit)&1<<4, s, t}
}

func atQ6K(b []byte, i int) element {
	half, l := i/128, i%128
	return element{q: nibble(b[64*half:], l, 64) | b[128+32*half+l%32]>>(l/32*2)&3<<4, s: b[192+i/16]}
}

// nibble is element i of bytes whose low halves, n of them, come first.
func nibble(b []byte, i, n int) uint8 { return b[i%n] >> (i / n * 4) & 15 }

// bit is bit i.
func bit(b []byte, i int) uint8 { return b[i/8] >> (i % 8) & 1 }

// sixBitsAt is scale and offset i of those that sixBits unpacks.
func sixBitsAt(b []byte, i int) (s, t uint8) {
	if i < 4 {
		return b[i] & 63, b[i+4] & 63
	}
	return b[i+4]&15 | b[i-4]>>6<<4, b[i+4]>>4 | b[i]>>6<<4
}
