package metal_test

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/llorch/llorch/codegen/clike"
	"github.com/llorch/llorch/codegen/clike/metal"
	"github.com/llorch/llorch/ir/kernel"
	"github.com/llorch/llorch/runtime/metal/emulator"
)

// emulated skips a test where Metal's emulator has no compiler.
func emulated(t *testing.T) *emulator.Compiler {
	c, err := emulator.Find()
	if err != nil {
		t.Skipf("%v; it wants Debian's clang-19 and libclang-rt-19-dev", err)
	}
	return c
}

// loops is the dialect without tiles.
func loops() *clike.Dialect {
	d := *metal.Dialect
	d.Tiles = nil
	return &d
}

// TestLoops runs kernels without tiles as Metal under the emulator, which looks for races and bad accesses, with threads in several
// orders, and holds what they leave against the interpreter.
func TestLoops(t *testing.T) {
	compiler := emulated(t)
	for name, k := range read(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			src, fns, err := clike.Emit(loops(), clike.Options{
				Symbols: []string{"S", "P"}, Limits: map[string]clike.Range{"S": {Lo: 1, Hi: 32}, "P": {Lo: 0, Hi: 32}},
				RowElems: func(int, int) int64 { return 96 },
			}, []*kernel.Kernel{k})
			if err != nil {
				t.Skip(err) // it was scheduled for another device
			}
			m, err := compiler.Compile(t.Context(), src, emulator.Options{Name: name + ".metal", Checked: true})
			require.NoError(t, err)
			for order, step := range [][]int64{{1, 0}, {5, 3}, {11, 20}} {
				hold(t, k, m, fns[0].Threads, step, uint64(order))
			}
		})
	}
}

// read is the kernels of a small Llama, bound for GPUs, of clike's test data, and others for what those have not.
func read(t *testing.T) map[string]*kernel.Kernel {
	files, err := filepath.Glob("../testdata/*.kernel")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	texts := map[string]string{}
	for _, f := range files {
		text, err := os.ReadFile(f)
		require.NoError(t, err)
		texts[strings.TrimSuffix(filepath.Base(f), ".kernel")] = string(text)
	}
	texts["functions"] = `func f(x in_f32, n in_i32, y out_f32, z out_f32) {
	for i := range lanes(300) {
		y[i] = exp(x[i]) + log(x[i] + 1.0) + sin(x[i]) * cos(x[i]) + sqrt(x[i] + 2.0) * rsqrt(x[i] + 3.0) + tanh(x[i])
		z[i] = max(min(x[i], 0.25), float(max(min(n[i], 5), 2)) - 4.0) + choose(n[i] < 3, inf, -inf)
	}
}
`
	texts["reductions"] = `func f(x in_bf16, w weight_f16, y out_bf16) {
	grid(row, 7)
	group(g, 70)
	most := max(i, 300, x[row*300+i])
	for t := range teams(70) {
		total := sum(j, 90, x[t+j] * w[j*3+row])
		g[t] = total
	}
	for l := range lanes(70) {
		y[row*70+l] = g[69-l] - most
	}
}
`
	ks := map[string]*kernel.Kernel{}
	for name, text := range texts {
		ks[name], err = kernel.Parse(text)
		require.NoError(t, err, name)
	}
	return ks
}

// hold compares what a kernel leaves in its buffers with what the interpreter does.
func hold(t *testing.T, k *kernel.Kernel, m *emulator.Module, threads int, step []int64, order uint64) {
	p, err := kernel.Interpret(k, kernel.Options{ReverseLanes: true})
	require.NoError(t, err)
	var ints []int64
	for _, s := range k.Ints {
		ints = append(ints, step[strings.Index("SP", s)])
	}
	groups, err := p.Groups(ints)
	require.NoError(t, err)
	floats, err := p.Scratch(ints)
	require.NoError(t, err)
	want, got := noise(t, k), noise(t, k)
	for g := range groups {
		require.NoError(t, p.Run(want, ints, nil, make([]float32, floats), g))
	}
	symbols := binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint32(nil, uint32(step[0])), uint32(step[1]))
	buffers := []emulator.Buffer{{Mem: symbols}}
	for _, b := range got {
		buffers = append(buffers, emulator.Buffer{Mem: b.Data})
	}
	require.NoError(t, m.Run(m.Kernels()[0].Name, emulator.Dispatch{Groups: groups, Threads: threads, Buffers: buffers, Order: order}))
	for i, b := range k.Bufs {
		tol := 1e-4
		if b.DType == kernel.F16 || b.DType == kernel.BF16 {
			tol = 1e-2
		}
		for j := range want[i].Len() {
			w, g := want[i].Load(j), got[i].Load(j)
			if w != g {
				require.InDelta(t, w.F, g.F, tol*float64(1+max(w.F, -w.F)), fmt.Sprintf("%s[%d] for %v", b.Name, j, step))
				require.Equal(t, w.I, g.I)
			}
		}
	}
}

// noise is buffers of reproducible values that are large enough for any index.
func noise(t *testing.T, k *kernel.Kernel) []*kernel.Mem {
	rng := rand.New(rand.NewPCG(1, 2))
	var bufs []*kernel.Mem
	for _, b := range k.Bufs {
		width := cmp.Or(map[string]int64{"wdown": 160}[b.Name], 96)
		size, err := b.DType.MatrixBytes(16*40, width)
		require.NoError(t, err)
		m := &kernel.Mem{DType: b.DType, Data: make([]byte, size), Row: width}
		switch {
		case b.DType.Row().Elems > 1: // any bits are codes and factors
			for i := range m.Data {
				m.Data[i] = byte(rng.Uint32()) & 0x3b // factors that are not huge
			}
		case b.DType.Scalar() == kernel.Float:
			for i := range m.Len() {
				require.NoError(t, m.Store(i, kernel.Value{F: rng.Float32() - 0.5}))
			}
		default:
			for i := range m.Len() {
				require.NoError(t, m.Store(i, kernel.Value{I: int64(rng.IntN(8))}))
			}
		}
		bufs = append(bufs, m)
	}
	return bufs
}

// TestTileCalls: a tile of the form that clike.Tile describes is called so that it compiles, of matrices in all places.
func TestTileCalls(t *testing.T) {
	compiler := emulated(t)
	prelude, err := fs.ReadFile(metal.Dialect.Files, "prelude.metal")
	require.NoError(t, err)
	d := loops()
	d.Files = fstest.MapFS{"prelude.metal": {Data: prelude}, "plain.metal": {Data: []byte(plainTile)}}
	d.Tiles = []*clike.Tile{{Files: []string{"plain.metal"}, Plan: func(c clike.Call) *clike.Plan {
		if c.Mix || c.W.DType.Row().Elems > 1 {
			return nil
		}
		return &clike.Plan{Type: "plain::Dot", Prep: 128, Form: "nothing"}
	}}}
	k, err := kernel.Parse(`func f(w weight_f16, b weight_q4_0, x in_f32, y out_f32, P int) {
	group(acc, 12)
	group(g, 96)
	for i := range lanes(96) {
		g[i] = x[i+P]
	}
	dot(acc, 0, w, P*96, 96, g, 0, 96, 3, 1, 96)
	dot(acc, 3, w, 0, 96, x, P*96, 96, 3, 2, 96)
	dot(acc, 9, b, P*96, 96, g, 0, 96, 3, 1, 96)
	for l := range lanes(12) {
		y[l] = acc[l]
	}
}
`)
	require.NoError(t, err)
	src, fns, err := clike.Emit(d, clike.Options{Symbols: []string{"S", "P"}, Limits: map[string]clike.Range{"P": {Lo: 0, Hi: 32}}}, []*kernel.Kernel{k})
	require.NoError(t, err)
	require.Contains(t, string(src), "plain::Dot::run(acc + 3, 2, w, 96, x + P * 96, 96, 3, 2, 96, nullptr, memory + 512, place);")
	m, err := compiler.Compile(t.Context(), src, emulator.Options{Checked: true})
	require.NoError(t, err)
	hold(t, k, m, fns[0].Threads, []int64{1, 3}, 1)
}

const plainTile = `namespace plain {
struct Dot {
  template <class X>
  static void prepare(threadgroup uchar* prep, X x, int, int, Place place) {
    if (place.self == 0) prep[0] = uchar(x[0] > 1e9f);
  }
  template <class W, class X>
  static void run(threadgroup float* acc, int accStride, W w, int wStride, X x, int xStride, int rows, int cols, int k, threadgroup uchar* ring,
                  threadgroup uchar* prep, Place place) {
    for (int at = place.team; at < rows * cols; at += 8) {
      float sum = float(prep[0]);
      for (int i = place.lane; i < k; i += TEAM) sum += float(w[at / cols * wStride + i]) * float(x[at % cols * xStride + i]);
      sum = sum_team(sum);
      if (place.lane == 0 && !ring) acc[at / cols * accStride + at % cols] = sum;
    }
  }
};
}  // namespace plain
`
