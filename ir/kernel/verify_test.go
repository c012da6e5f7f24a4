package kernel

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestVerifyRefuses has texts that parse and are wrong all the same.
func TestVerifyRefuses(t *testing.T) {
	const head = "func f(x in_f32, ids in_i32, w weight, s state_i32, f state_f32, y out_f32, q out_acts, x8 in_a8, q4 out_q4_0, K int, e float) {\ngrid(g, K)\ngroup(m, K)\ngroup(n, K)\n"
	for _, c := range []struct{ body, want string }{
		{"x[0] = 1.0", "kernel f: x[0] = 1.0: x is stored to, but its role is in"},
		{"w[0] = 1.0", "kernel f: w[0] = 1.0: w is stored to, but its role is weight"},
		{"a := y[0]", "kernel f: a := y[0]: y is loaded, but its role is out"},
		{"for i := range lanes(K) {\na := sum(j, K, x[j])\nif a < e {\n}\n}", "kernel f: if a < e: the condition a < e differs between lanes"},
		{"for i := range lanes(K) {\ndot(m, 0, w, 0, K, x, 0, K, 1, 1, K)\n}", "kernel f: dot(m, 0, w, 0, K, x, 0, K, 1, 1, K): dot inside a loop over lanes"},
		{"for i := range lanes(K) {\nmix(m, 0, w, 0, K, x, 0, K, 1, 1, K)\n}", "kernel f: mix(m, 0, w, 0, K, x, 0, K, 1, 1, K): mix inside a loop over lanes"},
		{"for i := range lanes(K) {\nfor j := range lanes(K) {\n}\n}", "kernel f: for j := range lanes(K): a loop over lanes inside a loop over lanes"},
		{"for i := range lanes(K) {\nif i < 3 {\n}\n}", "kernel f: if i < 3: the condition i < 3 differs between lanes"},
		{"for i := range lanes(K) {\na := x[i]\nif a < e {\n}\n}", "kernel f: if a < e: the condition a < e differs between lanes"},
		{"for i := range lanes(K) {\nfor j := 0; j < i; j += 1 {\n}\n}", "kernel f: for j := 0; j < i; j += 1: a bound i differs between lanes"},
		{"for j := 0; j < s[0]; j += 1 {\n}", "kernel f: for j := 0; j < s[0]; j += 1: a bound loads from s, which may change in the loop"},
		{"dot(y, 0, w, 0, K, x, 0, K, 1, 1, K)", "kernel f: dot(y, 0, w, 0, K, x, 0, K, 1, 1, K): the result y is not group memory"},
		{"dot(m, 0, n, 0, K, x, 0, K, 1, 1, K)", "kernel f: dot(m, 0, n, 0, K, x, 0, K, 1, 1, K): the matrix n is not a weight, nor an in or state buffer of floats"},
		{"dot(m, 0, ids, 0, K, x, 0, K, 1, 1, K)", "kernel f: dot(m, 0, ids, 0, K, x, 0, K, 1, 1, K): the matrix ids is not a weight, nor an in or state buffer of floats"},
		{"dot(m, 0, w, 0, K, w, 0, K, 1, 1, K)", "kernel f: dot(m, 0, w, 0, K, w, 0, K, 1, 1, K): the vectors w are neither group memory nor an in or state buffer of f32"},
		{"mix(m, 0, w, 0, K, x8, 0, K, 1, 1, K)", "kernel f: mix(m, 0, w, 0, K, x8, 0, K, 1, 1, K): the vectors x8 are neither group memory nor an in or state buffer of f32"},
		{"q[0] = 1.0", "kernel f: q[0] = 1.0: q holds blocks of acts, whose elements are not stored one by one"},
		{"encode(y, 0, m, 0, K)", "kernel f: encode(y, 0, m, 0, K): y is no out buffer of activations"},
		{"encode(q4, 0, m, 0, K)", "kernel f: encode(q4, 0, m, 0, K): q4 is no out buffer of activations"},
		{"encode(x8, 0, m, 0, K)", "kernel f: encode(x8, 0, m, 0, K): x8 is no out buffer of activations"},
		{"encode(q, 0, w, 0, K)", "kernel f: encode(q, 0, w, 0, K): the elements w are neither group memory nor an in or state buffer of f32"},
		{"for i := range teams(K) {\ndot(m, 0, w, 0, K, x, 0, K, 1, 1, K)\n}", "kernel f: dot(m, 0, w, 0, K, x, 0, K, 1, 1, K): dot in a loop over teams"},
		{"for i := range teams(K) {\nfor j := range teams(K) {\n}\n}", "kernel f: for j := range teams(K): a loop over teams in a loop over teams"},
		{"for i := range lanes(K) {\nfor j := range teams(K) {\n}\n}", "kernel f: for j := range teams(K): a loop over teams inside a loop over lanes"},
		{"for i := range lanes(K) {\nencode(q, 0, m, 0, 32)\n}", "kernel f: encode(q, 0, m, 0, 32): encode inside a loop over lanes"},
		{"mix(m, 0, w, 0, K, m, 0, K, 1, 1, K)", "kernel f: mix(m, 0, w, 0, K, m, 0, K, 1, 1, K): m is both the result and the vectors"},
		{"for i := range joined(K, y, m, 2, K) {\n}", "kernel f: for i := range joined(K, y, m, 2, K): the memory of parts y is no state buffer of f32"},
		{"for i := range joined(K, f, x, 2, K) {\n}", "kernel f: for i := range joined(K, f, x, 2, K): the part x is not group memory"},
		{"for i := range joined(2, f, m, 2, K) {\n}", "kernel f: for i := range joined(2, f, m, 2, K): 2 is not the number of groups along the last axis of the grid"},
		{"for i := range joined(K, f, m, 2, ids[0]) {\n}", "kernel f: for i := range joined(K, f, m, 2, ids[0]): its extent loads from ids; it may use integer parameters alone"},
		{"for i := range joined(K, f, m, 2, K) {\n}\na := 1", "kernel f: for i := range joined(K, f, m, 2, K): a join is not the kernel's last statement"},
		{"a := f[0]\nfor i := range joined(K, f, m, 2, K) {\n}", "kernel f: a := f[0]: f is touched before the join whose parts it is for"},
		{"for i := range joined(K, f, m, 2, K) {\nm[0] = 1.0\n}", "kernel f: m[0] = 1.0: m is stored to in a join, and is no out buffer"},
		{"for i := range joined(K, f, m, 2, K) {\nfor j := range teams(K) {\n}\n}", "kernel f: for j := range teams(K): a loop over teams in a join"},
	} {
		k := parsed(t, head+c.body+"\n}\n")
		require.EqualError(t, Verify(k), c.want)
	}
}

// TestVerifyRefusesBuilt has kernels that no text gives.
func TestVerifyRefusesBuilt(t *testing.T) {
	n, i := IntVar("n"), IntVar("i")
	for _, c := range []struct {
		name, want string
		change     func(k *Kernel)
	}{
		{"kernel name", `kernel a b: name: "a b" is no identifier`, func(k *Kernel) { k.Name = "a b" }},
		{"doc", `kernel f: doc: "a\nb" ends in a space, has control characters or is no UTF-8`, func(k *Kernel) { k.Doc = []string{"a\nb"} }},
		{"doc of bytes", `kernel f: doc: "\xff" ends in a space, has control characters or is no UTF-8`, func(k *Kernel) { k.Doc = []string{"\xff"} }},
		{"keyword", `kernel f: parameters: "for" is no identifier`, func(k *Kernel) { k.Ints = append(k.Ints, "for") }},
		{"reserved", `kernel f: parameters: exp is reserved`, func(k *Kernel) { k.Floats = []string{"exp"} }},
		{"twice", `kernel f: parameters: x is declared already`, func(k *Kernel) { k.Ints = append(k.Ints, "x") }},
		{"weight of integers", `kernel f: parameters: w is weight_i32: weights have a weight type or none, other buffers a type of the table`,
			func(k *Kernel) { k.Bufs = append(k.Bufs, Buf{"w", Weight, I32}) }},
		{"no dtype", `kernel f: parameters: w is in_dtype(0): weights have a weight type or none, other buffers a type of the table`,
			func(k *Kernel) { k.Bufs = append(k.Bufs, Buf{"w", In, Invalid}) }},
		{"grid of a grid variable", "kernel f: grid b: a is not declared", func(k *Kernel) { k.Grid = []Axis{{"a", n}, {"b", IntVar("a")}} }},
		{"grid that loads", "kernel f: grid a: its extent loads from ids; it may use integer parameters alone",
			func(k *Kernel) { k.Grid = []Axis{{"a", IntAt("ids", I(0))}} }},
		{"float grid", "kernel f: grid a: 1.0 is float, want int", func(k *Kernel) { k.Grid = []Axis{{"a", F(1)}} }},
		{"undeclared", "kernel f: a := q: q is not declared", body(&Let{"a", IntVar("q")})},
		{"out of scope", "kernel f: a := i: i is not declared", body(&For{Var: "i", Lo: I(0), Hi: n, Step: I(1)}, &Let{"a", i})},
		{"out of a reduction", "kernel f: a := i: i is not declared", body(&Reduce{Name: "s", Var: "i", N: n, Value: F(1)}, &Let{"a", i})},
		{"reduction of itself", "kernel f: s := sum(s, n, 1.0): s names both the result and the index", body(&Reduce{Name: "s", Var: "s", N: n, Value: F(1)})},
		{"reduction unknown", "kernel f: s := reduce(9)(i, n, 1.0): unknown reduction", body(&Reduce{Name: "s", Op: 9, Var: "i", N: n, Value: F(1)})},
		{"shadowing", "kernel f: for n := 0; n < n; n += 1: n is declared already", body(&For{Var: "n", Lo: I(0), Hi: n, Step: I(1)})},
		{"variable's type", "kernel f: a := n: n is int, used as float", body(&Let{"a", FloatVar("n")})},
		{"memory's type", "kernel f: a := ids[0]: ids holds int, loaded as float", body(&Let{"a", At("ids", I(0))})},
		{"index's type", "kernel f: a := x[1.0]: 1.0 is float, want int", body(&Let{"a", At("x", F(1))})},
		{"scalar as memory", "kernel f: a := n[0]: n is a scalar, not memory", body(&Let{"a", At("n", I(0))})},
		{"memory as scalar", "kernel f: a := x: x is memory, not a scalar", body(&Let{"a", FloatVar("x")})},
		{"stored type", "kernel f: y[0] = 1: 1 is int, want float", body(&Store{"y", I(0), I(1)})},
		{"condition's type", "kernel f: if n: n is int, want bool", body(&If{Cond: n})},
		{"argument's type", "kernel f: a := n + 1.0: 1.0 is float, want int", body(&Let{"a", &Call{Lookup("add", Int), []Expr{n, F(1)}}})},
		{"arguments", "kernel f: a := add(n): add takes 2 arguments, not 1", body(&Let{"a", &Call{Lookup("add", Int), []Expr{n}}})},
		{"foreign function", "kernel f: a := add(n): a call's function is not of the table", body(&Let{"a", &Call{&Fn{Name: "add", Args: []Type{Int}}, []Expr{n}}})},
		{"no value", "kernel f: a := invalid: no value", body(&Let{Name: "a"})},
		{"no expression", "kernel f: y[invalid] = 1.0: an expression is missing", body(&Store{"y", nil, F(1)})},
		{"no statement", "kernel f: invalid(<nil>): no statement", body(nil)},
		{"lanes from 1 by 2", "kernel f: for i := range lanes(n): a loop over lanes begins at 0, not at 1\n" +
			"kernel f: for i := range lanes(n): a loop over lanes has step 1, not 2", body(&For{Var: "i", Lo: I(1), Hi: n, Step: I(2), Lanes: true})},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := &Kernel{Name: "f", Bufs: []Buf{{"x", In, F32}, {"ids", In, I32}, {"y", Out, F32}}, Ints: []string{"n"}}
			require.NoError(t, Verify(k))
			c.change(k)
			require.EqualError(t, Verify(k), c.want)
		})
	}
}

// TestVerifyOfManyErrors: what errors say does not grow with the statement times its operands.
func TestVerifyOfManyErrors(t *testing.T) {
	e := At("y", I(0))
	for range 14 {
		e = Add(e, e)
	}
	k := &Kernel{Name: "f", Bufs: []Buf{{"y", Out, F32}}, Body: []Stmt{&Let{"a", e}, &Let{"b", e}}}
	long := ExprString(e)[:maxHead-len("a := ")] + "...: y is loaded, but its role is out"
	require.EqualError(t, Verify(k), "kernel f: a := "+long+"\nkernel f: b := "+long)
}

func body(s ...Stmt) func(*Kernel) {
	return func(k *Kernel) { k.Body = s }
}
