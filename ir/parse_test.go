package ir_test

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/llorch/llorch/ir"
	"github.com/llorch/llorch/ir/kernel"
	"github.com/llorch/llorch/ir/op"
)

func TestParse(t *testing.T) {
	g, err := ir.Parse("dir/g.ir", `# a comment
graph g { // another
  symbol S, P
  bound S >= 1
  bound P = 3
  bound P + S - 1 <= 2*S
  step S after P
  example S=5, P=-2
  symbol: f32[a=S] = input() @llama.go:7
  y = everything(symbol) {axis=a, axes=[b=2, c=S-1], names=[], dim=-S+4, float=-1e-05, floats=[1, -0.5, 1E+3], dtype=bf16, word=one}
  kernel k view {
    output = silu(y) @my model.ir:12
  }
  output output, y
}`, table)
	require.NoError(t, err)
	y, out := g.Node("y"), g.Node("output")
	require.Equal(t, ir.Position{File: "llama.go", Line: 7}, g.Node("symbol").Pos)
	require.Equal(t, ir.Position{File: "dir/g.ir", Line: 10}, y.Pos)
	require.Equal(t, ir.Position{File: "my model.ir", Line: 12}, out.Pos)
	require.Equal(t, []*ir.Node{out, y}, g.Outputs)
	require.Equal(t, map[string]int64{"S": 5, "P": -2}, g.Bounds.Example())
	require.Equal(t, ir.RoleNone, out.Group.Role)
	require.Equal(t, "a", y.Word("axis"))
	require.Equal(t, "[b=2 c=S-1]", strings.Trim(toString(y.AxesAttr("axes")), " "))
	require.Empty(t, y.Names("names"))
	require.Equal(t, "-S+4", y.DimAttr("dim").String())
	require.Equal(t, -1e-05, y.Float("float"))
	require.Equal(t, []float64{1, -0.5, 1000}, y.Floats("floats"))
	require.Equal(t, kernel.BF16, y.DTypeAttr("dtype"))
	require.Equal(t, "one", y.Word("word"))
}

func toString(axes []ir.Axis) string {
	var parts []string
	for _, a := range axes {
		parts = append(parts, a.String())
	}
	return "[" + strings.Join(parts, " ") + "]"
}

func TestParseErrors(t *testing.T) {
	// in puts a statement on line 5 of a graph that has x.
	in := func(s string) string {
		return "graph g {\n symbol S\n bound S >= 1\n x: f32[a=2] = input()\n " + s + "\n}"
	}
	for _, c := range []struct{ name, src, want string }{
		{"empty", "# nothing", "g.ir: no graph"},
		{"two graphs", "graph a {\n}\ngraph b {\n}", "g.ir: 2 graphs, want one"},
		{"not a graph", "kernel k {\n}", "g.ir:1: found kernel, want graph"},
		{"no name", "graph {\n}", "g.ir:1: found {, want the graph's name"},
		{"no brace", "graph g\nx = input()", "g.ir:2: found x, want {"},
		{"not closed", "graph g {\n x: f32[] = input()\n", "g.ir:3: found end of file, want }"},
		{"kernel not closed", in("kernel k map {\n y = silu(x)"), "g.ir:7: found end of file, want }"},
		{"stray character", in("y = silu(x) ; z"), "g.ir:5: unexpected character ';'"},
		{"stray brace", in("}"), "g.ir:6: found }, want graph"},
		{"unknown op", in("y = relu(x)"), "g.ir:5: unknown op relu"},
		{"unknown value", in("y = silu(z)"), "g.ir:5: no value z is defined above"},
		{"use before definition", in("y = silu(y)"), "g.ir:5: no value y is defined above"},
		{"unknown output", in("output z"), "g.ir:5: no value z is defined above"},
		{"no operands", in("y = silu x"), "g.ir:5: found x, want ("},
		{"operands not closed", in("y = silu(x\n z = silu(x)"), "g.ir:6: found z, want )"},
		{"operand missing", in("y = add(x,)"), "g.ir:5: found ), want a value"},
		{"no op", in("y ="), "g.ir:6: found }, want an op"},
		{"no equals sign", in("y silu(x)"), "g.ir:5: found silu, want ="},
		{"strict bound", in("bound S > 1"), "g.ir:5: found >, want <=, >= or ="},
		{"strict bound below", in("bound S < 1"), "g.ir:5: found <, want <=, >= or ="},
		{"no bound", in("bound S"), "g.ir:6: found }, want <=, >= or ="},
		{"equality of two symbols", in("bound S = P"), "g.ir:5: an equality must be symbol = integer"},
		{"equality of a sum", in("bound S+1 = 4"), "g.ir:5: an equality must be symbol = integer"},
		{"bound of nothing", in("bound >= 1"), `g.ir:5: dimension "", offset 0: a number or a symbol expected, found the end`},
		{"half a dimension", in("bound S+ >= 1"), `g.ir:5: dimension "S+", offset 2: a number or a symbol expected, found the end`},
		{"product of symbols", in("bound S*P >= 1"), `g.ir:5: dimension "S*P", offset 2: a number expected, found 'P'`},
		{"fraction", in("bound S >= 1.5"), `g.ir:5: dimension "1.5", offset 1: + or - expected, found '.'`},
		{"large", in("bound S <= 999999999999999999999"), `g.ir:5: dimension "999999999999999999999", offset 0: 999999999999999999999 exceeds 2^48`},
		{"step", in("step S before P"), "g.ir:5: found before, want after"},
		{"two steps", in("step S after 0\n step S after 1"), "g.ir:6: the graph has a step already"},
		{"two examples", in("example S=1\n example S=2"), "g.ir:6: the graph has an example already"},
		{"example", in("example S=x"), "g.ir:5: found x, want an integer"},
		{"example of a fraction", in("example S=1.5"), "g.ir:5: 1.5 is not an integer"},
		{"example of no symbol", in("example T=5"), "g.ir:5: symbol T is not declared above"},
		{"symbol", in("symbol 5"), "g.ir:5: found 5, want a symbol"},
		{"dtype", in("y: f31[a=2] = input()"), "g.ir:5: unknown dtype f31"},
		{"no dtype", in("y: [a=2] = input()"), "g.ir:5: found [, want a dtype"},
		{"axis without extent", in("y: f32[a] = input()"), "g.ir:5: found ], want ="},
		{"axes not closed", in("y: f32[a=2 = input()"), "g.ir:5: found =, want ]"},
		{"unknown attribute", in("y = scale(x) {to=2}"), "g.ir:5: op scale has no attribute to"},
		{"attribute twice", in("y = scale(x) {by=2, by=3}"), "g.ir:5: attribute by is given twice"},
		{"attribute without value", in("y = scale(x) {by}"), "g.ir:5: found }, want ="},
		{"no attribute", in("y = scale(x) {}"), "g.ir:5: found }, want an attribute"},
		{"not a number", in("y = scale(x) {by=half}"), "g.ir:5: found half, want a number"},
		{"bad number", in("y = scale(x) {by=1.2.3}"), "g.ir:5: 1.2.3 is not a number"},
		{"number out of range", in("y = scale(x) {by=1e999}"), "g.ir:5: 1e999 is not a number"},
		{"not an axis name", in("y = softmax(x) {over=2}"), "g.ir:5: found 2, want a name"},
		{"not a list", in("y = merge(x) {axes=a, into=b}"), "g.ir:5: found a, want ["},
		{"attribute's dtype", in("y = everything(x) {dtype=f31}"), "g.ir:5: unknown dtype f31"},
		{"position without line", in("y = silu(x) @llama.go"), "g.ir:5: position @llama.go is not @file:line"},
		{"position without file", in("y = silu(x) @:7"), "g.ir:5: position @:7 is not @file:line"},
		{"position of letters", in("y = silu(x) @llama.go:seven"), "g.ir:5: position @llama.go:seven is not @file:line"},
		{"position below 0", in("y = silu(x) @llama.go:-1"), "g.ir:5: position @llama.go:-1 is not @file:line"},
		{"position alone", in("output x\n @llama.go:7"), "g.ir:6: found llama.go:7, want a value's name"},
		{"kernel role", in("kernel k fast {\n}"), "g.ir:5: unknown kernel role fast, want one of map, row, contract, attention, view"},
		{"kernel in kernel", in("kernel k map {\n kernel l map {\n}\n}"), "g.ir:6: found l, want ="},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := ir.Parse("g.ir", c.src, table)
			require.EqualError(t, err, c.want)
		})
	}
}

// FuzzParse: what parses prints, and parses again to the same text; Verify of it may refuse but never panics.
func FuzzParse(f *testing.F) {
	seed, err := os.ReadFile("testdata/seed.ir")
	require.NoError(f, err)
	f.Add(string(seed))
	for _, row := range op.Rows {
		for _, c := range row.Cases {
			f.Add(c.Text)
		}
	}
	f.Fuzz(func(t *testing.T, src string) {
		gs, err := ir.ParseAll("fuzz.ir", src, table)
		if err != nil {
			require.True(t, strings.HasPrefix(err.Error(), "fuzz.ir:"), err)
			return
		}
		text := printAll(gs)
		again, err := ir.ParseAll("fuzz.ir", text, table)
		require.NoError(t, err, text)
		require.Equal(t, text, printAll(again))
		for _, g := range gs {
			if ir.Verify(g) == nil {
				verified := ir.Print(g)
				g, err := ir.Parse("fuzz.ir", verified, table)
				require.NoError(t, err, verified)
				require.NoError(t, ir.Verify(g), verified)
				require.Equal(t, verified, ir.Print(g))
			}
			_ = ir.Dot(g)
		}
	})
}
