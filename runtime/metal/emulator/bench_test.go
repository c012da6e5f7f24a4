package emulator

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// large is a source of n kernels with templates that each instantiates anew, about 100 KB for 40.
func large(n int) string {
	var b strings.Builder
	b.WriteString("#include <metal_stdlib>\nusing namespace metal;\n")
	for i := range n {
		fmt.Fprintf(&b, "template <int ROWS, int LANES> struct gemv%d {\n", i)
		for j := range 8 {
			fmt.Fprintf(&b, `  static METAL_FUNC float part%d(device const uchar* w, threadgroup const float* x, int lane, int columns) {
    float total = 0.0f;
    for (int c = lane * 8; c < columns; c += LANES * 8) {
      #pragma unroll
      for (int e = 0; e < 8; e++) total += float(int(w[c + e] >> %d) - 8) * x[c + e];
    }
    return simd_sum(total);
  }
`, j, j)
		}
		fmt.Fprintf(&b, "};\nkernel void k%d(device const int* step [[buffer(0)]], device const uchar* w [[buffer(1)]], device const float* x [[buffer(2)]], device float* y [[buffer(3)]],\n"+
			"    uint lid [[thread_index_in_threadgroup]], uint group_index [[threadgroup_position_in_grid]]) {\n"+
			"  alignas(16) threadgroup uchar memory[12288];\n  threadgroup float* const xn = (threadgroup float*)(memory + 256);\n"+
			"  const int i = int(lid), lane = i & 31, team = i >> 5, n = step[0];\n"+
			"  for (int k = i; k < 512; k += 256) xn[k] = precise::exp(x[k]) * rsqrt(float(n));\n  threadgroup_barrier(mem_flags::mem_threadgroup);\n"+
			"  float acc[8];\n", i)
		for j := range 8 {
			fmt.Fprintf(&b, "  acc[%d] = gemv%d<%d, 32>::part%d(w + (int(group_index) * 8 + team) * 512, xn, lane, 512);\n", j, i, j, j)
		}
		b.WriteString("  if (lane == 0) y[int(group_index) * 8 + team] = acc[0] + acc[1] + acc[2] + acc[3] + acc[4] + acc[5] + acc[6] + acc[7];\n}\n")
	}
	return b.String()
}

func BenchmarkCompile(b *testing.B) {
	for _, n := range []int{1, 40} {
		for _, checked := range []bool{false, true} {
			b.Run(fmt.Sprintf("kernels=%d,checked=%v", n, checked), func(b *testing.B) {
				c := *compiler(b)
				text := large(n)
				b.ReportMetric(float64(len(text)), "bytes")
				for b.Loop() {
					c.cache = in(b.TempDir())
					_, err := c.Compile(b.Context(), []byte(text), Options{Checked: checked})
					require.NoError(b, err)
				}
			})
		}
	}
}

func BenchmarkCached(b *testing.B) {
	c := compiler(b)
	text := []byte(large(40))
	_, err := c.Compile(b.Context(), text, Options{})
	require.NoError(b, err)
	for b.Loop() {
		_, err := c.Compile(b.Context(), text, Options{})
		require.NoError(b, err)
	}
}

// BenchmarkSync reports the time of one arrival at a barrier or simd_sum, with its share of starting 256000 threads.
func BenchmarkSync(b *testing.B) {
	m := mustCompile(b, testFile(b, "bar"), false)
	const rounds = 10
	d := Dispatch{Groups: 1000, Threads: 256, Buffers: buffers(raw(make([]uint32, 256000)), raw([]uint32{rounds}))}
	for _, kernel := range []string{"bar", "sums"} {
		b.Run(kernel, func(b *testing.B) {
			for b.Loop() {
				require.NoError(b, m.Run(kernel, d))
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(d.Groups*d.Threads*rounds), "ns/sync")
		})
	}
}

// BenchmarkDispatch is the cost of a dispatch that does nothing.
func BenchmarkDispatch(b *testing.B) {
	for _, checked := range []bool{false, true} {
		m := mustCompile(b, `kernel void k(device float* y [[buffer(0)]], uint i [[thread_position_in_grid]]) {
			threadgroup_barrier(mem_flags::mem_none); if (i == 0u) y[0] = 1.0f; }`, checked)
		d := Dispatch{Groups: 1, Threads: 256, Buffers: buffers(raw(make([]float32, 1)))}
		b.Run(fmt.Sprintf("checked=%v", checked), func(b *testing.B) {
			for b.Loop() {
				require.NoError(b, m.Run("k", d))
			}
		})
	}
}

func BenchmarkKernels(b *testing.B) {
	for name, s := range map[string]*sample{
		"rmsnorm 1000x2048": rmsNorm(1000, 2048, 256), "gemv 2048x2048": gemv(2048, 2048), "matmul 256": matmul(256, 256, 256),
		"simdgroup matmul 256": simdgroupMatmul(256, 256, 256),
	} {
		plain, checked := mustCompile(b, testFile(b, s.file), false), mustCompile(b, testFile(b, s.file), true)
		for _, c := range []struct {
			name    string
			m       *Module
			order   uint64
			workers int
		}{{"plain", plain, 0, 1}, {"two workers", plain, 0, 2}, {"random order", plain, 5, 1}, {"checked", checked, 0, 1}, {"checked, random order", checked, 5, 1}} {
			b.Run(name+"/"+c.name, func(b *testing.B) {
				s.d.Workers = c.workers
				for b.Loop() {
					require.NoError(b, s.run(c.m, c.order))
				}
			})
		}
	}
}
