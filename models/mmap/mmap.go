// Package mmap gives the bytes of a file without copying them.
//
// [Open] maps the whole file read-only, [File.Data] is the mapping and [File.Close] ends it:
//
//	f, err := mmap.Open("model.gguf")
//	if err != nil { ... }
//	defer f.Close()
//	use(f.Data())
//
// Linux and macOS map through mmap(2), Windows through a file mapping object; other systems, and files that are not
// regular (a pipe), are read into memory instead. A process that truncates the file while it is mapped makes later
// reads of the lost pages fault, as with every mapping.
package mmap

import (
	"fmt"
	"io"
	"math"
	"os"
	"unsafe"
)

// File is the content of a file.
type File struct {
	data   []byte
	mapped bool // data is a mapping that Close has to end
}

// Open maps the file at path. An empty file has empty data.
func Open(path string) (*File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close() // a mapping outlives the descriptor it was made from

	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !canMap || !info.Mode().IsRegular() {
		data, err := io.ReadAll(f)
		if err != nil {
			return nil, err
		}
		return &File{data: data}, nil
	}
	size := info.Size()
	if size == 0 {
		return &File{}, nil
	}
	if size > math.MaxInt {
		return nil, fmt.Errorf("mmap %s: %d bytes, this system's address space ends at %d", path, size, math.MaxInt)
	}
	data, err := mapFile(f, int(size))
	if err != nil {
		return nil, &os.PathError{Op: "mmap", Path: path, Err: err}
	}
	return &File{data: data, mapped: true}, nil
}

// Data is the content of the file. Writing to it faults; so does using it after Close.
func (f *File) Data() []byte { return f.data }

// Close ends the mapping. Closing twice does nothing.
func (f *File) Close() error {
	data, mapped := f.data, f.mapped
	f.data, f.mapped = nil, false
	if !mapped {
		return nil
	}
	return unmap(data)
}

// LargePage is the size of a large page of memory, where there are such pages.
const LargePage = 2 << 20

// WantLargePages asks the system to back the large pages that lie within b, memory that is still to be written, as such.
func WantLargePages(b []byte) {
	if inner := within(b, LargePage); len(inner) > 0 {
		wantLargePages(inner)
	}
}

// within is the part of b that is whole pages.
func within(b []byte, page int) []byte {
	skip := int(-uintptr(unsafe.Pointer(unsafe.SliceData(b))) & uintptr(page-1))
	if n := (len(b) - skip) / page * page; n > 0 {
		return b[skip : skip+n]
	}
	return nil
}

// Release tells the system that b, a part of Data, will not be used soon: its pages need not stay in memory. They are read from
// the file again where they are used after all.
func (f *File) Release(b []byte) {
	if !f.mapped {
		return
	}
	if inner := within(b, os.Getpagesize()); len(inner) > 0 {
		release(inner)
	}
}
