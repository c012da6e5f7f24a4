package quant

import (
	"encoding/binary"
	"math/bits"
	"strings"
)

// Plane is where some of the bits of every code lie. Each run of bytes holds the codes of 8/Bits runs of as many elements, one
// after another from the lowest bits up: with nibbles in runs of 16, byte i has elements i and 16+i. It is all that the readers
// of single elements, in Go and in kernels, know of where codes are.
type Plane struct {
	At    int    // its first byte
	Bits  int    // of each code: 1, 2, 4, 8 or 16
	Run   int    // the binary logarithm of a run's bytes
	Order *Order // of a unit of 16 rows; nil where a block has one row, whose elements are in order
}

// Per is the binary logarithm of the codes in a byte.
func (p *Plane) Per() int { return 3 - bits.TrailingZeros8(uint8(p.Bits)) }

// Code assembles the code of element e of row r, lower bits first.
func Code(planes []Plane, b []byte, r, e int) int {
	code, shift := 0, 0
	for i := range planes {
		p, at := &planes[i], e
		if p.Order != nil {
			at = p.Order.Place(r, e)
		}
		if p.Bits > 8 {
			return int(binary.LittleEndian.Uint16(b[p.At+2*at:]))
		}
		run, span := p.Run&63, (p.Run+p.Per())&63
		v := int(b[p.At+at>>span<<run+at&(1<<run-1)])
		code |= v >> (at & (1<<span - 1) >> run * p.Bits & 63) & (1<<(p.Bits&63) - 1) << (shift & 63)
		shift += p.Bits
	}
	return code
}

// Order is an order of the 16 x 32 elements of a unit: a permutation of the nine bits that number them, four of the row and five
// of the element.
type Order struct {
	Moves []Move
	rows  [PanelRows]uint16
	elems [Unit]uint16
}

// Move takes Bits bits of the row's or the element's number from bit From to bit To of the place.
type Move struct {
	Row            bool
	From, To, Bits int
}

// Place is that of element e of row r.
func (o *Order) Place(r, e int) int { return int(o.rows[r&(PanelRows-1)] | o.elems[e&(Unit-1)]) }

// The bits of a row's number and of an element's, as an mma instruction divides them: r tells row g from row g+8; s is the step
// of 16 elements, t the lane, p the pair of the lane's four, o the odd one of the pair.
const (
	rowBits  = "rggg"
	elemBits = "sttpo"
)

// newOrder reads the bits of a place, the highest first. Bits that share a letter keep their order.
func newOrder(place string) *Order {
	o := &Order{}
	for to := len(place) - 1; to >= 0; to-- {
		bit := place[len(place)-1-to]
		name, row := elemBits, false
		if strings.IndexByte(rowBits, bit) >= 0 {
			name, row = rowBits, true
		}
		before := strings.Count(place[:len(place)-1-to], string(bit))
		from := len(name) - 1 - strings.IndexByte(name, bit) - before
		if n := len(o.Moves); n > 0 && o.Moves[n-1].Row == row && o.Moves[n-1].From == from+1 {
			last := &o.Moves[n-1]
			last.From, last.To, last.Bits = from, to, last.Bits+1
		} else {
			o.Moves = append(o.Moves, Move{row, from, to, 1})
		}
	}
	fill := func(table []uint16, row bool) {
		for i := range table {
			for _, m := range o.Moves {
				if m.Row == row {
					table[i] |= uint16(i >> m.From & (1<<m.Bits - 1) << m.To)
				}
			}
		}
	}
	fill(o.rows[:], true)
	fill(o.elems[:], false)
	return o
}
