package gocpu_test

import (
	"bytes"
	"flag"
	"fmt"
	"go/format"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/tools/go/packages"

	"github.com/llorch/llorch/codegen/gocpu"
	"github.com/llorch/llorch/ir/kernel"
)

var update = flag.Bool("update", false, "rewrite the golden file")

var sizes = []int{0, 1, 3, 7, 17, 64}

// TestKernelsAgreeWithTheInterpreter runs every fixture, emitted and interpreted, on the same random memory.
func TestKernelsAgreeWithTheInterpreter(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	var jobs, want []job
	for _, f := range fixtures {
		k := load(t, f.file)
		for _, n := range sizes {
			j := f.args(rng, n)
			j.Kernel = k.Key()
			jobs = append(jobs, j)
			want = append(want, interpret(t, k, j))
		}
	}
	for i, got := range execute(t, loadAll(t), jobs, nil) {
		for b, data := range got.Bufs {
			name := fmt.Sprintf("%s, size %d, buffer %d", fixtures[i/len(sizes)].file, sizes[i%len(sizes)], b)
			requireClose(t, kernel.DType(got.DTypes[b]), want[i].Bufs[b], data, name)
		}
	}
}

// requireClose compares floats within 1e-5, or a rounding step of a narrower dtype, and anything else exactly.
func requireClose(t *testing.T, d kernel.DType, want, got []byte, name string) {
	row := d.Row()
	if row.Decode == nil {
		require.True(t, bytes.Equal(want, got), name)
		return
	}
	tolerance := map[kernel.DType]float64{kernel.F16: 1e-3, kernel.BF16: 8e-3}[d] + 1e-5
	w, g := make([]float32, len(want)/row.Bytes), make([]float32, len(got)/row.Bytes)
	row.Decode(w, want)
	row.Decode(g, got)
	require.Len(t, g, len(w))
	for i := range w {
		if w[i] == g[i] || w[i] != w[i] && g[i] != g[i] {
			continue
		}
		require.InDelta(t, w[i], g[i], tolerance*max(1, math.Abs(float64(w[i]))), "%s, element %d", name, i)
	}
}

// TestExpressions stores random expressions, which must keep their structure through Go's precedence.
func TestExpressions(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	k := &kernel.Kernel{
		Name: "expressions", Bufs: []kernel.Buf{{Name: "f", Role: kernel.Out, DType: kernel.F32}, {Name: "n", Role: kernel.Out, DType: kernel.I32}},
		Ints: []string{"a", "b", "c"}, Floats: []string{"x", "y"},
	}
	const count = 300
	for i := range count {
		index := kernel.Add(kernel.I(int64(i)), kernel.Mul(kernel.IntVar("i"), kernel.I(count)))
		k.Body = append(k.Body, &kernel.For{Var: "i", Lo: kernel.I(0), Hi: kernel.I(2), Step: kernel.I(1), Lanes: true, Body: []kernel.Stmt{
			&kernel.Store{Buf: "f", Index: index, Value: randomExpr(rng, kernel.Float, 4)},
			&kernel.Store{Buf: "n", Index: index, Value: kernel.Apply("band", randomExpr(rng, kernel.Int, 4), kernel.I(1<<31-1))}}})
	}
	j := job{Kernel: k.Key(), DTypes: dtypes(kernel.F32, kernel.I32), Bufs: [][]byte{zeros(kernel.F32, 2*count), zeros(kernel.I32, 2*count)},
		Ints: []int{3, 5, 2}, Floats: []float32{1.25, -0.75}}
	want := interpret(t, k, j)
	got := execute(t, []*kernel.Kernel{k}, []job{j}, nil)[0]
	requireClose(t, kernel.F32, want.Bufs[0], got.Bufs[0], "floats")
	requireClose(t, kernel.I32, want.Bufs[1], got.Bufs[1], "ints")
}

// randomExpr is an expression of type t over the loop variable i and the parameters.
func randomExpr(rng *rand.Rand, t kernel.Type, depth int) kernel.Expr {
	if depth == 0 || t != kernel.Bool && rng.IntN(5) == 0 {
		switch {
		case t == kernel.Bool:
			return kernel.Apply("lt", randomExpr(rng, kernel.Int, 0), randomExpr(rng, kernel.Int, 0))
		case t == kernel.Float && rng.IntN(2) == 0:
			return kernel.F(float64(rng.IntN(9)) - 4.5)
		case t == kernel.Float:
			return kernel.FloatVar([]string{"x", "y"}[rng.IntN(2)])
		case rng.IntN(2) == 0:
			return kernel.I(int64(rng.IntN(5)))
		}
		return kernel.IntVar([]string{"a", "b", "c", "i"}[rng.IntN(4)])
	}
	rows := slices.DeleteFunc(slices.Clone(kernel.Fns), func(r *kernel.Fn) bool { return r.Result != t })
	r := rows[rng.IntN(len(rows))]
	args := make([]kernel.Expr, len(r.Args))
	for i, at := range r.Args {
		args[i] = randomExpr(rng, at, depth-1)
	}
	if (r.Name == "div" || r.Name == "rem") && t == kernel.Int { // of non-negative by positive
		args[0] = kernel.Mul(args[0], args[0])
		args[1] = kernel.Add(kernel.I(1), kernel.Min(kernel.I(7), kernel.Mul(args[1], args[1])))
	}
	if r.Name == "shl" || r.Name == "shr" {
		args[1] = kernel.Apply("band", args[1], kernel.I(7))
	}
	return kernel.Apply(r.Name, args...)
}

func TestEmittedFilesTypeCheck(t *testing.T) {
	files := emitted(t, loadAll(t))
	files["main.go"] = []byte("package main\n\nfunc main() {}\n")
	dir, content := overlay(t, files)
	pkgs, err := packages.Load(&packages.Config{
		Mode:    packages.NeedName | packages.NeedTypes | packages.NeedSyntax | packages.NeedTypesInfo | packages.NeedImports | packages.NeedDeps,
		Overlay: content,
	}, dir)
	require.NoError(t, err)
	require.Len(t, pkgs, 1)
	require.Empty(t, pkgs[0].Errors)
	for _, name := range []string{"attnNorm", "attnNorm2", "attnProject", "attend", "copy2"} {
		require.NotNil(t, pkgs[0].Types.Scope().Lookup(name), name)
	}
}

func TestEmittedFilesAreFormattedAndDeterministic(t *testing.T) {
	again := loadAll(t)
	slices.Reverse(again)
	second := emitted(t, again)
	for name, b := range emitted(t, loadAll(t)) {
		formatted, err := format.Source(b)
		require.NoError(t, err)
		require.Equal(t, string(formatted), string(b), name)
		require.Equal(t, string(b), string(second[name]), name)
	}
}

// TestGolden shows what a small file looks like, with the keys, which are package kernel's business, left out.
func TestGolden(t *testing.T) {
	ks := []*kernel.Kernel{load(t, "norm"), load(t, "project")}
	got, err := gocpu.Kernels(gocpu.Options{Package: "gen", Source: "a test"}, ks)
	require.NoError(t, err)
	for _, k := range ks {
		got = bytes.ReplaceAll(got, []byte(k.Key()), []byte("key of "+k.Name))
	}
	const file = "testdata/golden.go.txt"
	if *update {
		require.NoError(t, os.WriteFile(file, got, 0o666))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, string(want), string(got))
}

func TestErrorsNameTheKernel(t *testing.T) {
	k := load(t, "norm")
	k.Bufs[0].DType = kernel.BoolT
	_, err := gocpu.Kernels(gocpu.Options{Package: "gen", Source: "a test"}, []*kernel.Kernel{k})
	require.ErrorContains(t, err, "attn_norm")
}
