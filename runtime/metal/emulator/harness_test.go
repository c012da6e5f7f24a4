package emulator

import (
	"cmp"
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"
)

// compiler skips a test where there is no clang.
func compiler(t testing.TB) *Compiler {
	t.Helper()
	c, err := Find()
	if err != nil {
		t.Skipf("%v", err)
	}
	return c
}

func testFile(t testing.TB, name string) string {
	text, err := os.ReadFile("testdata/" + name + ".metal")
	require.NoError(t, err)
	return string(text)
}

// compile compiles text, which gets the usual first lines if it has none.
func compile(t testing.TB, text string, checked bool) (*Module, error) {
	t.Helper()
	if !strings.Contains(text, "#include") {
		text = "#include <metal_stdlib>\nusing namespace metal;\n" + text
	}
	return compiler(t).Compile(t.Context(), []byte(text), Options{Name: "test.metal", Checked: checked})
}

func mustCompile(t testing.TB, text string, checked bool) *Module {
	t.Helper()
	m, err := compile(t, text, checked)
	require.NoError(t, err)
	return m
}

// bothModes runs f on a plain build and on a checked one.
func bothModes(t *testing.T, text string, f func(t *testing.T, m *Module)) {
	t.Run("plain", func(t *testing.T) { f(t, mustCompile(t, text, false)) })
	t.Run("checked", func(t *testing.T) { f(t, mustCompile(t, text, true)) })
}

func buffers(slices ...[]byte) []Buffer {
	b := make([]Buffer, len(slices))
	for i, s := range slices {
		b[i].Mem = s
	}
	return b
}

func raw[T any](s []T) []byte {
	var z T
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(s))), len(s)*int(unsafe.Sizeof(z)))
}

// fault runs a kernel in several orders until it finds a fault.
func fault(t testing.TB, m *Module, kernel string, d Dispatch) *Fault {
	t.Helper()
	for order := range uint64(5) {
		d.Order = order
		if err := m.Run(kernel, d); err != nil {
			var f *Fault
			require.True(t, errors.As(err, &f), "%v", err)
			return f
		}
	}
	t.Fatal("nothing found")
	return nil
}

// random returns n normally distributed numbers, the same on every call.
func random(n int) []float32 {
	r := rand.New(rand.NewPCG(uint64(n), 1))
	s := make([]float32, n)
	for i := range s {
		s[i] = float32(r.NormFloat64())
	}
	return s
}

// expect compares got with a reference; NaN fails.
func expect(t testing.TB, got []float32, tolerance float64, want func(i int) float64) {
	t.Helper()
	for i, g := range got {
		if e := math.Abs(float64(g) - want(i)); !(e <= tolerance) {
			t.Fatalf("element %d is %g, want %g", i, g, want(i))
		}
	}
}

// toHalf converts a number that half represents exactly as a normal number.
func toHalf(f float32) uint16 {
	if f == 0 {
		return 0
	}
	b := math.Float32bits(f)
	return uint16(b>>16&0x8000) | uint16(int(b>>23&255)-112)<<10 | uint16(b>>13&0x3ff)
}

func fromHalf(h uint16) float64 {
	if h&0x7fff == 0 {
		return 0
	}
	return float64(math.Float32frombits(uint32(h&0x8000)<<16 | (uint32(h>>10&31)+112)<<23 | uint32(h&0x3ff)<<13))
}

// sample is a kernel of testdata with data to run it on.
type sample struct {
	file, kernel string
	d            Dispatch
	out          []float32
	want         func(i int) float64
	tolerance    float64
}

func (s *sample) run(m *Module, order uint64) error {
	d := s.d
	d.Order = order
	return m.Run(s.kernel, d)
}

func rmsNorm(rows, n, threads int) *sample {
	x, w, y := random(rows*n), random(n), make([]float32, rows*n)
	scale := make([]float64, rows)
	for row := range scale {
		sum := 0.0
		for _, v := range x[row*n:][:n] {
			sum += float64(v) * float64(v)
		}
		scale[row] = 1 / math.Sqrt(sum/float64(n)+1e-5)
	}
	return &sample{
		"rmsnorm", "rmsnorm_f32",
		Dispatch{Groups: rows, Threads: threads, Buffers: buffers(raw(x), raw(w), raw(y), raw([]uint32{uint32(n)}), raw([]float32{1e-5}))},
		y, func(i int) float64 { return float64(x[i]) * scale[i/n] * float64(w[i%n]) }, 1e-5,
	}
}

// matmul is c[m,n] = a[m,k] * b[k,n].
func matmul(m, n, k int) *sample {
	const tile = 16
	a, b, c := random(m*k), random(k*n), make([]float32, m*n)
	return &sample{
		"matmul", "matmul_f32",
		Dispatch{
			Groups: (n + tile - 1) / tile * ((m + tile - 1) / tile), Threads: tile * tile,
			Buffers: buffers(raw(a), raw(b), raw(c), dims(m, n, k)),
		},
		c, func(i int) float64 {
			sum := 0.0
			for j := range k {
				sum += float64(a[i/n*k+j]) * float64(b[j*n+i%n])
			}
			return sum
		}, 1e-4,
	}
}

// dims is a uint3, which takes the room of a uint4.
func dims(m, n, k int) []byte { return raw([]uint32{uint32(m), uint32(n), uint32(k), 0}) }

// simdgroupMatmul multiplies matrices of eighths, whose products are exact.
func simdgroupMatmul(m, n, k int) *sample {
	r := rand.New(rand.NewPCG(1, 2))
	eighths := func(n int) []uint16 {
		s := make([]uint16, n)
		for i := range s {
			s[i] = toHalf(float32(r.IntN(17)-8) / 8)
		}
		return s
	}
	a, b, c := eighths(m*k), eighths(k*n), make([]float32, m*n)
	return &sample{
		"matmul", "matmul_sg_f16",
		Dispatch{Groups: n / 8 * (m / 8), Threads: 32, Buffers: buffers(raw(a), raw(b), raw(c), dims(m, n, k))},
		c, func(i int) float64 {
			sum := 0.0
			for j := range k {
				sum += fromHalf(a[i/n*k+j]) * fromHalf(b[j*n+i%n])
			}
			return sum
		}, 0,
	}
}

// gemv is a matrix of Q8_0 times a vector.
func gemv(rows, n int) *sample {
	const quants, block, simdgroups = 32, 34, 4 // a block is a half scale and 32 int8; a simdgroup has a row
	r := rand.New(rand.NewPCG(3, 4))
	w, x, y, want := make([]byte, rows*n/quants*block), random(n), make([]float32, rows), make([]float64, rows)
	for i := range rows * n / quants {
		b := w[i*block:][:block]
		row, col := i*quants/n, i*quants%n
		scale := toHalf(float32(r.IntN(7)+1) / 64)
		b[0], b[1] = byte(scale), byte(scale>>8)
		sum := 0.0
		for j := range quants {
			q := int8(r.IntN(255) - 127)
			b[2+j] = byte(q)
			sum += float64(q) * float64(x[col+j])
		}
		want[row] += sum * fromHalf(scale)
	}
	return &sample{
		"gemv_q8_0", "gemv_q8_0_f32",
		Dispatch{
			Groups: (rows + simdgroups - 1) / simdgroups, Threads: 32 * simdgroups,
			Buffers: buffers(w, raw(x), raw(y), raw([]uint32{uint32(n), uint32(rows)})),
		},
		y, func(i int) float64 { return want[i] }, 2e-3,
	}
}

func TestSamples(t *testing.T) {
	for _, s := range []*sample{
		rmsNorm(3, 300, 256), rmsNorm(2, 65, 64), matmul(33, 40, 50), simdgroupMatmul(16, 24, 32), gemv(37, 1024),
	} {
		t.Run(s.kernel, func(t *testing.T) {
			bothModes(t, testFile(t, s.file), func(t *testing.T, m *Module) {
				for order := range uint64(4) {
					clear(s.out)
					require.NoError(t, s.run(m, order))
					expect(t, s.out, s.tolerance, s.want)
				}
				s.d.Workers = 3
				clear(s.out)
				require.NoError(t, s.run(m, 0))
				expect(t, s.out, s.tolerance, s.want)
			})
		})
	}
}

// feature is a kernel k on one group of 64 threads, and what it leaves in buffer 0.
type feature struct {
	name, text string
	want       func(i int) float64
	threads    int
}

func (f feature) run(t *testing.T) {
	t.Parallel()
	bothModes(t, f.text, func(t *testing.T, m *Module) {
		out := make([]float32, 64)
		for order := range uint64(2) {
			clear(out)
			require.NoError(t, m.Run("k", Dispatch{Groups: 1, Threads: cmp.Or(f.threads, 64), Order: order, Buffers: buffers(raw(out))}))
			expect(t, out, 0, f.want)
		}
	})
}
