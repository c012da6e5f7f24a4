package quant

import (
	"encoding/binary"
	"fmt"
)

// PanelRows is the rows of a panel.
const PanelRows = 16

// Panel is a format repacked: blocks of 16 rows, so that a vector register holds the same element of all of them and one
// activation serves 16 rows. A block has
//
//	header  of nested formats: the f16 factors d of the 16 rows, then, with offsets, their factors m
//	units   one for each 32 elements of the rows
//
// and a unit has
//
//	scales  not nested: f16 d of the rows, then, with offsets, f16 m; nested: a byte s of each row, then a byte t with offsets,
//	        or with halves the bytes s of the second half
//	low     8-bit codes: 512 bytes, element 4j+i of row r at 64j + 4r + i
//	        fewer: 256 bytes, the byte at 64j + 4r + i has the low four bits of elements 4j+i and 16+4j+i
//	high    5 bits: 64 bytes, bit j of byte 4r+i is the fifth bit of element 4j+i
//	        6 bits: 128 bytes, bits 2j and 2j+1 of byte 4r+i are the upper bits of element 4j+i, and the same of element
//	        16+4j+i in the second 64 bytes
//
// for r < 16, i < 4 and as many j as it takes. A matrix is its rows in groups of 16, a group its blocks in order; rows that are
// missing from the last group are zeros. Codes are not negative; Format.Zero is subtracted from them.
type Panel struct {
	Format *Format
	Name   string
	Bytes  int // a block

	Header, Scales, Low, High int // bytes
}

// Panels has one for each format.
var Panels = panels()

func panels() []*Panel {
	var ps []*Panel
	for _, f := range Formats {
		ps = append(ps, newPanel(f))
	}
	return ps
}

func newPanel(f *Format) *Panel {
	factors := 2 * PanelRows
	if f.Offsets {
		factors *= 2
	}
	p := &Panel{Format: f, Name: f.Name + "x16", Scales: factors, Low: 16 * PanelRows, High: (f.Bits - 4) * 4 * PanelRows}
	if f.Nested {
		p.Header, p.Scales = factors, 2*PanelRows
	}
	if f.Bits == 8 {
		p.Low, p.High = 2*p.Low, 0
	}
	p.Bytes = p.Header + f.Elems/Unit*p.Unit()
	return p
}

// Unit is the bytes of a unit.
func (p *Panel) Unit() int { return p.Scales + p.Low + p.High }

// Size is the bytes of a matrix, whose rows must be whole blocks of the format.
func (p *Panel) Size(rows, elems int) int {
	return (rows + PanelRows - 1) / PanelRows * (elems / p.Format.Elems) * p.Bytes
}

// Pack repacks a matrix of rows of elems elements.
func (p *Panel) Pack(dst, src []byte, rows, elems int) error {
	f := p.Format
	if rows < 0 || elems < 0 || elems%f.Elems != 0 || len(src) != rows*(elems/f.Elems)*f.Bytes || len(dst) != p.Size(rows, elems) {
		return fmt.Errorf("%s: %d bytes of %s for %d rows of %d elements in %d bytes", p.Name, len(src), f.Name, rows, elems, len(dst))
	}
	blocks := elems / f.Elems
	var c codes
	for first := 0; first < rows; first += PanelRows {
		n := min(PanelRows, rows-first)
		for b := range blocks {
			at := dst[(first/PanelRows*blocks+b)*p.Bytes:][:p.Bytes]
			if n < PanelRows {
				clear(at)
			}
			for r := range n {
				f.split(&c, src[((first+r)*blocks+b)*f.Bytes:][:f.Bytes])
				p.put(at, r, &c)
			}
		}
	}
	return nil
}

// put writes row r of a block.
func (p *Panel) put(block []byte, r int, c *codes) {
	f := p.Format
	if f.Nested {
		p.factors(block, r, c)
	}
	for u := range f.Elems / Unit {
		unit := block[p.Header+u*p.Unit():][:p.Unit()]
		switch {
		case f.Halves:
			unit[r], unit[PanelRows+r] = c.s[2*u], c.s[2*u+1]
		case f.Nested:
			unit[r], unit[PanelRows+r] = c.s[u], c.t[u]
		default:
			p.factors(unit, r, c)
		}
		var q [8]uint32 // element 4j+i is byte i of q[j]
		for j := range q {
			q[j] = binary.LittleEndian.Uint32(c.q[Unit*u+4*j:])
		}
		p.quants(unit[p.Scales:], r, &q)
	}
}

// factors writes d and m of row r where they begin at b.
func (p *Panel) factors(b []byte, r int, c *codes) {
	binary.LittleEndian.PutUint16(b[2*r:], c.d)
	if p.Format.Offsets {
		binary.LittleEndian.PutUint16(b[2*(PanelRows+r):], c.m)
	}
}

// quants writes the codes of row r of a unit.
func (p *Panel) quants(b []byte, r int, q *[8]uint32) {
	put := func(j int, v uint32) { binary.LittleEndian.PutUint32(b[64*j+4*r:], v) }
	if p.High == 0 && p.Format.Bits == 8 {
		for j, v := range q {
			put(j, v)
		}
		return
	}
	for j := range 4 {
		put(j, q[j]&0x0f0f0f0f|q[j+4]&0x0f0f0f0f<<4)
	}
	switch p.Format.Bits {
	case 5:
		high := uint32(0)
		for j, v := range q {
			high |= v >> 4 & 0x01010101 << j
		}
		put(4, high)
	case 6:
		for half := range 2 {
			high := uint32(0)
			for j, v := range q[4*half : 4*half+4] {
				high |= v >> 4 & 0x03030303 << (2 * j)
			}
			put(4+half, high)
		}
	}
}

// At is element i of row r of a block.
func (p *Panel) At(block []byte, r, i int) float32 {
	f := p.Format
	unit := block[p.Header+i/Unit*p.Unit():]
	e := i % Unit
	factors, scale, offset := unit, float32(1), float32(1)
	if f.Nested {
		factors = block
		switch {
		case f.Halves:
			scale = float32(int8(unit[e/(Unit/2)*PanelRows+r]))
		default:
			scale, offset = float32(unit[r]), -float32(unit[PanelRows+r])
		}
	}
	v := float32(factor(factors, 2*r) * scale * float32(p.code(unit[p.Scales:], r, e)-f.Zero))
	if f.Offsets {
		v += float32(factor(factors, 2*(PanelRows+r)) * offset)
	}
	return v
}

// code is the code of element e of a unit's row r.
func (p *Panel) code(b []byte, r, e int) int {
	j, i := e/4, 4*r+e%4
	if p.Format.Bits == 8 {
		return int(b[64*j+i])
	}
	v := int(b[64*(j%4)+i]) >> (4 * (j / 4)) & 15
	switch p.Format.Bits {
	case 5:
		v |= int(b[256+i]) >> j & 1 << 4
	case 6:
		v |= int(b[256+64*(j/4)+i]) >> (2 * (j % 4)) & 3 << 4
	}
	return v
}

// DecodeRow expands row r of a group's consecutive blocks.
func (p *Panel) DecodeRow(dst []float32, group []byte, r int) {
	e := p.Format.Elems
	for i := range dst {
		dst[i] = p.At(group[i/e*p.Bytes:], r, i%e)
	}
}

// Decode expands whole blocks, each row by row.
func (p *Panel) Decode(dst []float32, src []byte) {
	e := p.Format.Elems
	for ; len(dst) > 0; src = src[p.Bytes:] {
		for r := range PanelRows {
			p.DecodeRow(dst[:e], src, r)
			dst = dst[e:]
		}
	}
}
