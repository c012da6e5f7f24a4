// Matrices of 8 by 8 elements and the edges of what they are parts of.

namespace matrices {

static constexpr constant int SCRATCH = 256;  // bytes of group memory that a team has for a matrix

// load is the elements at p, of which so many rows and columns are there and zeros stand for the others: whole matrices right from
// where they lie, others by way of the team's scratch. ACROSS: rows become columns.
template <bool ACROSS, class T, class P>
inline void load(thread simdgroup_matrix<T, 8, 8>& m, P p, int stride, int rows, int cols, threadgroup uchar* memory, int lane) {
  if (rows >= 8 && cols >= 8) {
    simdgroup_load(m, p, ulong(stride), ulong2(0), ACROSS);
    return;
  }
  threadgroup T* const scratch = (threadgroup T*)memory;
  for (int i = lane; i < 64; i += 32) {
    scratch[i] = i / 8 < rows && i % 8 < cols ? p[i / 8 * stride + i % 8] : T(0.0f);
  }
  simdgroup_barrier(mem_flags::mem_threadgroup);
  simdgroup_load(m, scratch, 8ul, ulong2(0), ACROSS);
  simdgroup_barrier(mem_flags::mem_threadgroup);
}

// store is the same the other way: what is past the rows and columns stays as it is.
template <bool ACROSS>
inline void store(simdgroup_matrix<float, 8, 8> m, threadgroup float* p, int stride, int rows, int cols, threadgroup uchar* memory,
                  int lane) {
  if (rows >= 8 && cols >= 8) {
    simdgroup_store(m, p, ulong(stride), ulong2(0), ACROSS);
    return;
  }
  threadgroup float* const scratch = (threadgroup float*)memory;
  simdgroup_store(m, scratch, 8ul, ulong2(0), ACROSS);
  simdgroup_barrier(mem_flags::mem_threadgroup);
  for (int i = lane; i < 64; i += 32) {
    if (i / 8 < rows && i % 8 < cols) p[i / 8 * stride + i % 8] = scratch[i];
  }
  simdgroup_barrier(mem_flags::mem_threadgroup);
}

}  // namespace matrices
