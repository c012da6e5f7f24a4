// Package device is what an engine asks of a GPU's driver: memory, kernels, and queues of work. CUDA's driver, Metal and the emulator
// of Metal implement it.
package device

import "errors"

// Driver is the way to the devices of one kind.
type Driver interface {
	// Devices describes the devices that there are, in the driver's order.
	Devices() ([]Info, error)
	// Open makes a context on a device. Its methods may be called from any goroutine, one at a time.
	Open(device int) (Context, error)
}

// Info describes a device.
type Info struct {
	Target string // of the kernels that it runs: "cuda", "metal"
	Index  int
	Name   string
	Arch   string // what compilers call its instructions: "sm_90", "apple9"
	Cores  int    // multiprocessors; 0 where the driver does not tell
	Memory int64  // bytes in all
	Shared int    // the most bytes of group memory that a group may have
	Driver string // version
	// Overlap says that a kernel may start before the one before it has ended, and waits for it itself.
	Overlap bool
}

// Ptr is an address in a device's memory.
type Ptr uint64

// The handles of a context's things.
type (
	Module   uintptr
	Function uintptr
	Stream   uintptr
	Event    uintptr
	Graph    uintptr // work that was recorded
)

// Context is a device in use. Work is queued on streams; the zero Stream is not used. Kernels run after the call that queued them, so
// what went wrong with one is told by a later call. An error that the context does not survive is Lost.
type Context interface {
	Info() Info
	// MemInfo is free and total memory of the device in bytes, as it stands.
	MemInfo() (free, total int64, err error)

	Alloc(bytes int64) (Ptr, error)
	Free(p Ptr) error
	// Pinned is host memory that the device reads and writes at Ptr; FreePinned gives it back.
	Pinned(bytes int64) ([]byte, Ptr, error)
	FreePinned(mem []byte) error

	// LoadModule loads compiled kernels, or their source where the driver compiles it. The error has what the compiler says.
	LoadModule(image []byte) (Module, error)
	// Function finds a kernel, and allows it that much dynamic group memory.
	Function(m Module, name string, shared int) (Function, error)

	NewStream() (Stream, error)
	Synchronize(s Stream) error
	NewEvent() (Event, error)
	Record(e Event, s Stream) error
	// Query reports that everything before the event has run. It returns the error that stopped it.
	Query(e Event) (done bool, err error)
	// Elapsed is the milliseconds between two events that have happened.
	Elapsed(from, to Event) (float32, error)

	// CopyIn, CopyOut and Copy queue copies. Host memory that is not pinned is read or written before they return.
	CopyIn(dst Ptr, src []byte, s Stream) error
	CopyOut(dst []byte, src Ptr, s Stream) error
	Copy(dst, src Ptr, bytes int64, s Stream) error
	// Zero queues writing bytes zeros.
	Zero(dst Ptr, bytes int64, s Stream) error

	// Launch queues a kernel of groups of threads. The arguments are all pointers. With overlap, it may start before the kernel
	// before it in the stream has ended, and waits for that itself.
	Launch(l Launch, s Stream) error
	// Capture records what f queues on the stream, without running it, and makes a graph of it.
	Capture(s Stream, f func() error) (Graph, error)
	// Run queues a graph.
	Run(g Graph, s Stream) error
	FreeGraph(g Graph) error

	// Close gives back the context and everything in it.
	Close() error
}

// Mapper is a Context whose device reads the host's memory in place.
type Mapper interface {
	Context
	// Map lets the device read mem, which stays as it is until the context is closed, without a copy. An error that wraps
	// ErrNotMapped says that this memory has to be copied instead.
	Map(mem []byte) (Ptr, error)
}

// ErrNotMapped is in the error of Map for memory that the device cannot read in place.
var ErrNotMapped = errors.New("memory that the device does not read in place")

// Launch is a kernel with its arguments.
type Launch struct {
	Name     string // of the kernel, for errors
	Function Function
	Blocks   int // groups
	Threads  int // of a group
	Shared   int // bytes of dynamic group memory
	Args     []Ptr
	Sizes    []int64 // bytes that the kernel may touch of each argument, for drivers that watch it; 0 where that is not known
	Overlap  bool
}

// Lost reports an error after which its context is dead: a kernel broke it, or the device failed, was reset or taken away.
func Lost(err error) bool {
	var e interface{ Lost() bool }
	return errors.As(err, &e) && e.Lost()
}
