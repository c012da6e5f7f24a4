package quant

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
//
// Fragments are the same parts of the same sizes with rows and elements in other places. Those of single elements have nothing
// but low.
type Panel struct {
	Format   *Format
	Name     string
	Bytes    int // a block
	Fragment bool

	Header, Scales, Low, High int // bytes

	Rows  *Order  // of factors and scales
	Codes []Plane // in a unit
}

// Panels has one for each format.
var Panels = layOut(Formats, newPanel)

func layOut(formats []*Format, layout func(*Format) *Panel) []*Panel {
	var ps []*Panel
	for _, f := range formats {
		ps = append(ps, layout(f))
	}
	return ps
}

var (
	panelRows  = newOrder("rggg")
	panelCodes = newOrder("sttrgggpo") // 64j + 4r + i
)

func newPanel(f *Format) *Panel {
	p := sizes(f)
	p.Name, p.Rows = f.Name+"x16", panelRows
	p.planes(8, 6, panelCodes, panelCodes)
	return p
}

// sizes is a panel of which its parts' sizes are known.
func sizes(f *Format) *Panel {
	p := &Panel{Format: f, Low: f.Bits * Unit * PanelRows / 8}
	if f.Bits < 8 {
		p.Low, p.High = Unit/2*PanelRows, (f.Bits-4)*Unit/8*PanelRows
	}
	factors := 2 * PanelRows
	if f.Offsets {
		factors *= 2
	}
	switch {
	case f.Nested:
		p.Header, p.Scales = factors, 2*PanelRows
	case f.Float == nil:
		p.Scales = factors
	}
	p.Bytes = p.Header + f.Elems/Unit*p.Unit()
	return p
}

// planes says where codes lie: whole ones of eight bits and more, else the low four bits and what is above. Runs are logarithms.
func (p *Panel) planes(lowRun, highRun int, low, high *Order) {
	p.Codes = []Plane{{At: p.Scales, Bits: p.Format.Bits, Run: lowRun, Order: low}}
	if p.Format.Bits < 8 {
		p.Codes[0].Bits = 4
	}
	if p.High > 0 {
		p.Codes = append(p.Codes, Plane{At: p.Scales + p.Low, Bits: p.Format.Bits - 4, Run: highRun, Order: high})
	}
}

// Unit is the bytes of a unit.
func (p *Panel) Unit() int { return p.Scales + p.Low + p.High }

// Size is the bytes of a matrix, whose rows must be whole blocks of the format.
func (p *Panel) Size(rows, elems int) int {
	return (rows + PanelRows - 1) / PanelRows * (elems / p.Format.Elems) * p.Bytes
}

// At is element i of row r of a block.
func (p *Panel) At(block []byte, r, i int) float32 {
	f := p.Format
	unit := block[p.Header+i/Unit*p.Unit():]
	e := i % Unit
	code := 0
	if p.Fragment {
		code, r = Code(p.Codes, unit, r, e), p.Rows.Place(r, 0)
		if f.Float != nil {
			return f.Float(uint16(code))
		}
	} else {
		code = p.code(unit[p.Scales:], r, e)
	}
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
	v := float32(factor(factors, 2*r) * scale * float32(code-f.Zero))
	if f.Offsets {
		v += float32(factor(factors, 2*(PanelRows+r)) * offset)
	}
	return v
}

// code is the code of element e of row r behind a unit's scales, of panels: what Code reads more slowly.
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
