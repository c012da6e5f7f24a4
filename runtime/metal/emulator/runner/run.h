// What runs the kernels of a module: one dispatch on the calling OS thread, with a context that only this call uses.
//
//   fiber.cc     GPU threads as fibers, and how a kernel is abandoned
//   sync.cc      barriers and simdgroup operations
//   shadow.cc    who touched which memory
//   access.cc    what checked kernels call before they touch memory
//   dispatch.cc  groups, and the way in from Go
//
// The files are compiled as one, in this order. No C++ library is linked.
#pragma once
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;

enum {
  kLanes = 32,
  kMaxThreads = 1024,
  kMaxSimdgroups = kMaxThreads / kLanes,
  kMaxPayload = 64,  // bytes that one lane can publish at once
  kMaxGroupMemory = 32 << 10,
  kMaxRanges = 256,
  kStack = 128 << 10,
  kGuard = 4096,  // below each stack
};

// Values of Metal's mem_flags.
enum { kMemDevice = 1, kMemThreadgroup = 2 };

// What a thread knows of its place. entry.go repeats it.
struct Place {
  u32 group, groups, thread, threads, lane, simdgroup, simdgroups;
};
typedef void (*Entry)(void **buffers, const Place *);

// What a kernel may touch. run.go repeats this struct and the two after it.
struct Memory {
  char *mem;  // group variables: null, as offset says where they are
  u64 size;
  u64 offset;  // of a group variable in group memory
  u32 kind, tracked;
};
enum MemoryKind { kNone, kReadOnly, kWritable, kGroup };

struct Dispatch {
  Entry fn;
  Memory *memory;  // buffers by index, then group variables
  u32 buffers, memories;
  char *constants, *constants_end;  // the module's tables
  u64 order;
  u32 groups, threads, group_memory;
  u32 sync;     // the kernel has barriers or simdgroup operations
  u32 checked;  // the kernel calls the functions of access.cc
  u32 *next;    // the next group, where several calls share a dispatch in order
  u32 *stop;    // one of them failed
};

enum FaultKind { kRace = 1, kOutOfBounds, kWriteReadOnly, kMisaligned, kUninitialised, kDivergent, kDivideByZero, kNoMemory };
enum DivergentCode {
  kOtherBarrier = 1, kBarrierAfterExit, kOtherOperation, kOperationAfterExit, kExitBeforeBarrier, kExitBeforeOperation,
  kStuckAtBarrier, kStuckAtOperation, kInactiveLane, kInactiveMatrix
};

struct Fault {
  u32 kind, code, line;
  u32 group, thread;
  int memory;  // index in Dispatch.memory; -1 for none
  u64 offset, size;
  u32 write;
  u32 other_line, other_group, other_thread, other_write;
};

struct Simdgroup {
  u32 size;     // lanes at start
  u32 live;     // lanes that have not returned
  u32 arrived;  // lanes that wait at the current operation
  u32 gen;      // operations completed, ever
  u32 mask, next_mask;  // lanes that took part in the last operation, that arrived at the current one
  u32 barrier[2];       // gen at the last simdgroup_barrier for device, group memory
  int line, kind;       // of the current operation
  // What lanes publish. Two buffers take turns: lanes read one while the fastest already fill the next.
  alignas(64) unsigned char slots[2][kLanes * kMaxPayload];
};

enum State { kFresh, kRunnable, kAtBarrier, kAtOperation, kDone };

struct Fiber {
  void *sp;
  State state;
  int line;  // where it waits, or was last seen
};

// An access of a thread: when, who, where. A stamp counts the barriers and groups of a context, for ever: what is older than the
// dispatch says nothing.
struct Access {
  u32 stamp;
  u16 thread, simdgroup_barrier;
  u32 line;
};

// The last write, the last reads by two threads of the same group, and the last read by a group before it.
struct Cell {
  Access write, read, read2, foreign;
};

// Shadow of 4096 bytes: a cell for each 4 bytes, or for each byte once something smaller than 4 bytes was touched.
struct Page {
  Cell *cells;
  u32 fine;
};

struct PageTable {
  u64 *keys;  // page numbers + 1; 0 is free
  Page *pages;
  u32 size, used;  // size is a power of two
};

enum { kRecent = 256 };

struct Context {
  const Dispatch *d;
  Fault *fault;
  bool failed;
  u64 rng;  // 0: in order

  // the current group
  u32 group, live, arrived;
  int line;  // of the barrier that threads wait at
  u32 cur;   // the thread that runs

  // fibers
  char *stacks;
  u32 nstacks;
  void *main_sp;
  u32 queue[kMaxThreads], head, queued;
  Fiber fibers[kMaxThreads];
  Place places[kMaxThreads];
  Simdgroup simdgroups[kMaxSimdgroups];
  void *buffers[kMaxRanges];  // as the kernel gets them

  // checks. Index 0 is device memory, 1 is group memory.
  u32 stamp[2], dispatch_stamp[2], group_stamp[2];
  u32 *group_stamps, *group_numbers, ngroups;  // of the groups that began
  u64 bases[kMaxRanges];                       // address of each memory, as the kernel sees it
  PageTable device;
  struct { u64 key; Page *page; } recent[kRecent];
  Page group_pages[kMaxGroupMemory / 4096];
  unsigned char written[kMaxGroupMemory];  // bytes of group memory that the group has written
};

// The context of the call that this OS thread is in.
static thread_local Context *R;

// Group memory of the group that this OS thread runs; unchecked kernels name it.
extern "C" {
alignas(64) thread_local char msl_group_memory[kMaxGroupMemory];
}
