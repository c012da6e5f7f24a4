package quant

import "encoding/binary"

// PanelUnit is a unit of a panel taken apart: element i of row r is Scale[i/16][r] · Codes[r][i] + Offset[r].
type PanelUnit struct {
	Codes  [PanelRows][Unit]byte // int8s: less the format's zero
	Scale  [2][PanelRows]float32
	Offset [PanelRows]float32
}

// Unpack takes unit i of a panel's block apart. Fragments are not for CPUs and have no such function: theirs are read by At.
func (p *Panel) Unpack(u *PanelUnit, block []byte, i int) {
	unit := block[p.Header+i*p.Unit():][:p.Unit()]
	p.unpackScales(u, block, unit)
	p.unpackCodes(&u.Codes, unit[p.Scales:])
}

func (p *Panel) unpackScales(u *PanelUnit, block, unit []byte) {
	f := p.Format
	factors := unit
	if f.Nested {
		factors = block
	}
	for r := range PanelRows {
		d := factor(factors, 2*r)
		u.Scale[0][r], u.Scale[1][r] = d, d
		if f.Offsets {
			u.Offset[r] = factor(factors, 2*(PanelRows+r))
		}
		switch s, t := unit[r], unit[PanelRows+r]; {
		case f.Halves:
			u.Scale[0][r], u.Scale[1][r] = d*float32(int8(s)), d*float32(int8(t))
		case f.Nested:
			u.Scale[0][r], u.Scale[1][r] = d*float32(s), d*float32(s)
			u.Offset[r] *= -float32(t)
		}
	}
}

// unpackCodes works on four codes at once, the bytes of a word.
func (p *Panel) unpackCodes(codes *[PanelRows][Unit]byte, b []byte) {
	zero := uint32(p.Format.Zero) * ones
	for r := range codes {
		q := &codes[r]
		line := func(j int) uint32 { return word(b, 64*j+4*r) }
		put := func(j int, v uint32) {
			// The difference of bytes: the top bit, set for the while, keeps each from borrowing of the next.
			binary.LittleEndian.PutUint32(q[4*j:], (v|0x80*ones)-zero^0x80*ones)
		}
		switch p.Format.Bits {
		case 8:
			for j := range 8 {
				binary.LittleEndian.PutUint32(q[4*j:], line(j)^zero)
			}
		case 6:
			for j := range 4 {
				low := line(j)
				put(j, low&lowNibbles|line(4)>>(2*j)&(3*ones)<<4)
				put(j+4, low>>4&lowNibbles|line(5)>>(2*j)&(3*ones)<<4)
			}
		case 5:
			high := line(4)
			for j := range 4 {
				low := line(j)
				put(j, low&lowNibbles|high>>j&ones<<4)
				put(j+4, low>>4&lowNibbles|high>>(j+4)&ones<<4)
			}
		default:
			for j := range 4 {
				low := line(j)
				put(j, low&lowNibbles)
				put(j+4, low>>4&lowNibbles)
			}
		}
	}
}
