// Package driver is the part of the CUDA driver API that llorch uses, behind one interface with two implementations: the default
// loads libcuda at run time (purego: no cgo, no toolkit), and -tags cu uses gorgonia.org/cu (cgo). Every error names the call and
// the driver's own word for what went wrong.
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

// Context is a device in use. Work is queued on streams; the zero Stream is not used.
type Context interface {
	Info() Info
	// Free and total memory of the device in bytes, as it stands.
	MemInfo() (free, total int64, err error)

	Alloc(bytes int64) (Ptr, error)
	Free(p Ptr) error
	// Pinned is host memory that the device reads and writes at Ptr; FreePinned gives it back.
	Pinned(bytes int64) ([]byte, Ptr, error)
	FreePinned(mem []byte) error

	// LoadModule loads a cubin, or PTX ending in a zero byte.
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
	// Fill queues writing bytes zeros.
	Zero(dst Ptr, bytes int64, s Stream) error

	// Launch queues a kernel of blocks of threads. The arguments are all pointers. With overlap, it may start before the kernel
	// before it in the stream has ended, and waits for that itself (programmatic dependent launch).
	Launch(l Launch, s Stream) error
	// Capture records what f queues on the stream, without running it, and makes a graph of it.
	Capture(s Stream, f func() error) (Graph, error)
	// Run queues a graph.
	Run(g Graph, s Stream) error
	FreeGraph(g Graph) error

	// Close destroys the context and everything in it.
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

// Error is a call that failed.
type Error struct {
	Call string // "cuLaunchKernelEx"
	Code int    // 719
	Name string // "CUDA_ERROR_LAUNCH_FAILED"
	Text string // the driver's description
	What string // what it was about: a kernel, a number of bytes; may be empty
}

// Lost reports an error after which the context is dead: the device failed, was reset or fell off the bus.
func (e *Error) Lost() bool {
	switch e.Code {
	case 46, 100, 101, 201, 208, 214, 220, 226, 700, 702, 709, 714, 715, 716, 717, 718, 719, 721, 999:
		return true
	}
	return false
}

func (e *Error) Error() string {
	s := "cuda: " + e.Call
	if e.What != "" {
		s += " (" + e.What + ")"
	}
	s += ": " + e.Name
	if e.Text != "" {
		s += ": " + e.Text
	}
	return s
}
