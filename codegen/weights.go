package codegen

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	goruntime "runtime"
	"sync"
	"unsafe"

	"github.com/llorch/llorch/ir/kernel"
	"github.com/llorch/llorch/ir/quant"
	"github.com/llorch/llorch/models/mmap"
	"github.com/llorch/llorch/runtime"
)

// Source is where the weights come from.
type Source interface {
	// Data is a weight's bytes by its path in the graph, in the type that the file has.
	Data(path string) (data []byte, dtype kernel.DType, err error)
	// Release says that the bytes will not be looked at again soon: a mapping need not keep them in memory.
	Release(data []byte)
}

// Weights presents a model's weights as the program wants them: constants filled in, vectors widened to f32, matrices repacked in
// panels or fragments, everything else the file's own bytes where they lie aligned in memory. What is not the file's own is made anew by each
// call.
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
	data, d, err := w.src.Data(t.Name)
	if err != nil {
		return nil, err
	}
	want, ok := kernel.ParseDType(t.DType)
	if !ok {
		return nil, fmt.Errorf("weight %s: unknown dtype %s", t.Name, t.DType)
	}
	if d != want {
		file := data
		if p := want.Row().Panel; p != nil && (d.Panels() == want || d.Fragments() == want) {
			data, err = w.pack(t, data, p)
		} else {
			data, err = convert(data, d, want)
			w.src.Release(file)
		}
		if err != nil {
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
	if f.Decode == nil || t.Encode == nil || f.Rows != 1 || t.Elems != 1 {
		return nil, fmt.Errorf("cannot convert %s to %s", from, to)
	}
	vs := make([]float32, len(data)/f.Bytes*f.Elems)
	f.Decode(vs, data)
	out := make([]byte, len(vs)*t.Bytes)
	t.Encode(out, vs)
	return out, nil
}

// pack repacks a matrix, a slab at a time.
func (w *weights) pack(t *runtime.Tensor, data []byte, p *quant.Panel) ([]byte, error) {
	if len(t.Shape) != 2 || int64(p.Size(int(t.Shape[0]), int(t.Shape[1]))) != t.Bytes {
		return nil, fmt.Errorf("%s%d in %d bytes is no packed matrix", t.DType, t.Shape, t.Bytes)
	}
	rows, elems := int(t.Shape[0]), int(t.Shape[1])
	in := elems / p.Format.Elems * p.Format.Bytes
	if len(data) != rows*in {
		return nil, fmt.Errorf("%d bytes for %d rows of %d", len(data), rows, in)
	}
	packed := fresh(int(t.Bytes))
	groups := (rows + quant.PanelRows - 1) / quant.PanelRows
	slab := max(1, slabBytes/(quant.PanelRows*in))
	for first := 0; first < groups; first += slab {
		end := min(groups, first+slab)
		if err := packSlab(packed, data, p, rows, elems, first, end); err != nil {
			return nil, err
		}
		w.src.Release(data[first*quant.PanelRows*in : min(rows, end*quant.PanelRows)*in])
	}
	return packed, nil
}

// slabBytes is how much of a matrix is packed before the source gives its pages back.
const slabBytes = 8 << 20

// packSlab repacks groups [first, end) of a matrix, on all cores.
func packSlab(packed, data []byte, p *quant.Panel, rows, elems, first, end int) error {
	workers := min(end-first, goruntime.GOMAXPROCS(0))
	errs := make([]error, workers)
	var wg sync.WaitGroup
	for i := range workers {
		from, to := first+(end-first)*i/workers, first+(end-first)*(i+1)/workers
		wg.Go(func() { errs[i] = p.PackGroups(packed, data, rows, elems, from, to) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

// fresh makes n bytes that begin on a cache line, and where there are many on large pages: they are filled faster, and streamed
// with fewer look-ups of addresses.
func fresh(n int) []byte {
	align := 64
	if n >= 2*mmap.LargePage {
		align = mmap.LargePage
	}
	b := make([]byte, n+align-1)
	skip := int(-uintptr(unsafe.Pointer(unsafe.SliceData(b))) & uintptr(align-1))
	b = b[skip : skip+n : skip+n]
	mmap.WantLargePages(b)
	return b
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
