package cuda

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/llorch/llorch/codegen/clike"
	"github.com/llorch/llorch/codegen/nvrtc"
	"github.com/llorch/llorch/ir/kernel"
)

func gemvCall(w kernel.DType, rows, k int64) clike.Call {
	is := func(n int64) clike.Range { return clike.Range{Lo: n, Hi: n} }
	return clike.Call{
		W: clike.Operand{DType: w, Role: kernel.Weight}, X: clike.Operand{DType: kernel.F32, Group: true},
		Rows: is(rows), Cols: is(1), K: is(k), WStride: is(k), XStride: is(k), AccStride: is(1), Threads: 256, Room: Dialect.Memory,
	}
}

func gemvTypes() []kernel.DType {
	var ts []kernel.DType
	for i := range kernel.DTypes {
		if row := &kernel.DTypes[i]; row.Fragment() {
			ts = append(ts, row.DType)
		}
	}
	return ts
}

func TestGemvDeclines(t *testing.T) {
	for name, change := range map[string]func(c *clike.Call){
		"mix":            func(c *clike.Call) { c.Mix = true },
		"panels":         func(c *clike.Call) { c.W.DType = kernel.Q40x16 },
		"single rows":    func(c *clike.Call) { c.W.DType = kernel.F16 },
		"narrow x":       func(c *clike.Call) { c.X.DType = kernel.F16 },
		"two columns":    func(c *clike.Call) { c.Cols.Hi = 2 },
		"any k":          func(c *clike.Call) { c.K.Hi = 4096 },
		"part of a row":  func(c *clike.Call) { c.WStride = clike.Range{Lo: 4096, Hi: 4096} },
		"part of blocks": func(c *clike.Call) { c.K, c.WStride = clike.Range{Lo: 48, Hi: 48}, clike.Range{Lo: 48, Hi: 48} },
		"many rows":      func(c *clike.Call) { c.Rows.Hi = 1 << 20 },
		"part of a warp": func(c *clike.Call) { c.Threads = 48 },
	} {
		c := gemvCall(kernel.Q40Frag, 16, 2048)
		require.NotNil(t, planGemv(c))
		change(&c)
		require.Nil(t, planGemv(c), name)
	}
}

// The sizes that Go computes are those of the templates, for all types, and memory suffices.
func TestGemvSizes(t *testing.T) {
	require.Len(t, gemvTypes(), 10)
	var src strings.Builder
	for _, f := range append([]string{"prelude.cuh"}, gemv.Files...) {
		b, err := files.ReadFile(f)
		require.NoError(t, err)
		src.Write(b)
	}
	n := 0
	for _, w := range gemvTypes() {
		for _, k := range []int64{32, 64, 256, 2048, 4096, 5632, 14336} {
			for _, rows := range []int64{1, 16, 17, 64, 128} {
				plan := planGemv(gemvCall(w, rows, k))
				if k%int64(w.Row().Elems) != 0 {
					require.Nil(t, plan)
					continue
				}
				require.NotNil(t, plan, "%v, %d x %d", w, rows, k)
				require.Less(t, plan.Ring+plan.Prep, 160<<10, plan.Type)
				fmt.Fprintf(&src, "static_assert(%s::RING == %d && %s::PREP == %d, \"\");\n", plan.Type, plan.Ring, plan.Type, plan.Prep)
				fmt.Fprintf(&src, "static_assert(%s::COUNT == %d && %s::WHOLE == %t, \"\");\n", plan.Own, plan.Owned, plan.Own, plan.Whole)
				if k == 5632 {
					kernelOf(&src, plan, n)
					n++
				}
			}
		}
	}
	c, err := nvrtc.Load()
	if err != nil {
		t.Skip(err)
	}
	for _, arch := range []string{"compute_80", "compute_90"} {
		_, err := c.Compile([]byte(src.String()), "gemv.cu", nvrtc.Options{Arch: arch})
		require.NoError(t, err, arch)
	}
}

// kernelOf instantiates all that a plan names.
func kernelOf(src *strings.Builder, plan *clike.Plan, n int) {
	fmt.Fprintf(src, `extern "C" __global__ void k%d(const float* x, const unsigned char* w, float* y, int rows) {
  extern __shared__ __align__(128) unsigned char memory[];
  typedef %s T;
  T::fetch(memory, w, rows);
  T::prepare(memory + T::RING, x, 0, 1, [&] { T::rest(memory, w, rows); });
  group_barrier();
  T::run(y, 1, w, 0, x, 0, rows, 1, 0, memory, memory + T::RING);
  %s own;
  own.load(x);
  T::prepare(memory + T::RING, own);
}
`, n, plan.Type, plan.Own)
}

// Calls share a prepared vector if it is the same for both.
func TestGemvForms(t *testing.T) {
	form := func(w kernel.DType, k int64) string { return planGemv(gemvCall(w, 16, k)).Form }
	require.Equal(t, form(kernel.Q4KFrag, 2048), form(kernel.Q5KFrag, 2048))
	require.Equal(t, form(kernel.Q41Frag, 2048), form(kernel.Q4KFrag, 2048))
	require.NotEqual(t, form(kernel.Q40Frag, 2048), form(kernel.Q40Frag, 4096))
	require.Equal(t, form(kernel.Q40Frag, 2048), form(kernel.Q80Frag, 2048))
	require.NotEqual(t, form(kernel.Q40Frag, 2048), form(kernel.F16Frag, 2048))
	require.NotEqual(t, form(kernel.Q40Frag, 2048), form(kernel.Q41Frag, 2048))
	require.NotEqual(t, form(kernel.F16Frag, 2048), form(kernel.BF16Frag, 2048))
	require.NotEqual(t, form(kernel.Q4KFrag, 2048), form(kernel.Q6KFrag, 2048))
}
