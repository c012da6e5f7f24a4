package quant

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// registers are the codes that a lane has for a step of 16 elements, as a kernel would take them from a unit's bytes: a0 to a7 of
// the instruction, two a register.
func registers(p *Panel, unit []byte, lane, step int) (a [8]int) {
	codes := unit[p.Scales:]
	halves := func(i int, reg uint32) { a[2*i], a[2*i+1] = int(reg&0xffff), int(reg>>16) }
	switch p.Format.Bits {
	case 16:
		for i := range 4 {
			halves(i, word(codes, 512*step+16*lane+4*i))
		}
	case 8:
		for r := range 2 {
			four := codes[16*lane+4*(2*step+r):]
			a[2*r], a[2*r+1], a[4+2*r], a[5+2*r] = int(four[0]), int(four[1]), int(four[2]), int(four[3])
		}
	default:
		w := word(codes, 8*lane+4*step)
		for i, shift := range []int{0, 8, 4, 12} {
			halves(i, w>>shift&0x000f000f)
		}
	}
	high := codes[p.Low:]
	for i := range a {
		r, pair, odd := i/2%2, i/4, i%2
		switch p.Format.Bits {
		case 5:
			a[i] |= int(high[2*lane+odd]>>(4*step+2*pair+r)&1) << 4
		case 6:
			a[i] |= int(binary.LittleEndian.Uint16(high[4*lane+2*odd:])>>(2*(4*step+2*pair+r))&3) << 4
		}
	}
	return a
}

// mma is mma.m16n8k16 as the PTX ISA numbers the elements that lanes hold, with one column of b that counts: all lanes have it.
func mma(a [32][8]int, b [4][4]int) (c [PanelRows]int) {
	var left [PanelRows][16]int
	var right [16]int
	for lane, values := range a {
		group, thread := lane>>2, lane%4
		for i, v := range values {
			row, col := group, thread*2+i&1
			if !(i < 2 || 4 <= i && i < 6) {
				row += 8
			}
			if i >= 4 {
				col += 8
			}
			left[row][col] = v
		}
		for i, v := range b[thread] {
			row := thread*2 + i&1
			if i >= 2 {
				row += 8
			}
			right[row] = v
		}
	}
	for row := range c {
		for k, v := range right {
			c[row] += left[row][k] * v
		}
	}
	return c
}

// TestFragmentsFeedMMA multiplies packed codes as a kernel does: lane t's part of the activations is four consecutive ones.
func TestFragmentsFeedMMA(t *testing.T) {
	for _, p := range Fragments {
		t.Run(p.Name, func(t *testing.T) {
			f := p.Format
			rng := rand.New(rand.NewPCG(5, 6))
			src := randomBytes(rng, PanelRows*f.Bytes)
			packed := make([]byte, p.Bytes)
			require.NoError(t, p.Pack(packed, src, PanelRows, f.Elems))
			for u := range f.Elems / Unit {
				unit := packed[p.Header+u*p.Unit():][:p.Unit()]
				for step := range 2 {
					var x [16]int
					var a [32][8]int
					var b [4][4]int
					for i := range x {
						x[i] = rng.IntN(1 << 20)
						b[i/4][i%4] = x[i]
					}
					for lane := range a {
						a[lane] = registers(p, unit, lane, step)
					}
					for r, got := range mma(a, b) {
						want := 0
						for i, v := range x {
							want += v * codeOf(f, src[r*f.Bytes:][:f.Bytes], u*Unit+16*step+i)
						}
						require.Equal(t, want, got, "unit %d step %d row %d", u, step, r)
					}
				}
			}
		})
	}
}

// codeOf is the code of element i of a file's block.
func codeOf(f *Format, block []byte, i int) int {
	if f.Float != nil {
		return int(u16(block, 2*i))
	}
	return int(f.at(block, i).q)
}

// TestFragmentFactors finds the factors and scales of rows g and g+8 side by side.
func TestFragmentFactors(t *testing.T) {
	for i, p := range Fragments[len(Floats):] {
		panel := Panels[i]
		require.Same(t, panel.Format, p.Format)
		t.Run(p.Name, func(t *testing.T) {
			src := randomBytes(rand.New(rand.NewPCG(7, 8)), PanelRows*p.Format.Bytes)
			want, got := make([]byte, p.Bytes), make([]byte, p.Bytes)
			require.NoError(t, panel.Pack(want, src, PanelRows, p.Format.Elems))
			require.NoError(t, p.Pack(got, src, PanelRows, p.Format.Elems))
			// pairs holds runs of 16 numbers of size bytes to their order.
			pairs := func(got, want []byte, size int) {
				for at := 0; at < len(want); at += PanelRows * size {
					for r := range PanelRows {
						place := 2*(r%8) + r/8
						require.Equal(t, want[at+r*size:][:size], got[at+place*size:][:size], "row %d", r)
					}
				}
			}
			pairs(got[:p.Header], want[:p.Header], 2)
			size := 2
			if p.Format.Nested {
				size = 1
			}
			for at := p.Header; at < p.Bytes; at += p.Unit() {
				pairs(got[at:][:p.Scales], want[at:][:p.Scales], size)
			}
		})
	}
}

// TestPlanes compares what planes say of a file's blocks with the formats' own readers.
func TestPlanes(t *testing.T) {
	for _, f := range Formats {
		block := randomBytes(rand.New(rand.NewPCG(9, 10)), f.Bytes)
		for i := range f.Elems {
			code := Code(f.Codes, block, 0, i)
			if f.Bits == 8 {
				code ^= 0x80
			}
			require.Equal(t, codeOf(f, block, i), code, "%s: element %d", f.Name, i)
		}
	}
}

func TestOrder(t *testing.T) {
	require.Equal(t, []Move{{false, 2, 6, 3}, {true, 0, 2, 4}, {false, 0, 0, 2}}, panelCodes.Moves)
	require.Equal(t, []Move{{true, 0, 1, 3}, {true, 3, 0, 1}}, fragmentRows.Moves)
	for _, p := range append(Panels, Fragments...) {
		for _, plane := range p.Codes {
			seen := map[int]bool{}
			for i := range PanelRows * Unit {
				seen[plane.Order.Place(i/Unit, i%Unit)] = true
			}
			require.Len(t, seen, PanelRows*Unit, p.Name)
			require.True(t, seen[PanelRows*Unit-1], p.Name)
		}
	}
}
