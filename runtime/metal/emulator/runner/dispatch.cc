#include "run.h"

static void begin_group(u32 group) {
  const Dispatch &d = *R->d;
  R->group = group;
  R->live = d.threads;
  R->arrived = 0;
  R->cur = 0;
  // Poison: NaN as a number, far out of bounds as an index.
  memset(msl_group_memory, 0xFF, d.group_memory);
  for (u32 i = 0; i < d.threads; i++) R->places[i].group = group;
  if (d.checked) {
    for (u32 k = 0; k < 2; k++) R->group_stamp[k] = ++R->stamp[k];
    memset(R->written, 0, d.group_memory);
    R->group_stamps[R->ngroups] = R->stamp[0];
    R->group_numbers[R->ngroups++] = group;
  }
}

// Runs the threads of a group that never wait, one after another, in the order of the queue.
static void run_through() {
  for (;;) {
    while (R->queued) {
      R->cur = dequeue();
      R->d->fn(R->buffers, &R->places[R->cur]);
    }
    R->cur = 0;  // whose stack this is
    to_main();
  }
}

// Runs one thread of each group, for ever.
static void run_thread() {
  for (;;) {
    R->d->fn(R->buffers, &R->places[R->cur]);
    leave();
    to_main();
  }
}

static void run_group() {
  const Dispatch &d = *R->d;
  R->head = R->queued = 0;
  if (!d.sync) {
    for (u32 i = 0; i < d.threads; i++) R->queue[i] = i;
    R->queued = d.threads;
    if (R->fibers[0].state == kFresh) prepare(0, run_through);
    R->fibers[0].state = kRunnable;
    msl_switch(&R->main_sp, R->fibers[0].sp);
    return;
  }
  for (u32 i = 0; i < (d.threads + kLanes - 1) / kLanes; i++) {
    Simdgroup &s = R->simdgroups[i];
    s.live = s.size = d.threads - i * kLanes < kLanes ? d.threads - i * kLanes : kLanes;
    s.arrived = 0;
    s.next_mask = 0;
  }
  for (u32 i = 0; i < d.threads; i++) {
    if (R->fibers[i].state == kFresh) prepare(i, run_thread);
    enqueue(i);
  }
  while (R->queued) {
    R->cur = dequeue();
    msl_switch(&R->main_sp, R->fibers[R->cur].sp);
    if (R->failed) return;
  }
  if (!R->live) return;
  u32 i = 0;
  while (R->fibers[i].state == kDone) i++;
  R->cur = i;
  fail(kDivergent, R->fibers[i].state == kAtBarrier ? kStuckAtBarrier : kStuckAtOperation, R->fibers[i].line);
}

static void forget_stacks() {
  for (Fiber &f : R->fibers) f.state = kFresh;
}

static bool begin_checks() {
  const Dispatch &d = *R->d;
  if (R->device.used > kKeepPages || R->stamp[0] > kLastStamp || R->stamp[1] > kLastStamp) {
    drop_pages();
    R->stamp[0] = R->stamp[1] = 0;
  }
  for (u32 k = 0; k < 2; k++) R->dispatch_stamp[k] = R->stamp[k] + 1;
  R->ngroups = 0;
  R->group_stamps = (u32 *)malloc(d.groups * sizeof(u32));
  R->group_numbers = (u32 *)malloc(d.groups * sizeof(u32));
  for (u32 i = 0; i < d.memories; i++) {
    // A group variable begins at an address that leaves room below it, as a buffer does.
    u64 begin = d.memory[i].kind == kGroup ? 1ull << 40 : (u64)d.memory[i].mem;
    R->bases[i] = (u64)(i + 1) << kTagShift | begin;
  }
  return R->group_stamps && R->group_numbers;
}

// The order of the groups, or null for the natural one.
static u32 *shuffle(u32 n) {
  u32 *order = (u32 *)malloc(n * sizeof(u32));
  for (u32 i = 0; order && i < n; i++) {
    u32 k = random32() % (i + 1);
    order[i] = order[k];
    order[k] = i;
  }
  return order;
}

static void run_groups(const u32 *order) {
  const Dispatch &d = *R->d;
  while (!R->failed && !__atomic_load_n(d.stop, __ATOMIC_RELAXED)) {
    u32 i = __atomic_fetch_add(d.next, 1, __ATOMIC_RELAXED);
    if (i >= d.groups) return;
    begin_group(order ? order[i] : i);
    run_group();
  }
}

extern "C" Context *msl_context() { return (Context *)calloc(1, sizeof(Context)); }

// Runs a dispatch, or a share of it; returns 0, or 1 with a fault.
extern "C" int msl_run(Context *context, const Dispatch *d, Fault *fault) {
  R = context;
  forget_stacks();  // what they hold knows another OS thread, or was abandoned
  R->d = d;
  R->fault = fault;
  R->failed = false;
  R->rng = d->order ? d->order * 0x9E3779B97F4A7C15ull | 1 : 0;
  u32 *order = R->rng ? shuffle(d->groups) : nullptr;
  R->group_stamps = R->group_numbers = nullptr;
  if (!reserve_stacks(d->sync ? d->threads : 1) || (R->rng && !order) || (d->checked && !begin_checks())) {
    fail(kNoMemory, 0, 0);
  } else {
    for (u32 i = 0; i < d->buffers; i++) R->buffers[i] = d->checked ? (void *)R->bases[i] : (void *)d->memory[i].mem;
    u32 simdgroups = (d->threads + kLanes - 1) / kLanes;
    for (u32 i = 0; i < d->threads; i++) {
      R->places[i] = Place{0, d->groups, i, d->threads, i % kLanes, i / kLanes, simdgroups};
    }
    run_groups(order);
  }
  if (R->failed) __atomic_store_n(d->stop, 1, __ATOMIC_RELAXED);
  free(order);
  free(R->group_stamps);
  free(R->group_numbers);
  R->d = nullptr;
  R = nullptr;
  return fault->kind != 0;
}
