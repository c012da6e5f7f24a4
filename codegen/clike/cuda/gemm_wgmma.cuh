// What Hopper multiplies with: wgmma, by a group of four warps. Weights are in registers, 16 rows a warp; B, COLS columns of 16
// elements, is in group memory. PTX ISA, "Asynchronous warpgroup level matrix instructions".

#ifdef __CUDA_ARCH_FEAT_SM90_ALL
namespace gemm {

// The descriptor of a matrix whose columns are 128 bytes of group memory, in the 128-byte swizzle: eight columns are 1024 bytes.
__device__ __forceinline__ unsigned long long describe(unsigned at) {
  return 1ull << 62 | 64ull << 32 | 1ull << 16 | (at >> 4 & 0x3fff);
}

__device__ __forceinline__ void wgmma_begin() { asm volatile("wgmma.fence.sync.aligned;" ::: "memory"); }
__device__ __forceinline__ void wgmma_commit() { asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory"); }
template <int PENDING>
__device__ __forceinline__ void wgmma_wait() {
  asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(PENDING) : "memory");
}

// Wgmma<BRAIN, COLS>::add adds to d, 64 rows and COLS columns, the products of a step of 16 elements. Its spellings follow, for the widths
// that kernels use (gemm.go).
template <bool BRAIN, int COLS>
struct Wgmma;

// A warpgroup takes registers that others have given back. All of a warpgroup's warps do.
template <int N>
__device__ __forceinline__ void take_registers() {
  asm volatile("setmaxnreg.inc.sync.aligned.u32 %0;" ::"n"(N));
}
template <int N>
__device__ __forceinline__ void give_registers() {
  asm volatile("setmaxnreg.dec.sync.aligned.u32 %0;" ::"n"(N));
}

}  // namespace gemm
#endif
