#include "run.h"

// Device memory's pages are kept from dispatch to dispatch, as their stamps say what is old; but not more than these.
static const u32 kKeepPages = 1024;
static const u32 kLastStamp = 3u << 30;

static void drop_pages() {
  PageTable &t = R->device;
  for (u32 i = 0; i < t.size; i++) {
    if (t.keys[i]) free(t.pages[i].cells);
  }
  free(t.keys);
  free(t.pages);
  t = PageTable{};
  memset(R->recent, 0, sizeof R->recent);
  for (Page &p : R->group_pages) {
    free(p.cells);
    p = Page{};
  }
}

[[noreturn]] static void no_memory() {
  fail(kNoMemory, 0, 0);
  die();
}

static u32 place(const PageTable &t, u64 key) {
  u32 i = (u32)((key * 0x9E3779B97F4A7C15ull) >> 32) & (t.size - 1);
  while (t.keys[i] && t.keys[i] != key) i = (i + 1) & (t.size - 1);
  return i;
}

static void grow(PageTable &t) {
  PageTable bigger{};
  bigger.size = t.size ? t.size * 2 : 1024;
  bigger.used = t.used;
  bigger.keys = (u64 *)calloc(bigger.size, sizeof(u64));
  bigger.pages = (Page *)calloc(bigger.size, sizeof(Page));
  if (!bigger.keys || !bigger.pages) {
    free(bigger.keys);
    free(bigger.pages);
    no_memory();
  }
  for (u32 i = 0; i < t.size; i++) {
    if (!t.keys[i]) continue;
    u32 k = place(bigger, t.keys[i]);
    bigger.keys[k] = t.keys[i];
    bigger.pages[k] = t.pages[i];
  }
  free(t.keys);
  free(t.pages);
  t = bigger;
  memset(R->recent, 0, sizeof R->recent);  // they point into the old table
}

static void coarse(Page &p) {
  p.cells = (Cell *)calloc(1024, sizeof(Cell));
  if (!p.cells) no_memory();
}

// Gives each byte of a page its own cell.
static void refine(Page &p) {
  Cell *fine = (Cell *)calloc(4096, sizeof(Cell));
  if (!fine) no_memory();
  for (u32 i = 0; i < 4096; i++) fine[i] = p.cells[i / 4];
  free(p.cells);
  p.cells = fine;
  p.fine = 1;
}

static Page &device_page(u64 number) {
  u64 key = number + 1;
  auto &recent = R->recent[number % kRecent];
  if (recent.key == key) return *recent.page;
  PageTable &t = R->device;
  if (t.used * 2 >= t.size) grow(t);
  u32 i = place(t, key);
  if (!t.keys[i]) {
    coarse(t.pages[i]);
    t.keys[i] = key;
    t.used++;
  }
  recent.key = key;
  recent.page = &t.pages[i];
  return t.pages[i];
}

static Page &group_page(u64 number) {
  Page &p = R->group_pages[number];
  if (!p.cells) coarse(p);
  return p;
}

// before: an access of this dispatch (of this group, for group memory) that no barrier separates from now.
static inline bool conflicts(const Access &a, const Access &me, u32 kind) {
  if (a.stamp < (kind ? R->group_stamp[1] : R->dispatch_stamp[0])) return false;
  if (a.stamp < R->group_stamp[kind]) return true;  // of another group
  if (a.stamp != me.stamp || a.thread == me.thread) return false;
  return a.thread / kLanes != me.thread / kLanes || a.simdgroup_barrier == me.simdgroup_barrier;
}

// Enters an access in a cell. Returns an earlier one that it races with, or null.
static inline const Access *enter(Cell &c, const Access &me, bool write, u32 kind) {
  if (conflicts(c.write, me, kind)) return &c.write;
  if (write) {
    if (conflicts(c.read, me, kind)) return &c.read;
    if (conflicts(c.read2, me, kind)) return &c.read2;
    if (conflicts(c.foreign, me, kind)) return &c.foreign;
    c.write = me;
    return nullptr;
  }
  if (c.read.stamp < R->group_stamp[kind]) {
    if (c.read.stamp >= R->dispatch_stamp[kind]) c.foreign = c.read;
    c.read2 = Access{};
  } else if (c.read.thread != me.thread) {
    c.read2 = c.read;
  }
  c.read = me;
  return nullptr;
}

struct Conflict {
  u64 at;  // first byte
  Access other;
  bool other_wrote;
};

// Enters an access to n bytes at an address, or at an offset in group memory. Returns whether it races.
static bool track(u64 p, u64 n, bool write, u32 kind, u32 line, Conflict &found) {
  Access me{R->stamp[kind], (u16)R->cur, (u16)R->simdgroups[R->cur / kLanes].barrier[kind], line};
  while (n) {
    Page &page = kind ? group_page(p / 4096) : device_page(p / 4096);
    u64 in_page = p % 4096, take = n < 4096 - in_page ? n : 4096 - in_page;
    if (!page.fine && (in_page | take) % 4) refine(page);
    u32 step = page.fine ? 1 : 4;
    for (u64 i = 0; i < take; i += step) {
      Cell &c = page.cells[(in_page + i) / step];
      if (const Access *other = enter(c, me, write, kind)) {
        found = Conflict{p + i, *other, other == &c.write};
        return true;
      }
    }
    p += take;
    n -= take;
  }
  return false;
}

// The number of the group that a stamp of device memory is of.
static u32 group_of(u32 stamp) {
  u32 lo = 0, hi = R->ngroups;
  while (hi - lo > 1) {
    u32 mid = (lo + hi) / 2;
    if (R->group_stamps[mid] <= stamp) {
      lo = mid;
    } else {
      hi = mid;
    }
  }
  return R->group_numbers[lo];
}
