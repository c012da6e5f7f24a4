#include "run.h"

// Saves the callee-saved registers on the stack and swaps stacks (x86-64 System V).
extern "C" void msl_switch(void **save_sp, void *load_sp);
asm(R"(
.text
.globl msl_switch
.type msl_switch,@function
msl_switch:
  pushq %rbp; pushq %rbx; pushq %r12; pushq %r13; pushq %r14; pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15; popq %r14; popq %r13; popq %r12; popq %rbx; popq %rbp
  ret
.size msl_switch,.-msl_switch
)");

static u32 random32() {
  R->rng ^= R->rng << 13;
  R->rng ^= R->rng >> 7;
  R->rng ^= R->rng << 17;
  return (u32)(R->rng >> 11);
}

// Records the first failure. The caller must not return to the kernel: see die.
static Fault &fail(u32 kind, u32 code, u32 line) {
  static thread_local Fault ignored;
  if (R->failed) return ignored;
  R->failed = true;
  *R->fault = Fault{};
  R->fault->kind = kind;
  R->fault->code = code;
  R->fault->line = line;
  R->fault->group = R->group;
  R->fault->thread = R->cur;
  R->fault->memory = -1;
  return *R->fault;
}

static void to_main() { msl_switch(&R->fibers[R->cur].sp, R->main_sp); }

// Abandons the current fiber. Its stack is set up afresh before it is used again.
[[noreturn]] static void die() {
  for (;;) to_main();
}

static void enqueue(u32 i) {
  R->fibers[i].state = kRunnable;
  R->queue[(R->head + R->queued++) % kMaxThreads] = i;
}

static u32 dequeue() {
  if (R->rng) {
    u32 k = (R->head + random32() % R->queued) % kMaxThreads;
    u32 t = R->queue[k];
    R->queue[k] = R->queue[R->head];
    R->queue[R->head] = t;
  }
  u32 i = R->queue[R->head];
  R->head = (R->head + 1) % kMaxThreads;
  R->queued--;
  return i;
}

// Sets up stack i so that msl_switch can load it: registers, the entry point, a return address of 0.
static void prepare(u32 i, void (*entry)()) {
  u64 *p = (u64 *)(R->stacks + (u64)(i + 1) * kStack - 64);
  *--p = 0;
  *--p = (u64)(void *)entry;
  for (int k = 0; k < 6; k++) *--p = 0;
  R->fibers[i].sp = p;
}

// Stacks cost memory as they are touched. A kernel that needs more than one ends the process at its guard.
static bool reserve_stacks(u32 n) {
  if (R->nstacks >= n) return true;
  if (R->stacks) munmap(R->stacks, (u64)R->nstacks * kStack);
  R->stacks = nullptr;
  R->nstacks = 0;
  void *m = mmap(nullptr, (u64)n * kStack, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (m == MAP_FAILED) return false;
  R->stacks = (char *)m;
  for (u32 i = 0; i < n; i++) mprotect(R->stacks + (u64)i * kStack, kGuard, PROT_NONE);
  for (u32 i = 0; i < kMaxThreads; i++) R->fibers[i].state = kFresh;
  R->nstacks = n;
  return true;
}
