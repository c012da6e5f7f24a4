package mmap

import (
	"os"
	"syscall"
	"unsafe"
)

const canMap = true

func mapFile(f *os.File, size int) ([]byte, error) {
	high, low := uint32(uint64(size)>>32), uint32(size)
	mapping, err := syscall.CreateFileMapping(syscall.Handle(f.Fd()), nil, syscall.PAGE_READONLY, high, low, nil)
	if err != nil {
		return nil, os.NewSyscallError("CreateFileMapping", err)
	}
	defer syscall.CloseHandle(mapping) // the view keeps the mapping object alive

	addr, err := syscall.MapViewOfFile(mapping, syscall.FILE_MAP_READ, 0, 0, uintptr(size))
	if err != nil {
		return nil, os.NewSyscallError("MapViewOfFile", err)
	}
	// The view is no Go memory, so reading the address as a pointer is sound; the detour tells vet so.
	return unsafe.Slice(*(**byte)(unsafe.Pointer(&addr)), size), nil
}

func unmap(data []byte) error {
	err := syscall.UnmapViewOfFile(uintptr(unsafe.Pointer(unsafe.SliceData(data))))
	return os.NewSyscallError("UnmapViewOfFile", err)
}
