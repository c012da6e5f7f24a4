package kernel

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/llorch/llorch/ir/quant"
)

// eachWeight runs a test for each weight type.
func eachWeight(t *testing.T, run func(t *testing.T, row *DTypeRow)) {
	for i := range DTypes {
		if row := &DTypes[i]; row.Weight {
			t.Run(row.Name, func(t *testing.T) { run(t, row) })
		}
	}
}

// readWord is a Word whose reads evaluateIn looks up.
func readWord(at Expr, bytes int) Expr { return IntAt(fmt.Sprint(bytes), at) }

// evaluateIn computes an expression over the bytes of memory.
func evaluateIn(t *testing.T, e Expr, env map[string]Value, mem []byte) Value {
	switch e := e.(type) {
	case *Load:
		at := evaluateIn(t, e.Index, env, mem).I
		var word [8]byte
		n := int64(e.Buf[0] - '0')
		require.Zero(t, at%n, "unaligned")
		copy(word[:], mem[at:at+n])
		return Value{I: int64(binary.LittleEndian.Uint64(word[:]))}
	case *Call:
		args := make([]Value, len(e.Args))
		for i, a := range e.Args {
			args[i] = evaluateIn(t, a, env, mem)
		}
		if e.Fn.partial() && e.Fn.undefined(args) {
			t.Fatalf("%v: %s", args, ExprString(e))
		}
		return e.Fn.Eval(args)
	}
	return evaluate(e, env)
}

// randomMatrix is weights of a type as files have them, with the type's own bytes and the numbers they stand for. Of the factors'
// exponents every one occurs but that of infinities.
func randomMatrix(t *testing.T, rng *rand.Rand, row *DTypeRow, rows, elems int) (data []byte, want []float32) {
	f, file := row.Format, row
	if row.Panel != nil {
		f = row.Panel.Format
		d, ok := ParseDType(f.Name)
		require.True(t, ok)
		file = d.Row()
	}
	src := make([]byte, rows*elems/file.Elems*file.Bytes)
	for i := range src {
		src[i] = byte(rng.Uint32())
	}
	if file.Format != nil {
		for at := 0; at < len(src); at += file.Bytes {
			for _, factor := range []int{f.D, f.M} {
				if src[at+factor+1] &^= 0x80 * byte(rng.IntN(2)); src[at+factor+1]&0x7c == 0x7c {
					src[at+factor+1] ^= 0x40
				}
				if rng.IntN(4) == 0 {
					src[at+factor+1] &^= 0x7c // subnormal
				}
			}
		}
	}
	want = make([]float32, rows*elems)
	file.Decode(want, src)
	if row.Panel == nil {
		return src, want
	}
	data = make([]byte, row.Panel.Size(rows, elems))
	require.NoError(t, row.Panel.Pack(data, src, rows, elems))
	return data, want
}

// TestElement holds the expression of every weight type to Decode of the type that files have, bit for bit.
func TestElement(t *testing.T) {
	eachWeight(t, func(t *testing.T, row *DTypeRow) {
		rng := rand.New(rand.NewPCG(1, 2))
		for _, rows := range []int{1, 18} {
			elems := 2 * max(row.Elems, 32)
			data, want := randomMatrix(t, rng, row, rows, elems)
			e := row.Element(readWord, IntVar("r"), IntVar("k"), IntVar("K"))
			flat := row.Element(readWord, I(0), IntVar("k"), IntVar("K"))
			known := row.Element(readWord, IntVar("r"), IntVar("k"), I(int64(elems)))
			m := &Mem{DType: row.DType, Data: data, Row: int64(elems)}
			for i, v := range want {
				env := map[string]Value{"r": {I: int64(i / elems)}, "k": {I: int64(i % elems)}, "K": {I: int64(elems)}}
				check := func(got float32) {
					if !same(v, got) {
						t.Fatalf("%d rows of %d: element %d is %g, want %g", rows, elems, i, got, v)
					}
				}
				check(m.Load(int64(i)).F)
				check(evaluateIn(t, e, env, data).F)
				check(evaluateIn(t, known, env, data).F)
				if row.Rows == 1 {
					env["k"] = Value{I: int64(i)}
					check(evaluateIn(t, flat, env, data).F)
				}
			}
		}
	})
}

// TestElementIsFar reads the last element of a matrix of 4 Gi elements: offsets are integers of 64 bits, what is shifted is not.
func TestElementIsFar(t *testing.T) {
	eachWeight(t, func(t *testing.T, row *DTypeRow) {
		const rows, elems = 1 << 18, 1 << 14
		size, err := row.DType.MatrixBytes(rows, elems)
		require.NoError(t, err)
		least, most := size, int64(0)
		word := func(at Expr, bytes int) Expr {
			v, err := EvalInt(at, func(string) (int64, bool) { return 0, false })
			require.NoError(t, err)
			least, most = min(least, v), max(most, v+int64(bytes))
			return IntVar("word")
		}
		row.Element(word, I(rows-1), I(elems-1), I(elems))
		require.LessOrEqual(t, most, size)
		require.Less(t, size-int64(row.Bytes), least+1)
	})
}

// TestElementText shows what a target has to spell.
func TestElementText(t *testing.T) {
	word := func(at Expr, n int) Expr { return IntAt(fmt.Sprint("w", 8*n), at) }
	text := func(d DType, r, k Expr) string { return ExprString(d.Row().Element(word, r, k, I(2048))) }
	require.Equal(t, "frombits(w16[(r*2048+k)*2] << 16)", text(BF16, IntVar("r"), IntVar("k")))
	require.Equal(t, "frombits(w16[(r>>4*64+k>>5)*1024+(k>>4&1<<8|r&7<<5|k>>1&7<<2|r>>3&1<<1|k&1)*2] << 16)",
		text(BF16Frag, IntVar("r"), IntVar("k")))
	require.Regexp(t, `\* float\(w8\[i>>5\*18\+\(2\+i&31&15\)\]>>\(i&31>>4&1\*4\)&15-8\)$`, text(Q40, I(0), IntVar("i")))
}

func TestFragments(t *testing.T) {
	for i := range DTypes {
		row := &DTypes[i]
		frag := row.DType.Fragments()
		require.Equal(t, row.Format != nil || row.DType == F16 || row.DType == BF16, frag != Invalid, row.Name)
		if frag == Invalid {
			continue
		}
		require.Equal(t, row.Name+"frag", frag.String())
		require.True(t, frag.Row().Fragment())
		require.False(t, row.Fragment())
		require.Equal(t, Invalid, frag.Fragments())
		require.Equal(t, Invalid, frag.Panels())
		if panels := row.DType.Panels(); panels != Invalid {
			require.False(t, panels.Row().Fragment())
			require.Equal(t, panels.Row().Bytes, frag.Row().Bytes)
		}
		e := int64(frag.Row().Elems)
		n, err := frag.MatrixBytes(17, 3*e)
		require.NoError(t, err)
		require.EqualValues(t, frag.Row().Panel.Size(17, int(3*e)), n)
		_, err = frag.MatrixBytes(17, 3*e+8)
		require.EqualError(t, err, fmt.Sprintf("%v: %d elements are not whole blocks of %d", frag, 3*e+8, e))
	}
	n, err := F16Frag.MatrixBytes(33, 64)
	require.NoError(t, err)
	require.EqualValues(t, 3*2*1024, n)
	require.EqualValues(t, quant.PanelRows, F16Frag.Row().Rows)
}
