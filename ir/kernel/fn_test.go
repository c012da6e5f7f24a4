package kernel

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func vals(args ...any) []Value {
	var out []Value
	for _, a := range args {
		out = append(out, val(a))
	}
	return out
}

func val(a any) Value {
	switch a := a.(type) {
	case int:
		return Value{I: int64(a)}
	case float64:
		return Value{F: float32(a)}
	}
	return truth(a.(bool))
}

// TestFunctions has a case for every row of the table.
func TestFunctions(t *testing.T) {
	cases := []struct {
		name string
		args []any
		want any
	}{
		{"add", []any{2, -3}, -1}, {"sub", []any{2, 3}, -1}, {"mul", []any{-2, 3}, -6}, {"div", []any{7, 2}, 3}, {"rem", []any{7, 4}, 3},
		{"min", []any{-7, 4}, -7}, {"max", []any{-7, 4}, 4},
		{"lt", []any{1, 2}, true}, {"lt", []any{2, 2}, false}, {"le", []any{2, 2}, true}, {"le", []any{3, 2}, false},
		{"eq", []any{2, 2}, true}, {"eq", []any{1, 2}, false},
		{"and", []any{true, false}, false}, {"and", []any{true, true}, true}, {"or", []any{true, false}, true}, {"or", []any{false, false}, false},
		{"float", []any{16777217}, 16777216.0}, {"float", []any{-3}, -3.0},
		{"shl", []any{3, 4}, 48}, {"shl", []any{1, 31}, 1 << 31}, {"shr", []any{0xf0f, 8}, 0xf},
		{"band", []any{0xf0, 0x3c}, 0x30}, {"bor", []any{0xf0, 0x3c}, 0xfc},
		{"signed16", []any{0x7fff}, 0x7fff}, {"signed16", []any{0x8001}, -0x7fff},
		{"frombits", []any{0x3f800000}, 1.0}, {"frombits", []any{0xc0000000}, -2.0},
		{"add", []any{1e8, 1.0}, 1e8}, {"sub", []any{1.5, 2.0}, -0.5}, {"mul", []any{1.5, -2.0}, -3.0}, {"div", []any{1.0, 0.0}, math.Inf(1)},
		{"min", []any{-1.0, 2.0}, -1.0}, {"max", []any{-1.0, 2.0}, 2.0}, {"lt", []any{1.0, 2.0}, true}, {"lt", []any{2.0, 2.0}, false},
		{"exp", []any{1.0}, math.E}, {"log", []any{math.E * math.E}, 2.0}, {"log", []any{0.0}, math.Inf(-1)},
		{"sin", []any{0.5}, 0.479425538604203}, {"cos", []any{0.5}, 0.877582561890373},
		{"sqrt", []any{2.0}, math.Sqrt2}, {"rsqrt", []any{4.0}, 0.5}, {"tanh", []any{0.5}, 0.462117157260010},
		{"choose", []any{true, 1.0, 2.0}, 1.0}, {"choose", []any{false, 1.0, 2.0}, 2.0},
	}
	covered := map[*Fn]bool{}
	for _, c := range cases {
		first := Int
		switch c.args[0].(type) {
		case float64:
			first = Float
		case bool:
			first = Bool
		}
		fn := Lookup(c.name, first)
		require.NotNil(t, fn, c.name)
		require.Len(t, c.args, len(fn.Args), c.name)
		covered[fn] = true
		got := fn.Eval(vals(c.args...))
		if want := val(c.want); math.Abs(float64(got.F)-float64(want.F)) > 1e-7*math.Abs(float64(want.F)) || got.I != want.I {
			t.Errorf("%s(%v) = %v, want %v", c.name, c.args, got, c.want)
		}
	}
	for _, fn := range Fns {
		if !covered[fn] {
			t.Errorf("%s of %v has no case", fn.Name, fn.Args)
		}
		if fn.Infix != "" && (fn.Prec < 1 || fn.Prec > 5 || len(fn.Args) != 2) || fn.Doc == "" {
			t.Errorf("the row of %s %v", fn.Name, fn.Args)
		}
	}
}

func TestSimplify(t *testing.T) {
	i, x := IntVar("i"), FloatVar("x")
	inf := F(math.Inf(1))
	for _, c := range []struct {
		got  Expr
		want string
	}{
		{Add(I(2), I(3)), "5"}, {Mul(F(2), F(1.5)), "3.0"}, {Div(I(7), I(2)), "3"}, {Min(I(7), I(2)), "2"},
		{Apply("float", I(3)), "3.0"}, {Apply("sqrt", F(4)), "2.0"}, {Apply("frombits", I(0x3f800000)), "1.0"},
		{Add(I(0), i), "i"}, {Add(i, I(0)), "i"}, {Sub(i, I(0)), "i"}, {Mul(I(1), i), "i"}, {Mul(i, I(1)), "i"}, {Div(i, I(1)), "i"},
		{Mul(I(0), i), "0"}, {Mul(i, I(0)), "0"}, {Rem(i, I(1)), "0"},
		{Add(F(0), x), "x"}, {Sub(x, F(0)), "x"}, {Mul(F(1), x), "x"}, {Div(x, F(1)), "x"}, {Mul(F(0), x), "0.0 * x"},
		{Add(Add(i, I(2)), I(3)), "i + 5"}, {Add(Add(I(2), i), I(3)), "i + 5"}, {Sub(Add(i, I(2)), I(3)), "i - 1"},
		{Add(Sub(i, I(2)), I(2)), "i"}, {Sub(I(2), i), "2 - i"}, {Sub(Sub(I(2), i), I(1)), "2 - i - 1"}, {Add(Add(x, F(2)), F(3)), "x + 2.0 + 3.0"},
		{CeilDiv(i, I(4)), "(i + 3) / 4"}, {CeilDiv(i, I(1)), "i"},
		{Div(I(1), I(0)), "1 / 0"}, {Rem(I(1), I(0)), "1 % 0"}, {Div(I(-1), I(2)), "-1 / 2"}, {Apply("shl", I(1), I(-1)), "1 << -1"}, {Apply("shl", I(1), I(64)), "1 << 64"},
		{Div(F(1), F(0)), "1.0 / 0.0"}, {Apply("log", F(-1)), "log(-1.0)"}, {Add(inf, F(1)), "inf + 1.0"},
		{Apply("lt", I(1), I(2)), "1 < 2"}, {Sub(x, Sub(x, F(1))), "x - (x - 1.0)"}, {Mul(Add(i, I(1)), Rem(i, I(3))), "(i + 1) * (i % 3)"},
	} {
		require.Equal(t, c.want, ExprString(c.got))
	}
}

// TestSimplifyKeepsTheValue compares folded integer expressions with unfolded ones.
func TestSimplifyKeepsTheValue(t *testing.T) {
	names := []string{"add", "sub", "mul", "div", "rem", "min", "max", "band", "bor"}
	rapid.Check(t, func(t *rapid.T) {
		env := func(string) (int64, bool) { return 7, true }
		var draw func(depth int) (raw, folded Expr)
		draw = func(depth int) (Expr, Expr) {
			if depth == 0 || rapid.IntRange(0, 3).Draw(t, "leaf") == 0 {
				e := rapid.SampledFrom([]Expr{I(0), I(1), I(2), I(-3), IntVar("v")}).Draw(t, "e")
				return e, e
			}
			fn := Lookup(rapid.SampledFrom(names).Draw(t, "fn"), Int)
			a, fa := draw(depth - 1)
			b, fb := draw(depth - 1)
			return &Call{fn, []Expr{a, b}}, simplify(&Call{fn, []Expr{fa, fb}})
		}
		raw, folded := draw(4)
		want, err := EvalInt(raw, env)
		if err != nil {
			return // 0*x may drop a division by zero
		}
		got, err := EvalInt(folded, env)
		if err != nil || got != want {
			t.Fatalf("%s = %d became %s = %d, %v", ExprString(raw), want, ExprString(folded), got, err)
		}
	})
}

// TestSimplifyKeepsFloats does so for floats, whose zeros have no sign in it: no function here tells -0 from 0.
func TestSimplifyKeepsFloats(t *testing.T) {
	leaves := []Expr{F(0), F(1), F(-2.5), F(1e30), F(math.Inf(1)), FloatVar("v"), FloatVar("u")}
	binary := []string{"add", "sub", "mul", "min", "max", "div"}
	rapid.Check(t, func(t *rapid.T) {
		env := map[string]Value{}
		for _, n := range []string{"u", "v"} {
			env[n] = Value{F: rapid.Float32().Draw(t, n)}
		}
		var draw func(depth int) (raw, folded Expr)
		draw = func(depth int) (Expr, Expr) {
			if depth == 0 || rapid.IntRange(0, 3).Draw(t, "leaf") == 0 {
				e := rapid.SampledFrom(leaves).Draw(t, "e")
				return e, e
			}
			a, fa := draw(depth - 1)
			if fn := Lookup(rapid.SampledFrom([]string{"", "exp", "cos", "tanh"}).Draw(t, "unary"), Float); fn != nil {
				return &Call{fn, []Expr{a}}, simplify(&Call{fn, []Expr{fa}})
			}
			fn := Lookup(rapid.SampledFrom(binary).Draw(t, "binary"), Float)
			b, fb := F(1), F(1)
			if fn.Name != "div" {
				b, fb = draw(depth - 1)
			}
			return &Call{fn, []Expr{a, b}}, simplify(&Call{fn, []Expr{fa, fb}})
		}
		raw, folded := draw(4)
		want, got := evaluate(raw, env).F, evaluate(folded, env).F
		if want != got && (want == want || got == got) {
			t.Fatalf("%s = %v became %s = %v", ExprString(raw), want, ExprString(folded), got)
		}
	})
}

func TestApplyPanics(t *testing.T) {
	for _, f := range []func(){
		func() { Apply("nothing", I(1)) }, func() { Apply("add", I(1)) }, func() { Apply("add", I(1), F(1)) },
	} {
		require.Panics(t, f)
	}
}

func TestEvalInt(t *testing.T) {
	env := func(name string) (int64, bool) { return 10, name == "N" }
	n, err := EvalInt(CeilDiv(IntVar("N"), I(4)), env)
	require.NoError(t, err)
	require.EqualValues(t, 3, n)
	for _, c := range []struct {
		e    Expr
		want string
	}{
		{IntVar("M"), "M is no known integer"},
		{FloatVar("N"), "N is no known integer"},
		{IntAt("x", I(0)), "x[0] is no integer expression of scalars"},
		{Apply("lt", IntVar("N"), I(1)), "N < 1 is no integer expression of scalars"},
		{Div(IntVar("N"), I(0)), "10 / 0 in N / 0 is not defined"},
		{Apply("shl", IntVar("N"), I(-1)), "10 << -1 in N << -1 is not defined"},
	} {
		_, err := EvalInt(c.e, env)
		require.EqualError(t, err, c.want)
	}
}
