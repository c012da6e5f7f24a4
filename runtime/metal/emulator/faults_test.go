package emulator

import (
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestNeighbours: buffers that lie side by side in one allocation have bounds of their own.
func TestNeighbours(t *testing.T) {
	m := mustCompile(t, `kernel void k(device const float *x [[buffer(0)]], device float *y [[buffer(1)]], uint i [[thread_index_in_threadgroup]]) {
		y[i] = x[i + 1u];
	}`, true)
	arena := make([]float32, 64)
	d := Dispatch{Groups: 1, Threads: 32, Buffers: buffers(raw(arena[:32]), raw(arena[32:]))}
	f := fault(t, m, "k", d)
	require.Equal(t, "test.metal:4: k: access out of bounds: thread 31 of group 0 reads 4 bytes of buffer 0 (x) at byte 128 of 128\n"+
		"    y[i] = x[i + 1u];", f.Error())
	require.Equal(t, Fault{
		Kernel: "k", Kind: OutOfBounds, Buffer: "x", Index: 0, Offset: 128, Group: 0, Thread: 31, Line: 4, Name: "test.metal",
		Source: "\t\ty[i] = x[i + 1u];", Detail: f.Detail,
	}, *f)
}

// TestOverlap: a race between two buffers that share memory is found by address.
func TestOverlap(t *testing.T) {
	m := mustCompile(t, `kernel void k(device const float *x [[buffer(0)]], device float *y [[buffer(1)]], uint i [[thread_position_in_grid]]) {
		y[i] = x[i];
	}`, true)
	arena := make([]float32, 65)
	d := Dispatch{Groups: 2, Threads: 32, Buffers: buffers(raw(arena[:64]), raw(arena[:64]))}
	for order := range uint64(4) {
		d.Order = order
		require.NoError(t, m.Run("k", d), "in place, each thread its own")
	}
	d.Buffers = buffers(raw(arena[1:]), raw(arena[:64]))
	require.Equal(t, Race, fault(t, m, "k", d).Kind)
}

// TestFaults: each kernel does one thing wrong, and its good twin nothing.
func TestFaults(t *testing.T) {
	for _, c := range []struct {
		name      string
		bad, good string // bodies of a kernel
		kind      Kind
		want      string
	}{
		{
			"groups write the same place",
			"y[i] = x[i];", "y[g * 64u + i] = x[i];", Race, "of group",
		},
		{
			"a group reads what another writes",
			"y[g * 64u + i] = y[i ^ 1u];", "y[g * 64u + i] = y[g * 64u + i] + x[i];", Race, "of group",
		},
		{
			"a barrier of device memory is not one of group memory",
			"s[i] = x[i]; threadgroup_barrier(mem_flags::mem_device); y[g * 64u + i] = s[63u - i];",
			"s[i] = x[i]; threadgroup_barrier(mem_flags::mem_device | mem_flags::mem_threadgroup); y[g * 64u + i] = s[63u - i];", Race, "s at byte",
		},
		{
			"a barrier of group memory is not one of device memory",
			"y[g * 64u + i] = x[i]; threadgroup_barrier(mem_flags::mem_threadgroup); y[g * 64u + i] = y[g * 64u + (i ^ 1u)];",
			"y[g * 64u + i] = x[i]; threadgroup_barrier(mem_flags::mem_device); const float v = y[g * 64u + (i ^ 1u)]; threadgroup_barrier(mem_flags::mem_device); y[g * 64u + i] = v;",
			Race, "(y)",
		},
		{
			"a simdgroup's barrier does not order two simdgroups",
			"s[i] = x[i]; simdgroup_barrier(mem_flags::mem_threadgroup); y[g * 64u + i] = s[63u - i];",
			"s[i] = x[i]; simdgroup_barrier(mem_flags::mem_threadgroup); y[g * 64u + i] = s[i ^ 1u];", "", "",
		},
		{
			"bytes of one word, written by threads that no barrier separates",
			"b[(i + 1u) / 2u] = uchar(i); y[g * 64u + i] = x[i];", "b[i] = uchar(i); y[g * 64u + i] = x[i];", Race, "b at byte",
		},
		{
			"bytes read without a barrier",
			"b[i] = uchar(i); y[g * 64u + i] = float(b[i ^ 1u]) + x[i];", "b[i] = uchar(i); y[g * 64u + i] = float(b[i]) + x[i];", "", "",
		},
		{
			"halves that make a word",
			"h[i] = half(i); y[g * 64u + i] = float(((threadgroup const ushort2*)h)[i / 2u].x) + x[i];",
			"h[i] = half(i); threadgroup_barrier(mem_flags::mem_threadgroup); y[g * 64u + i] = float(((threadgroup const ushort2*)h)[i / 2u].x) + x[i];",
			"", "",
		},
		{
			"a group variable's end is another's begin",
			"s[i] = x[i]; h[i] = 0.0h; b[i] = 0; s[64u + (i & 3u)] = 1.0f; y[g * 64u + i] = s[i];", "s[i] = x[i]; y[g * 64u + i] = s[i];", OutOfBounds, "s at byte 256 of 256",
		},
		{
			"group memory of the group before",
			"if (g == 0u) s[i] = x[i]; y[g * 64u + i] = s[i];", "s[i] = x[i]; y[g * 64u + i] = s[i];", Uninitialised, "s at byte",
		},
		{
			"half a struct is copied from beyond",
			"const part p = ((device const part*)x)[i / 3u]; y[g * 64u + i] = p.v[0];",
			"const part p = ((device const part*)x)[i / 16u]; y[g * 64u + i] = p.v[0];", OutOfBounds, "reads 16 bytes of buffer 0 (x)",
		},
		{
			"a matrix is loaded from beyond",
			"simdgroup_float8x8 a; simdgroup_load(a, x + 8, 8); y[g * 64u + i] = a.thread_elements()[0];",
			"simdgroup_float8x8 a; simdgroup_load(a, x, 8); y[g * 64u + i] = a.thread_elements()[0];", OutOfBounds, " of 256",
		},
		{
			"a matrix is loaded by half a simdgroup",
			"simdgroup_float8x8 a = make_filled_simdgroup_matrix<float, 8, 8>(0.0f); if ((i & 31u) < 16u) simdgroup_load(a, x, 8); y[g * 64u + i] = a.thread_elements()[0];",
			"simdgroup_float8x8 a; simdgroup_load(a, x, 8); y[g * 64u + i] = a.thread_elements()[0];", Divergent, "simdgroup",
		},
		{
			"barriers of two branches",
			"if (i < 32u) { threadgroup_barrier(mem_flags::mem_none); } else {\nthreadgroup_barrier(mem_flags::mem_none); } y[g * 64u + i] = x[i];",
			"if (g < 1u) { threadgroup_barrier(mem_flags::mem_none); } else {\nthreadgroup_barrier(mem_flags::mem_none); } y[g * 64u + i] = x[i];",
			Divergent, "while others wait at that of line",
		},
		{
			"a lane that is not there",
			"y[g * 64u + i] = simd_shuffle(x[i], ushort(i + 1u));", "y[g * 64u + i] = simd_shuffle(x[i], ushort(31u - (i & 31u)));", Divergent, "lane that its simdgroup has not",
		},
		{
			"an atomic beyond the end",
			"atomic_fetch_add_explicit((device atomic_uint*)y + 128 + i, 1u, memory_order_relaxed); y[g * 64u + i] = x[i];",
			"atomic_fetch_add_explicit((device atomic_uint*)y + 127, 0u, memory_order_relaxed); if (i + g < 63u) y[i] = x[i];",
			"", "",
		},
		{
			"a table has an end",
			"y[g * 64u + i] = table[i * 1000000u] + x[i];", "y[g * 64u + i] = table[i & 3u] + x[i];", OutOfBounds, "memory that is of no buffer",
		},
		{
			"the smallest integer by -1",
			"y[g * 64u + i] = float((int(-2147483647) - 1) / (int(i) - 1));", "y[g * 64u + i] = float(-2147483647 / (int(i) + 1));", DivideByZero, "integer",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			kernel := func(body string) string {
				return `struct part { float v[4]; };
				constant float table[4] = {1.0f, 2.0f, 3.0f, 4.0f};
				kernel void k(device const float *x [[buffer(0)]], device float *y [[buffer(1)]],
						uint i [[thread_index_in_threadgroup]], uint g [[threadgroup_position_in_grid]]) {
					threadgroup float s[64]; threadgroup uchar b[64]; threadgroup half h[64];
					(void)s; (void)b; (void)h; (void)g; (void)i; (void)x; (void)table;
					` + body + "\n}"
			}
			d := func() Dispatch {
				return Dispatch{Groups: 2, Threads: 64, Buffers: buffers(raw(random(64)), raw(make([]float32, 128)))}
			}
			good := mustCompile(t, kernel(c.good), true)
			if c.name != "a group reads what another writes" {
				for order := range uint64(4) {
					o := d()
					o.Order = order
					if c.name == "an atomic beyond the end" {
						o.Groups = 1
					}
					require.NoError(t, good.Run("k", o))
				}
			}
			f := fault(t, mustCompile(t, kernel(c.bad), true), "k", d())
			if c.kind != "" {
				require.Equal(t, c.kind, f.Kind, "%v", f)
				require.ErrorContains(t, f, c.want)
			}
			if c.name != "an atomic beyond the end" { // whose function is the library's: its line is not always known
				require.Positive(t, f.Line, "%v", f)
			}
		})
	}
}

// TestManyReaders: a write races with a read of long ago by another group, whoever has read since.
func TestManyReaders(t *testing.T) {
	m := mustCompile(t, `kernel void k(device float *y [[buffer(0)]], uint i [[thread_index_in_threadgroup]], uint g [[threadgroup_position_in_grid]]) {
		float v = y[0];
		threadgroup_barrier(mem_flags::mem_device);
		if (g == 7u && i == 5u) y[0] = v + 1.0f;
	}`, true)
	f := fault(t, m, "k", Dispatch{Groups: 8, Threads: 64, Buffers: buffers(raw(make([]float32, 1)))})
	require.Equal(t, Race, f.Kind)
	require.Equal(t, 7, f.Group)
}

// TestDispatchesAreApart: what a dispatch has written, the next may read; its shadow is not cleared but too old.
func TestDispatchesAreApart(t *testing.T) {
	m := mustCompile(t, `kernel void k(device float *y [[buffer(0)]], constant uint& shift [[buffer(1)]], uint i [[thread_position_in_grid]]) {
		y[(i + shift) % 4096u] += 1.0f;
	}`, true)
	y := make([]float32, 4096)
	for shift := range uint32(20) {
		require.NoError(t, m.Run("k", Dispatch{Groups: 16, Threads: 256, Order: uint64(shift), Buffers: buffers(raw(y), raw([]uint32{shift * 100}))}))
	}
	expect(t, y, 0, func(int) float64 { return 20 })
}

// TestSparseShadow: memory that is large and hardly touched costs little to watch.
func TestSparseShadow(t *testing.T) {
	m := mustCompile(t, `kernel void k(device const float *w [[buffer(0)]], device float *y [[buffer(1)]], uint i [[thread_position_in_grid]]) {
		y[ulong(i) << 20] = w[ulong(i) << 20];
	}`, true)
	w, y := make([]float32, 64<<20), make([]float32, 64<<20) // 256 MB each, of which pages are touched
	require.NoError(t, m.Run("k", Dispatch{Groups: 2, Threads: 32, Buffers: buffers(raw(w), raw(y))}))
}

// TestManyPages: more pages than are kept from dispatch to dispatch.
func TestManyPages(t *testing.T) {
	m := mustCompile(t, `kernel void k(device uchar *y [[buffer(0)]], uint i [[thread_position_in_grid]]) {
		if (i % 16384u == 0u) y[i * 4u] = uchar(1); else if (i % 1024u == 1u) ((device float*)y)[i] = 1.0f;
	}`, true)
	y := make([]float32, 1100*1024)
	for range 3 {
		require.NoError(t, m.Run("k", Dispatch{Groups: 1100, Threads: 1024, Buffers: buffers(raw(y))}))
	}
}

func TestRunRejects(t *testing.T) {
	m := mustCompile(t, testFile(t, "bar"), false)
	good := func() Dispatch {
		return Dispatch{Groups: 1, Threads: 32, Buffers: buffers(make([]byte, 4096), make([]byte, 4))}
	}
	require.NoError(t, m.Run("bar", good()))
	for _, c := range []struct {
		name, kernel, want string
		change             func(d *Dispatch)
	}{
		{"unknown kernel", "nope", `no kernel "nope"`, func(*Dispatch) {}},
		{"too few buffers", "bar", "no buffer 1 (k): there are 1", func(d *Dispatch) { d.Buffers = d.Buffers[:1] }},
		{"no buffers", "bar", "no buffer 0 (o): there are 0", func(d *Dispatch) { d.Buffers = nil }},
		{"too many buffers", "bar", "3 buffers, and it takes 2", func(d *Dispatch) { d.Buffers = append(d.Buffers, Buffer{make([]byte, 4)}) }},
		{"empty buffer", "bar", "buffer 0 (o) has no memory", func(d *Dispatch) { d.Buffers[0].Mem = nil }},
		{"too many threads", "bar", "1025 threads", func(d *Dispatch) { d.Threads = 1025 }},
		{"no threads", "bar", "0 threads", func(d *Dispatch) { d.Threads = 0 }},
		{"no groups", "bar", "0 groups", func(d *Dispatch) { d.Groups = 0 }},
		{"negative groups", "bar", "-1 groups", func(d *Dispatch) { d.Groups = -1 }},
		{"positions beyond 32 bits", "bar", "32 bits", func(d *Dispatch) { d.Groups, d.Threads = 1<<30, 1024 }},
	} {
		d := good()
		c.change(&d)
		require.ErrorContains(t, m.Run(c.kernel, d), c.want, c.name)
	}
}

// TestWorkers: groups that run at a time write what they write one after another; a fault of one ends the run.
func TestWorkers(t *testing.T) {
	m := mustCompile(t, `kernel void k(device float *y [[buffer(0)]], constant uint& bad [[buffer(1)]], uint i [[thread_index_in_threadgroup]],
			uint g [[threadgroup_position_in_grid]]) {
		threadgroup float s[256];
		s[i] = float(g + i);
		threadgroup_barrier(mem_flags::mem_threadgroup);
		if (g == bad && i == 3u) return;
		const float total = simd_sum(s[255u - i]);
		y[g * 256u + i] = total;
	}`, false)
	const groups = 2000
	one, many := make([]float32, groups*256), make([]float32, groups*256)
	for workers, y := range map[int][]float32{1: one, 4: many} {
		require.NoError(t, m.Run("k", Dispatch{Groups: groups, Threads: 256, Workers: workers, Buffers: buffers(raw(y), raw([]uint32{math.MaxUint32}))}))
	}
	require.Equal(t, one, many)
	var f *Fault
	require.ErrorAs(t, m.Run("k", Dispatch{Groups: groups, Threads: 256, Workers: 4, Buffers: buffers(raw(many), raw([]uint32{77}))}), &f)
	require.Equal(t, Divergent, f.Kind)
	require.Equal(t, 77, f.Group)
	require.NoError(t, m.Run("k", Dispatch{Groups: 3, Threads: 256, Workers: 4, Buffers: buffers(raw(many), raw([]uint32{77}))}), "after a fault")
}

// TestAtTheSameTime: goroutines run checked and unchecked kernels at once.
func TestAtTheSameTime(t *testing.T) {
	plain, checked := mustCompile(t, testFile(t, "rmsnorm"), false), mustCompile(t, testFile(t, "rmsnorm"), true)
	for range 4 {
		for _, m := range []*Module{plain, checked} {
			t.Run("", func(t *testing.T) {
				t.Parallel()
				for order := range uint64(20) {
					s := rmsNorm(5, 300, 256)
					require.NoError(t, s.run(m, order))
					expect(t, s.out, s.tolerance, s.want)
				}
			})
		}
	}
}

func TestKernels(t *testing.T) {
	m := mustCompile(t, `[[max_total_threads_per_threadgroup(128)]] kernel void a(device const float* const x [[buffer(3)]], const device int *y [[buffer(0)]], device uint* const z [[buffer(1)]],
			constant float &w [[buffer(2)]], uint3 g [[threadgroup_position_in_grid]]) { threadgroup float s[5]; s[0] = x[0]; z[g.x] = uint(y[0]) + uint(w + s[0]); }
	#if 0
	kernel void hidden(device float* x [[buffer(0)]]) {}
	#endif
	// kernel void comment(device float* x [[buffer(0)]]) {}
	kernel void b() {}`, false)
	require.Equal(t, []Kernel{
		{"a", []Parameter{{3, "x", false}, {0, "y", false}, {1, "z", true}, {2, "w", false}}, 32, 128},
		{"b", nil, 0, 1024},
	}, m.Kernels())
	require.ErrorContains(t, m.Run("a", Dispatch{Groups: 1, Threads: 129}), "129 threads of a group, and it takes 1 to 128")
	require.NoError(t, m.Run("b", Dispatch{Groups: 1, Threads: 1}))
	_, err := compile(t, strings.ReplaceAll("#define K kernel void\nK a(device float* x [[buffer(0)]]) { x[0] = 1.0f; }", "\t", ""), false)
	require.ErrorContains(t, err, "kernel a: it comes out of a macro")
}
