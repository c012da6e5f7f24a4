package ir

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/llorch/llorch/ir/dim"
	"github.com/llorch/llorch/ir/kernel"
)

// rowsOf makes rows of types that are written "x f32 a=2 b=S".
func rowsOf(t *testing.T, lines ...string) []Row {
	rows := make([]Row, len(lines))
	for i, l := range lines {
		f := strings.Fields(l)
		rows[i].Label = f[0]
		ty := &rows[i].Type
		for _, w := range f[1:] {
			name, extent, isAxis := strings.Cut(w, "=")
			d, err := dim.Parse(extent)
			switch {
			case w == "state":
				ty.State = true
			case isAxis && name == "from":
				ty.From = &d
			case isAxis:
				ty.Axes = append(ty.Axes, Axis{name, d})
			default:
				var ok bool
				ty.DType, ok = kernel.ParseDType(w)
				require.True(t, ok, w)
			}
			require.Equal(t, isAxis, err == nil, w)
		}
	}
	return rows
}

func TestAlign(t *testing.T) {
	for _, c := range []struct {
		name     string
		in, want []string
	}{
		{"nothing", nil, []string{}},
		{"one", []string{"x f32 a=2 b=S"}, []string{"x  f32[a=2, b=S]"}},
		{"scalar", []string{"x f32", "y f32 a=2"}, []string{"x  f32[   ]", "y  f32[a=2]"}},
		{"both scalar", []string{"x f32", "long f16"}, []string{"x     f32[]", "long  f16[]"}},
		{"same", []string{"x f32 a=2 b=3", "y f32 a=2 b=30"}, []string{
			"x  f32[a=2, b=3 ]",
			"y  f32[a=2, b=30]"}},
		{"gap at the front", []string{"scores f32 head=32 q=S kv=P+S", "mask f32 q=S kv=S"}, []string{
			"scores  f32[head=32, q=S, kv=P+S]",
			"mask    f32[         q=S, kv=S  ]"}},
		{"gap inside", []string{"x f32 a=1 b=22 c=3", "y f32 a=1 c=3"}, []string{
			"x  f32[a=1, b=22, c=3]",
			"y  f32[a=1,       c=3]"}},
		{"gap at the end", []string{"x f32 a=1 b=22 c=3", "y f32 a=1"}, []string{
			"x  f32[a=1, b=22, c=3]",
			"y  f32[a=1           ]"}},
		{"each lacks one", []string{"x f32 a=1 b=2", "y f32 b=2 c=3"}, []string{
			"x  f32[a=1, b=2     ]",
			"y  f32[     b=2, c=3]"}},
		{"nothing in common", []string{"x f32 a=1", "y f32 b=2"}, []string{
			"x  f32[     a=1]",
			"y  f32[b=2     ]"}},
		{"other order", []string{"x f32 a=2 b=3", "y f32 b=3 a=2"}, []string{
			"x  f32[a=2, b=3]",
			"y  f32[a=2, b=3]"}},
		{"rotated", []string{"x f32 a=2 b=3", "y f32 c=4 a=2 b=3"}, []string{
			"x  f32[     a=2, b=3]",
			"y  f32[c=4, a=2, b=3]"}},
		{"three", []string{"c state f16 h=4 ctx=512 d=8", "x f32 q=S h=4 d=8", "p pos q=S from=P"}, []string{
			"c  state f16[     h=4, ctx=512, d=8]",
			"x  f32      [q=S, h=4,          d=8]",
			"p  pos      [q=S                   ] from P"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := align(rowsOf(t, c.in...))
			require.Equal(t, c.want, got)
		})
	}
}

// TestDiagString puts the parts together, each of which may be missing.
func TestDiagString(t *testing.T) {
	d := &Diag{Path: "x", What: "is wrong"}
	require.Equal(t, "?: x: is wrong", d.String())
	d = &Diag{Pos: Position{"a.go", 7}, Path: "l.x", Op: "add", Rule: 2, What: "axis a differs", Rows: rowsOf(t, "x f32 a=2", "y f32 a=3"), Why: "2 against 3", Hint: "do not"}
	require.Equal(t, "a.go:7: l.x: add: axis a differs [add.2]\n    x  f32[a=2]\n    y  f32[a=3]\n    2 against 3\n    hint: do not", d.String())
	require.Equal(t, d.String()+"\n?: x: is wrong", Errors{d, {Path: "x", What: "is wrong"}}.Error())
	require.NoError(t, Errors{}.Err())
}

func TestWhyNotEqual(t *testing.T) {
	var b dim.Bounds
	b.Declare("S")
	b.Declare("P")
	b.AtLeast(dim.Sym("S"), dim.Const(1))
	b.AtLeast(dim.Sym("P"), dim.Const(0))
	for _, c := range []struct{ x, y, want string }{
		{"S", "P+S", "S is P+S only while P = 0; with S=1, P=1: 1 against 2"},
		{"0", "P", "P is 0 only while P = 0; with S=1, P=1: 1 against 0"},
		{"P", "P+S", "P is never P+S; with S=1, P=0: 0 against 1"},
		{"2*S", "7", "with S=1, P=0: 2 against 7"},
		{"S", "P", "with S=1, P=0: 1 against 0"},
		{"3", "4", "3 against 4"},
	} {
		x, err := dim.Parse(c.x)
		require.NoError(t, err)
		y, err := dim.Parse(c.y)
		require.NoError(t, err)
		require.Equal(t, c.want, whyNotEqual(x, y, b.Equal(x, y), &b))
	}
	require.Equal(t, "S = P is neither proved nor refuted by the graph's bounds",
		whyNotEqual(dim.Sym("S"), dim.Sym("P"), dim.Proof{Verdict: dim.Unknown}, &b))
}
