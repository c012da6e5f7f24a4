package emulator

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// mutant is a mistake made in a kernel of testdata: the first occurrence of from becomes to. Its error holds want; it is found when
// the kernel runs if kind is set, and when it is compiled if not.
type mutant struct {
	file, name string
	from, to   string
	kind       Kind
	want       string
}

const barrier = "        threadgroup_barrier(mem_flags::mem_threadgroup);\n"

var (
	dropFirstBarrier  = mutant{"matmul", "first barrier dropped", ": 0.0f;\n" + barrier, ": 0.0f;\n", Uninitialised, "As"}
	dropSecondBarrier = mutant{"matmul", "second barrier dropped", "        }\n" + barrier, "        }\n", Race, "bytes of "}
)

const (
	recursive = `static float rec(float a) { return a > 1.0f ? a * rec(a * 0.5f + rec(a - 1.0f)) : 1.0f; }
kernel void w(device float *z [[buffer(0)]]) { z[0] = rec(z[0]); }
kernel void`
	tailRecursive = `static float rec(float a) { return a > 1.0f ? rec(a * 0.5f) : a; }
kernel void w(device float *z [[buffer(0)]]) { z[0] = rec(z[0]); }
kernel void`
	helperWithGroupVariable = `static float hh() { threadgroup float z[4]; return z[0]; }
kernel void`
	shuffles = "    for (ushort m = 16; m > 0; m >>= 1) {"
)

var mutants = []mutant{
	// synchronisation
	{"rmsnorm", "barrier dropped", "    threadgroup_barrier(mem_flags::mem_threadgroup);\n", "", Uninitialised, "part at byte"},
	{"rmsnorm", "wrong memory flag", "mem_flags::mem_threadgroup", "mem_flags::mem_device", Race, "part at byte"},
	{"rmsnorm", "no memory flag", "mem_flags::mem_threadgroup", "mem_flags::mem_none", Race, "part at byte"},
	{"rmsnorm", "divergent simd_sum", "    tot = simd_sum(tot);", "    if (lane < 16) tot = simd_sum(tot);", Divergent, "lanes of its simdgroup"},
	{"rmsnorm", "divergent barrier", "    threadgroup_barrier(", "    if (sg == 0) threadgroup_barrier(", Race, "part at byte"},
	{"rmsnorm", "early return", "    acc = simd_sum(acc);", "    if (tid >= 200) return;\n    acc = simd_sum(acc);", Divergent, "returned"},
	{"gemv_q8_0", "half a simdgroup shuffles", shuffles, "    if (lane < 16)\n" + shuffles, Divergent, "simdgroup"},
	dropFirstBarrier,
	dropSecondBarrier,

	// memory
	{"rmsnorm", "unwritten group memory", "(lane < nsg) ? part[lane] : 0.0f", "(lane <= nsg) ? part[lane] : 0.0f", Uninitialised, "part at byte 32 of 128"},
	{"rmsnorm", "one past the end", "i < n; i += ntg) {\n        yr", "i <= n; i += ntg) {\n        yr", OutOfBounds, "reads 4 bytes of buffer 1 (w) at byte 1200 of 1200"},
	{"rmsnorm", "before the begin", "yr[i] = xr[i]", "yr[i] = x[int(tid) - 1]", OutOfBounds, "buffer 0 (x) at byte -4"},
	{"rmsnorm", "group memory too small", "threadgroup float part[32]", "threadgroup float part[4]", OutOfBounds, "writes 4 bytes of part at byte 16 of 16"},
	{"rmsnorm", "groups write the same row", "device float *yr = y + row * n", "device float *yr = y", Race, "buffer 2 (y)"},
	{"matmul", "no bounds check", "if (row < M && col < N)", "", Race, "(C)"},
	{"gemv_q8_0", "no check of the row", "if (row >= a.rows) return; ", "", OutOfBounds, "(W)"},
	{"gemv_q8_0", "misaligned float4", "(device const float4 *)(x + ib", "(device const float4 *)(x + 1 + ib", Misaligned, "multiple of 16"},
	{"matmul", "wrong index of a tile", "As[lid.y][k], Bs[k]", "As[lid.y][k + 1], Bs[k]", OutOfBounds, "As at byte 1024"},
	{"rmsnorm", "40 KB of group memory", "threadgroup float part[32];", "threadgroup float part[10240];", "", "40960 bytes of group memory, and a group has 32768"},
	{"rmsnorm", "uninitialised variable", "float acc = 0.0f;", "float acc; if (n > 5u) acc = 0.0f;", "", "may be uninitialized"},
	{"rmsnorm", "division by zero", "yr[i] = xr[i]", "yr[i] = float(n / (ntg - 256)) * xr[i]", DivideByZero, "divides an integer by zero"},

	// parameters
	{"rmsnorm", "buffer index twice", "[[buffer(1)]]", "[[buffer(0)]]", "", "buffers x and w have the same index, 0"},
	{"rmsnorm", "no attribute", "constant uint      &n        [[buffer(3)]]", "constant uint &n", "", "parameter n: it has no attribute"},
	{"rmsnorm", "attribute misspelt", "[[thread_index_in_simdgroup]]", "[[thread_index_in_simd_group]]", "", "[[thread_index_in_simd_group]] is unknown"},
	{"rmsnorm", "signed index", "uint tid   [[", "int tid   [[", "", "has no type int"},
	{"rmsnorm", "buffer without address space", "device const float *w", "const float *w", "", "a pointer or a reference to device or constant memory"},
	{"rmsnorm", "buffer 31", "[[buffer(4)]]", "[[buffer(31)]]", "", "a number from 0 to 30"},

	// address spaces
	{"rmsnorm", "no address space", "device const float *xr", "const float *xr", "", "pointer without address space: xr"},
	{"rmsnorm", "wrong address space", "device const float *xr", "threadgroup const float *xr", "", "cannot initialize"},
	{"rmsnorm", "write to const memory", "yr[i] =", "xr[i] =", "", "not assignable"},
	{"rmsnorm", "const cast away", "yr[i] = xr[i]", "yr[i] = ((device float *)xr)[i] = xr[i]", ReadOnly, "buffer 0 (x)"},
	{"rmsnorm", "mutable global", "kernel void", "static device float gg[4];\nkernel void", "", "must reside in constant address space"},
	{"rmsnorm", "group variable in a helper", "kernel void", helperWithGroupVariable, "", "non-kernel function variable"},
	{"gemv_q8_0", "address space cast away", "(device const float4 *)(x +", "(const thread float4 *)(x +", "", "mismatching address spaces"},

	// types and overloads
	{"rmsnorm", "double", "float acc = 0.0f", "double acc = 0.0f", "", "use of type 'double'"},
	{"rmsnorm", "narrowing", "float v = xr[i];", "int v = xr[i];", "", "implicit conversion"},
	{"rmsnorm", "simd_sum of 64 bits", "acc = simd_sum(acc);", "acc = (float)simd_sum((long)acc);", "", "type not allowed in simd_"},
	{"rmsnorm", "simd_sum of bfloat", "acc = simd_sum(acc);", "acc = float(simd_sum(bfloat(acc)));", "", "type not allowed in simd_"},
	{"rmsnorm", "min of uint and int", "uint i = tid;", "uint i = min(tid, 5);", "", "no matching function"},
	{"rmsnorm", "max of half and float", "acc = simd_sum(acc);", "acc = float(max(half(acc), 0.0f));", "", "no matching function"},
	{"rmsnorm", "exp of int", "fma(v, v, acc)", "fma(v, v, acc) + exp(1)", "", "no matching function"},
	{"matmul", "simdgroup_load of another type", "simdgroup_load(a, A +", "simdgroup_load(a, C +", "", "no matching function"},
	{"gemv_q8_0", "float4 of 3 numbers", "float(q[2]), float(q[3]))", "float(q[2]))", "", "wrong number of vector elements"},

	// what MSL lacks
	{"rmsnorm", "std::", "precise::rsqrt(", "std::sqrt(", "", "undeclared identifier 'std'"},
	{"rmsnorm", "recursion", "kernel void", recursive, "", "recursion"},
	{"rmsnorm", "tail recursion", "kernel void", tailRecursive, "", "recursion"},
	{"rmsnorm", "goto", "float acc = 0.0f;", "float acc = 0.0f; if (n == 7u) goto out; acc = 1.0f; out: acc += 1.0f;", "", "Metal has no goto"},
	{"rmsnorm", "printf", "float acc = 0.0f;", "float acc = 0.0f; printf(\"x\");", "", "undeclared identifier 'printf'"},
	{"rmsnorm", "function pointer", "float acc = 0.0f;", "float acc = 0.0f; float (*fp)(float) = nullptr; acc = fp(acc);", "", "pointers to functions"},
	{"rmsnorm", "new", "float acc = 0.0f;", "float acc = *(new float(1.0f));", "", "'default new' is not supported"},
	{"rmsnorm", "asm", "float acc = 0.0f;", "float acc = 0.0f; asm(\"nop\");", "", "Metal has no asm"},
	{"rmsnorm", "a thread's name taken", "uint tid ", "uint thread ", "", "test.metal:"},
	{"rmsnorm", "an include", "#include <metal_stdlib>", "#include <metal_stdlib>\n#include \"/dev/zero\"", "", "cannot include \"/dev/zero\""},
}

// sample is the mutated kernel's.
func (mu *mutant) sample() *sample {
	switch mu.file {
	case "rmsnorm":
		return rmsNorm(3, 300, 256)
	case "matmul":
		if strings.Contains(mu.from, "simdgroup") {
			return simdgroupMatmul(16, 24, 32)
		}
		return matmul(33, 40, 50)
	default:
		return gemv(37, 1024)
	}
}

func (mu *mutant) text(t testing.TB) string {
	text := testFile(t, mu.file)
	require.Contains(t, text, mu.from)
	return strings.Replace(text, mu.from, mu.to, 1)
}

// TestMutants makes mistakes in good kernels. Each must be caught.
func TestMutants(t *testing.T) {
	for _, mu := range mutants {
		t.Run(mu.file+"/"+mu.name, func(t *testing.T) {
			t.Parallel()
			m, err := compile(t, mu.text(t), true)
			if mu.kind == "" {
				require.ErrorContains(t, err, mu.want)
				var c *CompileError
				require.ErrorAs(t, err, &c)
				require.Positive(t, c.Line)
				require.Contains(t, mu.text(t), c.Source)
				return
			}
			require.NoError(t, err)
			s := mu.sample()
			f := fault(t, m, s.kernel, s.d)
			require.Equal(t, mu.kind, f.Kind, "%v", f)
			require.ErrorContains(t, f, mu.want)
			require.Positive(t, f.Line, "%v", f)
			require.NotEmpty(t, f.Source)
		})
	}
}

// TestHarmlessMutant makes a change that is none: MSL has no double, so that literals without a suffix are float.
func TestHarmlessMutant(t *testing.T) {
	mu := mutant{file: "rmsnorm", from: "acc = simd_sum(acc);", to: "acc = simd_sum(acc) * 1.0;"}
	m := mustCompile(t, mu.text(t), true)
	require.NoError(t, mu.sample().run(m, 1))
}

// TestDroppedBarrierUnchecked: the order of the threads and the poisoned group memory alone turn a missing barrier into wrong numbers.
func TestDroppedBarrierUnchecked(t *testing.T) {
	for _, mu := range []mutant{dropFirstBarrier, dropSecondBarrier} {
		t.Run(mu.name, func(t *testing.T) {
			m := mustCompile(t, mu.text(t), false)
			for order := uint64(1); order <= 5; order++ {
				s := matmul(33, 40, 50)
				require.NoError(t, s.run(m, order))
				wrong := false
				for i, c := range s.out {
					if e := float64(c) - s.want(i); !(e < 1e-3 && e > -1e-3) {
						wrong = true
					}
				}
				require.True(t, wrong, "order %d", order)
			}
		})
	}
}
