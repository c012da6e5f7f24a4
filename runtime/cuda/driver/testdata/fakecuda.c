// A libcuda without a device. It writes each call to the file that FAKECUDA_LOG names, with the thread that made it, and fails where
// the tests want it to: allocations over 1 GiB, images that begin with "bad", the function "missing", and everything after a launch
// of "trap". A function's last digit is its number of arguments.
#define _GNU_SOURCE
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

typedef unsigned int u32;
typedef uint64_t u64;

static int sticky;      // the error that a kernel left
static int pending;     // event queries that answer "not ready"
static u64 device = 0x700000000;
static char names[16][32];
static int functions;

static int record(int result, const char *format, ...) {
	const char *path = getenv("FAKECUDA_LOG");
	FILE *f = path ? fopen(path, "a") : NULL;
	if (!f) return result;
	fprintf(f, "%ld ", syscall(SYS_gettid));
	va_list args;
	va_start(args, format);
	vfprintf(f, format, args);
	va_end(args);
	if (result) fprintf(f, " = %d", result);
	fputc('\n', f);
	fclose(f);
	return result;
}

int cuInit(u32 flags) { return record(0, "cuInit %u", flags); }
int cuDriverGetVersion(int *v) { *v = 12090; return 0; }
int cuDeviceGetCount(int *n) { *n = 2; return 0; }
int cuDeviceGet(int *dev, int i) { *dev = i + 40; return record(0, "cuDeviceGet %d", i); }
int cuDeviceGetName(char *name, int n, int dev) { snprintf(name, n, "Fake %d", dev); return 0; }
int cuDeviceTotalMem_v2(size_t *n, int dev) { *n = (size_t)1 << 30; return 0; }
int cuDeviceGetAttribute(int *v, int attr, int dev) {
	*v = attr == 16 ? 7 : attr == 75 ? 9 : attr == 76 ? 1 : attr == 97 ? 232448 : -1;
	return 0;
}
int cuDevicePrimaryCtxRetain(u64 *ctx, int dev) { *ctx = 0xc0; return record(0, "cuDevicePrimaryCtxRetain %d", dev); }
int cuDevicePrimaryCtxRelease_v2(int dev) { sticky = 0; return record(0, "cuDevicePrimaryCtxRelease %d", dev); }
int cuCtxSetCurrent(u64 ctx) { return record(0, "cuCtxSetCurrent %#lx", ctx); }

int cuMemGetInfo_v2(size_t *free, size_t *total) { *free = 3 << 20; *total = 4 << 20; return record(0, "cuMemGetInfo"); }
int cuMemAlloc_v2(u64 *p, size_t n) {
	if (n > (size_t)1 << 30) return record(2, "cuMemAlloc %zu", n);
	*p = device;
	device += 0x1000;
	return record(0, "cuMemAlloc %zu", n);
}
int cuMemFree_v2(u64 p) { return record(sticky, "cuMemFree %#lx", p); }
int cuMemHostAlloc(void **p, size_t n, u32 flags) { *p = calloc(1, n); return record(0, "cuMemHostAlloc %zu flags %u", n, flags); }
int cuMemHostGetDevicePointer_v2(u64 *dev, void *p, u32 flags) { *dev = 0x5000; return record(0, "cuMemHostGetDevicePointer flags %u", flags); }
int cuMemFreeHost(void *p) { free(p); return record(0, "cuMemFreeHost"); }

int cuModuleLoadDataEx(u64 *m, const char *image, u32 n, int *options, void **values) {
	size_t room = 0;
	char *log = NULL;
	for (u32 i = 0; i < n; i++) {
		if (options[i] == 5) log = values[i];
		if (options[i] == 6) room = (size_t)values[i];
	}
	*m = 0x30;
	if (strncmp(image, "bad", 3)) return record(0, "cuModuleLoadDataEx \"%s\"", image);
	if (log) snprintf(log, room, "ptxas application ptx input, line 1; fatal : Parsing error near 'bad'\n");
	return record(218, "cuModuleLoadDataEx \"%s\"", image);
}
int cuModuleUnload(u64 m) { return record(sticky, "cuModuleUnload %#lx", m); }
int cuModuleGetFunction(u64 *f, u64 m, const char *name) {
	if (!strcmp(name, "missing")) return record(500, "cuModuleGetFunction %#lx %s", m, name);
	strncpy(names[functions], name, 31);
	*f = 0xf0 + functions++;
	return record(0, "cuModuleGetFunction %#lx %s", m, name);
}
int cuFuncSetAttribute(u64 f, int attr, int v) { return record(0, "cuFuncSetAttribute %#lx %d %d", f, attr, v); }

int cuStreamCreate(u64 *s, u32 flags) { *s = 0x51; return record(0, "cuStreamCreate flags %u", flags); }
int cuStreamDestroy_v2(u64 s) { return record(sticky, "cuStreamDestroy %#lx", s); }
int cuStreamSynchronize(u64 s) { return record(sticky, "cuStreamSynchronize %#lx", s); }
int cuEventCreate(u64 *e, u32 flags) { static int n; *e = 0xe0 + n++; return record(0, "cuEventCreate flags %u", flags); }
int cuEventDestroy_v2(u64 e) { return record(sticky, "cuEventDestroy %#lx", e); }
int cuEventRecord(u64 e, u64 s) { pending = 1; return record(sticky, "cuEventRecord %#lx %#lx", e, s); }
int cuEventQuery(u64 e) { return record(sticky ? sticky : pending-- > 0 ? 600 : 0, "cuEventQuery %#lx", e); }
int cuEventElapsedTime(float *ms, u64 from, u64 to) { *ms = 1.5f; return record(0, "cuEventElapsedTime %#lx %#lx", from, to); }

int cuMemcpyHtoDAsync_v2(u64 dst, const char *src, size_t n, u64 s) {
	return record(sticky, "cuMemcpyHtoDAsync %#lx \"%.*s\" %zu %#lx", dst, (int)n, src, n, s);
}
int cuMemcpyDtoHAsync_v2(char *dst, u64 src, size_t n, u64 s) {
	memset(dst, '!', n);
	return record(sticky, "cuMemcpyDtoHAsync %#lx %zu %#lx", src, n, s);
}
int cuMemcpyDtoDAsync_v2(u64 dst, u64 src, size_t n, u64 s) { return record(sticky, "cuMemcpyDtoDAsync %#lx %#lx %zu %#lx", dst, src, n, s); }
int cuMemsetD8Async(u64 dst, unsigned char v, size_t n, u64 s) { return record(sticky, "cuMemsetD8Async %#lx %d %zu %#lx", dst, v, n, s); }

// The layout is written down here again, apart from the one that is tested.
struct config { u32 grid[3], block[3], shared; u64 stream; unsigned char *attrs; u32 count; };

int cuLaunchKernelEx(struct config *c, u64 f, u64 **params, void **extra) {
	const char *name = names[f - 0xf0];
	if (!getenv("FAKECUDA_LOG")) return 0;
	char text[1024];
	int n = 0;
	for (u32 i = 0; i < c->count; i++) {
		n += sprintf(text + n, " attr");
		for (int j = 0; j < 72; j += 4) n += sprintf(text + n, " %x", *(u32 *)(c->attrs + 72 * i + j));
	}
	int args = name[strlen(name) - 1] - '0';
	for (int i = 0; i < args && i < 10; i++) n += sprintf(text + n, " arg %#lx", *params[i]);
	text[n] = 0;
	int result = record(sticky, "cuLaunchKernelEx %s grid %u,%u,%u block %u,%u,%u shared %u stream %#lx%s extra %p", name, c->grid[0],
		c->grid[1], c->grid[2], c->block[0], c->block[1], c->block[2], c->shared, c->stream, text, extra);
	if (!strncmp(name, "trap", 4)) sticky = 719;
	return result;
}

int cuStreamBeginCapture_v2(u64 s, int mode) { return record(sticky, "cuStreamBeginCapture %#lx mode %d", s, mode); }
int cuStreamEndCapture(u64 s, u64 *graph) { *graph = 0x60; return record(sticky, "cuStreamEndCapture %#lx", s); }
int cuGraphInstantiateWithFlags(u64 *g, u64 graph, u64 flags) { *g = 0x61; return record(0, "cuGraphInstantiateWithFlags %#lx flags %lu", graph, flags); }
int cuGraphLaunch(u64 g, u64 s) { return record(sticky, "cuGraphLaunch %#lx %#lx", g, s); }
int cuGraphExecDestroy(u64 g) { return record(sticky, "cuGraphExecDestroy %#lx", g); }
int cuGraphDestroy(u64 graph) { return record(sticky, "cuGraphDestroy %#lx", graph); }

int cuGetErrorName(int code, const char **text) {
	*text = code == 1 ? "CUDA_ERROR_INVALID_VALUE" : code == 2 ? "CUDA_ERROR_OUT_OF_MEMORY" : code == 200 ? "CUDA_ERROR_INVALID_IMAGE"
		: code == 218 ? "CUDA_ERROR_INVALID_PTX" : code == 500 ? "CUDA_ERROR_NOT_FOUND" : code == 719 ? "CUDA_ERROR_LAUNCH_FAILED" : NULL;
	return *text ? 0 : 1;
}
int cuGetErrorString(int code, const char **text) {
	*text = code == 2 ? "out of memory" : code == 719 ? "unspecified launch failure" : "text of the error";
	return 0;
}
