package quant

import (
	"encoding/binary"
	"slices"
)

// Fragments has one for each of Floats, then of Formats; the package's comment has their layout.
var Fragments = layOut(slices.Concat(Floats, Formats), newFragment)

var (
	fragmentRows = newOrder("gggr")
	fragment4    = newOrder("gggttsorp") // p last: two codes of four bits are a byte
	fragment8    = newOrder("gggttsrpo")
	fragment16   = newOrder("sgggttpro")
	fragmentHigh = newOrder("gggttospr")
)

func newFragment(f *Format) *Panel {
	p := sizes(f)
	p.Name, p.Rows, p.Fragment = f.Name+"frag", fragmentRows, true
	low := fragment4
	switch f.Bits {
	case 8:
		low = fragment8
	case 16:
		low = fragment16
	}
	p.planes(0, 0, low, fragmentHigh)
	return p
}

// fragment moves a block from a panel's places to a fragment's.
func (p *Panel) fragment(dst, src []byte) {
	fragmentFactors(dst[:p.Header], src)
	for at := p.Header; at < p.Bytes; at += p.Unit() {
		d, s := dst[at:][:p.Unit()], src[at:][:p.Unit()]
		if p.Format.Nested {
			fragmentBytes(d[:p.Scales], s)
		} else {
			fragmentFactors(d[:p.Scales], s)
		}
		d, s = d[p.Scales:], s[p.Scales:]
		switch p.Format.Bits {
		case 16:
			fragment16s(d, s)
		case 8:
			fragment8s(d, s)
		default:
			fragment4s(d[:p.Low], s)
		}
		switch high, from := d[p.Low:], s[p.Low:]; p.Format.Bits {
		case 5:
			fragment1s(high, from)
		case 6:
			fragment2s(high, from)
		}
	}
}

// fragmentFactors makes pairs of the f16 factors of rows g and g+8.
func fragmentFactors(dst, src []byte) {
	for ; len(dst) > 0; dst, src = dst[2*PanelRows:], src[2*PanelRows:] {
		for g := range 8 {
			putFactor(dst, 2*g, u16(src, 2*g))
			putFactor(dst, 2*g+1, u16(src, 2*(g+8)))
		}
	}
}

// fragmentBytes makes pairs of bytes.
func fragmentBytes(dst, src []byte) {
	for ; len(dst) > 0; dst, src = dst[PanelRows:], src[PanelRows:] {
		for g := range 8 {
			dst[2*g], dst[2*g+1] = src[g], src[g+8]
		}
	}
}

// The functions for codes read lines of a panel, line j of which has a word of elements 4j to 4j+3 for each row, and write the bytes
// of lane 4g+t. Words of rows g and g+8 are upper and lower.

func fragment4s(dst, src []byte) {
	for t := range 4 {
		line := src[64*t:][:64]
		for g := range 8 {
			binary.LittleEndian.PutUint64(dst[32*g+8*t:], quads(steps(line, g))|quads(steps(line, g+8))<<8)
		}
	}
}

// steps has a word of nibbles twice: the low ones, of the first 16 elements, and above them the high ones, of the second.
func steps(line []byte, r int) uint64 {
	v := uint64(word(line, 4*r))
	return v&lowNibbles | v>>4&lowNibbles<<32
}

// quads moves bytes 0 to 3 of both words to their bits 0, 16, 4 and 20.
func quads(v uint64) uint64 {
	const evens, odds = 0x000000ff_000000ff, 0x00ff0000_00ff0000
	return (v|v>>12)&evens | (v<<8|v>>4)&odds
}

func fragment8s(dst, src []byte) {
	for j := range 8 {
		line, s, t := src[64*j:][:64], j/4, j%4
		for g := range 8 {
			putPair(dst[64*g+16*t+8*s:], word(line, 4*g), word(line, 4*(g+8)))
		}
	}
}

// fragment16s has lines of twice as many bytes.
func fragment16s(dst, src []byte) {
	for j := range 8 {
		line, s, t := src[128*j:][:128], j/4, j%4
		for g := range 8 {
			lane := dst[512*s+64*g+16*t:][:16]
			putPair(lane, word(line, 8*g), word(line, 8*(g+8)))
			putPair(lane[8:], word(line, 8*g+4), word(line, 8*(g+8)+4))
		}
	}
}

func putPair(b []byte, upper, lower uint32) {
	binary.LittleEndian.PutUint64(b, uint64(upper)|uint64(lower)<<32)
}

func fragment1s(dst, src []byte) {
	for g := range 8 {
		upper, lower := word(src, 4*g), word(src, 4*(g+8))
		lanes := dst[8*g:][:8]
		for t := range 4 {
			binary.LittleEndian.PutUint16(lanes[2*t:], fifths(upper>>t)|fifths(lower>>t)<<1)
		}
	}
}

// fifths gathers bits 0 and 4 of the bytes, those of the two steps: from bytes 0 and 2, then from 1 and 3.
func fifths(v uint32) uint16 {
	v &= 0x11 * ones
	return uint16(v | v>>14)
}

func fragment2s(dst, src []byte) {
	for g := range 8 {
		both := func(r int) uint64 { return uint64(word(src, 4*r)) | uint64(word(src, 64+4*r))<<32 }
		upper, lower := both(g), both(g+8)
		lanes := dst[16*g:][:16]
		for t := range 4 {
			const pairs = 3 * ones * (1 + 1<<32)
			v := quads(upper>>(2*t)&pairs) | quads(lower>>(2*t)&pairs)<<2
			binary.LittleEndian.PutUint32(lanes[4*t:], uint32(v|v>>24))
		}
	}
}
