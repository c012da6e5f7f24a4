package codegen_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/llorch/llorch/codegen"
	"github.com/llorch/llorch/ir"
	"github.com/llorch/llorch/ir/op"
)

const sequence = " symbol S, P\n bound S >= 1\n bound P >= 0\n bound P+S <= 9\n step S after P\n p = positions() {axis=q, count=S, from=P}\n"

// TestEdges runs programs at the edge of what a graph can say.
func TestEdges(t *testing.T) {
	env := map[string]int64{"S": 2, "P": 3}
	for _, c := range []ir.Case{
		{Name: "scalar", Text: " x: f32[] = input()\n y = silu(x)\n output y\n"},
		{Name: "nothing", Text: " x: f32[b=0] = input()\n y = silu(x)\n output y\n"},
		{Name: "an input is the output", Text: " x: f32[b=3] = input()\n output x\n"},
		{Name: "an output twice", Text: " x: f32[b=3] = input()\n y = silu(x)\n output y, y\n"},
		{Name: "a view of an input and its view", Text: " x: f32[b=6] = input()\n y = split(x) {axis=b, into=[c=2, d=3]}\n z = rename(y) {axis=c, to=e}\n output z, y\n"},
		{Name: "narrow inputs", Text: " x: f16[a=3, b=2] = input()\n y: bf16[b=2] = input()\n z = add(x, y)\n output z\n"},
		{Name: "a copy of a narrow state", Env: env,
			Text: sequence + " c: state f16[ctx=9] = state() {along=ctx}\n x: f16[q=S] = input()\n k = append(c, x, p) {over=ctx, new=q, as=kv}\n y = rename(k) {axis=kv, to=z}\n output y\n"},
	} {
		t.Run(c.Name, func(t *testing.T) {
			c.Text = "graph t {\n" + c.Text + "}"
			parseTrial(t, op.Table, c).agree(t)
		})
	}
}

// TestRefused: what cannot be compiled is refused with the value's name.
func TestRefused(t *testing.T) {
	for text, want := range map[string]string{
		" w: f32[a=3] = param()\n output w\n":                                                    "w has no place in the arena: it is a param",
		" w: f32[a=6] = param()\n v = split(w) {axis=a, into=[b=2, c=3]}\n output v\n":           "v has no place in the arena: it is a param",
		" symbol N\n bound N >= 1\n x: f32[n=N] = input()\n y = silu(x)\n output y\n":            "axis n of x has no upper bound",
		" x: f32[a=3] = input()\n w: f32[a=4] = param()\n y = add(x, w)\n output y\n":            "axis a differs",
		" x: f32[a=1073741824, b=1073741824] = input()\n y = silu(x)\n output y\n":               "too large to plan",
		sequence + " x: f32[q=S] = input()\n y = add(x, p)\n output y\n":                         "add",
		" x: f32[a=3] = input()\n y = rms_norm(x, x) {over=b, eps=1}\n z = silu(y)\n output z\n": "rms_norm",
	} {
		g, err := ir.Parse("refused.ir", "graph t {\n"+text+"}", op.Table)
		require.NoError(t, err)
		_, err = codegen.Compile(g, codegen.Options{Target: "cpu"})
		require.ErrorContains(t, err, want, text)
	}
	g, err := ir.Parse("refused.ir", "graph t {\n x: f32[a=3] = input()\n output x\n}", op.Table)
	require.NoError(t, err)
	_, err = codegen.Compile(g, codegen.Options{Target: "abacus"})
	require.ErrorContains(t, err, `unknown target "abacus": want cpu`)
}
