package dim

import (
	"math"
	"math/big"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

var letters = []string{"B", "P", "S", "ctx"}

// anyDim draws a dimension with coefficients and a constant of magnitude most.
func anyDim(most int64) *rapid.Generator[Dim] {
	return rapid.Custom(func(t *rapid.T) Dim {
		number := rapid.Int64Range(-most, most)
		d := Const(number.Draw(t, "offset"))
		for _, s := range letters {
			if rapid.Bool().Draw(t, "has "+s) {
				d = d.Add(Sym(s).Mul(number.Draw(t, "coef "+s)))
			}
		}
		return d
	})
}

func anyEnv(most int64) *rapid.Generator[map[string]int64] {
	return rapid.Custom(func(t *rapid.T) map[string]int64 {
		env := map[string]int64{}
		for _, s := range letters {
			env[s] = rapid.Int64Range(-most, most).Draw(t, s)
		}
		return env
	})
}

func value(t require.TestingT, d Dim, env map[string]int64) int64 {
	n, err := d.Eval(env)
	require.NoError(t, err)
	return n
}

func same(t require.TestingT, want, got Dim) {
	require.True(t, want.Same(got), "want %s, got %s", want, got)
	require.Equal(t, want.String(), got.String())
}

func TestString(t *testing.T) {
	p, s := Sym("P"), Sym("S")
	for want, d := range map[string]Dim{
		"0":        {},
		"512":      Const(512),
		"-3":       Const(-3),
		"P+S":      s.Add(p),
		"2*S-1":    s.Mul(2).Sub(Const(1)),
		"P+S-1":    s.Sub(Const(1)).Add(p),
		"-S+4":     Const(4).Sub(s),
		"-2*P-S":   s.Mul(-1).Sub(p.Mul(2)),
		"P":        p.Add(s).Sub(s),
		"3*P":      p.Add(p).Add(p),
		"P-3*S+10": p.Sub(s.Mul(3)).Add(Const(10)),
	} {
		require.Equal(t, want, d.String())
	}
}

func TestAccessors(t *testing.T) {
	d := Sym("S").Mul(2).Sub(Sym("P")).Add(Const(7))
	require.Equal(t, []string{"P", "S"}, d.Symbols())
	require.EqualValues(t, 2, d.Coef("S"))
	require.EqualValues(t, -1, d.Coef("P"))
	require.EqualValues(t, 0, d.Coef("Q"))
	require.EqualValues(t, 7, d.Offset())
	_, ok := d.Const()
	require.False(t, ok)
	n, ok := d.Sub(d).Const()
	require.True(t, ok)
	require.Zero(t, n)
	require.True(t, Dim{}.Same(Const(0)))
}

func TestRingLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		gen := anyDim(1 << 20)
		a, b, c := gen.Draw(t, "a"), gen.Draw(t, "b"), gen.Draw(t, "c")
		k, l := rapid.Int64Range(-1000, 1000).Draw(t, "k"), rapid.Int64Range(-1000, 1000).Draw(t, "l")
		same(t, a.Add(b), b.Add(a))
		same(t, a.Add(b).Add(c), a.Add(b.Add(c)))
		same(t, a, a.Add(Dim{}))
		same(t, Dim{}, a.Sub(a))
		same(t, a.Sub(b), a.Add(b.Mul(-1)))
		same(t, a.Add(b).Mul(k), a.Mul(k).Add(b.Mul(k)))
		same(t, a.Mul(k+l), a.Mul(k).Add(a.Mul(l)))
		same(t, a.Mul(k).Mul(l), a.Mul(k*l))
		same(t, a, a.Mul(1))
		same(t, Dim{}, a.Mul(0))
	})
}

// Evaluation is what gives the expressions their meaning; every operation
// has to commute with it.
func TestEvalCommutes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := anyDim(1000).Draw(t, "a"), anyDim(1000).Draw(t, "b")
		env := anyEnv(1000).Draw(t, "env")
		k := rapid.Int64Range(-1000, 1000).Draw(t, "k")
		x, y := value(t, a, env), value(t, b, env)
		require.Equal(t, x+y, value(t, a.Add(b), env))
		require.Equal(t, x-y, value(t, a.Sub(b), env))
		require.Equal(t, k*x, value(t, a.Mul(k), env))

		// Simultaneous: S -> b with b itself in S must not be substituted again.
		inner := overlay(env, map[string]int64{"S": y})
		require.Equal(t, value(t, a, inner), value(t, a.Subst(map[string]Dim{"S": b}), env))
	})
}

func TestEvalErrors(t *testing.T) {
	_, err := Sym("P").Add(Sym("S")).Eval(map[string]int64{"P": 1})
	require.EqualError(t, err, "dimension P+S: symbol S has no value")
	_, err = Sym("S").Mul(3).Eval(map[string]int64{"S": math.MaxInt64 / 2})
	require.ErrorContains(t, err, "dimension 3*S: overflow of int64 at S=")
}

func TestInvalid(t *testing.T) {
	huge := Const(math.MaxInt64)
	over := huge.Add(Const(1))
	require.ErrorIs(t, over.Err(), errOverflow)
	for _, d := range []Dim{
		over, huge.Mul(2), Const(math.MinInt64).Mul(-1), Sym("S").Mul(math.MaxInt64).Mul(3), over.Mul(0),
		over.Sub(over), Sym("S").Add(over), Sym("S").Subst(map[string]Dim{"S": over}),
		Sym(""), Sym("2x"), Sym("a b"), Sym("P+S"), Sym("é"),
	} {
		require.Error(t, d.Err())
		require.False(t, d.Same(d))
		_, ok := d.Const()
		require.False(t, ok)
		_, err := d.Eval(map[string]int64{"S": 1})
		require.Error(t, err)
		_, err = Parse(d.String())
		require.Error(t, err, "%s", d)

		var b Bounds
		require.Equal(t, Unknown, b.Equal(d, d).Verdict)
		require.Equal(t, Unknown, b.GreaterEqual(d, Const(0)).Verdict)
		_, ok = b.Max(d)
		require.False(t, ok)
		b.AtLeast(d, Const(0))
		require.False(t, b.Satisfiable())
		require.False(t, b.Allows(map[string]int64{"S": 1}))
	}
}

func TestCheckedArithmetic(t *testing.T) {
	edge := []int64{0, 1, -1, 2, -2, 1 << 31, -1 << 31, 1 << 62, -1 << 62, math.MaxInt64, math.MinInt64, math.MinInt64 + 1}
	for _, a := range edge {
		for _, b := range edge {
			checkArithmetic(t, a, b)
		}
	}
	number := rapid.OneOf(rapid.SampledFrom(edge), rapid.Int64())
	rapid.Check(t, func(t *rapid.T) {
		checkArithmetic(t, number.Draw(t, "a"), number.Draw(t, "b"))
	})
}

func checkArithmetic(t require.TestingT, a, b int64) {
	check := func(exact *big.Int, got int64, ok bool) {
		require.Equal(t, exact.IsInt64(), ok, "%d %d", a, b)
		if ok {
			require.Equal(t, exact.Int64(), got)
		}
	}
	sum, ok := addInt(a, b)
	check(new(big.Int).Add(big.NewInt(a), big.NewInt(b)), sum, ok)
	product, ok := mulInt(a, b)
	check(new(big.Int).Mul(big.NewInt(a), big.NewInt(b)), product, ok)
	if b > 0 { // Euclidean division is floor division for a positive divisor
		exact := new(big.Int).Div(big.NewInt(a), big.NewInt(b))
		check(exact, floorDiv(a, b), true)
	}
	if lo, hi := min(a, b), max(a, b); lo < hi {
		mid := middle(lo, hi)
		require.True(t, lo < mid && mid <= hi, "middle(%d, %d) = %d", lo, hi, mid)
	}
}
