#include <metal_stdlib>
using namespace metal;

constant constexpr uint TS = 16;

// C[M,N] = A[M,K] * B[K,N]; 16x16 threads, threadgroup memory tiles
kernel void matmul_f32(
    device const float *A [[buffer(0)]],
    device const float *B [[buffer(1)]],
    device float       *C [[buffer(2)]],
    constant uint3   &dim [[buffer(3)]],
    uint group [[threadgroup_position_in_grid]],
    uint index [[thread_index_in_threadgroup]])
{
    const uint2 tg = uint2(group % ((dim.y + TS - 1) / TS), group / ((dim.y + TS - 1) / TS));
    const uint2 lid = uint2(index % TS, index / TS);
    threadgroup float As[TS][TS];
    threadgroup float Bs[TS][TS];
    const uint M = dim.x, N = dim.y, K = dim.z;
    const uint row = tg.y * TS + lid.y;
    const uint col = tg.x * TS + lid.x;
    float acc = 0.0f;
    for (uint k0 = 0; k0 < K; k0 += TS) {
        As[lid.y][lid.x] = (row < M && k0 + lid.x < K) ? A[row * K + k0 + lid.x] : 0.0f;
        Bs[lid.y][lid.x] = (col < N && k0 + lid.y < K) ? B[(k0 + lid.y) * N + col] : 0.0f;
        threadgroup_barrier(mem_flags::mem_threadgroup);
        for (uint k = 0; k < TS; k++) {
            acc = fma(As[lid.y][k], Bs[k][lid.x], acc);
        }
        threadgroup_barrier(mem_flags::mem_threadgroup);
    }
    if (row < M && col < N) {
        C[row * N + col] = acc;
    }
}

// simdgroup_matrix: one simdgroup per 8x8 tile of C; M,N,K multiples of 8; half inputs
kernel void matmul_sg_f16(
    device const half *A  [[buffer(0)]],
    device const half *B  [[buffer(1)]],
    device float      *C  [[buffer(2)]],
    constant uint3  &dim  [[buffer(3)]],
    uint3 group [[threadgroup_position_in_grid]])
{
    const uint2 tg = uint2(group.x % (dim.y / 8), group.x / (dim.y / 8));
    const uint N = dim.y, K = dim.z;
    simdgroup_float8x8 acc = make_filled_simdgroup_matrix<float, 8, 8>(0.0f);
    for (uint k = 0; k < K; k += 8) {
        simdgroup_half8x8 a, b;
        simdgroup_load(a, A + tg.y * 8 * K + k, K);
        simdgroup_load(b, B + k * N + tg.x * 8, N);
        simdgroup_multiply_accumulate(acc, a, b, acc);
    }
    simdgroup_store(acc, C + tg.y * 8 * N + tg.x * 8, N);
}
