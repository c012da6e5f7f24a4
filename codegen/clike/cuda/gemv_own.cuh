// What the threads of a group have of a vector in registers: fours, of which a unit has eight, that fall to neighbors. So what a warp loads
// at once lies together: all groups want the same vector at the same time, and each line of it is asked for once by each.

namespace gemv {

template <int K, int THREADS>
struct Own {
  static_assert(K % 32 == 0, "units are whole");
  static constexpr int TURNS = (K / 4 + THREADS - 1) / THREADS, COUNT = 4 * TURNS;
  static constexpr bool WHOLE = K / 4 % THREADS == 0;
  float v[TURNS][4];

  // at is where the nth four begins, in a unit; of its eight, those of lane t of four are t in the first half and 4+t in the second.
  DEVICE int at(int n) { return 4 * (n * THREADS + threadIdx.x); }
  DEVICE int unit(int n) { return at(n) / 32; }
  DEVICE int half() { return threadIdx.x % 8 / 4; }
  DEVICE int quarter() { return threadIdx.x % 4; }

  // has reports that the vector has element i of these.
  DEVICE bool has(int i) { return WHOLE || at(i / 4) < K; }
  __device__ __forceinline__ float& operator[](int i) { return v[i / 4][i % 4]; }

  // load takes a buffer in global memory, where all begin at multiples of 256 bytes. The loads stay where they are, also before a wait:
  // the compiler moves others to their use.
  __device__ __forceinline__ void load(const float* p) {
#pragma unroll
    for (int n = 0; n < TURNS; n++) {
      float(&to)[4] = v[n];
      if (has(4 * n)) {
        asm volatile("ld.global.v4.f32 {%0, %1, %2, %3}, [%4];" : "=f"(to[0]), "=f"(to[1]), "=f"(to[2]), "=f"(to[3]) : "l"(p + at(n)) : "memory");
      } else {
        clear(to);
      }
    }
  }

  // take takes a vector wherever it lies.
  __device__ __forceinline__ void take(const float* p) {
#pragma unroll
    for (int n = 0; n < TURNS; n++) {
      const float* x = p + at(n);
      if (!has(4 * n)) {
        clear(v[n]);
      } else if (((unsigned long long)x & 15) == 0) {
        const float4 a = *(const float4*)x;
        v[n][0] = a.x, v[n][1] = a.y, v[n][2] = a.z, v[n][3] = a.w;
      } else {
#pragma unroll
        for (int j = 0; j < 4; j++) v[n][j] = x[j];
      }
    }
  }
  DEVICE void clear(float (&v)[4]) { v[0] = v[1] = v[2] = v[3] = 0.0f; }
};

}  // namespace gemv
