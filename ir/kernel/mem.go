package kernel

import (
	"encoding/binary"
	"fmt"
	"math"
)

// Mem is a buffer of the interpreter: whole blocks of DType in Data.
type Mem struct {
	DType DType
	Data  []byte
	Row   int64 // of a panel type: elements of a row of the matrix, which are whole blocks
}

// NewMem is zeroed memory of n elements.
func NewMem(d DType, n int64) (*Mem, error) {
	size, err := d.RowBytes(n)
	if err != nil {
		return nil, err
	}
	return &Mem{DType: d, Data: make([]byte, size)}, nil
}

// Len is the number of elements.
func (m *Mem) Len() int64 {
	row := m.DType.Row()
	return int64(len(m.Data)/row.Bytes) * int64(row.Elems) * int64(row.Rows)
}

// Load reads element i, which must be below Len.
func (m *Mem) Load(i int64) Value {
	row := m.DType.Row()
	return m.load(row, i, make([]float32, row.Elems))
}

// Store writes element i as the dtype holds it. Block types have no single elements to write; integers must fit.
func (m *Mem) Store(i int64, v Value) error { return m.store(m.DType.Row(), i, v, make([]float32, 1)) }

// load decodes into block, which has room for a block.
func (m *Mem) load(row *DTypeRow, i int64, block []float32) Value {
	if row.Panel != nil {
		return Value{F: m.panel(row, i)}
	}
	b := i / int64(row.Elems)
	src := m.Data[b*int64(row.Bytes):][:row.Bytes]
	if row.Decode == nil {
		return Value{I: loadInt(src)}
	}
	row.Decode(block[:row.Elems], src)
	return Value{F: block[i%int64(row.Elems)]}
}

func (m *Mem) store(row *DTypeRow, i int64, v Value, one []float32) error {
	if row.Elems != 1 {
		return fmt.Errorf("%s holds blocks of %d elements and is not stored to", row.Name, row.Elems)
	}
	dst := m.Data[i*int64(row.Bytes):][:row.Bytes]
	if row.Encode == nil {
		if !fits(dst, v.I) {
			return fmt.Errorf("%d does not fit %s", v.I, row.Name)
		}
		storeInt(dst, v.I)
		return nil
	}
	one[0] = v.F
	row.Encode(dst, one[:1])
	return nil
}

// decode returns elements [at, at+n), decoded in buf, which it lets grow.
func (m *Mem) decode(row *DTypeRow, at, n int64, buf *[]float32) []float32 {
	e := int64(row.Elems)
	if row.Panel != nil {
		if int64(cap(*buf)) < n {
			*buf = make([]float32, n)
		}
		for i := range n {
			(*buf)[i] = m.panel(row, at+i)
		}
		return (*buf)[:n]
	}
	first := at / e
	blocks := (at+n+e-1)/e - first
	if int64(cap(*buf)) < blocks*e {
		*buf = make([]float32, blocks*e)
	}
	dst := (*buf)[:blocks*e]
	row.Decode(dst, m.Data[first*int64(row.Bytes):][:blocks*int64(row.Bytes)])
	return dst[at-first*e:][:n]
}

// panel is element i of a matrix in panels.
func (m *Mem) panel(row *DTypeRow, i int64) float32 {
	r, k, e := i/m.Row, i%m.Row, int64(row.Elems)
	block := r/int64(row.Rows)*(m.Row/e) + k/e
	return row.Panel.At(m.Data[block*int64(row.Bytes):][:row.Bytes], int(r)%row.Rows, int(k%e))
}

// loadInt reads a little-endian two's complement integer; one byte is a truth value.
func loadInt(src []byte) int64 {
	if len(src) == 1 {
		return int64(src[0])
	}
	return int64(int32(binary.LittleEndian.Uint32(src)))
}

func fits(dst []byte, v int64) bool {
	if len(dst) == 1 {
		return v == 0 || v == 1
	}
	return v == int64(int32(v))
}

func storeInt(dst []byte, v int64) {
	if len(dst) == 1 {
		dst[0] = byte(v)
		return
	}
	binary.LittleEndian.PutUint32(dst, uint32(v))
}

func poison(s []float32) {
	for i := range s {
		s[i] = float32(math.NaN())
	}
}
