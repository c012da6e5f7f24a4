package cpu

import (
	"fmt"
	"unsafe"

	"github.com/llorch/llorch/ir/kernel"
)

// Kernel is one executable kernel: emitted Go, or the interpreter behind the same three functions.
type Kernel struct {
	Name    string
	Groups  func(a *Args) int                       // size of the grid
	Scratch func(a *Args) int                       // f32 elements of group memory
	Run     func(a *Args, scratch []float32, g int) // runs group g; the last grid axis varies fastest
}

// Args are a kernel's arguments in the order of its parameters. Only Ints changes from step to step.
type Args struct {
	Bufs   []Buffer
	Ints   []int
	Floats []float32
}

// Buffer is memory of one dtype, with the tiles that read it.
type Buffer struct {
	DType kernel.DType
	Data  []byte
	Row   int   // elements of a row, where it is a matrix
	Tile  *Tile // of DType at the chosen CPU level; nil for integers
}

// DotActs is a Dot whose x is activations in blocks.
type DotActs = func(acc []float32, w []byte, wAt, wStride int, x []byte, xAt, xStride, rows, cols, k int)

// Tile is the inner loops for one weight type at one CPU level. Indexes and strides count elements.
type Tile struct {
	DType kernel.DType
	Level string // one that Levels may list
	// Dot and Mix are kernel.Dot and kernel.Mix on slices that begin at the tile: acc[r*cols+c] = Σ_k w[wAt+r*wStride+k]·x[c*xStride+k],
	// and acc[c*k+j] += Σ_r x[c*xStride+r]·w[wAt+r*wStride+j].
	Dot func(acc []float32, w []byte, wAt, wStride int, x []float32, xStride, rows, cols, k int)
	Mix func(acc []float32, w []byte, wAt, wStride int, x []float32, xStride, rows, cols, k int)
	// DotA8 and DotA16 are Dot with blocks of activations for x, whose xAt and xStride count elements; nil where the type has none.
	DotA8, DotA16 DotActs
	// At is element i of a matrix whose rows have row elements, which only panels ask for.
	At func(w []byte, row, i int) float32
	// Encode rounds whole blocks, of types that activations have.
	Encode func(dst []byte, src []float32)
}

// F32 is buffer i as floats.
func (a *Args) F32(i int) []float32 { return view[float32](a.Bufs[i].Data) }

// I32 is buffer i as integers.
func (a *Args) I32(i int) []int32 { return view[int32](a.Bufs[i].Data) }

// F16 is buffer i as floats of type f16.
func (a *Args) F16(i int) F16 { return view[uint16](a.Bufs[i].Data) }

// BF16 is buffer i as floats of type bf16.
func (a *Args) BF16(i int) BF16 { return view[uint16](a.Bufs[i].Data) }

// Matrix is buffer i of any weight type.
func (a *Args) Matrix(i int) *Buffer { return &a.Bufs[i] }

func view[T float32 | int32 | uint16](b []byte) []T {
	if len(b) == 0 {
		return nil
	}
	var t T
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(b))), len(b)/int(unsafe.Sizeof(t)))
}

// Dot runs the buffer's tile.
func (b *Buffer) Dot(acc []float32, wAt, wStride int, x []float32, xStride, rows, cols, k int) {
	b.Tile.Dot(acc, b.Data, wAt, wStride, x, xStride, rows, cols, k)
}

// Mix runs the buffer's tile.
func (b *Buffer) Mix(acc []float32, wAt, wStride int, x []float32, xStride, rows, cols, k int) {
	b.Tile.Mix(acc, b.Data, wAt, wStride, x, xStride, rows, cols, k)
}

// DotActs runs the tile with activations.
func (b *Buffer) DotActs(acc []float32, wAt, wStride int, x *Buffer, xAt, xStride, rows, cols, k int) {
	b.Tile.dotActs(x.DType)(acc, b.Data, wAt, wStride, x.Data, xAt, xStride, rows, cols, k)
}

// dotActs is the tile's function for activations of a type, or nil.
func (t *Tile) dotActs(d kernel.DType) DotActs {
	switch d {
	case kernel.A8:
		return t.DotA8
	case kernel.A16:
		return t.DotA16
	}
	return nil
}

// Encode writes n elements from element at on, both whole blocks.
func (b *Buffer) Encode(at int, src []float32, n int) {
	row := b.DType.Row()
	if at < 0 || n < 0 || at%row.Elems != 0 || n%row.Elems != 0 {
		panic(fmt.Sprintf("%s: elements [%d, %d) are not whole blocks of %d", row.Name, at, at+n, row.Elems))
	}
	b.Tile.Encode(b.Data[at/row.Elems*row.Bytes:(at+n)/row.Elems*row.Bytes], src[:n])
}

// At is element i.
func (b *Buffer) At(i int) float32 { return b.Tile.At(b.Data, b.Row, i) }
