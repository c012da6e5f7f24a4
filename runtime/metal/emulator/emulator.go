package emulator

// Limits that every GPU with Metal has. Kernels beyond them are refused.
const (
	MaxThreads     = 1024     // of a group
	MaxGroupMemory = 32 << 10 // bytes
	MaxBuffers     = 31       // [[buffer(0)]] to [[buffer(30)]]
	Simdgroup      = 32       // threads
)

// Options of a compilation.
type Options struct {
	Name    string // of the source in messages; "kernels.metal" if empty
	Checked bool   // look for races and bad accesses when kernels run, which are then slower
}

// Kernel is a kernel function of a module.
type Kernel struct {
	Name        string
	Buffers     []Parameter // in the order of the source
	GroupMemory int         // bytes
	MaxThreads  int         // of a group
}

// Parameter is a buffer that a kernel takes.
type Parameter struct {
	Index    int // n of [[buffer(n)]]
	Name     string
	Writable bool // it is neither const nor constant
}

// Dispatch is one run of a kernel.
type Dispatch struct {
	Groups, Threads int      // groups, and threads of each
	Buffers         []Buffer // at [i] that of [[buffer(i)]]; empty where the kernel takes none
	Order           uint64   // 0: groups and threads in order; else the seed of a random order of both
	Workers         int      // groups that may run at a time, if not checked and in order; 0 is 1
}

// Buffer is memory that a kernel may touch: all of Mem and nothing else. It is not copied. Buffers of one dispatch may overlap.
type Buffer struct {
	Mem []byte
}
