// Package gguf reads GGUF files, versions 2 and 3, little-endian.
//
// A file is a header, typed metadata, a description of every tensor, and the tensors' bytes:
//
//	"GGUF" version:u32 tensors:u64 keys:u64
//	keys x (name:str type:u32 value)                                 entry.go, value.go, metadata.go
//	tensors x (name:str ndims:u32 dims:u64... type:u32 offset:u64)   tensor.go, ggml.go
//	padding to general.alignment
//	tensor data, each tensor at its offset, aligned
//
// [Open] maps the file and checks all of it that is not tensor data; values are decoded when they are asked for. After
// that, [File.Data] cannot go out of bounds and the accessors fail only for a value of another type.
// Errors name the file, the key or tensor and the byte at which it stands.
package gguf

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"

	"github.com/llorch/llorch/models/mmap"
)

const (
	magic            = "GGUF"
	alignmentKey     = "general.alignment"
	defaultAlignment = 32

	// The fewest bytes that a key or a tensor takes in a file, which bounds how many of them a file can hold.
	minEntrySize  = 8 + 1 + 4 + 1         // key length, a key of one byte, type, a value of one byte
	minTensorSize = 8 + 0 + 4 + 8 + 4 + 8 // name length, no name, ndims, one dim, type, offset
)

// File is an open GGUF file. Its data must not be used after Close.
type File struct {
	Name      string // as given to Open or Parse
	Version   uint32
	Alignment int64    // of tensor offsets: general.alignment, or 32
	Tensors   []Tensor // in file order

	data     []byte
	entries  []entry        // metadata in file order
	byKey    map[string]int // index in entries
	byTensor map[string]int // index in Tensors
	mapping  *mmap.File     // nil after Parse
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

// Parse checks data, the content of a GGUF file that errors call name. The File keeps using data.
func Parse(name string, data []byte) (*File, error) {
	f := &File{Name: name, Alignment: defaultAlignment, data: data}
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

// Release says that data, which Data returned, will not be looked at again soon; nil stands for all of the file.
func (f *File) Release(data []byte) {
	if data == nil {
		data = f.data
	}
	if f.mapping != nil {
		f.mapping.Release(data)
	}
}

// Tensor returns the tensor of that name.
func (f *File) Tensor(name string) (*Tensor, bool) {
	i, ok := f.byTensor[name]
	if !ok {
		return nil, false
	}
	return &f.Tensors[i], true
}

// Data returns the bytes of one of the file's tensors, a part of the mapping.
func (f *File) Data(t *Tensor) []byte {
	return f.data[t.Offset : t.Offset+t.Size : t.Offset+t.Size]
}

func (f *File) parse() error {
	r := &reader{data: f.data}
	tensors, keys, err := f.readHeader(r)
	if err != nil {
		return err
	}
	if err := f.readEntries(r, keys); err != nil {
		return err
	}
	if err := f.readAlignment(); err != nil {
		return err
	}
	if err := f.readTensors(r, tensors); err != nil {
		return err
	}
	return f.placeTensors(r.pos)
}

// readHeader returns how many tensors and keys the file says it has.
func (f *File) readHeader(r *reader) (tensors, keys uint64, err error) {
	m, err := r.take(4, "magic")
	if err != nil {
		return 0, 0, err
	}
	if !bytes.Equal(m, []byte(magic)) {
		return 0, 0, fmt.Errorf("magic at byte 0: found %q, want %q: not a GGUF file", m, magic)
	}
	if f.Version, err = r.u32("version"); err != nil {
		return 0, 0, err
	}
	if err := checkVersion(f.Version); err != nil {
		return 0, 0, err
	}
	if tensors, err = r.u64("tensor count"); err != nil {
		return 0, 0, err
	}
	if keys, err = r.u64("key count"); err != nil {
		return 0, 0, err
	}
	if most := r.remain() / minTensorSize; tensors > most {
		return 0, 0, fmt.Errorf("tensor count at byte 8: %d tensors, a file of %d bytes holds at most %d", tensors, len(r.data), most)
	}
	if most := r.remain() / minEntrySize; keys > most {
		return 0, 0, fmt.Errorf("key count at byte 16: %d keys, a file of %d bytes holds at most %d", keys, len(r.data), most)
	}
	return tensors, keys, nil
}

func checkVersion(v uint32) error {
	switch {
	case v == 2 || v == 3:
		return nil
	case v == 1:
		return fmt.Errorf("version at byte 4: GGUF version 1 (32-bit counts) is not supported, want 2 or 3: convert the model again")
	case v != 0 && v&math.MaxUint16 == 0: // a small number whose bytes are swapped
		raw := binary.LittleEndian.AppendUint32(nil, v)
		return fmt.Errorf("version at byte 4: bytes % x are version %d of a big-endian file, want a little-endian one of version 2 or 3",
			raw, binary.BigEndian.Uint32(raw))
	}
	return fmt.Errorf("version at byte 4: found %d, want 2 or 3", v)
}

func (f *File) readAlignment() error {
	a, ok, err := f.uint(alignmentKey)
	if err != nil || !ok {
		return err
	}
	if a == 0 || a&(a-1) != 0 || a > math.MaxUint32 {
		e := f.entries[f.byKey[alignmentKey]]
		return fmt.Errorf("%s: found %d, want a power of two of at most %d", e.place(), a, uint64(1)<<31)
	}
	f.Alignment = int64(a)
	return nil
}
