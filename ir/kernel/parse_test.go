package kernel

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestParseErrors(t *testing.T) {
	const head = "func f(x in_f32, ids in_i32, w weight, y out_f32, K int, e float) {\n"
	for _, c := range []struct{ src, want string }{
		{"", "1:1: want one function, found 0 declarations"},
		{"var x int", "1:1: want func name(parameters) { body }"},
		{"func f() int {\n}", "1:1: want func name(parameters) { body }"},
		{"func (r T) f() {\n}", "1:1: want func name(parameters) { body }"},
		{"func f[T any]() {\n}", "1:1: want func name(parameters) { body }"},
		{"func f()", "1:1: want func name(parameters) { body }"},
		{"func f() {\n}\n\nfunc g() {\n}", "1:1: want one function, found 2 declarations"},
		{"func f() {", "1:11: expected '}', found 'EOF'"},
		{"//line x:100\nfunc f( {\n}", "2:9: expected ')', found '{'"},
		{"/*line x:7:9*/ func f( {\n}", "1:24: expected ')', found '{'"},
		{"func f(x in_f31) {\n}", "1:10: unknown parameter type in_f31"},
		{"func f(x weight_i33) {\n}", "1:10: unknown parameter type weight_i33"},
		{"func f(x []int) {\n}", "1:8: want a parameter: name type"},
		{"func f(in_f32) {\n}", "1:8: want a parameter: name type"},
		{"func f(K int, x in_f32) {\n}", "1:15: buffers come before scalars"},
		{"func f(e float, K int) {\n}", "1:17: int parameters come before floats"},
		{"func f(K int, K int) {\n}", "1:15: K is declared already"},
		{"func f(exp int) {\n}", "1:8: exp is reserved"},
		{"func f(in_f32 in_f32) {\n}", "1:8: in_f32 is reserved"},
		{"func ö() {\n}", `1:6: "ö" is no identifier`},
		{"func f() {\n// inside\n}", "2:1: comments are lines of // above the function"},
		{"/* a */\nfunc f() {\n}", "1:1: comments are lines of // above the function"},
		{head + "a := q\n}", "2:6: q is not declared"},
		{head + "a := q[0]\n}", "2:6: buffer q is not declared"},
		{head + "a := K[0]\n}", "2:6: K is a scalar, not memory"},
		{head + "a := x\n}", "2:6: x is memory, not a scalar"},
		{head + "a := x[e]\n}", "2:8: e is float, want int"},
		{head + "a := foo(K)\n}", "2:6: unknown function foo"},
		{head + "a := add(K, K)\n}", "2:6: unknown function add"},
		{head + "a := exp(K)\n}", "2:10: exp takes no int first"},
		{head + "a := exp(e, e)\n}", "2:6: exp takes 1 arguments, not 2"},
		{head + "a := min(K, e)\n}", "2:13: e is float, want int"},
		{head + "a := exp()\n}", "2:6: want a function of the table and its arguments"},
		{head + "a := x.y(K)\n}", "2:6: want a function of the table and its arguments"},
		{head + "a := K + e\n}", "2:10: e is float, want int"},
		{head + "a := e % e\n}", "2:6: no operator % for float"},
		{head + "a := K ^ K\n}", "2:6: no operator ^ for int"},
		{head + "a := -K\n}", "2:6: unary -: write a literal, or 0 - x"},
		{head + "a := !K\n}", "2:6: unary !: write a literal, or 0 - x"},
		{head + "a := 9223372036854775808\n}", "2:6: integer 9223372036854775808: value out of range"},
		{head + "a := 1e39\n}", "2:6: float 1e39: value out of range"},
		{head + "a := \"s\"\n}", `2:6: "s" is no number`},
		{head + "a := x[0:1]\n}", "2:6: want an expression: a literal, name, element, operator or call"},
		{head + "K := 1\n}", "2:1: K is declared already"},
		{head + "a := 1\na := 2\n}", "3:1: a is declared already"},
		{head + "a, b := 1, 2\n}", "2:1: assign one value at a time"},
		{head + "K = 1\n}", "2:1: scalars are assigned once, with :="},
		{head + "y[0] += 1.0\n}", "2:1: += is no assignment here: use := or ="},
		{head + "y[0] = 1\n}", "2:8: 1 is int, want float"},
		{head + "x[0] := 1.0\n}", "2:1: want a name"},
		{head + "K++\n}", "2:1: want a statement: a := or b[i] = assignment, for, if, dot, mix or encode"},
		{head + "return\n}", "2:1: want a statement: a := or b[i] = assignment, for, if, dot, mix or encode"},
		{head + "barrier()\n}", "2:1: want a statement: a := or b[i] = assignment, for, if, dot, mix or encode"},
		{head + "a := sum(i, K, i)\n}", "2:16: i is int, want float"},
		{head + "a := sum(i, K)\n}", "2:6: sum takes 3 arguments, not 2"},
		{head + "a := sum(K, K, e)\n}", "2:10: K is declared already"},
		{head + "a := max(a, K, e)\n}", "2:10: a names both the result and the index"},
		{head + "a := sum(i, K, e) + 1.0\n}", "2:6: unknown function sum"},
		{head + "for {\n}\n}", "2:1: want for i := lo; i < hi; i += step"},
		{head + "for i := 0; i <= K; i += 1 {\n}\n}", "2:1: want for i := lo; i < hi; i += step"},
		{head + "for i := 0; i < K; i++ {\n}\n}", "2:1: want for i := lo; i < hi; i += step"},
		{head + "for i := 0; K < K; i += 1 {\n}\n}", "2:1: the loop counts i throughout: for i := lo; i < hi; i += step"},
		{head + "for i := range K {\n}\n}", "2:1: want for i := range lanes(n), teams(n) or joined(groups, parts, x, each, all)"},
		{head + "for range lanes(K) {\n}\n}", "2:1: want for i := range lanes(n), teams(n) or joined(groups, parts, x, each, all)"},
		{head + "for i, j := range lanes(K) {\n}\n}", "2:1: want for i := range lanes(n), teams(n) or joined(groups, parts, x, each, all)"},
		{head + "for i := range lanes(e) {\n}\n}", "2:22: e is float, want int"},
		{head + "if K {\n}\n}", "2:4: K is int, want bool"},
		{head + "if a := 1; a < K {\n}\n}", "2:4: if takes a condition alone"},
		{head + "if K < 1 {\na := 1\n} else {\nb := a\n}\n}", "5:6: a is not declared"},
		{head + "dot(x)\n}", "2:1: dot takes 11 arguments, not 1"},
		{head + "encode(y, 0, x)\n}", "2:1: encode takes 5 arguments, not 3"},
		{head + "encode(y, 0, K, 0, K)\n}", "2:14: K is a scalar, not memory"},
		{head + "dot(K, 0, w, 0, K, x, 0, K, 1, 1, K)\n}", "2:5: K is a scalar, not memory"},
		{head + "dot(x, 0, w, 0, K, x, 0, K, 1, 1, e)\n}", "2:35: e is float, want int"},
		{head + "grid(a)\n}", "2:1: grid takes 2 arguments, not 1"},
		{head + "grid(a, e)\n}", "2:9: e is float, want int"},
		{head + "group(a, K)\ngrid(b, K)\n}", "3:1: grid lines come first: grids, then groups"},
		{head + "a := 1\ngroup(b, K)\n}", "3:1: group lines come first: grids, then groups"},
		{head + "a := " + strings.Repeat("(", 300) + "1" + strings.Repeat(")", 300) + "\n}", "2:261: nested more than 256 deep"},
		{head + "a := 1" + strings.Repeat(" + 1", 300) + "\n}", "2:6: nested more than 256 deep"},
		{strings.Repeat(" ", maxSource+1), "kernel text has 1048577 bytes, the limit is 1048576"},
	} {
		k, err := Parse(c.src)
		require.Nil(t, k)
		require.EqualError(t, err, c.want, c.src)
	}
}

// TestParseKeepsWhatIsWritten: text is not simplified, or it would print differently.
func TestParseKeepsWhatIsWritten(t *testing.T) {
	for _, e := range []string{"K + 0", "1 * K", "K + (K + K)", "K - (K - 1)", "-9223372036854775808", "(K + 1) * (K % 3)", "K / 2 / 3", "K / (2 / 3)", "K << 1 & 3", "1 < 2 && K == 3 || 2 <= K"} {
		k := parsed(t, "func f(K int) {\n\ta := "+e+"\n}\n")
		require.Equal(t, e, ExprString(k.Body[0].(*Let).Value))
	}
}

func FuzzParse(f *testing.F) {
	for _, src := range kernels(f) {
		f.Add(src)
	}
	f.Fuzz(func(t *testing.T, src string) {
		k, err := Parse(src)
		if err != nil {
			require.Regexp(t, `^[1-9]\d*:[1-9]\d*: |^kernel text has`, err.Error())
			return
		}
		text := k.String()
		again, err := Parse(text)
		require.NoError(t, err, text)
		require.Equal(t, text, again.String())
		require.Equal(t, k.Key(), again.Key())
		if Verify(k) != nil {
			return
		}
		Barriers(k)
		_, err = Interpret(k, Options{})
		require.NoError(t, err)
	})
}
