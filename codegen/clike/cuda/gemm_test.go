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

func gemmCall(w kernel.DType, cols, k int64) clike.Call {
	is := func(n int64) clike.Range { return clike.Range{Lo: n, Hi: n} }
	return clike.Call{
		W: clike.Operand{DType: w, Role: kernel.Weight}, X: clike.Operand{DType: columns(w)},
		Rows: clike.Range{Lo: 1, Hi: 128}, Cols: clike.Range{Lo: 1, Hi: cols}, K: is(k), WStride: is(k), XStride: is(k),
		AccStride: is(cols + 1), Threads: 256, Room: Dialect.Memory,
	}
}

// pairCall is a call that another with the same x follows.
func pairCall(w kernel.DType, cols, k int64) clike.Call {
	c := gemmCall(w, cols, k)
	c.Pair = true
	return c
}

func TestGemmPlans(t *testing.T) {
	for _, c := range []struct {
		call clike.Call
		want clike.Plan
	}{
		{gemmCall(kernel.F16Frag, 64, 2048), clike.Plan{Type: "gemm::Tile<gemm::Singles, false, 2048, 64, 8, 1>", Prep: 198656}},
		{gemmCall(kernel.BF16Frag, 65, 288), clike.Plan{Type: "gemm::Tile<gemm::Singles, true, 288, 72, 8, 1>", Prep: 206848}},
		{gemmCall(kernel.Q6KFrag, 2, 512), clike.Plan{Type: "gemm::Tile<gemm::Blocks<6, 32, false, true, true>, false, 512, 8, 0, 1>", Prep: 9344}},
		{gemmCall(kernel.Q40Frag, 88, 512), clike.Plan{Type: "gemm::Tile<gemm::Blocks<4, 8, false, false, false>, false, 512, 88, 0, 1>", Prep: 50304}},
		{gemmCall(kernel.Q6KFrag, 176, 512), clike.Plan{Type: "gemm::Tile<gemm::Blocks<6, 32, false, true, true>, false, 512, 176, 7, 1>", Prep: 208128}},
		{gemmCall(kernel.F16Frag, 256, 256), clike.Plan{Type: "gemm::Tile<gemm::Singles, false, 256, 256, 4, 1>", Prep: 198656}},
		{pairCall(kernel.F16Frag, 176, 2048), clike.Plan{Type: "gemm::Tile<gemm::Singles, false, 2048, 176, 4, 2>", Prep: 223232, Pair: true}},
		{pairCall(kernel.Q40Frag, 176, 2048), clike.Plan{Type: "gemm::Tile<gemm::Blocks<4, 8, false, false, false>, false, 2048, 176, 7, 2>", Prep: 224256, Pair: true}},
		{pairCall(kernel.Q40Frag, 2, 2048), clike.Plan{Type: "gemm::Tile<gemm::Blocks<4, 8, false, false, false>, false, 2048, 8, 8, 2>", Prep: 83968, Pair: true}},
		{pairCall(kernel.Q80Frag, 16, 192), clike.Plan{Type: "gemm::Tile<gemm::Blocks<8, 128, false, false, false>, false, 192, 16, 0, 2>", Prep: 50304, Pair: true}}, // short
		{pairCall(kernel.F16Frag, 184, 2048), clike.Plan{Type: "gemm::Tile<gemm::Singles, false, 2048, 184, 5, 1>", Prep: 201728}},                                    // too many registers
	} {
		plan := planGemm(c.call)
		require.NotNil(t, plan)
		require.Contains(t, plan.Code, fmt.Sprintf("m64n%dk16", (c.call.Cols.Hi+7)/8*8))
		plan.Code = ""
		c.want.Threads, c.want.Over, c.want.Single = 384, true, true
		require.Equal(t, &c.want, plan)
	}
	c := pairCall(kernel.F16Frag, 64, 2048)
	c.AccStride = clike.Range{Lo: 129, Hi: 129} // first results would reach into what mma.sync reads
	require.False(t, planGemm(c).Pair)
	c = gemmCall(kernel.F16Frag, 64, 2048)
	c.Room = 100 << 10
	require.Equal(t, "gemm::Tile<gemm::Singles, false, 2048, 64, 4, 1>", planGemm(c).Type)
	c.Room = 70 << 10 // for x, but for no ring
	require.Equal(t, "gemm::Tile<gemm::Singles, false, 2048, 64, 0, 1>", planGemm(c).Type)
	c.Room = 30 << 10
	require.Nil(t, planGemm(c))
}

func TestGemmDeclines(t *testing.T) {
	for name, change := range map[string]func(c *clike.Call){
		"mix":            func(c *clike.Call) { c.Mix = true },
		"panels":         func(c *clike.Call) { c.W.DType = kernel.Q4Kx16 },
		"one column":     func(c *clike.Call) { c.Cols.Hi = 1 },
		"many columns":   func(c *clike.Call) { c.Cols.Hi = 257 },
		"many rows":      func(c *clike.Call) { c.Rows.Hi = 129 },
		"wide x":         func(c *clike.Call) { c.X.DType = kernel.F32 },
		"x of bf16":      func(c *clike.Call) { c.X.DType = kernel.BF16 },
		"x in the group": func(c *clike.Call) { c.X.Group = true },
		"part of x":      func(c *clike.Call) { c.XStride.Lo, c.XStride.Hi = 4096, 4096 },
		"part of a row":  func(c *clike.Call) { c.WStride.Lo, c.WStride.Hi = 4096, 4096 },
		"part of blocks": func(c *clike.Call) { *c = gemmCall(kernel.Q4KFrag, 64, 160) },
		"any k":          func(c *clike.Call) { c.K.Hi = 4096 },
		"many threads":   func(c *clike.Call) { c.Threads = 512 },
	} {
		c := gemmCall(kernel.Q4KFrag, 64, 2048)
		require.NotNil(t, planGemm(c))
		change(&c)
		require.Nil(t, planGemm(c), name)
	}
}

// TestTilesCompile compiles what the plans name for the oldest and the fastest architecture. The sizes that Go has are the templates'.
func TestTilesCompile(t *testing.T) {
	compiler, err := nvrtc.Load()
	if err != nil {
		t.Skip(err)
	}
	src := source(t, "prelude.cuh", gemm, attendDot)
	code := map[string]bool{}
	for i, w := range fragments() {
		elems := int64(w.Row().Elems)
		for j, call := range []clike.Call{gemmCall(w, 64, 512), pairCall(w, 176, 512), gemmCall(w, 200, 3*elems), pairCall(w, 8, 3*elems)} {
			plan := planGemm(call)
			if !code[plan.Code] {
				src += plan.Code
			}
			code[plan.Code] = true
			src += fmt.Sprintf("static_assert(%[1]s::BYTES == %[2]d && %[1]s::GROUP == %[3]d, \"%[4]v\");\n", plan.Type, plan.Prep,
				call.K.Lo/elems*int64(w.Row().Bytes), w)
			if j != i%4 && w != kernel.F16Frag && w != kernel.Q6KFrag {
				continue
			}
			run, out, ws := "run", "out", "w"
			if plan.Pair {
				run, out, ws = "pair", "out, out + 20000", "w, w2"
			}
			src += fmt.Sprintf(`extern "C" __global__ void __launch_bounds__(%d, 1) gemm%d_%d(const unsigned char* w, const unsigned char* w2, const f16* x, float* out, int rows, int cols) {
  extern __shared__ __align__(128) unsigned char memory[];
  %s::%s(%s, 65, %s, 512, x, 512, rows, cols, 512, nullptr, memory);
}
`, plan.Threads, i, j, plan.Type, run, out, ws)
		}
	}
	for i, k := range []int64{64, 18} {
		src += fmt.Sprintf(`extern "C" __global__ void __launch_bounds__(256) attend%[1]d(const f16* w, const float* x, float* out, int rows, int cols) {
  %[2]s::run(out, 65, w, %[4]d, x, %[4]d, rows, cols, %[4]d, nullptr, nullptr);
  %[3]s::run(out, %[4]d, w, %[4]d, x, 64, rows, cols, %[4]d, nullptr, nullptr);
}
`, i, planAttendDot(attendCall(kernel.F16, k, false)).Type, planAttendMix(attendCall(kernel.BF16, k, true)).Type, k)
	}
	for _, arch := range []string{"sm_80", "sm_90a"} {
		_, err := compiler.Compile([]byte(src), "tiles.cu", nvrtc.Options{Arch: arch})
		require.NoError(t, err, arch)
	}
}

func fragments() []kernel.DType {
	var ws []kernel.DType
	for i := range kernel.DTypes {
		if kernel.DTypes[i].Fragment() {
			ws = append(ws, kernel.DTypes[i].DType)
		}
	}
	return ws
}

func source(t *testing.T, prelude string, tiles ...clike.Tile) string {
	names := []string{prelude}
	for _, tile := range tiles {
		names = append(names, tile.Files...)
	}
	var src strings.Builder
	for _, name := range names {
		b, err := files.ReadFile(name)
		require.NoError(t, err)
		src.Write(b)
	}
	return src.String()
}
