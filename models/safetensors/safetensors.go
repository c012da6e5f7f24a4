// Package safetensors reads Hugging Face's safetensors files and folders of them.
//
// A file is a header, which describes every tensor in JSON, and the tensors' bytes without gaps:
//
//	headerLength:u64 {"name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, ...} data
//
// [Open] maps one file and checks it: the header (header.go), then that the tensors' sizes are those of their shapes
// and that together they cover the data exactly (layout.go). [OpenDir] opens a model's folder, whose tensors lie in
// one file or in shards that an index names (set.go, index.go). Errors name the file, the tensor and the byte or
// numbers in question.
package safetensors

import (
	"encoding/binary"
	"fmt"

	"github.com/llorch/llorch/models/mmap"
)

// maxHeader is the format's own limit on the header's length.
const maxHeader = 100_000_000

// Tensor describes a tensor of a file.
type Tensor struct {
	Name   string
	DType  string  // "F32", "F16", "BF16", ...: a name of the table in dtype.go
	Shape  []int64 // slowest axis first; empty for a scalar
	Offset int64   // of its first byte in the file
	Size   int64   // in bytes
	File   string  // the file it lies in, as given to Open or Parse
}

// File is an open safetensors file. Its data must not be used after Close.
type File struct {
	Name     string            // as given to Open or Parse
	Metadata map[string]string // the header's __metadata__
	Tensors  []Tensor          // in the order of their data

	data    []byte
	mapping *mmap.File // nil after Parse
}

// Open maps and checks the file at path.
func Open(path string) (*File, error) {
	m, err := mmap.Open(path)
	if err != nil {
		return nil, err
	}
	f, err := Parse(path, m.Data())
	if err != nil {
		m.Close() // the mapping's own error would hide what is wrong with the file
		return nil, err
	}
	f.mapping = m
	return f, nil
}

// Parse checks data, the content of a safetensors file that errors call name. The File keeps using data.
func Parse(name string, data []byte) (*File, error) {
	f := &File{Name: name, data: data}
	if err := f.parse(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return f, nil
}

// Close ends the mapping that Open made.
func (f *File) Close() error {
	f.data = nil
	if f.mapping == nil {
		return nil
	}
	return f.mapping.Close()
}

// Data returns the bytes of one of the file's tensors, a part of the mapping.
func (f *File) Data(t *Tensor) []byte {
	return f.data[t.Offset : t.Offset+t.Size : t.Offset+t.Size]
}

func (f *File) parse() error {
	length, err := headerLength(f.data)
	if err != nil {
		return err
	}
	if err := f.readHeader(f.data[lengthSize : lengthSize+length]); err != nil {
		return err
	}
	return f.checkLayout(lengthSize + length)
}

// lengthSize is the size of the header's length, which begins the file.
const lengthSize = 8

func headerLength(data []byte) (int64, error) {
	if len(data) < lengthSize {
		return 0, fmt.Errorf("header length at byte 0: takes %d bytes, the file has %d", lengthSize, len(data))
	}
	n := binary.LittleEndian.Uint64(data)
	if n > maxHeader {
		return 0, fmt.Errorf("header length at byte 0: %d bytes, the format allows at most %d", n, maxHeader)
	}
	if rest := len(data) - lengthSize; n > uint64(rest) {
		return 0, fmt.Errorf("header length at byte 0: %d bytes, %d remain", n, rest)
	}
	return int64(n), nil
}
