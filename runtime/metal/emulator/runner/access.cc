#include "run.h"

// The upper 16 bits of an address, as a checked kernel sees it, are the index of its memory + 1; 0 is memory of the thread's own,
// or a table of the module.
enum { kTagShift = 48 };

static Fault &bad_access(u32 kind, u32 index, u64 offset, u64 n, bool write, u32 line) {
  Fault &f = fail(kind, 0, line);
  f.memory = (int)index;
  f.offset = offset;
  f.size = n;
  f.write = write;
  return f;
}

static void race(const Conflict &c, u32 index, u64 offset, u64 n, bool write, u32 kind, u32 line) {
  Fault &f = bad_access(kRace, index, offset, n, write, line);
  f.other_line = c.other.line;
  f.other_thread = c.other.thread;
  f.other_write = c.other_wrote;
  f.other_group = kind ? R->group : group_of(c.other.stamp);
}

static char *group_access(const Memory &m, u32 index, u64 offset, u64 n, bool write, u32 line) {
  u64 at = m.offset + offset;
  unsigned char *written = R->written + at;
  if (write) {
    memset(written, 1, n);
  } else {
    for (u64 i = 0; i < n; i++) {
      if (written[i]) continue;
      bad_access(kUninitialised, index, offset + i, n, false, line);
      die();
    }
  }
  return msl_group_memory + at;
}

enum Mode { kRead, kWrite, kAtomic };

// Returns the real address of n bytes at p, if the kernel may touch them.
static inline char *access(u64 p, u64 n, u32 align, Mode mode, u32 line) {
  if (!line) line = (u32)R->fibers[R->cur].line;  // within metal_stdlib
  bool write = mode != kRead;
  u32 tag = (u32)(p >> kTagShift);
  if (!tag) {
    char *c = (char *)p;
    u64 stack = (u64)(p - (u64)R->stacks), table = (u64)(c - R->d->constants);
    if (stack < (u64)R->nstacks * kStack) return c;
    if (!write && table < (u64)(R->d->constants_end - R->d->constants)) return c;
    bad_access(kOutOfBounds, (u32)-1, 0, n, write, line);
    die();
  }
  u32 index = tag - 1;
  if (index >= R->d->memories || R->d->memory[index].kind == kNone) {
    bad_access(kOutOfBounds, (u32)-1, 0, n, write, line);
    die();
  }
  const Memory &m = R->d->memory[index];
  u64 offset = p - R->bases[index];
  if (offset > m.size || n > m.size - offset) {
    bad_access(kOutOfBounds, index, offset, n, write, line);
    die();
  }
  if (write && m.kind == kReadOnly) {
    bad_access(kWriteReadOnly, index, offset, n, write, line);
    die();
  }
  if (p & (align - 1)) {
    bad_access(kMisaligned, index, offset, n, write, line).code = align;
    die();
  }
  Conflict c;
  if (m.kind == kGroup) {
    char *real = group_access(m, index, offset, n, write, line);
    if (mode != kAtomic && track(m.offset + offset, n, write, 1, line, c)) {
      race(c, index, offset + (c.at - (m.offset + offset)), n, write, 1, line);
      die();
    }
    return real;
  }
  char *real = m.mem + offset;
  if (mode != kAtomic && m.tracked && track((u64)real, n, write, 0, line, c)) {
    race(c, index, offset + (c.at - (u64)real), n, write, 0, line);
    die();
  }
  return real;
}

extern "C" {
char *msl_read(u64 p, u64 n, u32 align, u32 line) { return access(p, n, align, kRead, line); }
char *msl_write(u64 p, u64 n, u32 align, u32 line) { return access(p, n, align, kWrite, line); }
char *msl_atomic(u64 p, u64 n, u32 align, u32 line) { return access(p, n, align, kAtomic, line); }

// a / b or a % b of integers, extended to 64 bits, of which smallest is the smallest, or 0 for unsigned ones.
void msl_divide(long a, long b, long smallest, u32 line) {
  if (b != 0 && !(smallest && b == -1 && a == smallest)) return;
  fail(kDivideByZero, b != 0, line);
  die();
}
}
