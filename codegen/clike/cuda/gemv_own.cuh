// What the threads of a group have of a vector in registers: eights, of which a unit has four, that fall to neighbors. An eight has four
// elements of both halves of its unit.

namespace gemv {

template <int K, int THREADS>
struct Own {
  static_assert(K % 32 == 0, "units are whole");
  static constexpr int TURNS = (K / 8 + THREADS - 1) / THREADS, COUNT = 8 * TURNS;
  static constexpr bool WHOLE = K / 8 % THREADS == 0;
  float v[TURNS][8];

  // unit and quarter tell which eight of the vector is the nth, at where it begins.
  DEVICE int unit(int n) { return (n * THREADS + threadIdx.x) / 4; }
  DEVICE int quarter(int n) { return threadIdx.x % 4; }
  DEVICE int at(int n) { return unit(n) * 32 + quarter(n) * 4; }

  // has reports that the vector has element i of these.
  DEVICE bool has(int i) { return WHOLE || i / 8 * THREADS + (int)threadIdx.x < K / 8; }
  __device__ __forceinline__ float& operator[](int i) { return v[i / 8][i % 8]; }

  // load takes a buffer in global memory, where all begin at multiples of 256 bytes. The loads stay where they are, also before a wait:
  // the compiler moves others to their use.
  __device__ __forceinline__ void load(const float* p) {
#pragma unroll
    for (int n = 0; n < TURNS; n++) {
      if (has(8 * n)) {
        load_four(v[n], p + at(n));
        load_four(v[n] + 4, p + at(n) + 16);
      } else {
        clear(v[n]);
      }
    }
  }
  DEVICE void load_four(float* to, const float* p) {
    asm volatile("ld.global.v4.f32 {%0, %1, %2, %3}, [%4];" : "=f"(to[0]), "=f"(to[1]), "=f"(to[2]), "=f"(to[3]) : "l"(p) : "memory");
  }

  // take takes a vector wherever it lies.
  __device__ __forceinline__ void take(const float* p) {
#pragma unroll
    for (int n = 0; n < TURNS; n++) {
      const float* x = p + at(n);
      if (!has(8 * n)) {
        clear(v[n]);
      } else if (((unsigned long long)x & 15) == 0) {
        const float4 a = *(const float4*)x, b = *(const float4*)(x + 16);
        v[n][0] = a.x, v[n][1] = a.y, v[n][2] = a.z, v[n][3] = a.w, v[n][4] = b.x, v[n][5] = b.y, v[n][6] = b.z, v[n][7] = b.w;
      } else {
#pragma unroll
        for (int j = 0; j < 8; j++) v[n][j] = x[j / 4 * 16 + j % 4];
      }
    }
  }
  DEVICE void clear(float (&v)[8]) {
#pragma unroll
    for (int j = 0; j < 8; j++) v[j] = 0.0f;
  }
};

}  // namespace gemv
