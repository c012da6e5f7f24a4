package cpu

import "unsafe"

// align is the alignment of the memory that the engine makes: a cache line, and the widest vector register.
const align = 64

// alignedBytes makes n zero bytes.
func alignedBytes(n int64) []byte {
	b := make([]byte, n+align-1)
	skip := -uintptr(unsafe.Pointer(unsafe.SliceData(b))) % align
	return b[skip : int64(skip)+n : int64(skip)+n]
}

// alignedFloats makes n zero floats.
func alignedFloats(n int) []float32 { return view[float32](alignedBytes(int64(n) * 4)) }

// alignedTo reports whether b begins at a multiple of n.
func alignedTo(b []byte, n int) bool {
	return uintptr(unsafe.Pointer(unsafe.SliceData(b)))%uintptr(n) == 0
}
