package quant

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// eachPanel is each of the fragments too.
func eachPanel(t *testing.T, run func(t *testing.T, p *Panel)) {
	for _, p := range slices.Concat(Panels, Fragments) {
		t.Run(p.Name, func(t *testing.T) { run(t, p) })
	}
}

// TestPanelIsTheFormat packs matrices with every number of rows in the last group: all ways to read a panel give what the
// format's decoder gives, bit for bit, and missing rows are zeros.
func TestPanelIsTheFormat(t *testing.T) {
	eachPanel(t, func(t *testing.T, p *Panel) {
		rng := rand.New(rand.NewPCG(1, 2))
		f := p.Format
		for rows := range 2*PanelRows + 2 {
			elems := (1 + rows%3) * f.Elems
			src := randomBlocks(rng, f, rows*elems/f.Elems, true)
			want := make([]float32, rows*elems)
			f.Decode(want, src)
			dst := randomBytes(rng, p.Size(rows, elems))
			require.NoError(t, p.Pack(dst, src, rows, elems))
			groups := (rows + PanelRows - 1) / PanelRows
			group := p.Size(PanelRows, elems)
			for r := range groups * PanelRows {
				at := dst[r/PanelRows*group:][:group]
				got := make([]float32, elems)
				p.DecodeRow(got, at, r%PanelRows)
				if r >= rows {
					require.Equal(t, make([]float32, elems), got, "row %d of %d", r, rows)
					continue
				}
				for i, v := range got {
					requireSame(t, want[r*elems+i], v, "row %d element %d", r, i)
				}
			}
			requireDecode(t, p, dst)
			if !p.Fragment {
				requireUnpack(t, p, dst)
			}
		}
	})
}

// requireDecode compares Decode and Code with At on every element of packed blocks.
func requireDecode(t *testing.T, p *Panel, packed []byte) {
	e := p.Format.Elems
	all := make([]float32, len(packed)/p.Bytes*e*PanelRows)
	p.Decode(all, packed)
	for ; len(packed) > 0; packed = packed[p.Bytes:] {
		for r := range PanelRows {
			for i := range e {
				requireSame(t, p.At(packed, r, i), all[r*e+i], "row %d element %d", r, i)
				unit := packed[p.Header+i/Unit*p.Unit():]
				if !p.Fragment && p.code(unit[p.Scales:], r, i%Unit) != Code(p.Codes, unit, r, i%Unit) {
					t.Fatalf("row %d element %d: planes read another code", r, i)
				}
			}
		}
		all = all[e*PanelRows:]
	}
}

// requireUnpack compares Unpack with At.
func requireUnpack(t *testing.T, p *Panel, panels []byte) {
	var u PanelUnit
	for at := 0; at < len(panels); at += p.Bytes {
		block := panels[at:][:p.Bytes]
		for i := range p.Format.Elems / Unit {
			p.Unpack(&u, block, i)
			for r := range PanelRows {
				for j, q := range u.Codes[r] {
					got := float32(u.Scale[j/(Unit/2)][r] * float32(int8(q)))
					if p.Format.Offsets {
						got += u.Offset[r]
					}
					requireSame(t, p.At(block, r, i*Unit+j), got, "unit %d row %d element %d", i, r, j)
				}
			}
		}
	}
}

// TestPackGroups packs by parts.
func TestPackGroups(t *testing.T) {
	eachPanel(t, func(t *testing.T, p *Panel) {
		rows, elems := 5*PanelRows+3, 2*p.Format.Elems
		src := randomBytes(rand.New(rand.NewPCG(3, 4)), rows*2*p.Format.Bytes)
		want, got := make([]byte, p.Size(rows, elems)), make([]byte, p.Size(rows, elems))
		require.NoError(t, p.Pack(want, src, rows, elems))
		group := p.Size(PanelRows, elems)
		for _, part := range [][2]int{{4, 6}, {0, 1}, {2, 2}, {1, 4}} {
			before := bytes.Clone(got)
			require.NoError(t, p.PackGroups(got, src, rows, elems, part[0], part[1]))
			require.Equal(t, before[:part[0]*group], got[:part[0]*group])
			require.Equal(t, before[min(len(got), part[1]*group):], got[min(len(got), part[1]*group):])
		}
		require.Equal(t, want, got)
	})
}

func TestPackRefuses(t *testing.T) {
	eachPanel(t, func(t *testing.T, p *Panel) {
		const rows = 17
		e := p.Format.Elems
		src, dst := make([]byte, rows*p.Format.Bytes), make([]byte, p.Size(rows, e))
		require.NoError(t, p.Pack(dst, src, rows, e))
		for name, err := range map[string]error{
			"dst":        p.Pack(dst[1:], src, rows, e),
			"src":        p.Pack(dst, src[1:], rows, e),
			"rows":       p.Pack(dst, src, rows+1, e),
			"no rows":    p.Pack(dst, src, -1, e),
			"part":       p.Pack(dst, src, rows, e-1),
			"no elems":   p.Pack(dst, src, rows, -e),
			"all groups": p.PackGroups(dst, src, rows, e, 0, 3),
			"no group":   p.PackGroups(dst, src, rows, e, -1, 1),
		} {
			require.ErrorContains(t, err, p.Name, name)
		}
	})
}

// TestPanelBytes holds the layout to what the package says.
func TestPanelBytes(t *testing.T) {
	want := map[string]int{"f16": 1024, "bf16": 1024, "q4_0": 288, "q4_1": 320, "q5_0": 352, "q5_1": 384, "q8_0": 544,
		"q4_k": 64 + 8*288, "q5_k": 64 + 8*352, "q6_k": 32 + 8*416}
	eachPanel(t, func(t *testing.T, p *Panel) {
		require.Contains(t, want, p.Format.Name)
		require.Equal(t, want[p.Format.Name], p.Bytes)
		require.Equal(t, 3*2*p.Bytes, p.Size(33, 2*p.Format.Elems))
	})
}

func randomBytes(rng *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(rng.Uint32())
	}
	return b
}
