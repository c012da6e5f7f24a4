package codegen

import (
	"encoding/binary"
	"fmt"
	"math"
	"unsafe"

	"github.com/llorch/llorch/ir/kernel"
	"github.com/llorch/llorch/runtime"
)

// Source gives a weight's bytes by its path in the graph, in the type that the file has.
type Source func(path string) (data []byte, dtype kernel.DType, err error)

// Weights presents a model's weights as the program wants them: constants filled in, vectors widened to f32, everything else
// the file's own bytes where they lie aligned in memory.
func (c *Compiled) Weights(src Source) runtime.Weights {
	return &weights{c: c, src: src}
}

type weights struct {
	c   *Compiled
	src Source
}

func (w *weights) Data(t *runtime.Tensor) ([]byte, error) {
	if vs, ok := w.c.consts[t.Name]; ok {
		b := make([]byte, 0, 4*len(vs))
		for _, v := range vs {
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(float32(v)))
		}
		return b, nil
	}
	data, d, err := w.src(t.Name)
	if err != nil {
		return nil, err
	}
	want, ok := kernel.ParseDType(t.DType)
	if !ok {
		return nil, fmt.Errorf("weight %s: unknown dtype %s", t.Name, t.DType)
	}
	if d != want {
		if data, err = convert(data, d, want); err != nil {
			return nil, fmt.Errorf("weight %s: %w", t.Name, err)
		}
	}
	if int64(len(data)) != t.Bytes {
		return nil, fmt.Errorf("weight %s: %d bytes, want %d", t.Name, len(data), t.Bytes)
	}
	return aligned(data), nil
}

func (w *weights) Close() error { return nil }

// convert changes the type of a vector.
func convert(data []byte, from, to kernel.DType) ([]byte, error) {
	f, t := from.Row(), to.Row()
	if f.Decode == nil || t.Encode == nil || f.Elems != 1 || t.Elems != 1 {
		return nil, fmt.Errorf("cannot convert %s to %s", from, to)
	}
	vs := make([]float32, len(data)/f.Bytes)
	f.Decode(vs, data)
	out := make([]byte, len(vs)*t.Bytes)
	t.Encode(out, vs)
	return out, nil
}

// aligned copies data that does not begin where its elements may be read as words.
func aligned(data []byte) []byte {
	if len(data) == 0 || uintptr(unsafe.Pointer(unsafe.SliceData(data)))%8 == 0 {
		return data
	}
	words := make([]uint64, (len(data)+7)/8)
	out := unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(words))), len(data))
	copy(out, data)
	return out
}
