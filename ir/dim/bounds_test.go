package dim

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// bounds makes Bounds of declarations: "S >= 1", "P+S <= 512", "P = 0" as three strings.
func bounds(t *testing.T, lines ...[3]string) *Bounds {
	b := new(Bounds)
	for _, l := range lines {
		left, right := parse(t, l[0]), parse(t, l[2])
		for _, s := range left.Symbols() {
			b.Declare(s)
		}
		switch l[1] {
		case ">=":
			b.AtLeast(left, right)
		case "<=":
			b.AtMost(left, right)
		default:
			n, _ := right.Const()
			b.Fix(l[0], n)
		}
	}
	return b
}

func parse(t *testing.T, s string) Dim {
	d, err := Parse(s)
	require.NoError(t, err)
	return d
}

type (
	lines = [][3]string
	env   = map[string]int64
)

var tokens = lines{{"P", ">=", "0"}, {"S", ">=", "1"}, {"P+S", "<=", "512"}}

func TestEqualCases(t *testing.T) {
	for _, c := range []struct {
		name    string
		bounds  lines
		example env
		x, y    string
		want    Proof
	}{
		{"mask over new tokens, with the example", tokens, env{"S": 5, "P": 2}, "P+S", "S", Proof{Refuted, env{"S": 5, "P": 2}}},
		{"mask over new tokens, smallest", tokens, nil, "P+S", "S", Proof{Refuted, env{"S": 1, "P": 1}}},
		{"example that the bounds forbid", tokens, env{"S": 500, "P": 13}, "P+S", "S", Proof{Refuted, env{"S": 1, "P": 1}}},
		{"example that does not refute", tokens, env{"S": 5, "P": 0}, "P+S", "S", Proof{Refuted, env{"S": 1, "P": 1}}},
		{"example of one symbol", tokens, env{"S": 5}, "P+S", "S", Proof{Refuted, env{"S": 5, "P": 1}}},
		{"example with a symbol that nothing uses", tokens, env{"S": 5, "P": 2, "Q": 3}, "P+S", "S", Proof{Refuted, env{"S": 5, "P": 2}}},
		{"P fixed to 0", append(lines{{"P", "=", "0"}}, tokens...), nil, "P+S", "S", Proof{}},
		{"P fixed, example disagrees", append(lines{{"P", "=", "0"}}, tokens...), env{"S": 5, "P": 2}, "P+S", "S", Proof{}},
		{"P fixed to 3", append(lines{{"P", "=", "3"}}, tokens...), nil, "P+S", "S", Proof{Refuted, env{"S": 1, "P": 3}}},
		{"same in another order", nil, nil, "P+S", "S+P", Proof{}},
		{"S pinned by bounds", lines{{"S", ">=", "1"}, {"S", "<=", "1"}}, nil, "2*S", "S+1", Proof{}},
		{"S pinned after tightening", lines{{"2*S", ">=", "1"}, {"2*S", "<=", "3"}}, nil, "S", "1", Proof{}},
		{"S free", lines{{"S", ">=", "1"}}, nil, "2*S", "S+1", Proof{Refuted, env{"S": 2}}},
		{"constants", tokens, nil, "32", "64", Proof{Refuted, env{"S": 1, "P": 0}}},
		{"constants, with the example", tokens, env{"S": 5, "P": 2}, "32", "64", Proof{Refuted, env{"S": 5, "P": 2}}},
		{"even is never odd", nil, nil, "2*x-2*y", "1", Proof{Refuted, env{"x": 0, "y": 0}}},
		{"unbounded symbols", nil, nil, "x", "0", Proof{Refuted, env{"x": -1}}},
		{"five negative symbols", lines{{"a", "<=", "-1"}, {"b", "<=", "-1"}, {"c", "<=", "-1"}, {"d", "<=", "-1"}, {"e", "<=", "-1"}}, nil,
			"a+b+c+d+e", "-5", Proof{Refuted, env{"a": -2, "b": -1, "c": -1, "d": -1, "e": -1}}},
		{"negative range", lines{{"x", "<=", "-3"}}, nil, "x", "-3", Proof{Refuted, env{"x": -4}}},
		{"far away", lines{{"P", ">=", "0"}, {"S", ">=", "100000"}}, nil, "P+S", "S", Proof{Refuted, env{"S": 100000, "P": 1}}},
		{"implied by two inequalities", lines{{"x-y", ">=", "0"}, {"x-y", "<=", "0"}}, nil, "3*x", "3*y", Proof{}},
		{"nothing allowed", lines{{"S", ">=", "2"}, {"S", "<=", "1"}}, nil, "S", "7", Proof{}},
		{"no integer allowed", lines{{"2*x", ">=", "1"}, {"2*x", "<=", "1"}}, nil, "x", "7", Proof{}},
		// 3x+5y in 7..7 with 0 <= x, y has rational points alone.
		{"only the search sees it", lines{{"3*x+5*y", ">=", "7"}, {"3*x+5*y", "<=", "7"}, {"x", ">=", "0"}, {"y", ">=", "0"}}, nil, "x", "100", Proof{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := bounds(t, c.bounds...)
			b.SetExample(c.example)
			require.Equal(t, c.want, b.Equal(parse(t, c.x), parse(t, c.y)))
		})
	}
}

func TestGreaterEqualCases(t *testing.T) {
	chunk := lines{{"S", ">=", "1"}, {"S", "<=", "ctx"}, {"ctx", "<=", "131072"}}
	for _, c := range []struct {
		name   string
		bounds lines
		x, y   string
		want   Proof
	}{
		{"context holds all tokens", tokens, "512", "P+S", Proof{}},
		{"one less does not", tokens, "511", "P+S", Proof{Refuted, env{"P": 0, "S": 512}}},
		{"all tokens include the new", tokens, "P+S", "S", Proof{}},
		{"through a third symbol", chunk, "ctx", "1", Proof{}},
		{"large counterexample", chunk, "131071", "S", Proof{Refuted, env{"S": 131072, "ctx": 131072}}},
		{"integer rounding", lines{{"2*x", ">=", "1"}}, "x", "1", Proof{}},
		{"sum of two halves", lines{{"2*x", ">=", "y"}, {"y", ">=", "5"}}, "x", "3", Proof{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			require.Equal(t, c.want, bounds(t, c.bounds...).GreaterEqual(parse(t, c.x), parse(t, c.y)))
		})
	}
}

func TestExtentCases(t *testing.T) {
	for _, c := range []struct {
		name     string
		bounds   lines
		d        string
		min, max any // nil where there is none
	}{
		{"all tokens", tokens, "P+S", 1, 512},
		{"past", tokens, "P", 0, 511},
		{"weighted", tokens, "2*P+3*S-1", 2, 1535},
		{"difference", tokens, "P-S", -512, 510},
		{"constant", tokens, "7", 7, 7},
		{"fixed", append(lines{{"S", "=", "1"}}, tokens...), "P+S", 1, 512},
		{"half bounded", lines{{"S", ">=", "1"}}, "S", 1, nil},
		{"unbounded", nil, "S", nil, nil},
		{"rounded", lines{{"3*S", ">=", "4"}, {"3*S", "<=", "14"}}, "S", 2, 4},
		{"nothing allowed", lines{{"S", ">=", "2"}, {"S", "<=", "1"}}, "S", nil, nil},
		// 5x+7y = 24 has rational points up to x = 4.8, and the integer one (2, 2).
		{"one integer point", lines{{"5*x+7*y", ">=", "24"}, {"5*x+7*y", "<=", "24"}, {"x", ">=", "0"}, {"y", ">=", "0"}}, "x", 2, 2},
		// Rationally up to 8/3.
		{"corner between integers", lines{{"2*x+y", "<=", "4"}, {"x+2*y", "<=", "4"}, {"x", ">=", "0"}, {"y", ">=", "0"}}, "x+y", 0, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := bounds(t, c.bounds...)
			check := func(want any, got int64, ok bool) {
				require.Equal(t, want != nil, ok)
				if ok {
					require.EqualValues(t, want, got)
				}
			}
			n, ok := b.Max(parse(t, c.d))
			check(c.max, n, ok)
			n, ok = b.Min(parse(t, c.d))
			check(c.min, n, ok)
		})
	}
}

func TestBoundsState(t *testing.T) {
	b := bounds(t, tokens...)
	b.Declare("S")
	b.Fix("layers", 22)
	b.SetExample(env{"S": 5})
	require.Equal(t, []string{"P", "S"}, b.Declared())
	var printed []string
	for _, c := range b.Constraints() {
		printed = append(printed, c.String())
	}
	require.Equal(t, []string{"P >= 0", "S >= 1", "P+S <= 512", "layers = 22"}, printed)

	c := b.Clone()
	c.Declare("Q")
	c.Fix("Q", 1)
	c.AtMost(Sym("S"), Const(0))
	c.Example()["S"] = 9
	require.Equal(t, env{"S": 5}, b.Example())
	require.Len(t, b.Constraints(), 4)
	require.Equal(t, []string{"P", "S"}, b.Declared())
	require.True(t, b.Satisfiable())
	require.False(t, c.Satisfiable())
	require.Equal(t, Refuted, b.Equal(Sym("Q"), Const(1)).Verdict)
	require.Nil(t, new(Bounds).Example())
	require.True(t, new(Bounds).Satisfiable())
}

func TestAllows(t *testing.T) {
	b := bounds(t, append(lines{{"n", "=", "4"}}, tokens...)...)
	require.True(t, b.Allows(env{"P": 0, "S": 1, "n": 4}))
	require.True(t, b.Allows(env{"P": 0, "S": 1}), "a fixed symbol may be left out")
	require.False(t, b.Allows(env{"P": 0, "S": 1, "n": 5}))
	require.False(t, b.Allows(env{"P": 0, "S": 0}))
	require.False(t, b.Allows(env{"P": 1, "S": 512}))
	require.False(t, b.Allows(env{"S": 1}), "P is missing")
	require.False(t, b.Allows(env{"P": math.MaxInt64, "S": math.MaxInt64}))
}

func TestFixedTwice(t *testing.T) {
	b := new(Bounds)
	b.Fix("S", 1)
	require.True(t, b.Satisfiable())
	b.Fix("S", 2)
	require.False(t, b.Satisfiable())
}

// Past its limits a decision is Unknown, and it gets there soon.
func TestLimits(t *testing.T) {
	wide := new(Bounds)
	sum := Dim{}
	for _, s := range []string{"a", "b", "c", "d", "e", "f", "g"} {
		sum = sum.Add(Sym(s))
	}
	thin := bounds(t, [3]string{"1000003*x-1000033*y", ">=", "1"}, [3]string{"1000003*x-1000033*y", "<=", "1"}, [3]string{"x", ">=", "0"}, [3]string{"y", ">=", "0"})
	dense := new(Bounds)
	for i := int64(1); i < 200; i++ {
		dense.AtLeast(Sym("x").Mul(i).Add(Sym("y").Mul(200-i)).Sub(Sym("z").Mul(i*i+1)), Const(i))
		dense.AtMost(Sym("x").Mul(i*i).Add(Sym("y").Mul(i)).Add(Sym("z").Mul(i+3)), Const(i*1000))
	}
	huge := new(Bounds)
	huge.AtLeast(Sym("x"), Const(math.MaxInt64))
	steep := new(Bounds)
	steep.AtLeast(Sym("S").Mul(math.MinInt64).Add(Sym("P")), Const(0))
	for name, c := range map[string]struct {
		b    *Bounds
		x, y Dim
	}{
		"symbols without a sign": {wide, sum, Const(0)},
		"sparse points":          {thin, Sym("x"), Const(7)},
		"dense rows":             {dense, Sym("x"), Sym("y")},
		"beyond int64":           {huge, Sym("x"), Const(7)},
		"least coefficient":      {steep, Sym("S"), Const(7)},
		"least constant":         {new(Bounds), Const(math.MinInt64), Const(0)},
	} {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			require.Equal(t, Unknown, c.b.Equal(c.x, c.y).Verdict)
			require.Less(t, time.Since(start), 10*time.Second)
		})
	}
	_, st := tidy([]row{{[]int64{math.MinInt64, 1}, 0}})
	require.Equal(t, tooHard, st)
	_, ok := huge.Max(Sym("x"))
	require.False(t, ok)
}

// The range of the last variable, given those before it.
func TestInterval(t *testing.T) {
	for _, c := range []struct {
		rows   []row
		lo, hi int64
		ok     bool
	}{
		{[]row{{[]int64{1, 2}, -8}, {[]int64{0, -3}, 11}}, 3, 3, true}, // 3+2v >= 8, 3v <= 11
		{[]row{{[]int64{1, 2}, -6}, {[]int64{-1, -3}, -2}}, 2, -2, true},
		{[]row{{[]int64{0, 1}, 5}}, -5, math.MaxInt64 - 1, true},
		{[]row{{[]int64{0, -1}, 5}}, 0, 0, false},
		{[]row{{[]int64{0, 1}, 0}, {[]int64{0, 1}, math.MinInt64}}, 0, 0, false},
		{[]row{{[]int64{0, 1}, -math.MaxInt64}}, 0, 0, false},
		{[]row{{[]int64{math.MaxInt64, 1}, 0}}, 0, 0, false},
	} {
		w := walk{levels: [][]row{nil, c.rows}, x: []int64{3, 0}}
		lo, hi, ok := w.interval(1)
		require.Equal(t, c.ok, ok, c.rows)
		if ok {
			require.Equal(t, []int64{c.lo, c.hi}, []int64{lo, hi}, c.rows)
		}
	}
}

func TestVerdictString(t *testing.T) {
	require.Equal(t, "proved refuted unknown", Proved.String()+" "+Refuted.String()+" "+Unknown.String())
}
