package kernel

import (
	"go/format"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// kernels reads the texts of testdata.
func kernels(t testing.TB) map[string]string {
	files, err := filepath.Glob("testdata/*.kernel")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	texts := map[string]string{}
	for _, f := range files {
		b, err := os.ReadFile(f)
		require.NoError(t, err)
		texts[strings.TrimSuffix(filepath.Base(f), ".kernel")] = string(b)
	}
	return texts
}

func parsed(t testing.TB, src string) *Kernel {
	t.Helper()
	k, err := Parse(src)
	require.NoError(t, err)
	return k
}

func TestGoldenTextsRoundTrip(t *testing.T) {
	for name, src := range kernels(t) {
		t.Run(name, func(t *testing.T) {
			k := parsed(t, src)
			require.NoError(t, Verify(k))
			require.Equal(t, src, k.String())
			tidy, err := format.Source([]byte(src))
			require.NoError(t, err)
			require.Equal(t, src, string(tidy), "gofmt changes it")
		})
	}
}

// TestBuiltKernelPrints compares the text of a kernel that was built and not parsed, field by field of the syntax.
func TestBuiltKernelPrints(t *testing.T) {
	i, n := IntVar("i"), IntVar("n")
	k := &Kernel{
		Name:   "f",
		Doc:    []string{"a", "", "\tb"},
		Bufs:   []Buf{{"x", In, F32}, {"w", Weight, Invalid}, {"k", State, F16}, {"y", Out, I32}},
		Ints:   []string{"n"},
		Floats: []string{"e"},
		Grid:   []Axis{{"g", Div(n, I(4))}},
		Group:  []Local{{"m", CeilDiv(n, I(4))}},
		Body: []Stmt{
			&Reduce{Name: "top", Op: Max, Var: "i", N: n, Value: At("x", i)},
			&For{Var: "i", Lo: I(0), Hi: n, Step: I(1), Lanes: true, Body: []Stmt{
				&Store{Buf: "m", Index: i, Value: Sub(FloatVar("top"), Sub(FloatVar("e"), F(-2)))},
			}},
			&If{Cond: Apply("lt", n, I(3)), Then: nil, Else: []Stmt{&Let{Name: "c", Value: Mul(Add(n, I(1)), n)}}},
			&For{Var: "i", Lo: I(1), Hi: n, Step: I(2)},
			&Mix{Acc: "m", AccAt: I(0), W: "k", WAt: I(1), WStride: I(2), X: "x", XAt: I(3), XStride: I(4), Rows: I(5), Cols: I(6), K: I(7)},
		},
	}
	want := `// a
//
// 	b

func f(x in_f32, w weight, k state_f16, y out_i32, n int, e float) {
	grid(g, n/4)
	group(m, (n+3)/4)
	top := max(i, n, x[i])
	for i := range lanes(n) {
		m[i] = top - (e - -2.0)
	}
	if n < 3 {
	} else {
		c := (n + 1) * n
	}
	for i := 1; i < n; i += 2 {
	}
	mix(m, 0, k, 1, 2, x, 3, 4, 5, 6, 7)
}
`
	require.Equal(t, want, k.String())
	require.Equal(t, k, parsed(t, want))
}

// TestKey pins a key: artifacts and the committed kernels are found by it.
func TestKey(t *testing.T) {
	src := kernels(t)["rmsnorm"]
	k := parsed(t, src)
	key := k.Key()
	require.Equal(t, "0c6d3f298b2cf092286e9dd2dd624610", key)

	k.Name, k.Doc = "other", nil
	require.Equal(t, key, k.Key(), "name and doc are no part of it")
	renamed := strings.NewReplacer("ss", "total", "inv", "r").Replace(src)
	require.Equal(t, key, parsed(t, renamed).Key(), "nor are other names")
	for _, change := range []string{"in_f32 in_f16", "t*K+i i*K+t", "sum max", "lanes(K) lanes(S)", "float(K) float(S)", "sqrt(s sqrt(eps+s", "w[i] w[t]"} {
		old, changed, _ := strings.Cut(change, " ")
		other := strings.Replace(src, old, changed, 1)
		require.NotEqual(t, src, other)
		require.NotEqual(t, key, parsed(t, other).Key(), other)
	}
}

func TestFloatLiterals(t *testing.T) {
	for _, c := range []struct {
		v    float32
		want string
	}{
		{0, "0.0"}, {1, "1.0"}, {-3, "-3.0"}, {0.1, "0.1"}, {1e-5, "1e-05"}, {1e21, "1e+21"}, {123456, "123456.0"},
		{math.MaxFloat32, "3.4028235e+38"}, {math.SmallestNonzeroFloat32, "1e-45"},
		{float32(math.Inf(1)), "inf"}, {float32(math.Inf(-1)), "-inf"}, {float32(math.NaN()), "nan"},
		{float32(math.Copysign(0, -1)), "-0.0"},
	} {
		require.Equal(t, c.want, ExprString(&FloatLit{c.v}))
	}
	rapid.Check(t, func(t *rapid.T) {
		v := math.Float32frombits(rapid.Uint32().Draw(t, "bits"))
		k, err := Parse("func f() {\n\ta := " + floatText(v) + "\n}\n")
		if err != nil {
			t.Fatal(err)
		}
		got := k.Body[0].(*Let).Value.(*FloatLit).V
		if v == v && math.Float32bits(got) != math.Float32bits(v) || v != v && got == got {
			t.Fatalf("%x reads back as %x", math.Float32bits(v), math.Float32bits(got))
		}
	})
}

// TestRandomKernels checks on random well-typed kernels that text and kernel are one.
func TestRandomKernels(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		k := genKernel(t)
		if err := Verify(k); err != nil {
			t.Fatalf("%v\n%s", err, k)
		}
		text := k.String()
		again, err := Parse(text)
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		require.Equal(t, k, again)
		require.Equal(t, text, again.String())
		require.Equal(t, k.Key(), again.Key())
		tidy, err := format.Source([]byte(text))
		require.NoError(t, err)
		require.Equal(t, text, string(tidy))
		Barriers(k)
		_, err = Interpret(k, Options{})
		require.NoError(t, err)
	})
}
