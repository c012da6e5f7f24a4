package emulator

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestEmitterRules pairs what Metal accepts and clang does not with a form that suits both: code generators should emit the latter.
func TestEmitterRules(t *testing.T) {
	for _, r := range []struct{ name, bad, want, good string }{
		{
			"group variables only at a kernel's outermost scope",
			`kernel void k(device float *o [[buffer(0)]], uint i [[thread_index_in_threadgroup]]) {
				if (i < 32u) { threadgroup float s[64]; s[i] = 1.0f; o[i] = s[i]; }
			}`,
			"outermost scope of a kernel",
			`kernel void k(device float *o [[buffer(0)]], uint i [[thread_index_in_threadgroup]]) {
				threadgroup float s[64];
				if (i < 32u) { s[i] = 1.0f; o[i] = s[i]; }
			}`,
		},
		{
			"no templated kernels",
			`template <typename T> kernel void k(device T *o [[buffer(0)]], uint i [[thread_position_in_grid]]) { o[i] = T(1.0f); }
			template [[host_name("k_f32")]] kernel void k<float>(device float *, uint);`,
			"cannot be used as the type of a kernel parameter",
			`template <typename T> static void k(device T *o, uint i) { o[i] = T(1.0f); }
			kernel void k_f32(device float *o [[buffer(0)]], uint i [[thread_position_in_grid]]) { k(o, i); }`,
		},
		{
			"no structs copied out of constant memory",
			`struct args { uint n; };
			kernel void k(device uint *o [[buffer(0)]], constant args &a [[buffer(1)]]) { args b = a; o[0] = b.n; }`,
			"no matching constructor",
			`struct args { uint n; };
			kernel void k(device uint *o [[buffer(0)]], constant args &a [[buffer(1)]]) { const uint n = a.n; o[0] = n; }`,
		},
		{
			"no C-style vector casts",
			`kernel void k(device float4 *o [[buffer(0)]], device const half4 *h [[buffer(1)]]) { o[0] = (float4)h[0]; }`,
			"C-style cast from vector",
			`kernel void k(device float4 *o [[buffer(0)]], device const half4 *h [[buffer(1)]]) { o[0] = float4(h[0]); }`,
		},
		{
			"bfloat(x) instead of the suffix bf",
			`kernel void k(device bfloat *o [[buffer(0)]]) { o[0] = 1.0bf; }`,
			"invalid suffix 'bf'",
			`kernel void k(device bfloat *o [[buffer(0)]]) { o[0] = bfloat(1.0f); }`,
		},
		{
			"half and bfloat convert by way of float",
			`kernel void k(device bfloat *o [[buffer(0)]], device const half *h [[buffer(1)]]) { o[0] = bfloat(h[0]); }`,
			"is not allowed",
			`kernel void k(device bfloat *o [[buffer(0)]], device const half *h [[buffer(1)]]) { o[0] = bfloat(float(h[0])); }`,
		},
		{
			"group memory is declared, not passed",
			`kernel void k(device float *o [[buffer(0)]], threadgroup float *s [[threadgroup(0)]]) { s[0] = 1.0f; o[0] = s[0]; }`,
			"no [[threadgroup]] parameters",
			`kernel void k(device float *o [[buffer(0)]]) { threadgroup float s[1]; s[0] = 1.0f; o[0] = s[0]; }`,
		},
		{
			"thread is a word of Metal",
			`kernel void k(device float *o [[buffer(0)]], uint thread [[thread_index_in_threadgroup]]) { o[thread] = 1.0f; }`,
			"",
			`kernel void k(device float *o [[buffer(0)]], uint lid [[thread_index_in_threadgroup]]) { o[lid] = 1.0f; }`,
		},
	} {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			_, err := compile(t, r.bad, false)
			require.ErrorContains(t, err, r.want)
			_, err = compile(t, r.good, true)
			require.NoError(t, err)
		})
	}
}

func TestCompileError(t *testing.T) {
	_, err := compile(t, "kernel void k(device float *o [[buffer(0)]]) {\n  o[0] = nope;\n  o[1] = never;\n}", false)
	require.EqualError(t, err, "test.metal:4: use of undeclared identifier 'nope'\n    o[0] = nope;\nand 1 more error")
	_, err = compile(t, "kernel void k(device float *o [[buffer(0)]]) {\n  o[0] = simd_sum(o);\n}", false)
	require.ErrorContains(t, err, "test.metal:4: ")
	require.ErrorContains(t, err, "\n    o[0] = simd_sum(o);", "an error within the library is told of the line that calls it")
}

// TestOddSources: whatever a source is, the process lives.
func TestOddSources(t *testing.T) {
	for name, text := range map[string]string{
		"nothing":                  "",
		"no kernels":               "constant float x = 1.0f;",
		"zero byte":                "kernel void k(device float* o [[buffer(0)]]) { o[0] = 1.0f; }\x00",
		"binary":                   "\x7fELF\x02\x01\x01\xff\xfe",
		"open comment":             "/* kernel void k(",
		"open kernel":              "kernel void k(device float* o [[buffer(0)]]",
		"open string":              "kernel void k(device float* o [[buffer(0)]]) { \" }",
		"an annotation of clang":   "__attribute__((constructor)) void f() {}",
		"a function of the runner": "kernel void k(device float* o [[buffer(0)]]) { msl_tg_barrier(3, 1); }",
		"a builtin":                "kernel void k(device float* o [[buffer(0)]]) { __builtin_trap(); }",
		"the same kernel twice":    "kernel void k(device float* o [[buffer(0)]]) {} kernel void k(device float* o [[buffer(0)]]) {}",
		"a line of its own":        "#line 7 \"/etc/passwd\"\nkernel void k(device float* o [[buffer(0)]]) { nope; }",
		"huge index":               "kernel void k(device float* o [[buffer(99999999999999999999)]]) {}",
		"a kernel called by one":   "kernel void a(device float* o [[buffer(0)]]) { o[0] = 1.0f; } kernel void b(device float* o [[buffer(0)]]) { b(o); }",
		"a private array too big":  "kernel void k(device float* o [[buffer(0)]], uint i [[thread_position_in_grid]]) { float a[100000]; for (uint j = 0; j < 100000u; j++) a[j] = o[j]; o[0] = a[i]; }",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, err := compile(t, "#include <metal_stdlib>\n"+text, true)
			switch name {
			case "nothing", "no kernels":
				require.NoError(t, err)
				require.Empty(t, m.Kernels())
			default:
				require.Error(t, err)
			}
		})
	}
}

func TestLayout(t *testing.T) {
	types := irTypes{"%struct.s": "{ half, [3 x i8], <3 x float> }", `%"struct.a b"`: "<{ i8, i32 }>"}
	for text, want := range map[string]layout{
		"float %1":                      {4, 4, 4},
		"i1 %1":                         {1, 1, 1},
		"i64 %1":                        {8, 8, 8},
		"<3 x float> %1":                {12, 16, 16},
		"<2 x half> %1":                 {4, 4, 4},
		"[12288 x i8] undef":            {12288, 12288, 1},
		"[4 x <4 x float>] undef":       {64, 64, 16},
		"ptr addrspace(3) %1":           {8, 8, 8},
		"%struct.s undef":               {32, 32, 16},
		`%"struct.a b" undef`:           {5, 5, 1},
		"{ i8, { i32, i8 }, i8 } undef": {16, 16, 4},
		"[2 x [3 x %struct.s]] undef":   {192, 192, 16},
	} {
		l, rest, err := types.read(text)
		require.NoError(t, err, text)
		require.Equal(t, want, l, text)
		require.Contains(t, []string{" %1", " undef"}, rest, text)
	}
	for _, text := range []string{"", "x86_fp80 %1", "%unknown", "[3 y i8]", "<4 x "} {
		_, _, err := types.read(text)
		require.Error(t, err, text)
	}
}
