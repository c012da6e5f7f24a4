package quant

import (
	"encoding/binary"
	"fmt"
)

// Pack repacks a matrix of rows of elems elements.
func (p *Panel) Pack(dst, src []byte, rows, elems int) error {
	return p.PackGroups(dst, src, rows, elems, 0, (rows+PanelRows-1)/PanelRows)
}

// PackGroups repacks the groups of rows from first on and before end: callers may share out a matrix. dst and src are all of it.
func (p *Panel) PackGroups(dst, src []byte, rows, elems, first, end int) error {
	f := p.Format
	if rows < 0 || elems < 0 || elems%f.Elems != 0 || len(src) != rows*(elems/f.Elems)*f.Bytes || len(dst) != p.Size(rows, elems) {
		return fmt.Errorf("%s: %d bytes of %s for %d rows of %d elements in %d bytes", p.Name, len(src), f.Name, rows, elems, len(dst))
	}
	if groups := (rows + PanelRows - 1) / PanelRows; first < 0 || end > groups {
		return fmt.Errorf("%s: groups [%d, %d) of %d", p.Name, first, end, groups)
	}
	blocks := elems / f.Elems
	var panel []byte // of a block that becomes one of fragments
	if p.Fragment {
		panel = make([]byte, p.Bytes)
	}
	for g := first; g < end; g++ {
		row := PanelRows * g
		n := min(PanelRows, rows-row)
		for b := range blocks {
			packed := dst[(g*blocks+b)*p.Bytes:][:p.Bytes]
			block := packed
			if p.Fragment {
				block = panel
			}
			if n < PanelRows {
				clear(block)
			}
			for r := range n {
				f.pack(block, src[((row+r)*blocks+b)*f.Bytes:][:f.Bytes], r)
			}
			if p.Fragment {
				p.fragment(packed, block)
			}
		}
	}
	return nil
}

// The pack functions move words of four codes.
const (
	ones       = 0x01010101
	lowNibbles = 0x0f * ones
)

func packQ40(dst, src []byte, r int) {
	putFactor(dst, r, u16(src, 0))
	packNibbles(dst[32:], src[2:18], r)
}

func packQ41(dst, src []byte, r int) {
	packFactors(dst, src, r)
	packNibbles(dst[64:], src[4:20], r)
}

func packQ50(dst, src []byte, r int) {
	putFactor(dst, r, u16(src, 0))
	packNibbles(dst[32:], src[6:22], r)
	putWord(dst[288:], 0, r, spreadBits(word(src, 2)))
}

func packQ51(dst, src []byte, r int) {
	packFactors(dst, src, r)
	packNibbles(dst[64:], src[8:24], r)
	putWord(dst[320:], 0, r, spreadBits(word(src, 4)))
}

func packQ80(dst, src []byte, r int) {
	putFactor(dst, r, u16(src, 0))
	dst, src = dst[32:544], src[2:34]
	for j := range 8 {
		putWord(dst, j, r, word(src, 4*j)^0x80*ones)
	}
}

func packQ4K(dst, src []byte, r int) {
	packFactors(dst, src, r)
	var s, t [8]uint8
	sixBits(&s, &t, src[4:16])
	for u := range 8 {
		unit := dst[64+288*u:][:288]
		unit[r], unit[16+r] = s[u], t[u]
		packHalves(unit[32:], src[16+32*(u/2):], 4*(u%2), r)
	}
}

func packQ5K(dst, src []byte, r int) {
	packFactors(dst, src, r)
	var s, t [8]uint8
	sixBits(&s, &t, src[4:16])
	for u := range 8 {
		unit := dst[64+352*u:][:352]
		unit[r], unit[16+r] = s[u], t[u]
		packHalves(unit[32:], src[48+32*(u/2):], 4*(u%2), r)
		high := uint32(0)
		for j := range 8 {
			high |= word(src, 16+4*j) >> u & ones << j
		}
		putWord(unit[288:], 0, r, high)
	}
}

func packQ6K(dst, src []byte, r int) {
	putFactor(dst, r, u16(src, 208))
	for u := range 8 {
		unit := dst[32+416*u:][:416]
		unit[r], unit[16+r] = src[192+2*u], src[193+2*u]
		packHalves(unit[32:], src[64*(u/4)+32*(u%2):], u%4/2*4, r)
		for half := range 2 {
			high := uint32(0)
			for j := range 4 {
				high |= word(src, 128+32*(u/4)+16*half+4*j) >> (2 * (u % 4)) & (3 * ones) << (2 * j)
			}
			putWord(unit[288:], half, r, high)
		}
	}
}

// packFloats moves codes of 16 bits, four in twice a word.
func packFloats(dst, src []byte, r int) {
	for j := range 8 {
		binary.LittleEndian.PutUint64(dst[128*j+8*r:], binary.LittleEndian.Uint64(src[8*j:]))
	}
}

// packFactors moves d and m.
func packFactors(dst, src []byte, r int) {
	putFactor(dst, r, u16(src, 0))
	putFactor(dst, PanelRows+r, u16(src, 2))
}

func putFactor(dst []byte, i int, f uint16) { binary.LittleEndian.PutUint16(dst[2*i:], f) }

// packNibbles moves codes whose bytes, as a panel's, have an element of the first half unit and one of the second.
func packNibbles(dst, src []byte, r int) {
	for j := range 4 {
		putWord(dst, j, r, word(src, 4*j))
	}
}

// packHalves moves codes that lie in the low (shift is 0) or high halves of 32 bytes.
func packHalves(dst, src []byte, shift, r int) {
	for j := range 4 {
		putWord(dst, j, r, word(src, 4*j)>>shift&lowNibbles|word(src, 16+4*j)>>shift&lowNibbles<<4)
	}
}

// spreadBits moves bit 4j+i to bit j of byte i.
func spreadBits(bits uint32) uint32 {
	const everySeventh = 1 | 1<<7 | 1<<14 | 1<<21 // times four bits: bit i is at 8i too
	spread := uint32(0)
	for j := range 8 {
		spread |= bits >> (4 * j) & 15 * everySeventh & ones << j
	}
	return spread
}

func word(b []byte, i int) uint32 { return binary.LittleEndian.Uint32(b[i:]) }

// putWord writes row r's word of line j.
func putWord(dst []byte, j, r int, v uint32) { binary.LittleEndian.PutUint32(dst[64*j+4*r:], v) }
