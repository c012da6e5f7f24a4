package driver

import "fmt"

// Error is a call that failed:
//
//	cuda: cuMemAlloc (80000000000 bytes): CUDA_ERROR_OUT_OF_MEMORY: out of memory
//	cuda: cuStreamSynchronize (after kernel attention): CUDA_ERROR_ILLEGAL_ADDRESS: an illegal memory access was encountered
type Error struct {
	Call string // "cuLaunchKernelEx"
	Code int    // 719
	Name string // "CUDA_ERROR_LAUNCH_FAILED"
	Text string // the driver's description
	What string // what it was about: a kernel, a number of bytes; may be empty
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

// Lost reports an error after which the context is dead: a kernel broke it, or the device failed, was reset or fell off the bus. The
// driver then refuses the device to this process for good.
func (e *Error) Lost() bool { return lost[result(e.Code)] }

// lost are the codes of cuda.h that say so.
var lost = map[result]bool{
	4:   true, // DEINITIALIZED
	46:  true, // DEVICE_UNAVAILABLE
	100: true, // NO_DEVICE
	101: true, // INVALID_DEVICE
	201: true, // INVALID_CONTEXT
	214: true, // ECC_UNCORRECTABLE
	220: true, // NVLINK_UNCORRECTABLE
	226: true, // CONTAINED
	700: true, // ILLEGAL_ADDRESS
	702: true, // LAUNCH_TIMEOUT
	709: true, // CONTEXT_IS_DESTROYED
	710: true, // ASSERT
	714: true, // HARDWARE_STACK_ERROR
	715: true, // ILLEGAL_INSTRUCTION
	716: true, // MISALIGNED_ADDRESS
	717: true, // INVALID_ADDRESS_SPACE
	718: true, // INVALID_PC
	719: true, // LAUNCH_FAILED
	721: true, // TENSOR_MEMORY_LEAK
	810: true, // MPS_CLIENT_TERMINATED
	911: true, // EXTERNAL_DEVICE
	999: true, // UNKNOWN
}

// result is cuda.h's CUresult: 0 is success.
type result int32

// Results that this package handles, or gives itself where a call would not see what is wrong.
const (
	invalidValue result = 1
	invalidImage result = 200
	notReady     result = 600
)

// subject is what a call is about. It becomes a text only in an error.
type subject struct {
	text   string
	kernel string
	bytes  int64 // where there is neither
}

func (s subject) String() string {
	switch {
	case s.text != "":
		return s.text
	case s.kernel != "":
		return "kernel " + s.kernel
	case s.bytes != 0:
		return fmt.Sprintf("%d bytes", s.bytes)
	}
	return ""
}

// error is a result in the driver's words.
func (a *api) error(call string, about subject, r result) *Error {
	e := &Error{Call: call, Code: int(r), What: about.String()}
	if e.Name, e.Text = a.errorText(r); e.Name == "" {
		e.Name = fmt.Sprintf("error %d", r)
	}
	return e
}

// check is nil for success.
func (a *api) check(call string, about subject, r result) error {
	if r == 0 {
		return nil
	}
	return a.error(call, about, r)
}
