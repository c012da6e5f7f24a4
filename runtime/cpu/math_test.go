package cpu

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/llorch/llorch/ir/kernel"
)

// functions is this package's function, or Go's own, for each row of kernel.Fns that gives a float and is no operator.
var functions = map[string]any{
	"min":      func(a, b float32) float32 { return min(a, b) },
	"max":      func(a, b float32) float32 { return max(a, b) },
	"float":    func(x int) float32 { return float32(x) },
	"frombits": Frombits,
	"exp":      Exp,
	"log":      Log,
	"sin":      Sin,
	"cos":      Cos,
	"sqrt":     Sqrt,
	"rsqrt":    Rsqrt,
	"tanh":     Tanh,
	"choose":   Choose,
}

var (
	inf = float32(math.Inf(1))
	nan = float32(math.NaN())
)

var edges = []float32{0, float32(math.Copysign(0, -1)), 1, -1, 0.5, 3, -3, 1e-8, -1e-8, 20, -20, 87.3, 88.72283, 88.72284, -87.4, -103.9,
	-104, -110, 127.9, 128, 1e9, -1e9, math.MaxFloat32, -math.MaxFloat32, math.SmallestNonzeroFloat32, inf, -inf, nan}

// TestFunctions walks the kernel IR's function table: a row without a function here fails.
func TestFunctions(t *testing.T) {
	for _, fn := range kernel.Fns {
		if fn.Infix != "" || fn.Result != kernel.Float {
			continue
		}
		t.Run(fn.Name, func(t *testing.T) {
			f, ok := functions[fn.Name]
			require.True(t, ok, "no function for row %s", fn.Name)
			for _, x := range edges {
				for _, y := range edges {
					for _, i := range []int64{0, 1, 0x3f800000, 0xffc00001, 1<<32 + 5} {
						want := fn.Eval(argsOf(fn, i, x, y)).F
						require.LessOrEqual(t, ulps(want, call(f, int(i), x, y)), 2.0, "%s of %d, %g, %g", fn.Name, i, x, y)
					}
				}
			}
		})
	}
}

// argsOf picks fn's arguments by type: i for an int or a truth value, x and then y for floats.
func argsOf(fn *kernel.Fn, i int64, x, y float32) (args []kernel.Value) {
	floats := []float32{x, y}
	for _, t := range fn.Args {
		if t != kernel.Float {
			args = append(args, kernel.Value{I: i})
			continue
		}
		args = append(args, kernel.Value{F: floats[0]})
		floats = floats[1:]
	}
	return args
}

func call(f any, i int, x, y float32) float32 {
	switch f := f.(type) {
	case func(int) float32:
		return f(i)
	case func(float32) float32:
		return f(x)
	case func(a, b float32) float32:
		return f(x, y)
	}
	return f.(func(bool, float32, float32) float32)(i != 0, x, y)
}

// ulps is how far got is from want, in units of want's last place.
func ulps(want, got float32) float64 {
	if math.Float32bits(want) == math.Float32bits(got) || want != want && got != got {
		return 0
	}
	if want != want || got != got || math.IsInf(float64(want), 0) || math.IsInf(float64(got), 0) {
		return math.Inf(1)
	}
	place := math.Nextafter32(float32(math.Abs(float64(want))), inf) - float32(math.Abs(float64(want)))
	return math.Abs(float64(got)-float64(want)) / float64(place)
}

// TestExp goes through all of Exp's range, with a stride of floats that is a prime.
func TestExp(t *testing.T) {
	require.Equal(t, float32(1), Exp(0))
	require.Equal(t, float32(0), Exp(-inf))
	require.Equal(t, inf, Exp(inf))
	require.Equal(t, inf, Exp(88.72284))
	worst, off, n := 0.0, 0, 0
	for bits := uint64(0); bits < 1<<32; bits += 1009 {
		x := math.Float32frombits(uint32(bits))
		want := float32(math.Exp(float64(x)))
		u := ulps(want, Exp(x))
		worst = max(worst, u)
		if u > 0 {
			off++
		}
		n++
	}
	t.Logf("worst %g ulp of the rounded result; %d of %d differ from it", worst, off, n)
	require.LessOrEqual(t, worst, 1.0)
}

func BenchmarkExp(b *testing.B) {
	var sum float32
	for i := range b.N {
		sum += Exp(-float32(i&1023) / 64)
	}
	sink = sum
}

func BenchmarkExpMath(b *testing.B) {
	var sum float32
	for i := range b.N {
		sum += float32(math.Exp(float64(-float32(i&1023) / 64)))
	}
	sink = sum
}

var sink float32
