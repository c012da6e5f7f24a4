// Package driver is the part of the CUDA driver API that llorch uses.
//
// Load finds the system's driver; it describes its devices and opens a Context on one of them. A Context holds memory, modules,
// streams, events and graphs; work is queued on streams. context.go and queue.go say what each of its methods calls, and what an
// error tells; launch.go is the layout of a launch's arguments. Under them lies the type api, a method for each call of the driver,
// which there are two of:
//
//   - by default, api_purego.go calls the library libcuda that it loads when Load is called, or the one that LLORCH_CUDA names. No cgo
//     and no toolkit are needed to build, and a program starts on machines without a GPU too.
//   - with -tags cu, api_cu.go calls gorgonia.org/cu (cgo). That package has devices, contexts, memory, modules, streams and events;
//     launches with attributes, attributes of functions, captured graphs, pinned memory and the driver's names of errors are missing
//     from v0.9.6 and called by launch_cu.go. Its programs are linked to libcuda and do not start without a driver. cu.sh builds it.
package driver

// Driver is a CUDA driver.
type Driver interface {
	// Devices describes the devices that the driver sees, in its order.
	Devices() ([]Info, error)
	// Open makes a context on a device. Its methods may be called from any goroutine, one at a time.
	Open(device int) (Context, error)
}

// Info describes a device.
type Info struct {
	Index       int
	Name        string
	Major       int // compute capability
	Minor       int
	SMs         int
	Memory      int64 // bytes in all
	SharedBlock int   // the most bytes of shared memory that a block may have, by opting in
	Driver      int   // version of CUDA that the driver speaks: 13000 is 13.0
}

// Ptr is an address in a device's memory.
type Ptr uint64

// The handles of a context's things.
type (
	Module   uintptr
	Function uintptr
	Stream   uintptr
	Event    uintptr
	Graph    uintptr // an instantiated graph
)

// Context is a device in use. Work is queued on streams; the zero Stream is not used. Errors of the driver are *Error. Kernels run
// after the call that queued them, so what went wrong with one is told by a later call, which names the kernel queued last.
type Context interface {
	Info() Info
	// MemInfo is free and total memory of the device in bytes, as it stands.
	MemInfo() (free, total int64, err error)

	Alloc(bytes int64) (Ptr, error)
	Free(p Ptr) error
	// Pinned is host memory that the device reads and writes at Ptr; FreePinned gives it back.
	Pinned(bytes int64) ([]byte, Ptr, error)
	FreePinned(mem []byte) error

	// LoadModule loads a cubin or PTX. The error has what the driver's compiler says of it.
	LoadModule(image []byte) (Module, error)
	// Function finds a kernel, and allows it that much dynamic shared memory.
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

	// Launch queues a kernel of blocks of threads. The arguments are all pointers. With overlap, it may start before the kernel
	// before it in the stream has ended, and waits for that itself (programmatic dependent launch).
	Launch(l Launch, s Stream) error
	// Capture records what f queues on the stream, without running it, and makes a graph of it.
	Capture(s Stream, f func() error) (Graph, error)
	// Run queues a graph.
	Run(g Graph, s Stream) error
	FreeGraph(g Graph) error

	// Close gives back the context and everything in it. A device whose context was lost cannot be opened again by this process.
	Close() error
}

// Launch is a kernel with its arguments.
type Launch struct {
	Name     string // of the kernel, for errors
	Function Function
	Blocks   int
	Threads  int
	Shared   int // bytes of dynamic shared memory
	Args     []Ptr
	Overlap  bool
}
