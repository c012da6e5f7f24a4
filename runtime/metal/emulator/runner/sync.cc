#include "run.h"

// Stamps count what orders memory: stamp(0) of device memory, stamp(1) of group memory.
static void pass_barrier(u32 flags) {
  if (flags & kMemDevice) R->stamp[0]++;
  if (flags & kMemThreadgroup) R->stamp[1]++;
}

static void release_group(u32 flags) {
  R->arrived = 0;
  pass_barrier(flags);
  for (u32 i = 0; i < R->d->threads; i++) {
    if (R->fibers[i].state == kAtBarrier) enqueue(i);
  }
}

// The last to arrive goes on at once, unless the order is random.
static void go_on() {
  if (!R->rng) return;
  enqueue(R->cur);
  to_main();
}

extern "C" void msl_tg_barrier(u32 flags, int line) {
  Fiber &f = R->fibers[R->cur];
  if (R->arrived && R->line != line) {
    fail(kDivergent, kOtherBarrier, line).other_line = R->line;
    die();
  }
  if (R->live != R->d->threads) {
    fail(kDivergent, kBarrierAfterExit, line);
    die();
  }
  R->line = f.line = line;
  if (++R->arrived == R->live) {
    release_group(flags);
    go_on();
    return;
  }
  f.state = kAtBarrier;
  to_main();
}

// Kinds of simdgroup operations: a barrier, a product of matrices, or an exchange of so many bytes.
enum { kKindBarrier = 1, kKindMultiply, kKindExchange };

// What each lane has of the matrices: two neighbours of one row of each. metal_stdlib's lane_row and lane_column say which.
struct Multiply {
  float a[2], b[2], c[2], d[2];
};

static void multiply(Multiply *lanes) {
  float a[8][8], b[8][8], c[8][8];
  for (u32 l = 0; l < kLanes; l++) {
    u32 row = ((l >> 2) & 4) + ((l >> 1) & 3), column = ((l >> 2) & 2) * 2 + (l & 1) * 2;
    memcpy(&a[row][column], lanes[l].a, 8);
    memcpy(&b[row][column], lanes[l].b, 8);
    memcpy(&c[row][column], lanes[l].c, 8);
  }
  for (u32 r = 0; r < 8; r++) {
    for (u32 i = 0; i < 8; i++) {
      for (u32 k = 0; k < 8; k++) c[r][k] = __builtin_fmaf(a[r][i], b[i][k], c[r][k]);
    }
  }
  for (u32 l = 0; l < kLanes; l++) {
    u32 row = ((l >> 2) & 4) + ((l >> 1) & 3), column = ((l >> 2) & 2) * 2 + (l & 1) * 2;
    memcpy(lanes[l].d, &c[row][column], 8);
  }
}

static void release_simdgroup(Simdgroup *s) {
  if (s->kind == kKindMultiply) multiply((Multiply *)s->slots[s->gen & 1]);
  s->arrived = 0;
  s->gen++;
  s->mask = s->next_mask;
  s->next_mask = 0;
  u32 first = (u32)(s - R->simdgroups) * kLanes;
  for (u32 i = first; i < first + kLanes && i < R->d->threads; i++) {
    if (R->fibers[i].state == kAtOperation) enqueue(i);
  }
}

static void simdgroup_sync(Simdgroup *s, int kind, int line) {
  Fiber &f = R->fibers[R->cur];
  if (s->arrived && (s->line != line || s->kind != kind)) {
    fail(kDivergent, kOtherOperation, line).other_line = s->line;
    die();
  }
  if (s->live != s->size) {
    fail(kDivergent, kOperationAfterExit, line);
    die();
  }
  s->line = f.line = line;
  s->kind = kind;
  s->next_mask |= 1u << (R->cur % kLanes);
  if (++s->arrived == s->live) {
    release_simdgroup(s);
    go_on();
    return;
  }
  f.state = kAtOperation;
  to_main();
}

extern "C" void msl_sg_barrier(u32 flags, int line) {
  Simdgroup *s = &R->simdgroups[R->cur / kLanes];
  simdgroup_sync(s, kKindBarrier, line);
  if (flags & kMemDevice) s->barrier[0] = s->gen;
  if (flags & kMemThreadgroup) s->barrier[1] = s->gen;
}

// For operations that Metal runs as one, and that need no other lane here: only the checks want all of them at once.
extern "C" void msl_sg_meet(int line) {
  R->fibers[R->cur].line = line;
  if (R->d->checked) simdgroup_sync(&R->simdgroups[R->cur / kLanes], kKindBarrier, line);
}

extern "C" const void *msl_simd_xchg(const void *v, u32 size, u32 *active, int line) {
  Simdgroup *s = &R->simdgroups[R->cur / kLanes];
  unsigned char *slots = s->slots[s->gen & 1];
  memcpy(slots + R->cur % kLanes * size, v, size);
  simdgroup_sync(s, kKindExchange + (int)size, line);
  *active = s->mask;
  return slots;
}

extern "C" void msl_simd_multiply(Multiply *m, int line) {
  Simdgroup *s = &R->simdgroups[R->cur / kLanes];
  if (s->size != kLanes) {
    fail(kDivergent, kInactiveMatrix, line);
    die();
  }
  Multiply *slot = (Multiply *)s->slots[s->gen & 1] + R->cur % kLanes;
  *slot = *m;
  simdgroup_sync(s, kKindMultiply, line);
  *m = *slot;
}

extern "C" u32 msl_lane() { return R->cur % kLanes; }

extern "C" void msl_inactive_lane(int line) {
  fail(kDivergent, kInactiveLane, line);
  die();
}

// A thread has returned from the kernel.
static void leave() {
  R->fibers[R->cur].state = kDone;
  R->live--;
  Simdgroup *s = &R->simdgroups[R->cur / kLanes];
  s->live--;
  if (R->arrived) fail(kDivergent, kExitBeforeBarrier, R->line);
  if (s->arrived) fail(kDivergent, kExitBeforeOperation, s->line);
}
