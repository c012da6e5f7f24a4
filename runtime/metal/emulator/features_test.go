package emulator

import (
	"math"
	"testing"
)

func TestFeatures(t *testing.T) {
	for _, f := range []feature{
		{
			name: "vector conversions and functions",
			text: `kernel void k(device float *o [[buffer(0)]], uint i [[thread_position_in_grid]]) {
				half4 h = half4(half(i), half(2.0f), half2(3.0h));
				bfloat4 b = bfloat4(float4(h));
				int4 n = abs(int4(float4(b)) - 4);
				float4 f = fma(float4(n), float4(1.0f), max(float4(h), float4(1.5f))) + exp2(float4(float2(0.0f), 1.0f, 2.0f));
				o[i] = dot(f, float4(1.0f, 10.0f, 100.0f, 1000.0f));
			}`,
			want: func(i int) float64 {
				return math.Abs(float64(i)-4) + max(float64(i), 1.5) + 1 + 10*(2+2+1) + 100*(1+3+2) + 1000*(1+3+4)
			},
		},
		{
			name: "tables in constant memory",
			text: `struct pair { float a; float b; };
			constant pair pairs[2] = {{1.0f, 2.0f}, {3.0f, 4.0f}};
			constant char bytes[4] = {-1, -2, -3, -4};
			static float sum(constant const pair &p) { return p.a + p.b; }
			kernel void k(device float *o [[buffer(0)]], uint i [[thread_position_in_grid]]) {
				o[i] = sum(pairs[i & 1u]) * float(bytes[i & 3u]);
			}`,
			want: func(i int) float64 { return float64(3+4*(i&1)) * -float64(1+(i&3)) },
		},
		{
			name: "group memory of bytes, cast at offsets, through templated structs",
			text: `template <int N, typename T> struct rows {
				static void put(threadgroup uchar* m, int at, T v) { ((threadgroup T*)m)[at] = v; }
				static METAL_FUNC float sum(const threadgroup uchar* m, thread float& extra) {
					float total = extra;
					#pragma unroll
					for (int i = 0; i < N; i++) total += float(((const threadgroup T*)m)[i]);
					extra = 0.0f;
					return total;
				}
			};
			template <int N> void copy(device float* o, threadgroup const float* from, uint i) { o[i] = from[i] + float(N); }
			[[max_total_threads_per_threadgroup(64)]] kernel void k(device float *o [[buffer(0)]], uint i [[thread_index_in_threadgroup]],
					uint3 at [[threadgroup_position_in_grid]]) {
				alignas(16) threadgroup uchar memory[12288];
				threadgroup float* const f = (threadgroup float*)(memory + 640);
				rows<64, half>::put(memory, int(i), half(i));
				threadgroup_barrier(mem_flags::mem_threadgroup);
				float extra = 1.0f;
				f[i] = rows<64, half>::sum(memory, extra) + extra + float(at.x + at.y);
				threadgroup_barrier(mem_flags::mem_threadgroup);
				copy<5>(o, f, i);
			}`,
			want: func(int) float64 { return 63*32 + 1 + 5 },
		},
		{
			name: "group memory of vectors",
			text: `kernel void k(device float *o [[buffer(0)]], uint i [[thread_index_in_threadgroup]]) {
				threadgroup float4 memory[32];
				threadgroup float* const f = (threadgroup float*)memory + 64;
				f[i] = float(i);
				threadgroup_barrier(mem_flags::mem_threadgroup);
				o[i] = memory[16u + (63u - i) / 4u][(63u - i) % 4u];
			}`,
			want: func(i int) float64 { return float64(63 - i) },
		},
		{
			name: "atomics",
			text: `kernel void k(device float *o [[buffer(0)]], uint i [[thread_index_in_threadgroup]]) {
				threadgroup atomic_uint sum;
				if (i == 0u) { atomic_store_explicit(&sum, 0u, memory_order_relaxed); }
				threadgroup_barrier(mem_flags::mem_threadgroup);
				atomic_fetch_add_explicit(&sum, i, memory_order_relaxed);
				threadgroup_barrier(mem_flags::mem_threadgroup);
				o[i] = float(atomic_load_explicit(&sum, memory_order_relaxed));
			}`,
			want: func(int) float64 { return 63 * 64 / 2 },
		},
		{
			name: "atomic buffer",
			text: `kernel void k(device atomic_float *o [[buffer(0)]], uint i [[thread_index_in_threadgroup]]) {
				atomic_fetch_add_explicit(&o[i & 1u], 1.0f, memory_order_relaxed);
			}`,
			want: func(i int) float64 {
				if i < 2 {
					return 32
				}
				return 0
			},
		},
		{
			name: "simdgroup functions",
			text: `kernel void k(device float *o [[buffer(0)]], uint i [[thread_index_in_threadgroup]], ushort lane [[thread_index_in_simdgroup]]) {
				float s = simd_prefix_exclusive_sum(1.0f) + simd_max(float(lane)) + simd_shuffle_xor(float(lane), 1);
				float4 v = simd_sum(float4(1.0f, float(lane), 0.0f, 2.0f));
				s += v.x + v.y + v.w + simd_shuffle_down(float(lane), 1) + simd_shuffle(float(lane), 7);
				o[i] = simd_any(lane == 3) && !simd_all(lane == 3) ? s + simd_broadcast(float(i), 31) : 0.0f;
			}`,
			want: func(i int) float64 {
				lane := i % 32
				return float64(lane + 31 + (lane ^ 1) + i - lane + 31 + 32 + 31*16 + 64 + min(lane+1, 31) + 7)
			},
		},
		{
			name: "a simdgroup that is not full", threads: 40,
			text: `kernel void k(device float *o [[buffer(0)]], uint i [[thread_index_in_threadgroup]]) { o[i] = simd_sum(1.0f) + simd_min(float(i)); }`,
			want: func(i int) float64 {
				switch {
				case i < 32:
					return 32
				case i < 40:
					return 8 + 32
				}
				return 0
			},
		},
		{
			name: "simdgroup matrices of bfloat, transposed, by way of group memory",
			text: `kernel void k(device float *o [[buffer(0)]], uint i [[thread_index_in_threadgroup]]) {
				threadgroup bfloat a[64];
				threadgroup float c[64];
				a[i] = bfloat(float(i));
				threadgroup_barrier(mem_flags::mem_threadgroup);
				simdgroup_matrix<bfloat, 8, 8> x, one;
				simdgroup_load(x, a, 8, 0, true);
				one = make_filled_simdgroup_matrix<bfloat, 8, 8>(bfloat(0.0f));
				simdgroup_float8x8 y;
				simdgroup_multiply(y, x, one);
				simdgroup_bfloat8x8 z;
				simdgroup_multiply_accumulate(z, one, one, x);
				if (i < 32u) simdgroup_store(y, c, 8);
				threadgroup_barrier(mem_flags::mem_threadgroup);
				o[i] = c[i];
				threadgroup_barrier(mem_flags::mem_device);
				threadgroup bfloat b[64];
				if (i < 32u) simdgroup_store(z, b, 8);
				threadgroup_barrier(mem_flags::mem_threadgroup);
				o[i] += float(b[i]);
			}`,
			want: func(i int) float64 { return float64(i%8*8 + i/8) },
		},
		{
			name: "bits",
			text: `kernel void k(device float *o [[buffer(0)]], uint i [[thread_index_in_threadgroup]]) {
				const uint v = 0xdeadbeefu;
				uint s = extract_bits(v, 8u, 8u) + popcount(v) + clz(v >> 4) + ctz(v << 3) + popcount(uchar(255));
				s += uint(extract_bits(int(0xf0), 4u, 4u) + 1) + (insert_bits(0u, 3u, 2u, 2u)) + uint(rotate(uint(0x80000001), 1u));
				o[i] = float(s + as_type<uint>(1.0f) / 0x3f800000u + uint(as_type<ushort>(half(1.0f)) == 0x3c00));
			}`,
			want: func(int) float64 { return 0xbe + 24 + 4 + 3 + 8 + 0 + 12 + 3 + 1 + 1 },
		},
		{
			name: "packed vectors",
			text: `struct point { packed_float3 at; float w; packed_half2 h; };
			static_assert(sizeof(point) == 20, "layout");
			kernel void k(device float *o [[buffer(0)]], uint i [[thread_index_in_threadgroup]]) {
				threadgroup point p[64];
				p[i].at = float3(1.0f, 2.0f, float(i));
				p[i].w = 4.0f;
				p[i].h = half2(1.0h, 2.0h);
				float3 v = p[i].at;
				o[i] = v.z + v.x + p[i].at.y + p[i].w + float(p[i].h.y);
			}`,
			want: func(i int) float64 { return float64(i) + 1 + 2 + 4 + 2 },
		},
		{
			name: "IEEE: infinities and NaN",
			text: `kernel void k(device float *o [[buffer(0)]], uint i [[thread_index_in_threadgroup]]) {
				const float zero = float(i) * 0.0f;
				const float inf = 1.0f / zero, nan = inf - inf;
				const float r = float(isinf(inf)) + 2.0f * float(isnan(nan)) + 4.0f * float(nan != nan) + 8.0f * float(max(nan, 1.0f) == 1.0f)
					+ 16.0f * float(precise::exp(-inf) == 0.0f) + 32.0f * float(1.0f / (-inf) == 0.0f) + 64.0f * float(half(70000.0f) == half(INFINITY))
					+ 128.0f * float((1.0f + 1e-8f) - 1.0f == 0.0f) + 256.0f * float(!isfinite(nan) && isfinite(zero));
				o[i] = r;
			}`,
			want: func(int) float64 { return 511 },
		},
		{
			name: "kernels named as C functions are",
			text: `kernel void exp2(device float *o [[buffer(0)]]) { o[0] = metal::exp2(3.0f); }
			kernel void k(device float *o [[buffer(0)]], uint i [[thread_index_in_threadgroup]]) { o[i] = metal::exp2(float(i % 4u)); }`,
			want: func(i int) float64 { return float64(int(1) << (i % 4)) },
		},
	} {
		t.Run(f.name, f.run)
	}
}
